"""The primary key: columns that tell rows apart, checked before they are recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from mlops_ext.datasets.frames.convert import Representation, needed_columns
from mlops_ext.errors import InvalidValue

__all__ = ["primary_key_of"]


def primary_key_of(
    table: pa.Table, representation: Representation, asked: str | Sequence[Any] | None, before: Sequence[str]
) -> tuple[str, ...]:
    """Give the names of the key's columns in the table.

    Parameters
    ----------
    asked : str or sequence, optional
        What the user named; the key of the version before, while it has its columns, when None.
    before : sequence of str
        The key of the version before.

    Raises
    ------
    InvalidValue
        No such column, or two rows have the same key, or it is missing in one.
    """
    if asked is None:
        key = list(before) if set(before) <= set(table.column_names) else []
    else:
        key = needed_columns(representation, [asked] if isinstance(asked, str) else list(asked), exact=False) or []
    if key:
        _check(table, key)
    return tuple(key)


def _check(table: pa.Table, key: list[str]) -> None:
    hint = "Name columns that tell rows apart, or give primary_key=[] for none"
    for name in key:
        if table[name].null_count:
            raise InvalidValue(f"column {name!r} of the primary key has missing values", hint=hint)
    columns = table.select(key)
    try:
        counted = columns.group_by(key).aggregate([([], "count_all")])
    except pa.ArrowException as error:
        raise InvalidValue(f"the primary key {', '.join(key)} cannot be compared: {error}", hint=hint) from error
    if counted.num_rows == table.num_rows:
        return
    repeated = counted.filter(pc.greater(counted["count_all"], 1)).slice(0, 1).to_pylist()[0]
    count = repeated.pop("count_all")
    raise InvalidValue(f"{count} rows have the primary key {repeated}", hint=hint)
