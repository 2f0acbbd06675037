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
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlops_ext.datasets.arrow_types import is_binary, is_list, is_string, logical_type
from mlops_ext.datasets.manifest import CANONICAL_FORM, prefixed, table_digest
from mlops_ext.datasets.types import Column
from mlops_ext.store.hashing import Hasher, new_hash

__all__ = ["BLOCK_ROWS", "Content", "column_digest", "digest_table"]

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
    values = _unified(values)
    hasher = new_hash(algorithm)
    hasher.update(prefixed(f"mlops_ext {CANONICAL_FORM} column", logical_type(values.type)))
    hasher.update(struct.pack("<Q", len(values)))
    shared = pa.types.is_dictionary(values.type)
    for block in _blocks(values):
        _Writer(hasher).node(block, with_dictionary=not shared)
    if shared:
        _Writer(hasher).node(values.chunk(0).dictionary)
    return f"{algorithm}:{hasher.hexdigest()}"


def _column(name: str, values: pa.ChunkedArray, algorithm: str) -> Column:
    kind = logical_type(values.type)
    return Column(name=name, type=kind, nulls=values.null_count, digest=column_digest(values, algorithm))


def _unified(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give every chunk the same dictionary, each value in it once, in order of appearance."""
    if not _has_dictionary(values.type):
        return values
    values = values.unify_dictionaries()
    if not pa.types.is_dictionary(values.type):
        return values
    if values.num_chunks == 0:
        return pa.chunked_array([pa.array([], values.type)])
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


def _has_dictionary(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return True
    return any(_has_dictionary(kind.field(index).type) for index in range(kind.num_fields))


def _is_hashable(kind: pa.DataType) -> bool:
    return kind.num_fields == 0 and not pa.types.is_floating(kind) and not pa.types.is_null(kind)


def _blocks(values: pa.ChunkedArray) -> Iterator[pa.Array]:
    """Cut a column into blocks of BLOCK_ROWS rows; only rows at the seams of chunks are copied."""
    waiting: list[pa.Array] = []
    missing = BLOCK_ROWS
    for chunk in values.chunks:
        start = 0
        while start < len(chunk):
            part = chunk.slice(start, missing)
            start += len(part)
            missing -= len(part)
            waiting.append(part)
            if missing == 0:
                yield waiting[0] if len(waiting) == 1 else pa.concat_arrays(waiting)
                waiting, missing = [], BLOCK_ROWS
    if waiting:
        yield waiting[0] if len(waiting) == 1 else pa.concat_arrays(waiting)


class _Writer:
    """Writes arrays into a hash; each part is preceded by a letter and its length."""

    def __init__(self, hasher: Hasher) -> None:
        self.hasher = hasher

    def part(self, letter: bytes, data: Any) -> None:
        view = memoryview(data).cast("B") if len(data) else memoryview(b"")
        self.hasher.update(letter + struct.pack("<Q", view.nbytes))
        self.hasher.update(view)

    def node(self, array: pa.Array, *, with_dictionary: bool = True) -> None:
        kind = array.type
        if pa.types.is_null(kind):
            self.hasher.update(b"N" + struct.pack("<QQ", len(array), len(array)))
            return
        self.hasher.update(b"N" + struct.pack("<QQ", len(array), array.null_count))
        valid = _validity(array)
        if valid is not None:
            self.part(_VALIDITY, np.packbits(valid, bitorder="little"))
        if pa.types.is_dictionary(kind):
            self.part(_INDICES, _zeroed(_fixed(array.indices.cast(pa.int64())), valid))
            if with_dictionary:
                self.node(array.dictionary)
        elif kind.num_fields:
            self._nested(array, valid)
        elif is_string(kind) or is_binary(kind):
            self._texts(array, valid)
        elif pa.types.is_boolean(kind):
            bits = array if valid is None else pc.fill_null(array, False)
            self.part(_VALUES, np.packbits(bits.to_numpy(zero_copy_only=False), bitorder="little"))
        elif not pa.types.is_struct(kind):
            self.part(_VALUES, _zeroed(_fixed(array), valid))

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
        lengths = _zeroed(np.diff(array.offsets.to_numpy()).astype("<i8"), valid)
        self.part(_LENGTHS, lengths)
        present = array if valid is None else array.filter(pa.array(valid))
        first = present.offsets[0].as_py() if len(present) else 0
        for child in (present.keys, present.items):
            self.node(child.slice(first, int(lengths.sum())))

    def _texts(self, array: pa.Array, valid: np.ndarray | None) -> None:
        if str(array.type).endswith("_view"):
            array = array.cast(pa.large_string() if is_string(array.type) else pa.large_binary())
        width = np.int64 if str(array.type).startswith("large_") else np.int32
        _, offsets_buffer, data = array.buffers()
        if not len(array) or offsets_buffer is None:
            offsets = np.zeros(len(array) + 1, width)
        else:
            size = np.dtype(width).itemsize
            offsets = np.frombuffer(offsets_buffer, width, len(array) + 1, array.offset * size)
        lengths = np.diff(offsets).astype("<i8")
        if valid is not None and lengths[~valid].any():
            self._texts(array.fill_null("" if is_string(array.type) else b""), None)
            return
        self.part(_LENGTHS, lengths)
        first, last = int(offsets[0]), int(offsets[-1])
        self.part(_BYTES, memoryview(data)[first:last] if last > first else b"")


def _validity(array: pa.Array) -> np.ndarray | None:
    if not array.null_count:
        return None
    valid: np.ndarray = pc.is_valid(array).to_numpy(zero_copy_only=False)
    return valid


def _list_lengths(array: pa.Array) -> np.ndarray:
    lengths = pc.list_value_length(array).cast(pa.int64())
    filled: np.ndarray = pc.fill_null(lengths, 0).to_numpy(zero_copy_only=False)
    return filled.astype("<i8", copy=False)


def _fixed(array: pa.Array) -> np.ndarray:
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


def _zeroed(values: np.ndarray, valid: np.ndarray | None) -> np.ndarray:
    if valid is None:
        return values
    cleared = values.copy()
    cleared[~valid] = 0
    return cleared
