"""What a column is on both sides together: its type is fixed by the reference, and a change of it is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlops_ext.errors import InvalidValue
from mlops_ext.monitoring.drift.columns import Categories, Kind, Numbers, categories_of, kind_of, numbers_of
from mlops_ext.monitoring.drift.profile import Stored
from mlops_ext.monitoring.drift.sketched import Sketched
from mlops_ext.monitoring.types import DriftRow

__all__ = ["as_categories", "as_numbers", "missing_of", "shared_kind"]

_ZONE = r"(Z|[+-]\d\d:?\d\d)$"


def as_numbers(column: Any, name: str) -> Numbers | Sketched:
    """Take a column as numbers, whatever its type.

    Raises
    ------
    InvalidValue
        It holds none, or was stored as categories.
    """
    if not isinstance(column, Stored):
        return numbers_of(column, name)
    if isinstance(column.column, Categories):
        raise InvalidValue(f"column {name!r} is stored as categories", hint="Store the reference anew with numeric=")
    return column.column


def as_categories(column: Any, name: str) -> Categories:
    """Take a column as categories, whatever its type.

    Raises
    ------
    InvalidValue
        It was stored as numbers.
    """
    if not isinstance(column, Stored):
        return categories_of(column)
    if not isinstance(column.column, Categories):
        raise InvalidValue(f"column {name!r} is stored as numbers", hint="Store the reference anew with categorical=")
    return column.column


def shared_kind(name: str, columns: tuple[Any, Any]) -> tuple[Kind | None, DriftRow | str]:
    """Fix how a column is treated by its reference; a side without any value follows the other."""
    stored = columns[0] if isinstance(columns[0], Stored) else None
    before, after = (each.source if isinstance(each, Stored) else kind_of(each) for each in columns)
    if stored and stored.kind in ("numeric", "categorical") and after in (before, "empty"):
        return stored.kind, ""
    if before == "empty" or after == "empty":
        known = after if before == "empty" else before
        return (
            ("numeric" if known == "empty" else known, "")
            if known in ("numeric", "categorical", "empty")
            else (None, _skipped(known))
        )
    if {before, after} == {"time", "categorical"} and all(map(_holds_times, columns)):
        return None, _skipped("time")
    if before != after:
        types = [_type_of(column) for column in columns]
        sentence = f"was {before} ({types[0]}), is {after} ({types[1]})"
        return None, DriftRow(
            column=name,
            statistic="retyped",
            value=1.0,
            parameters={"sentence": sentence, "reference": types[0], "current": types[1]},
        )
    return (before, "") if before in ("numeric", "categorical") else (None, _skipped(before))


def _type_of(column: Any) -> str:
    if isinstance(column, Stored):
        return column.type
    kind = column.dtype if isinstance(column, np.ndarray) else column.type
    return (
        str(kind.value_type if pa.types.is_dictionary(kind) else kind) if isinstance(kind, pa.DataType) else str(kind)
    )


def _holds_times(column: Any) -> bool:
    """Tell whether a column holds times, or texts that all are times, as when one side was read from CSV."""
    if isinstance(column, Stored):
        return column.source == "time"
    texts = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
    if pa.types.is_temporal(texts.type):
        return True
    try:
        pc.cast(texts, pa.timestamp("ns", "UTC" if pc.any(pc.match_substring_regex(texts, _ZONE)).as_py() else None))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False
    return True


def missing_of(column: Any) -> Categories:
    """Count a column's missing values alone."""
    if isinstance(column, Stored):
        column = column.column
        return Categories(pa.array([""], pa.large_string()), np.array([column.present]), column.missing)
    missing = int((~np.isfinite(column)).sum()) if isinstance(column, np.ndarray) else column.null_count
    return Categories(pa.array([""], pa.large_string()), np.array([len(column) - missing]), missing)


def _skipped(kind: str) -> str:
    if kind == "time":
        return "holds times, which move on by themselves; name it in `numeric` to compare it"
    return "holds nested values; name it in `categorical` to compare them as text"
