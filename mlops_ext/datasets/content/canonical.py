"""Canonical form c1: a digest of the values themselves, whatever library, layout or file holds them.

The digest of a column is one hash stream over its logical type, its number of rows and fixed blocks of
65,536 rows. How the rows were chunked, sliced or stored, what lies under nulls, and which release of
which library wrote them, make no difference; any changed value, type, order, null or category does.
docs/formats/canonical.md fixes every byte.
"""

from __future__ import annotations

import os
import struct
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlops_ext.datasets.content.arrow_types import is_binary, is_list, is_string, logical_type
from mlops_ext.datasets.storage.manifest import CANONICAL_FORM, prefixed, table_digest
from mlops_ext.datasets.types import Column
from mlops_ext.store.hashing import Hasher, new_hash

__all__ = [
    "BLOCK_ROWS",
    "ColumnHasher",
    "Content",
    "ContentHasher",
    "Writer",
    "column_digest",
    "digest_table",
    "fixed_values",
    "no_rows",
    "text_parts",
    "unified",
    "validity",
    "zeroed",
]  # fmt: skip

BLOCK_ROWS = 65_536
_VALIDITY, _VALUES, _LENGTHS, _BYTES, _INDICES = b"V", b"D", b"L", b"B", b"I"


@dataclass(frozen=True)
class Content:
    """What a table holds: the digest of all, and of each column."""

    digest: str
    rows: int
    columns: tuple[Column, ...]


def digest_table(table: pa.Table, algorithm: str) -> Content:
    """Take the digest of a table's logical content.

    Parameters
    ----------
    table : pyarrow.Table
        Any chunking and layout.
    algorithm : str
        `b3` (BLAKE3-256) or `sha256`.

    Returns
    -------
    Content
        Digest of the table, of each column, and the nulls of each.

    Raises
    ------
    InvalidValue
        A column's type has no canonical form.

    Examples
    --------
    >>> import pyarrow as pa
    >>> a = pa.table({"x": pa.chunked_array([[1, 2], [3]])})
    >>> digest_table(a, "b3").digest == digest_table(a.combine_chunks(), "b3").digest
    True
    """
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        columns = tuple(pool.map(lambda name: _column(name, table[name], algorithm), table.column_names))
    return Content(table_digest(table.num_rows, columns, algorithm), table.num_rows, columns)


def column_digest(values: pa.ChunkedArray, algorithm: str) -> str:
    """Take the digest of one column's values; its name plays no part."""
    values = unified(values)
    hasher = ColumnHasher(values.type, len(values), algorithm)
    hasher.update(values)
    return hasher.digest()


class ColumnHasher:
    """The digest of a column that comes piece by piece; the number of its rows is known before.

    Parameters
    ----------
    kind : pyarrow.DataType
        The type of every piece.
    rows : int
        How many rows will come in all.
    algorithm : str
        `b3` or `sha256`.
    """

    def __init__(self, kind: pa.DataType, rows: int, algorithm: str) -> None:
        self._algorithm = algorithm
        self._hasher = new_hash(algorithm)
        self._hasher.update(prefixed(f"mlops_ext {CANONICAL_FORM} column", logical_type(kind)))
        self._hasher.update(struct.pack("<Q", rows))
        self._writer = Writer(self._hasher)
        self._shared = pa.types.is_dictionary(kind)
        self._dictionary = no_rows(kind).dictionary if self._shared else None
        self._waiting: list[pa.Array] = []
        self._missing = BLOCK_ROWS
        self.nulls = 0

    def update(self, values: pa.ChunkedArray) -> None:
        """Add rows; all pieces of a dictionary column share one dictionary, or one that only grows."""
        self.nulls += values.null_count
        for chunk in values.chunks:
            if self._shared:
                self._dictionary = chunk.dictionary
            start = 0
            while start < len(chunk):
                part = chunk.slice(start, self._missing)
                start += len(part)
                self._missing -= len(part)
                self._waiting.append(part)
                if self._missing == 0:
                    self._write()

    def digest(self) -> str:
        """End the column and give its digest."""
        if self._waiting:
            self._write()
        if self._dictionary is not None:
            self._writer.node(self._dictionary)
        return f"{self._algorithm}:{self._hasher.hexdigest()}"

    def _write(self) -> None:
        """Hash the block that waits; only rows at the seams of chunks are copied."""
        write = self._writer.node
        if self._shared:
            self._waiting = [each.indices.cast(pa.int64()) for each in self._waiting]
            write = self._writer.indices
        write(self._waiting[0] if len(self._waiting) == 1 else pa.concat_arrays(self._waiting))
        self._waiting, self._missing = [], BLOCK_ROWS


