"""Polars frames to Arrow and exactly back, whatever else the process did."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlops_ext.datasets.content.arrow_types import is_binary, is_list, is_string
from mlops_ext.errors import InvalidValue, MissingExtra

__all__ = ["check_schema", "settled", "to_polars"]


def check_schema(schema: Any) -> None:
    """Refuse columns that cannot be kept exactly.

    Parameters
    ----------
    schema : polars.Schema
        Of a frame, eager or lazy.
    """
    for name, dtype in schema.items():
        if "\0" in name:
            raise InvalidValue(f"column {name!r} cannot be kept exactly: a zero is in its name", hint="Rename it")
        if "Object" in str(dtype) or "128" in str(dtype):
            raise InvalidValue(f"column {name!r} cannot be kept exactly: its dtype is {dtype}", hint="Cast it first")


def settled(arrow: pa.Table, schema: Any) -> tuple[pa.Table, dict[str, Any]]:
    """Give Polars' Arrow table types that do not depend on the release, and the words that bring the dtypes back.

    Parameters
    ----------
    arrow : pyarrow.Table
        As Polars gave it.
    schema : polars.Schema
        The dtypes.
    """
    import polars as pl

    enums = {name: dtype.categories.to_list() for name, dtype in schema.items() if isinstance(dtype, pl.Enum)}
    columns = [_settled(arrow[name], enums.get(name)) for name in arrow.column_names]
    table = pa.table(columns, names=arrow.column_names) if columns else arrow
    made = to_polars(table.slice(0, 3), list(enums))
    for name, dtype in schema.items():
        if made.schema[name] != dtype:
            text = f"column {name!r} cannot be kept exactly: its dtype {dtype} would come back as {made.schema[name]}"
            raise InvalidValue(text, hint="Cast it first")
    return table, {"enums": list(enums)} if enums else {}


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


def to_polars(table: pa.Table, enums: list[str]) -> Any:
    """Give a table as a Polars frame; the named columns are enums."""
    try:
        import polars as pl
    except ImportError as error:
        raise MissingExtra.of("polars", "all") from error
    if not table.num_columns:
        return pl.DataFrame(height=table.num_rows) if table.num_rows else pl.DataFrame()
    columns = [_unsliced(values) if _has_array(values.type) else values for values in table.columns]
    frame: Any = pl.from_arrow(pa.table(columns, schema=table.schema))
    # Polars gives a column without a name one of its own.
    frame.columns = table.column_names
    if not enums:
        return frame
    categories = {name: _dictionary(table[name]).to_pylist() for name in enums if name in table.column_names}
    return frame.with_columns([pl.col(name).cast(pl.Enum(values)) for name, values in categories.items()])


def _unsliced(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Copy arrays of fixed size, of whose slices Polars takes the whole buffers."""
    chunks = [chunk.take(pa.array(np.arange(len(chunk)))) for chunk in values.chunks]
    return pa.chunked_array(chunks, values.type)


def _has_array(kind: pa.DataType) -> bool:
    children = (kind.field(place).type for place in range(kind.num_fields))
    return pa.types.is_fixed_size_list(kind) or any(_has_array(each) for each in children)


def _dictionary(values: pa.ChunkedArray) -> pa.Array:
    if values.num_chunks == 0:
        return pa.array([], values.type).dictionary
    return values.chunk(0).dictionary
