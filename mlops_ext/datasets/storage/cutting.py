"""Where rows are cut into segments: by the content of a few key columns, and where the parent version was cut.

A cut has a mark, a hash of the keys of the 16 rows before it. The next version looks for the parent's marks,
so that rows which were not touched fall into the same segments, whatever was inserted or deleted elsewhere.
All constants are part of manifest format m2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlops_ext.datasets.content.arrow_types import is_binary, is_string
from mlops_ext.datasets.content.canonical import fixed_values, validity
from mlops_ext.datasets.storage.manifest import Cuts

__all__ = ["Cutter", "Segment", "choose_keys", "choose_target"]

WINDOW = 16
SEGMENTS = 224
SMALLEST_BYTES, LARGEST_BYTES = 1 << 18, 1 << 26
CELL_BYTES = 6_144
MAX_KEYS = 3
AHEAD = 8
_ODD = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)
_MIX = np.array([0xBF58476D1CE4E5B9, 0x94D049BB133111EB], np.uint64)
_NULL = np.uint64(0xD6E8FEB86659FD93)
_FULL = 2**64


@dataclass(frozen=True)
class Segment:
    """A run of rows; `parent` is the parent's segment that ends at the same mark."""

    rows: int
    mark: str
    parent: int | None


def choose_target(rows: int, width: int, table_bytes: int) -> int:
    """Choose how many rows a segment should have.

    About 224 segments, but none under 256 KiB or over 64 MiB of Arrow memory, and none whose columns
    hold under 6 KiB each: a digest a column must stay small beside what it stands for.
    """
    smallest = max(SMALLEST_BYTES, CELL_BYTES * width)
    wanted = min(max(table_bytes / SEGMENTS, smallest), LARGEST_BYTES)
    return max(WINDOW, int(rows * wanted / max(table_bytes, 1)))


def choose_keys(sample: pa.Table, preferred: Sequence[str] = ()) -> tuple[str, ...]:
    """Choose the columns that place the cuts: few, telling rows apart together, seldom changed.

    Tables name their keys first, so columns are tried in their order: whole numbers and times, then text,
    and floating-point numbers, which are measured and corrected, last.
    """
    if preferred:
        return tuple(preferred)[:MAX_KEYS]
    ranks = [(_rank(each.type), place) for place, each in enumerate(sample.schema)]
    ranked = sorted((rank, place) for rank, place in ranks if rank is not None)
    chosen: list[str] = []
    joint, known = np.zeros(sample.num_rows, np.uint64), 1
    for _, place in ranked:
        if len(chosen) == MAX_KEYS or known >= 0.9 * sample.num_rows:
            break
        bits = _mixed(joint + key_bits(sample.column(place)) * _ODD[len(chosen)])
        distinct = len(np.unique(bits))
        if distinct > 1.05 * known:
            chosen.append(sample.column_names[place])
            joint, known = bits, distinct
    return tuple(chosen)


def _rank(kind: pa.DataType) -> int | None:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if is_string(kind) or is_binary(kind):
        return 1
    if pa.types.is_floating(kind):
        return 2
    if kind.num_fields or pa.types.is_null(kind) or pa.types.is_fixed_size_binary(kind):
        return 1 if pa.types.is_decimal(kind) else None
    return 0


