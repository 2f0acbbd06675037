"""Two versions side by side: the columns that both have, in one type, and the rows that need to be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from mlops_ext.datasets.content.arrow_types import is_string, logical_type
from mlops_ext.datasets.diff.types import ColumnChange
from mlops_ext.datasets.profile.columns import plain
from mlops_ext.datasets.storage.manifest import Manifest
from mlops_ext.datasets.storage.parquet_files import is_word

if TYPE_CHECKING:
    from mlops_ext.datasets.loading.versions import OpenVersion

_UNITS = ("s", "ms", "us", "ns")
_KEPT = 1 << 22
"""So many cells are kept once they were read; of more, each column is read anew when it is asked for."""

__all__ = ["Side", "column_changes", "common_types", "sides"]


@dataclass(frozen=True)
class Side:
    """A version as far as it is compared.

    Attributes
    ----------
    held : OpenVersion
        To read from.
    places : ndarray of int64
        The rows that the other version does not have in an equal segment.
    types : mapping of str to pyarrow.DataType or None
        The shared columns, and the type to compare them in; none as they are.
    """

    held: OpenVersion
    places: np.ndarray
    types: Mapping[str, pa.DataType | None]
    same: frozenset[str] = frozenset()
    """Columns that hold the same on both sides, row by row, by the digests of their segments."""
    kept: dict[str, pa.ChunkedArray] = field(default_factory=dict)

    def fetch(self, names: Iterable[str]) -> None:
        """Read columns at once and keep them, if they are few enough: each file is opened and checked once."""
        wanted = [name for name in names if name not in self.kept]
        cells = len(self.places) * (len(wanted) + len(self.kept))
        if wanted and 0 < cells <= _KEPT:
            self.kept.update(self._read(wanted, self.places))

    def read(self, name: str, chosen: np.ndarray | None = None) -> pa.ChunkedArray:
        """Give a shared column of the rows to compare, or of those chosen among them, in the order of choice."""
        if name in self.kept:
            return self.kept[name] if chosen is None else self.kept[name].take(pa.array(chosen))
        if chosen is None:
            return self._read([name], self.places)[name]
        order, back = np.unique(self.places[chosen], return_inverse=True)
        return self._read([name], order)[name].take(pa.array(back))

    def _read(self, names: list[str], places: np.ndarray) -> dict[str, pa.ChunkedArray]:
        table = self.held.read(names, _run(places))
        found = {}
        for name in names:
            kind = self.types[name]
            found[name] = table[name] if kind is None else _cast(plain(table[name]), kind)
        return found


def sides(before: OpenVersion, after: OpenVersion, types: Mapping[str, pa.DataType | None]) -> tuple[Side, Side]:
    """Leave out the rows of segments that both versions hold: what is equal in both changes no difference."""
    left, right = (_Segments(each, tuple(types)) for each in (before, after))
    are_comparable = all(kind is None for kind in types.values()) and left.places == right.places
    shared = Counter(left.names) & Counter(right.names) if are_comparable else Counter()
    others = left.others(shared), right.others(shared)
    same = _same(left, right, others) if are_comparable else frozenset()
    return Side(before, left.rows_of(others[0]), types, same), Side(after, right.rows_of(others[1]), types, same)


def _same(left: _Segments, right: _Segments, others: tuple[list[int], list[int]]) -> frozenset[str]:
    """Name the columns of which both sides hold the same in their other segments, one after the other."""
    if not others[0] or left.sizes_of(others[0]) != right.sizes_of(others[1]):
        return frozenset()
    pairs = [(left.names[mine], right.names[theirs]) for mine, theirs in zip(*others, strict=True)]
    return frozenset(
        name for at, name in enumerate(left.columns) if all(mine[at] == theirs[at] for mine, theirs in pairs)
    )


class _Segments:
    """The segments of a version, each named by the digests of its shared columns."""

    def __init__(self, held: OpenVersion, columns: Sequence[str]) -> None:
        self._held, self.columns = held, columns

    @cached_property
    def _manifest(self) -> Manifest:
        ws, version = self._held.ws, self._held.version
        manifest = Manifest.from_bytes(ws.get_blob(version.manifest))
        return manifest.whole(Manifest.from_bytes(ws.get_blob(manifest.base)) if manifest.base else None)

    @cached_property
    def names(self) -> list[tuple[str, ...]]:
        """Name each segment; none when the version has no digests of segments."""
        manifest = self._manifest
        if manifest.cuts is None or not self.columns:
            return []
        return list(zip(*(manifest.digests[name] for name in self.columns), strict=True))

    @property
    def places(self) -> dict[str, str]:
        """Give the dictionaries of columns whose segments are digests of places in them."""
        schema, held = self._held.representation.schema, self._manifest.dictionaries
        named = [name for name in self.columns if name in held]
        return {name: held[name].digest for name in named if not is_word(schema.field(name).type.value_type)}

    def others(self, shared: Counter[tuple[str, ...]]) -> list[int]:
        """Number the segments that are not shared."""
        left, found = Counter(shared), []
        for place, name in enumerate(self.names):
            left[name] -= 1
            if left[name] < 0:
                found.append(place)
        return found

    def sizes_of(self, segments: Sequence[int]) -> list[int]:
        """Give the rows of some segments."""
        cuts = self._manifest.cuts
        return [cuts.rows[place] for place in segments] if cuts else []

    def rows_of(self, segments: Sequence[int]) -> np.ndarray:
        """Give the places of the rows of some segments; of all rows where none are known."""
        cuts = self._manifest.cuts
        if cuts is None or not self.names:
            return np.arange(self._held.version.rows)
        starts = list(accumulate(cuts.rows, initial=0))
        parts = [np.arange(starts[place], starts[place + 1]) for place in segments]
        return np.concatenate([np.zeros(0, np.int64), *parts])


def column_changes(before: pa.Schema, after: pa.Schema, types: Mapping[str, pa.DataType | None]) -> list[ColumnChange]:
    """Name the columns that are new, gone, of another logical type, or at another place among those that stayed."""
    found = [
        ColumnChange(column=each.name, change="removed", before=logical_type(each.type))
        for each in before
        if each.name not in after.names
    ]
    stayed = [name for name in before.names if name in after.names]
    order = [name for name in after.names if name in before.names]
    for each in after:
        kind = logical_type(each.type)
        if each.name not in before.names:
            found.append(ColumnChange(column=each.name, change="added", after=kind))
            continue
        was = logical_type(before.field(each.name).type)
        if was != kind:
            is_compared = each.name in types
            found.append(ColumnChange(column=each.name, change="retyped", before=was, after=kind, compared=is_compared))
        places = stayed.index(each.name), order.index(each.name)
        if places[0] != places[1]:
            found.append(
                ColumnChange(column=each.name, change="moved", before=str(places[0] + 1), after=str(places[1] + 1))
            )
    return found


def common_types(before: pa.Schema, after: pa.Schema) -> dict[str, pa.DataType | None]:
    """Choose a type to compare each shared column in; none where both have the same, and no entry where none fits."""
    found: dict[str, pa.DataType | None] = {}
    for name in (name for name in before.names if name in after.names):
        left, right = before.field(name).type, after.field(name).type
        if logical_type(left) == logical_type(right):
            found[name] = None
            continue
        common = _common(_plain_type(left), _plain_type(right))
        if common is not None:
            found[name] = common
    return found


def _plain_type(kind: pa.DataType) -> pa.DataType:
    return plain(pa.chunked_array([pa.nulls(0, kind)])).type


def _common(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:  # noqa: PLR0911 - one line for each kind
    if left == right:
        return left
    if is_string(left) and is_string(right):
        return pa.large_string()
    if pa.types.is_null(left) or pa.types.is_null(right):
        return right if pa.types.is_null(left) else left
    if pa.types.is_integer(left) and pa.types.is_integer(right):
        return pa.decimal128(38) if pa.uint64() in (left, right) else pa.int64()
    numbers = [pa.types.is_integer(each) or pa.types.is_floating(each) for each in (left, right)]
    if all(numbers):
        return pa.float64()
    if pa.types.is_timestamp(left) and pa.types.is_timestamp(right) and (left.tz is None) == (right.tz is None):
        return pa.timestamp(max(left.unit, right.unit, key=_UNITS.index), right.tz)
    return None


def _cast(values: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """Change the type; a whole number that a double cannot hold counts as the nearest, and no time is cut."""
    return values.cast(kind, safe=not (pa.types.is_floating(kind) or pa.types.is_timestamp(kind)))


def _run(places: np.ndarray) -> range | np.ndarray:
    """Write places as a range when they are one run."""
    if len(places) and int(places[-1]) - int(places[0]) + 1 == len(places):
        return range(int(places[0]), int(places[-1]) + 1)
    return places if len(places) else range(0)
