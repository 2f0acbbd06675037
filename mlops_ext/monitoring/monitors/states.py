"""What a window of a stream holds: all rows while they are few, then sketches that tell their error.

Both are mergeable, in any order, and are written as one Arrow file. Numbers go into a KLL sketch, labels are counted
exactly up to so many distinct ones and then go into a sketch of frequent items; rows, missing values, mean and standard
deviation stay exact.

References
----------
Karnin, Lang, Liberty, "Optimal quantile approximation in streams", FOCS (2016).
Anderson et al., "A high-performance algorithm for identifying frequent items in data streams", IMC (2017).
Chan, Golub, LeVeque, "Algorithms for computing the sample variance", Am. Stat. 37 (1983), for merged moments.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlops_ext.errors import InvalidValue
from mlops_ext.monitoring.monitors.tallies import Tally, merged, read_tallies, tally_of, write_tallies
from mlops_ext.monitoring.sources import Columns, columns_of

__all__ = ["Rows", "Tallies", "joined", "read_part", "rows_of"]

_KEY = b"mlops_ext.window"


@dataclass(frozen=True)
class Rows:
    """A window, or a part of one, with all its rows."""

    table: pa.Table

    def columns(self) -> Columns:
        """Give them as what is compared."""
        return columns_of(self.table, "window")

    def pack(self) -> bytes:
        """Write them."""
        return _written(self.table)


@dataclass(frozen=True)
class Tallies:
    """A window, or a part of one, as sketches, column by column."""

    tallies: dict[str, Tally]
    rows: int

    def columns(self) -> Columns:
        """Give them as what is compared."""
        return Columns({name: tally.stored for name, tally in self.tallies.items()}, self.rows)

    def pack(self) -> bytes:
        """Write them."""
        return _written(write_tallies(self.tallies), str(self.rows))


def rows_of(frame: Any, watched: Collection[str]) -> pa.Table:
    """Take the watched columns out of a frame, as an Arrow table."""
    columns = columns_of(frame, "batch")
    kept = {name: columns[name] for name in columns if name in watched}
    plain = {name: pa.array(each) if isinstance(each, np.ndarray) else each for name, each in kept.items()}
    if not plain and columns.rows:
        raise InvalidValue(
            f"no column of the batch is watched: it has {', '.join(list(columns)[:10]) or 'none'}",
            hint=f"Give {', '.join(list(watched)[:10])}",
        )
    return pa.table(plain)


def read_part(source: Path | bytes) -> Rows | Tallies:
    """Read what `pack` wrote.

    Raises
    ------
    InvalidValue
        It is no Arrow file.
    """
    try:
        table = pa.ipc.open_file(pa.BufferReader(source) if isinstance(source, bytes) else str(source)).read_all()
    except pa.ArrowException as error:
        raise InvalidValue(f"the batch is no Arrow file: {error}", hint="Write it with pyarrow.ipc.new_file") from error
    tallied = (table.schema.metadata or {}).get(_KEY)
    return Rows(table) if tallied is None else Tallies(read_tallies(table), int(tallied))


def joined(
    parts: Iterable[Rows | Tallies], categorical: Collection[str], numeric: Collection[str], *, exact: bool
) -> Rows | Tallies:
    """Join parts, one in memory at a time unless all rows are kept.

    Parameters
    ----------
    parts : iterable of Rows or Tallies
        In any order.
    categorical, numeric : collection of str
        Columns that are treated so whatever their type.
    exact : bool
        Keep all rows, unless a part is a sketch already.
    """
    if exact:
        parts = list(parts)
        tables = [part.table for part in parts if isinstance(part, Rows)]
        if len(tables) == len(parts):
            return Rows(_concatenated(tables))
    whole = Tallies({}, 0)
    for part in parts:
        whole = _together(whole, _tallied(part.table, categorical, numeric) if isinstance(part, Rows) else part)
    return whole


def _tallied(table: pa.Table, categorical: Collection[str], numeric: Collection[str]) -> Tallies:
    tallies = {name: tally_of(table[name], name, categorical, numeric) for name in table.column_names}
    return Tallies(tallies, table.num_rows)


def _together(a: Tallies, b: Tallies) -> Tallies:
    """Merge two; what one of them lacks is missing in all its rows."""
    names = list(dict.fromkeys([*a.tallies, *b.tallies]))
    sides = [(each.tallies.get(name), each.rows) for name in names for each in (a, b)]
    pairs = zip(sides[::2], sides[1::2], strict=True)
    return Tallies({name: merged(*pair) for name, pair in zip(names, pairs, strict=True)}, a.rows + b.rows)


def _concatenated(tables: Sequence[pa.Table]) -> pa.Table:
    """Put tables below each other; what is numbers in one and labels in another becomes text."""
    if not tables:
        return pa.table({})
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        return pa.concat_tables(_of_one_type(tables), promote_options="permissive")


def _of_one_type(tables: Sequence[pa.Table]) -> list[pa.Table]:
    """Cast the columns that have several types: numbers to float64, all others to text."""
    types: dict[str, set[pa.DataType]] = {}
    for table in tables:
        for field in table.schema:
            if not pa.types.is_null(field.type):
                types.setdefault(field.name, set()).add(field.type)
    wanted = {
        name: pa.float64() if all(map(_is_number, found)) else pa.large_string()
        for name, found in types.items()
        if len(found) > 1
    }
    return [_cast(table, wanted) for table in tables]


def _cast(table: pa.Table, wanted: Mapping[str, pa.DataType]) -> pa.Table:
    for at, name in enumerate(table.column_names):
        if name in wanted:
            column = table[name]
            if pa.types.is_nested(column.type):
                texts = [None if value is None else str(value) for value in column.to_pylist()]
                table = table.set_column(at, name, pa.array(texts, pa.large_string()))
            else:
                table = table.set_column(at, name, pc.cast(column, wanted[name], safe=False))
    return table


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _written(table: pa.Table, tallied: str = "") -> bytes:
    """Write a table as an Arrow file, marked when it holds sketches."""
    sink = io.BytesIO()
    marked = table.replace_schema_metadata({_KEY: tallied} if tallied else None)
    with pa.ipc.new_file(sink, marked.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as out:
        out.write_table(marked)
    return sink.getvalue()
