"""Frames of every kind to Arrow, and back to the kind they were: nothing is changed in silence.

A frame becomes a table, whose content is hashed, and a representation: JSON that says which kind it
was and what else makes it that frame (index, labels, dtypes, exact types).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

from mlops_ext.datasets.content.arrow_types import describe_schema, restore_schema
from mlops_ext.datasets.content.canonical import unified
from mlops_ext.datasets.frames import polars_frames
from mlops_ext.datasets.frames.arrow_frames import restored, stored
from mlops_ext.errors import InvalidValue, MissingExtra, did_you_mean

__all__ = [
    "Kind", "LazyKind", "Representation", "from_polars_file", "from_table", "needed_columns", "plain_view", "to_table",
]  # fmt: skip

Kind = Literal["pandas", "polars", "arrow", "duckdb", "path"]
LazyKind = Literal["polars", "arrow", "duckdb"]
FORMAT = "r1"
_KINDS = ("pandas", "polars", "arrow", "duckdb", "path")


@dataclass(frozen=True)
class Representation:
    """What makes two frames of equal content differ."""

    kind: str
    schema: pa.Schema
    words: dict[str, Any]

    def to_bytes(self) -> bytes:
        """Write it as JSON with sorted keys."""
        held = {"format": FORMAT, "kind": self.kind, "schema": describe_schema(self.schema), "words": self.words}
        return json.dumps(held, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Representation:
        """Read what `to_bytes` wrote.

        Raises
        ------
        InvalidValue
            A later release wrote it.
        """
        held = json.loads(data)
        if held.get("format") != FORMAT:
            raise InvalidValue(
                f"a representation of format {held.get('format')!r}", hint="Upgrade: pip install -U mlops-ext"
            )
        return cls(held["kind"], restore_schema(held["schema"]), held["words"])


def to_table(obj: Any) -> tuple[pa.Table, Representation]:
    """Turn a frame into a table and its representation.

    Parameters
    ----------
    obj : pandas.DataFrame, polars.DataFrame or pyarrow.Table
        All of its rows are in memory, or mapped.

    Raises
    ------
    InvalidValue
        The object is no frame, or cannot be kept exactly.

    Examples
    --------
    >>> import pandas as pd
    >>> table, representation = to_table(pd.DataFrame({"x": [1, 2]}))
    >>> representation.kind, table.num_rows
    ('pandas', 2)
    """
    home = type(obj).__module__.partition(".")[0]
    kind: str
    words: dict[str, Any]
    if home == "polars":
        table, kind, words = _from_polars(obj)
    elif isinstance(obj, pa.Table | pa.RecordBatch):
        given = obj if isinstance(obj, pa.Table) else pa.Table.from_batches([obj])
        kind, (table, words) = "arrow", stored(given)
    else:
        table, kind, words = _from_pandas(obj)
    _check_table(table)
    table = _unified(table)
    return table, Representation(kind, table.schema, words)


def from_table(
    table: pa.Table, representation: Representation, as_: Kind | None, columns: Any = None, rows: Any = None
) -> Any:
    """Give a table as the frame it was, or as another kind.

    Parameters
    ----------
    table : pyarrow.Table
        With the exact types of the representation.
    as_ : {"pandas", "polars", "arrow", "duckdb"}, optional
        The wanted kind; the original one when left out.
    columns : sequence, optional
        What was asked for, when not all columns were.
    rows : (range or numpy.ndarray, int), optional
        The places of the rows when they are not all, and how many there were; a pandas index is cut alike.
    """
    wanted = as_ or representation.kind
    if wanted == "pandas" and representation.kind == "pandas":
        from mlops_ext.datasets.frames.pandas_frames import index_names, to_pandas

        index = index_names(representation.words)
        kept = [name for name in table.column_names if name not in index]
        return to_pandas(table, representation.words, None if columns is None else kept, rows)
    if wanted == "pandas":
        return plain_view(table)
    if wanted == "polars":
        enums = representation.words.get("enums", []) if representation.kind == "polars" else []
        return polars_frames.to_polars(table, enums)
    if wanted == "duckdb":
        return _to_duckdb(table)
    return restored(table, representation.words) if representation.kind == "arrow" else table


def needed_columns(representation: Representation, columns: Sequence[Any] | None, *, exact: bool) -> list[str] | None:
    """Find the asked columns; for the very frame that was snapshotted add those of its index.

    Parameters
    ----------
    columns : sequence, optional
        Names, or a pandas frame's labels of any type; a label that stands twice means both columns.

    Raises
    ------
    InvalidValue
        A column is not in the dataset, or asked for twice.
    """
    if columns is None:
        return None
    labels: list[tuple[Any, str]] = [(name, name) for name in representation.schema.names]
    index: list[str] = []
    if representation.kind == "pandas":
        from mlops_ext.datasets.frames.pandas_frames import column_labels, index_names

        labels = column_labels(representation.words)
        index = index_names(representation.words)
        labels += [] if exact else [(name, name) for name in index]
    found = [name for asked in columns for name in _named(asked, labels)]
    if len(set(found)) != len(found):
        raise InvalidValue(f"a column is asked for twice: {list(columns)}", hint="Name each column once")
    return [*found, *index] if exact else found


def _named(asked: Any, labels: list[tuple[Any, str]]) -> list[str]:
    found = [name for label, name in labels if type(label) is type(asked) and label == asked]
    found = found or [name for _, name in labels if name == asked]
    if not found:
        raise InvalidValue(
            f"no column named {asked!r}", hint=did_you_mean(str(asked), [str(label) for label, _ in labels])
        )
    return found


def check_kind(as_: str | None, kinds: Sequence[str] = _KINDS) -> None:
    """Refuse a kind of frame that cannot be given."""
    if as_ is not None and as_ not in kinds:
        raise InvalidValue(f"unknown kind of frame {as_!r}", hint=f"Choose one of {', '.join(kinds)}")


def plain_view(table: pa.Table) -> Any:
    """Give a table as a pandas frame; whole numbers and truth values with nulls get pandas' nullable dtypes."""
    import pandas as pd

    nullable = {
        pa.int8(): pd.Int8Dtype(), pa.int16(): pd.Int16Dtype(), pa.int32(): pd.Int32Dtype(),
        pa.int64(): pd.Int64Dtype(), pa.uint8(): pd.UInt8Dtype(), pa.uint16(): pd.UInt16Dtype(),
        pa.uint32(): pd.UInt32Dtype(), pa.uint64(): pd.UInt64Dtype(), pa.bool_(): pd.BooleanDtype(),
    }  # fmt: skip
    columns = {
        name: values.to_pandas(types_mapper=nullable.get if values.null_count else None)
        for name, values in zip(table.column_names, table.columns, strict=True)
    }
    return pd.DataFrame(columns, index=pd.RangeIndex(table.num_rows), columns=table.column_names)