class ContentHasher:
    """The content of a table that comes span by span; the number of its rows is known before."""

    def __init__(self, schema: pa.Schema, rows: int, algorithm: str) -> None:
        self._schema, self._rows, self._algorithm = schema, rows, algorithm
        self._hashers = [ColumnHasher(each.type, rows, algorithm) for each in schema]

    def update(self, table: pa.Table) -> None:
        """Add rows."""
        for hasher, values in zip(self._hashers, table.columns, strict=True):
            hasher.update(values)

    def content(self) -> Content:
        """End the table and give its digests."""
        columns = tuple(
            Column(name=each.name, type=logical_type(each.type), nulls=hasher.nulls, digest=hasher.digest())
            for each, hasher in zip(self._schema, self._hashers, strict=True)
        )
        return Content(table_digest(self._rows, columns, self._algorithm), self._rows, columns)


def _column(name: str, values: pa.ChunkedArray, algorithm: str) -> Column:
    kind = logical_type(values.type)
    return Column(name=name, type=kind, nulls=values.null_count, digest=column_digest(values, algorithm))


def unified(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give every chunk the same dictionary, each value in it once, in order of appearance."""
    if not _has_dictionary(values.type):
        return values
    values = values.unify_dictionaries()
    if not pa.types.is_dictionary(values.type):
        return values
    if values.num_chunks == 0:
        return pa.chunked_array([no_rows(values.type)])
    dictionary = values.chunk(0).dictionary
    if _is_hashable(dictionary.type) and pc.count_distinct(dictionary, mode="all").as_py() != len(dictionary):
        first = dictionary.dictionary_encode(null_encoding="encode")
        chunks = [
            pa.DictionaryArray.from_arrays(
                pc.take(first.indices, each.indices), first.dictionary, ordered=values.type.ordered
            )
            for each in values.chunks
        ]
        return pa.chunked_array(chunks)
    return values


def no_rows(kind: pa.DataType) -> pa.Array:
    """Make an array without rows; of a dictionary type too, whatever its values are."""
    if not pa.types.is_dictionary(kind):
        return pa.array([], kind)
    return pa.DictionaryArray.from_arrays(
        pa.array([], kind.index_type), pa.array([], kind.value_type), ordered=kind.ordered
    )


def _has_dictionary(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return True
    return any(_has_dictionary(kind.field(index).type) for index in range(kind.num_fields))


def _is_hashable(kind: pa.DataType) -> bool:
    return kind.num_fields == 0 and not pa.types.is_floating(kind) and not pa.types.is_null(kind)


class Writer:
    """Writes arrays into a hash; each part is preceded by a letter and its length."""

    def __init__(self, hasher: Hasher) -> None:
        self.hasher = hasher

    def part(self, letter: bytes, data: Any) -> None:
        """Write one part."""
        view = memoryview(data).cast("B") if len(data) else memoryview(b"")
        self.hasher.update(letter + struct.pack("<Q", view.nbytes))
        self.hasher.update(view)

    def node(self, array: pa.Array) -> None:
        """Write an array of any type."""
        kind = array.type
        if pa.types.is_dictionary(kind):
            self.indices(array.indices.cast(pa.int64()))
            self.node(array.dictionary)
            return
        valid = self._head(array)
        if pa.types.is_null(kind):
            return
        if kind.num_fields:
            self._nested(array, valid)
        elif is_string(kind) or is_binary(kind):
            self._texts(array, valid)
        elif pa.types.is_boolean(kind):
            bits = array if valid is None else pc.fill_null(array, False)
            self.part(_VALUES, np.packbits(bits.to_numpy(zero_copy_only=False), bitorder="little"))
        elif not pa.types.is_struct(kind):
            self.part(_VALUES, zeroed(fixed_values(array), valid))

    def indices(self, array: pa.Array) -> None:
        """Write the places (int64) in a dictionary that is written elsewhere."""
        valid = self._head(array)
        self.part(_INDICES, zeroed(fixed_values(array), valid))

    def _head(self, array: pa.Array) -> np.ndarray | None:
        self.hasher.update(b"N" + struct.pack("<QQ", len(array), array.null_count))
        valid = None if pa.types.is_null(array.type) else validity(array)
        if valid is not None:
            self.part(_VALIDITY, np.packbits(valid, bitorder="little"))
        return valid

    def _nested(self, array: pa.Array, valid: np.ndarray | None) -> None:
        kind = array.type
        if pa.types.is_map(kind):
            self._map(array, valid)
        elif pa.types.is_struct(kind):
            present = array if valid is None else array.filter(pa.array(valid))
            for index in range(kind.num_fields):
                self.node(present.field(index))
        else:
            if is_list(kind):
                self.part(_LENGTHS, _list_lengths(array))
            self.node(array.flatten())

    def _map(self, array: pa.Array, valid: np.ndarray | None) -> None:
        lengths = zeroed(np.diff(array.offsets.to_numpy()).astype("<i8"), valid)
        self.part(_LENGTHS, lengths)
        present = array if valid is None else array.filter(pa.array(valid))
        first = present.offsets[0].as_py() if len(present) else 0
        for child in (present.keys, present.items):
            self.node(child.slice(first, int(lengths.sum())))

    def _texts(self, array: pa.Array, valid: np.ndarray | None) -> None:
        offsets, lengths, data = text_parts(array, valid)
        self.part(_LENGTHS, lengths)
        self.part(_BYTES, data[int(offsets[0]) : int(offsets[-1])])


def text_parts(array: pa.Array, valid: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, memoryview]:
    """Give the offsets, lengths and bytes of text; nothing lies under nulls."""
    if str(array.type).endswith("_view"):
        array = array.cast(pa.large_string() if is_string(array.type) else pa.large_binary())
    width = np.int64 if str(array.type).startswith("large_") else np.int32
    _, offsets_buffer, data = array.buffers()
    if not len(array) or offsets_buffer is None:
        offsets = np.zeros(len(array) + 1, width)
    else:
        offsets = np.frombuffer(offsets_buffer, width, len(array) + 1, array.offset * np.dtype(width).itemsize)
    lengths = np.diff(offsets).astype("<i8")
    if valid is not None and lengths[~valid].any():
        return text_parts(array.fill_null("" if is_string(array.type) else b""), None)
    return offsets, lengths, memoryview(data or b"")


def validity(array: pa.Array) -> np.ndarray | None:
    """Tell which values are present; nothing when all are."""
    if not array.null_count:
        return None
    start, end = array.offset, array.offset + len(array)
    held = np.frombuffer(array.buffers()[0], np.uint8)[start // 8 : (end + 7) // 8]
    bits: np.ndarray = np.unpackbits(held, bitorder="little")[start % 8 : start % 8 + len(array)]
    return bits.view(bool)


def _list_lengths(array: pa.Array) -> np.ndarray:
    lengths = pc.list_value_length(array).cast(pa.int64())
    filled: np.ndarray = pc.fill_null(lengths, 0).to_numpy(zero_copy_only=False)
    return filled.astype("<i8", copy=False)


def fixed_values(array: pa.Array) -> np.ndarray:
    """See the values of a fixed-width array as little-endian integers, or as rows of bytes when wider."""
    if pa.types.is_decimal(array.type) and array.type.bit_width < 128:
        array = array.cast(pa.decimal128(array.type.precision, array.type.scale))
    if pa.types.is_decimal(array.type) and array.type.bit_width == 256 and array.type.precision <= 38:
        array = array.cast(pa.decimal128(array.type.precision, array.type.scale))
    width = array.type.bit_width // 8
    buffer = array.buffers()[1]
    if not len(array) or buffer is None:
        return np.zeros((0,), np.uint8)
    if width in (1, 2, 4, 8) and not pa.types.is_fixed_size_binary(array.type):
        values = np.frombuffer(buffer, f"=u{width}", len(array), array.offset * width)
        return values if sys.byteorder == "little" else values.byteswap()
    rows = np.frombuffer(buffer, np.uint8, len(array) * width, array.offset * width).reshape(len(array), width)
    swap = sys.byteorder == "big" and pa.types.is_decimal(array.type)
    return np.ascontiguousarray(rows[:, ::-1]) if swap else rows


def zeroed(values: np.ndarray, valid: np.ndarray | None) -> np.ndarray:
    """Put zeros under nulls."""
    if valid is None:
        return values
    cleared = values.copy()
    cleared[~valid] = 0
    return cleared