class Cutter:
    """Cuts the rows that are pushed into it.

    Parameters
    ----------
    keys : sequence of str
        The key columns; without any, rows are cut by their number.
    target : int
        How many rows a new segment should have.
    parent : Cuts, optional
        Where the parent was cut.
    same_rows : bool
        Cut at the parent's row numbers when its marks are of other keys.
    """

    def __init__(
        self, keys: Sequence[str], target: int, parent: Cuts | None = None, *, same_rows: bool = False
    ) -> None:
        self.keys, self.target = tuple(keys), target
        self._parent = parent if parent is not None and (parent.keys == self.keys or same_rows) else None
        self._by_rows = self._parent is not None and self._parent.keys != self.keys
        marks = self._parent.marks if self._parent and not self._by_rows else ()
        self._marks = np.array([int(mark or "0", 16) for mark in marks], np.uint64)
        self._marked = np.array([bool(mark) for mark in marks], bool)
        self._next = 0
        self._alone = True
        self._tail = np.zeros(0, np.uint64)
        self._pending = np.zeros(0, np.uint64)

    def push(self, table: pa.Table, *, last: bool) -> Iterator[Segment]:
        """Add rows and give the segments that end for certain; all of them with the last rows."""
        self._pending = np.concatenate([self._pending, self._hashes(table)])
        start = 0
        if last and not len(self._pending):
            yield Segment(0, "", None)
        while start < len(self._pending):
            found = self._cut(start, last=last)
            if found is None:
                break
            end, parent = found
            # A short end alone in its file is written again with the rows that follow, lest such files pile up.
            is_short = last and end == len(self._pending) and end - start < self.target // 4
            yield Segment(
                end - start, "" if is_short and self._alone else f"{int(self._pending[end - 1]):016x}", parent
            )
            start, self._alone = end, parent is not None
        self._pending = self._pending[start:]

    def _hashes(self, table: pa.Table) -> np.ndarray:
        """Hash the keys of each row with those of the 15 before it."""
        rows = np.zeros(table.num_rows, np.uint64)
        for place, name in enumerate(self.keys):
            rows += key_bits(table[name]) * _ODD[place]
        mixed = np.concatenate([self._tail, _mixed(rows)])
        sums = np.cumsum(mixed, dtype=np.uint64)
        windows = sums.copy()
        windows[WINDOW:] -= sums[:-WINDOW]
        hashes: np.ndarray = windows[len(self._tail) :]
        self._tail = mixed[-(WINDOW - 1) :]
        return hashes

    def _cut(self, start: int, *, last: bool) -> tuple[int, int | None] | None:
        """Find the end of the segment that starts here; nothing when more rows must be seen first."""
        here = len(self._pending) - start
        if self._parent is not None and self._next < len(self._parent.rows):
            rows = self._parent.rows[self._next]
            if rows <= here and (self._by_rows or self._is_mark(self._next, start + rows - 1)):
                self._next += 1
                return start + rows, self._next - 1
            if rows > here and not last:
                return None
        if here <= 2 * self.target and not last:
            return None
        return self._resumed(start) or self._natural(start)

    def _is_mark(self, place: int, row: int) -> bool:
        return bool(self._marked[place] and self._pending[row] == self._marks[place])

    def _resumed(self, start: int) -> tuple[int, int | None] | None:
        """Find the first row, within two targets, at which the parent was cut: first at one of the next cuts."""
        if not self.keys or not len(self._marks):
            return None
        window = self._pending[start : start + 2 * self.target]
        for near in (range(self._next, min(self._next + AHEAD, len(self._marks))), range(len(self._marks))):
            places = np.array([place for place in near if self._marked[place]], int)
            hits = np.flatnonzero(np.isin(window, self._marks[places]))
            if len(hits):
                place = int(places[self._marks[places] == window[hits[0]]][0])
                self._next = place + 1
                return start + int(hits[0]) + 1, place
        return None

    def _natural(self, start: int) -> tuple[int, None]:
        """Cut where the hash is small: rarely before the target, soon after it, and at the latest at its double."""
        shortest, longest = self.target // 2, 2 * self.target
        window = self._pending[start : start + longest]
        is_rest = len(window) == len(self._pending) - start
        if len(window) <= (self.target if is_rest else shortest):
            return start + len(window), None
        if not self.keys:
            return start + self.target, None
        for begin, end, odds in ((shortest, self.target, 2 * self.target), (self.target, longest, self.target / 8)):
            hits = np.flatnonzero(window[begin:end] < np.uint64(int(_FULL / max(odds, 1.5))))
            if len(hits):
                return start + begin + int(hits[0]) + 1, None
        return start + len(window), None


def key_bits(values: pa.ChunkedArray) -> np.ndarray:
    """Give 64 bits for each value, alike for equal values whatever the layout; nulls have bits of their own."""
    parts = [_bits(chunk) for chunk in values.chunks if len(chunk)]
    return np.concatenate(parts) if parts else np.zeros(0, np.uint64)


def _bits(array: pa.Array) -> np.ndarray:
    kind = array.type
    if pa.types.is_dictionary(kind):
        held = _bits(array.dictionary) if len(array.dictionary) else np.zeros(1, np.uint64)
        return _with_nulls(held[pc.fill_null(array.indices, 0).to_numpy(zero_copy_only=False)], array)
    if is_string(kind) or is_binary(kind):
        return _with_nulls(_text_bits(array), array)
    if pa.types.is_boolean(kind):
        return _with_nulls(pc.fill_null(array, False).to_numpy(zero_copy_only=False).astype(np.uint64), array)
    found = fixed_values(array)
    if found.ndim == 2:
        found = np.ascontiguousarray(found[:, :8]).view("<u8")[:, 0]
    return _with_nulls(found.astype(np.uint64), array)


def _with_nulls(bits: np.ndarray, array: pa.Array) -> np.ndarray:
    valid = validity(array)
    return bits if valid is None else np.where(valid, bits, _NULL)


def _text_bits(array: pa.Array) -> np.ndarray:
    """Take the length, the first and the last 8 bytes: enough to place a cut, and the same work for any length."""
    array = array.cast(pa.large_binary() if is_binary(array.type) else pa.large_string())
    _, offsets_buffer, data = array.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int64, len(array) + 1, array.offset * 8)
    first, last = int(offsets[0]), int(offsets[-1])
    held = np.zeros(last - first + 16, np.uint8)
    if last > first:
        held[8 : last - first + 8] = np.frombuffer(data, np.uint8, last - first, first)
    words = np.ndarray((len(held) - 7,), "<u8", held.data, strides=(1,))
    lengths = np.diff(offsets).astype(np.uint64)
    unused = (np.uint64(8) - np.minimum(lengths, np.uint64(8))) * np.uint64(8)
    some = lengths > 0
    starts, ends = offsets[:-1] - first + 8, offsets[1:] - first
    head = np.where(some, words[starts] << np.where(some, unused, np.uint64(0)), np.uint64(0))
    tail = np.where(some, words[ends] >> np.where(some, unused, np.uint64(0)), np.uint64(0))
    bits: np.ndarray = _mixed(head + lengths * _ODD[1]) + tail * _ODD[2]
    return bits


def _mixed(bits: np.ndarray) -> np.ndarray:
    """Spread every bit over all 64 (SplitMix64's finalizer)."""
    bits = bits ^ (bits >> np.uint64(30))
    bits *= _MIX[0]
    bits ^= bits >> np.uint64(27)
    bits *= _MIX[1]
    bits ^= bits >> np.uint64(31)
    return bits
