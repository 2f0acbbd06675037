"""Plain zstd Parquet that any engine opens, and back to the exact types: nothing here knows versions or stores."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from mlops_ext.datasets.content.arrow_types import is_binary, is_list, is_string
from mlops_ext.errors import InvalidValue

__all__ = ["ROW_GROUP_ROWS", "exact_column", "is_word", "plain_type", "read_columns", "write_file"]

ROW_GROUP_ROWS = 1 << 19
"""Dictionaries stay small, and a run of rows is read without the others; smaller groups take more memory to write."""
SHORT_ROWS = 1 << 13


def read_columns(
    path: Path,
    names: Sequence[str],
    dictionaries: Sequence[str] = (),
    rows: tuple[int, int] | None = None,
    *,
    is_large: bool = False,
) -> pa.Table:
    """Read columns of a file with the types that it holds.

    Parameters
    ----------
    names : sequence of str
        The wanted columns, in order.
    dictionaries : sequence of str
        Those of them that are to be read as dictionaries.
    rows : (int, int), optional
        First row and number of rows; only the row groups that hold them are read.
    is_large : bool
        Read text and bytes with 64-bit offsets at once, if this release of Arrow can.
    """
    file = parquet.ParquetFile(path, read_dictionary=list(dictionaries), memory_map=True, **_large(is_large))
    if rows is None:
        return file.read(columns=list(names)).select(list(names))
    first, count = rows
    groups, start, skipped = [], 0, 0
    for group in range(file.num_row_groups):
        end = start + file.metadata.row_group(group).num_rows
        if start < first + count and end > first:
            groups.append(group)
        elif end <= first:
            skipped = end
        start = end
    return file.read_row_groups(groups, columns=list(names)).select(list(names)).slice(first - skipped, count)


@lru_cache
def _large(is_large: bool) -> dict[str, pa.DataType]:
    known = "binary_type" in inspect.signature(parquet.ParquetFile).parameters
    return {"binary_type": pa.large_binary()} if is_large and known else {}


def write_file(table: pa.Table, path: Path) -> Path:
    """Write a file with the plain types that every engine reads, without anything of this library's version."""
    columns = [_plain_values(values) for values in table.columns]
    plain = pa.table(columns, names=table.column_names)
    options = {"compression": "zstd", "row_group_size": ROW_GROUP_ROWS, "store_schema": False}
    options["use_dictionary"] = _repeating(plain)
    try:
        parquet.write_table(plain, path, **options, write_statistics=_ordered(plain.schema))
    except pa.ArrowException as error:
        raise InvalidValue(f"the frame cannot be stored: {error}", hint="Convert the named column first") from error
    return path


def _repeating(table: pa.Table) -> list[str] | bool:
    """Name the columns worth a dictionary: in a short file, one of most values is nearly as long as they are."""
    if len(table) > SHORT_ROWS or any(each.type.num_fields for each in table.schema):
        return True
    most = len(table) // 2
    pairs = zip(table.schema, table.columns, strict=True)
    return [
        each.name
        for each, values in pairs
        if not pa.types.is_primitive(each.type) or pc.count_distinct(values, mode="all").as_py() <= most
    ]


def _ordered(schema: pa.Schema) -> list[str]:
    """Name the columns whose ends are written: numbers and times. Those of text take an eighth of all time."""
    return [each.name for each in schema if pa.types.is_primitive(each.type)]


def _plain_values(values: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = values.type
    if pa.types.is_dictionary(kind):
        if is_word(kind.value_type):
            return values
        return pa.chunked_array(
            [each.indices.cast(pa.int64()) for each in values.unify_dictionaries().chunks], pa.int64()
        )
    plain = plain_type(kind)
    return values if plain == kind else _cast(values, plain)


def plain_type(kind: pa.DataType) -> pa.DataType:
    """Choose the type that Parquet keeps bit by bit."""
    if str(kind) == "string_view":
        return pa.large_string()
    if str(kind) == "binary_view":
        return pa.large_binary()
    if pa.types.is_duration(kind) or (pa.types.is_timestamp(kind) and kind.unit == "s") or kind == pa.date64():
        return pa.int64()
    if pa.types.is_time(kind) and kind.unit == "s":
        return pa.time32("ms")
    if pa.types.is_decimal(kind) and kind.bit_width < 128:
        return pa.decimal128(kind.precision, kind.scale)
    return _plain_nested(kind)


def _plain_nested(kind: pa.DataType) -> pa.DataType:
    if is_list(kind):
        return pa.large_list(plain_type(kind.value_type))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(plain_type(kind.value_type), kind.list_size)
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(each.name, plain_type(each.type)) for each in kind])
    if pa.types.is_map(kind):
        return pa.map_(plain_type(kind.key_type), plain_type(kind.item_type))
    return kind


def is_word(kind: pa.DataType) -> bool:
    """Tell text and bytes, whose categories are stored as themselves and not as places in a dictionary."""
    return is_string(kind) or is_binary(kind)


def exact_column(values: pa.ChunkedArray, kind: pa.DataType, dictionary: pa.Array | None) -> pa.ChunkedArray:
    """Give values as read from a file the type that they had, with the dictionary that they had."""
    if dictionary is None:
        return values if _is_same(values.type, kind) else _cast(values, kind)
    held = values.chunks or [pa.array([], values.type)]
    chunks = [_indices(each, dictionary).cast(kind.index_type) for each in held]
    made = [pa.DictionaryArray.from_arrays(each, dictionary, ordered=kind.ordered) for each in chunks]
    return pa.chunked_array(made, kind)


def _is_same(left: pa.DataType, right: pa.DataType) -> bool:
    """Compare types with the names and metadata of what they nest, which == leaves out."""
    return bool(left.equals(right, check_metadata=True)) and str(left) == str(right)


def _indices(values: pa.Array, dictionary: pa.Array) -> pa.Array:
    """Find the place of each value in the stored dictionary, so that its order and unused values come back."""
    if not pa.types.is_dictionary(values.type):
        if not is_word(dictionary.type):
            return values
        values = values.dictionary_encode()
    places = pc.index_in(values.dictionary.cast(dictionary.type), dictionary)
    return places.take(values.indices)


def _cast(values: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """Change the layout, never a value: what would not come back the same is refused."""
    try:
        return values.cast(kind)
    except pa.ArrowException as error:
        raise InvalidValue(
            f"a column of type {values.type} cannot be kept exactly: {error}", hint="Convert it first"
        ) from error
