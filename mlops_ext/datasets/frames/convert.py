"""Frames of every kind to Arrow, and back to the kind they were: nothing is changed in silence.

A frame becomes a table, whose content is hashed, and a representation: JSON that says which kind it
was and what else makes it that frame (index, labels, dtypes, exact types).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from mlops_ext.datasets.content.arrow_types import describe_schema, is_binary, is_list, is_string, restore_schema
from mlops_ext.datasets.content.canonical import unified
from mlops_ext.errors import InvalidValue, MissingExtra, did_you_mean

__all__ = ["Kind", "Representation", "from_table", "needed_columns", "plain_view", "to_table"]

Kind = Literal["pandas", "polars", "arrow"]
FORMAT = "r1"
_KINDS = ("pandas", "polars", "arrow")


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
    obj : pandas.DataFrame, polars.DataFrame, pyarrow.Table, DuckDB relation, str or Path
        A path names a CSV or Parquet file, which is read as Arrow.

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
    if isinstance(obj, str | Path):
        table, kind, words = _read_file(Path(obj)), "arrow", {}
    elif home == "polars":
        table, kind, words = _from_polars(obj)
    elif home in ("duckdb", "_duckdb") and hasattr(obj, "to_arrow_table"):
        table, kind, words = obj.to_arrow_table(), "duckdb", {}
    elif isinstance(obj, pa.Table):
        table, kind, words = obj, "arrow", {}
    elif isinstance(obj, pa.RecordBatch):
        table, kind, words = pa.Table.from_batches([obj]), "arrow", {}
    else:
        table, kind, words = _from_pandas(obj)
    _check_table(table)
    table = _unified(table)
    return table, Representation(kind, table.schema, words)


def from_table(table: pa.Table, representation: Representation, as_: Kind | None, columns: list[str] | None) -> Any:
    """Give a table as the frame it was, or as another kind.

    Parameters
    ----------
    table : pyarrow.Table
        With the exact types of the representation.
    as_ : {"pandas", "polars", "arrow"}, optional
        The wanted kind; the original one when left out.
    columns : list of str, optional
        The wanted columns in order.
    """
    wanted = as_ or representation.kind
    if wanted == "pandas" and representation.kind == "pandas":
        from mlops_ext.datasets.frames.pandas_frames import to_pandas

        return to_pandas(table, representation.words, columns)
    if columns is not None:
        table = table.select(columns)
    if wanted == "pandas":
        return plain_view(table)
    if wanted == "polars":
        return _to_polars(table, representation.words.get("enums", []) if representation.kind == "polars" else [])
    if wanted == "duckdb":
        return _to_duckdb(table)
    return table


def needed_columns(representation: Representation, columns: list[str] | None, *, exact: bool) -> list[str] | None:
    """Check the asked columns; for the very frame that was snapshotted add those of its index.

    Raises
    ------
    InvalidValue
        A column is not in the dataset, or asked for twice.
    """
    if columns is None:
        return None
    index: list[str] = []
    if exact and representation.kind == "pandas":
        from mlops_ext.datasets.frames.pandas_frames import index_names

        index = index_names(representation.words)
    known = [name for name in representation.schema.names if name not in index]
    for name in columns:
        if name not in known:
            raise InvalidValue(f"no column named {name!r}", hint=did_you_mean(str(name), known))
    if len(set(columns)) != len(columns):
        raise InvalidValue(f"a column is asked for twice: {columns}", hint="Name each column once")
    return [*columns, *index]


def check_kind(as_: str | None) -> None:
    """Refuse a kind of frame that `load` cannot give."""
    if as_ is not None and as_ not in _KINDS:
        raise InvalidValue(f"unknown kind of frame {as_!r}", hint=f"Choose one of {', '.join(_KINDS)}")


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
        raise InvalidValue("a LazyFrame holds no rows yet", hint="Snapshot frame.collect()")
    if not isinstance(frame, pl.DataFrame):
        raise InvalidValue(f"a Polars {type(frame).__name__} is no frame", hint="Snapshot series.to_frame()")
    for name, dtype in frame.schema.items():
        if "Object" in str(dtype) or "128" in str(dtype):
            raise InvalidValue(f"column {name!r} cannot be kept exactly: its dtype is {dtype}", hint="Cast it first")
    enums = {name: dtype.categories.to_list() for name, dtype in frame.schema.items() if isinstance(dtype, pl.Enum)}
    arrow = frame.to_arrow() if frame.width else pa.table({"rows": pa.nulls(frame.height)}).select([])
    _check_table(arrow)
    columns = [_settled(arrow[name], enums.get(name)) for name in arrow.column_names]
    table = pa.table(columns, names=arrow.column_names) if columns else arrow
    made = _to_polars(table.slice(0, 3), list(enums))
    for name, dtype in frame.schema.items():
        if made.schema[name] != dtype:
            text = f"column {name!r} cannot be kept exactly: its dtype {dtype} would come back as {made.schema[name]}"
            raise InvalidValue(text, hint="Cast it first")
    return table, "polars", {"enums": list(enums)} if enums else {}


def _settled(values: pa.ChunkedArray, enum: list[str] | None) -> pa.ChunkedArray:
    """Give a Polars column types that do not depend on the release or on what else the process did."""
    if not pa.types.is_dictionary(values.type):
        return values.cast(_large(values.type))
    held = values.unify_dictionaries().chunks or [pa.array([], values.type)]
    dictionary = held[0].dictionary.cast(pa.large_string())
    if enum is None:
        used = dictionary.take(pc.drop_null(pc.unique(pa.chunked_array([each.indices for each in held]))))
        ordered = used.take(pc.array_sort_indices(used))
    else:
        ordered = pa.array(enum, pa.large_string())
    places = pc.index_in(dictionary, ordered)
    chunks = [
        pa.DictionaryArray.from_arrays(places.take(each.indices.cast(pa.int64())), ordered, ordered=enum is not None)
        for each in held
    ]
    return pa.chunked_array(chunks)


def _large(kind: pa.DataType) -> pa.DataType:
    if is_string(kind):
        return pa.large_string()
    if is_binary(kind):
        return pa.large_binary()
    if is_list(kind):
        return pa.large_list(_large(kind.value_type))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_large(kind.value_type), kind.list_size)
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(each.name, _large(each.type)) for each in kind])
    return kind


def _to_polars(table: pa.Table, enums: list[str]) -> Any:
    try:
        import polars as pl
    except ImportError as error:
        raise MissingExtra.of("polars", "all") from error
    if not table.num_columns:
        return pl.DataFrame(height=table.num_rows) if table.num_rows else pl.DataFrame()
    frame: Any = pl.from_arrow(table)
    if not enums:
        return frame
    categories = {name: _dictionary(table[name]).to_pylist() for name in enums if name in table.column_names}
    return frame.with_columns([pl.col(name).cast(pl.Enum(values)) for name, values in categories.items()])


def _dictionary(values: pa.ChunkedArray) -> pa.Array:
    if values.num_chunks == 0:
        return pa.array([], values.type).dictionary
    return values.chunk(0).dictionary


def _to_duckdb(table: pa.Table) -> Any:
    try:
        import duckdb
    except ImportError as error:
        raise MissingExtra.of("duckdb", "data") from error
    return duckdb.from_arrow(table)


def _read_file(path: Path) -> pa.Table:
    if not path.is_file():
        raise InvalidValue(f"no file {str(path)!r}", hint="Give the path of a CSV or Parquet file, or a frame")
    suffixes = [suffix.lower() for suffix in path.suffixes]
    try:
        if ".csv" in suffixes[-2:]:
            from pyarrow import csv

            return csv.read_csv(path)
        if suffixes[-1:] in ([".parquet"], [".pq"]):
            from pyarrow import parquet

            return parquet.ParquetFile(path).read()
    except (pa.ArrowException, OSError) as error:
        raise InvalidValue(
            f"cannot read {str(path)!r}: {error}", hint="Read it yourself and snapshot the frame"
        ) from error
    raise InvalidValue(f"unknown kind of file {path.name!r}", hint="Give a .csv or .parquet file, or a frame")


def _check_table(table: pa.Table) -> None:
    names = table.column_names
    repeated = next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
    if repeated is not None:
        raise InvalidValue(f"column {repeated!r} stands in the frame more than once", hint="Rename one of them")
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