def _from_pandas(obj: Any) -> tuple[pa.Table, str, dict[str, Any]]:
    home = type(obj).__module__.partition(".")[0]
    if home != "pandas" and not any(base.__module__.startswith("pandas.") for base in type(obj).__mro__):
        raise _no_frame(obj)
    import pandas as pd

    if isinstance(obj, pd.Series):
        raise InvalidValue("a Series is no frame", hint="Snapshot series.to_frame()")
    if not isinstance(obj, pd.DataFrame):
        raise _no_frame(obj)
    from mlops_ext.datasets.frames.pandas_frames import from_pandas

    table, words = from_pandas(obj)
    return table, "pandas", words


def _from_polars(frame: Any) -> tuple[pa.Table, str, dict[str, Any]]:
    import polars as pl

    if isinstance(frame, pl.LazyFrame):
        raise InvalidValue("a LazyFrame holds no rows yet", hint="Collect it: frame.collect()")
    if not isinstance(frame, pl.DataFrame):
        raise InvalidValue(f"a Polars {type(frame).__name__} is no frame", hint="Snapshot series.to_frame()")
    polars_frames.check_schema(frame.schema)
    arrow = frame.to_arrow() if frame.width else pa.table({"rows": pa.nulls(frame.height)}).select([])
    _check_table(arrow)
    return _settled_polars(arrow, frame.schema)


def from_polars_file(arrow: pa.Table, schema: Any) -> tuple[pa.Table, Representation]:
    """Turn what a lazy frame wrote into a table and its representation.

    Parameters
    ----------
    arrow : pyarrow.Table
        The rows, in the oldest layout that Polars writes.
    schema : polars.Schema
        What the lazy frame says of itself.
    """
    table, kind, words = _settled_polars(arrow, schema)
    table = _unified(table)
    return table, Representation(kind, table.schema, words)


def _settled_polars(arrow: pa.Table, schema: Any) -> tuple[pa.Table, str, dict[str, Any]]:
    table, words = polars_frames.settled(arrow, schema)
    return table, "polars", words


def _to_duckdb(table: pa.Table) -> Any:
    try:
        import duckdb
    except ImportError as error:
        raise MissingExtra.of("duckdb", "data") from error
    return duckdb.from_arrow(table)


def _check_table(table: pa.Table) -> None:
    for field in table.schema:
        problem = _problem(field.type, top=True)
        if problem:
            raise InvalidValue(f"column {field.name!r} cannot be kept exactly: {problem}", hint="Convert it first")


def _unified(table: pa.Table) -> pa.Table:
    """Give all chunks of each dictionary column one dictionary."""
    if not any(pa.types.is_dictionary(each.type) for each in table.schema):
        return table
    columns = [unified(values) if pa.types.is_dictionary(values.type) else values for values in table.columns]
    for field, values in zip(table.schema, columns, strict=True):
        if pa.types.is_dictionary(field.type) and values.num_chunks and values.chunk(0).dictionary.null_count:
            raise InvalidValue(
                f"column {field.name!r} cannot be kept exactly: a category is null", hint="Drop that category first"
            )
    return pa.table(columns, schema=table.schema)


def _problem(kind: pa.DataType, *, top: bool) -> str:
    if pa.types.is_dictionary(kind):
        return _problem(kind.value_type, top=False) if top else "categories inside lists or structs"
    if pa.types.is_struct(kind) and not kind.num_fields:
        return "a struct without fields"
    if str(kind).startswith(("list_view<", "large_list_view<")):
        return f"its type is {kind}"
    if kind.num_fields and not isinstance(kind, pa.BaseExtensionType):
        parts = (_problem(kind.field(index).type, top=False) for index in range(kind.num_fields))
        return next(filter(None, parts), "")
    try:
        describe_schema(pa.schema([pa.field("x", kind)]))
    except InvalidValue:
        return f"its type is {kind}"
    return ""


def _no_frame(obj: Any) -> InvalidValue:
    return InvalidValue(
        f"a {type(obj).__name__} is no frame",
        hint="Give a pandas or Polars frame, an Arrow table, a DuckDB relation or the path of a CSV or Parquet file",
    )
