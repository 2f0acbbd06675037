"""What tells the rows of a comparison apart: the given key, the stored one, or one that is found."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import combinations
from math import prod
from typing import Any

import numpy as np

from mlops_ext.datasets.content.hashes import mixed, value_hashes
from mlops_ext.datasets.diff.rows import Rest, aligned, is_unique, pair, rest
from mlops_ext.datasets.diff.sides import Side
from mlops_ext.datasets.profile.types import ColumnProfile, Profile

__all__ = ["left_by_key"]

MOST_COLUMNS = 3
LOOKED_AT, TRIED_TOGETHER = 32, 12
"""Columns that are looked at for a key of several, and those of them with the most values, which are tried together."""
FIRST_ROWS = 8192
CELLS = 1 << 24
"""When so many cells were compared without a key of several columns, the search ends."""
_KINDS = ("number", "time", "text", "truth")
_ODD = np.uint64(0x9E3779B97F4A7C15)


def left_by_key(
    both: tuple[Side, Side], profiles: tuple[Profile, Profile], given: Sequence[str]
) -> tuple[tuple[Rest, Rest], Sequence[str], Any]:
    """Find what is left on both sides, the key, and where it is from.

    Parameters
    ----------
    profiles : (Profile, Profile)
        What the snapshots noted: columns that seem to be keys are tried before several together.
    given : sequence of str
        What the user says.

    Returns
    -------
    (Rest, Rest), sequence of str, {"given", "stored", "inferred", "none"}
    """
    known, origin = _known(both, given)
    likely = [[name] for name in _likely(both, profiles)]
    for candidate in [known] if known else likely or _joint(both[0], profiles, both[0].same):
        found = aligned(*both, candidate)
        if found is not None:
            return found, candidate, origin or "inferred"
    rests = rest(*both)
    if known:
        return rests, known, origin
    for candidate in likely:
        if all(is_unique(side, candidate, found.rows) for side, found in zip(both, rests, strict=True)):
            return rests, candidate, "inferred"
    several = _of_several(both, rests, profiles)
    return rests, several, "inferred" if several else "none"


def _known(both: tuple[Side, Side], given: Sequence[str]) -> tuple[Sequence[str], str]:
    if given:
        return given, "given"
    for side in reversed(both):
        stored = side.held.version.primary_key
        if stored and all(name in side.types for name in stored):
            return stored, "stored"
    return (), ""


def _likely(both: tuple[Side, Side], profiles: tuple[Profile, Profile]) -> list[str]:
    """Name the columns that look like keys in both versions, in their order."""
    likely = [
        {column.name for column in each.columns if "key" in column.roles and column.rows > 1} for each in profiles
    ]
    return [name for name in both[0].types if name in likely[0] & likely[1]]


def _of_several(
    both: tuple[Side, Side], rests: tuple[Rest, Rest], profiles: tuple[Profile, Profile]
) -> tuple[str, ...]:
    """Find two or three columns that tell all compared rows apart, on both sides; of several such, what pairs most.

    A value that happens to complete a key pairs no row in which it changed, so that the true key pairs more.
    """
    if not all(len(each.rows) for each in rests):
        return ()
    found: list[tuple[str, ...]] = []
    cells = 0
    for candidate in _joint(both[0], profiles, both[0].types):
        if any(set(each) < set(candidate) for each in found):
            continue
        if all(is_unique(side, candidate) for side in both):
            found.append(candidate)
        cells += len(candidate) * sum(len(side.places) for side in both)
        if cells > CELLS:
            break
    return max(found, key=lambda each: len(pair(both, rests, each)[0]), default=())


def _joint(side: Side, profiles: tuple[Profile, Profile], among: Collection[str]) -> Iterator[tuple[str, ...]]:
    """Give pairs, then triples of columns that tell some rows apart: those first that have the fewest values to spare.

    Keys have no missing values and are not measured, so floating-point numbers are none.
    """
    names = [name for name in side.types if name in among and _may_belong(name, profiles)][:LOOKED_AT]
    rows = np.arange(min(len(side.places), FIRST_ROWS))
    if len(names) < 2 or len(rows) < 2:
        return
    side.fetch(names)
    hashes = {name: value_hashes(side.read(name, rows)) for name in names}
    values = {name: len(np.unique(each)) for name, each in hashes.items()}
    tried = sorted((name for name in names if values[name] > 1), key=lambda name: -values[name])[:TRIED_TOGETHER]
    tried = [name for name in names if name in tried]
    for size in range(2, MOST_COLUMNS + 1):
        for candidate in sorted(combinations(tried, size), key=lambda each: prod(values[name] for name in each)):
            if prod(values[name] for name in candidate) >= len(rows) == _distinct(hashes[name] for name in candidate):
                yield candidate


def _may_belong(name: str, profiles: tuple[Profile, Profile]) -> bool:
    held = [each.column(name) for each in profiles]
    return all(each is not None and _is_whole(each) for each in held)


def _is_whole(column: ColumnProfile) -> bool:
    return column.kind in _KINDS and not column.missing and not column.type.startswith("float")


def _distinct(columns: Iterator[np.ndarray]) -> int:
    rows: np.ndarray = np.zeros(1, np.uint64)
    for each in columns:
        rows = mixed(rows * _ODD + each)
    return len(np.unique(rows))
