"""Rows that only one side has, told apart by 64 bits each; and which of them are one row that changed.

A row of both sides cancels, as often as both have it: what is left is the same whatever the order, and whatever
equal segments were left out before. Among the rest, rows of one key are one row that changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlops_ext.datasets.content.hashes import mixed, value_hashes
from mlops_ext.datasets.diff.sides import Side

__all__ = ["Rest", "aligned", "is_unique", "pair", "rest"]

_ODD = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Rest:
    """The rows that one side has more often than the other.

    Attributes
    ----------
    rows : ndarray of int64
        Their places among the compared rows, in order.
    hashes : ndarray of uint64
        What they hold, all shared columns together.
    is_aligned : bool
        Whether the rows of both sides are pairs, one after the other.
    """

    rows: np.ndarray
    hashes: np.ndarray
    is_aligned: bool = False


def rest(before: Side, after: Side) -> tuple[Rest, Rest]:
    """Cancel what both sides have; one column lies in memory at a time, and 8 bytes a row."""
    for side in (before, after):
        side.fetch(side.types)
    left, right = (_hashes(side, tuple(side.types)) for side in (before, after))
    return _unmatched(left, right), _unmatched(right, left)


def aligned(before: Side, after: Side, key: Sequence[str]) -> tuple[Rest, Rest] | None:
    """Find what is left from the columns that changed alone; nothing when rows do not stand where they stood.

    Where both sides have the same keys in the same order, each once, a row can only be the row at its place:
    columns that hold the same throughout need not be read.
    """
    if not key or not set(key) <= before.same:
        return None
    changed = [name for name in before.types if name not in before.same]
    before.fetch([*key, *changed])
    after.fetch(changed)
    keys = _hashes(before, key)
    if len(np.unique(keys)) != len(keys):
        return None
    differs = np.zeros(len(keys), bool)
    for name in changed:
        differs |= value_hashes(before.read(name)) != value_hashes(after.read(name))
    rows = np.flatnonzero(differs)
    return Rest(rows, keys[rows], is_aligned=True), Rest(rows, keys[rows], is_aligned=True)


def pair(sides: tuple[Side, Side], rests: tuple[Rest, Rest], key: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Find the rows that changed: those left on both sides with the same key, in a fixed order where several have it.

    Returns
    -------
    ndarray of int64, ndarray of int64
        Of each pair the place in the one rest and in the other.
    """
    if not key:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    if rests[0].is_aligned:
        return np.arange(len(rests[0].rows)), np.arange(len(rests[1].rows))
    keys = [_hashes(side, key, each.rows) for side, each in zip(sides, rests, strict=True)]
    orders = [np.lexsort((each.hashes, own)) for own, each in zip(keys, rests, strict=True)]
    left, right = (own[order] for own, order in zip(keys, orders, strict=True))
    place = np.searchsorted(right, left, "left") + _ranks(left)
    found = place < np.searchsorted(right, left, "right")
    pairs = orders[0][found], orders[1][place[found]]
    in_order = np.argsort(pairs[0], kind="stable")
    return pairs[0][in_order], pairs[1][in_order]


def is_unique(side: Side, key: Sequence[str], rows: np.ndarray | None = None) -> bool:
    """Tell whether no two of some rows, or of all that are compared, have the same key."""
    keys = _hashes(side, key, rows)
    return len(np.unique(keys)) == len(keys)


def _hashes(side: Side, names: Sequence[str], chosen: np.ndarray | None = None) -> np.ndarray:
    rows = np.full(len(side.places if chosen is None else chosen), _ODD, np.uint64)
    if len(rows):
        for name in names:
            rows = mixed(rows * _ODD + value_hashes(side.read(name, chosen)))
    return rows


def _unmatched(mine: np.ndarray, others: np.ndarray) -> Rest:
    """Find the rows that are here more often than there; of equal rows the last."""
    order = np.argsort(mine, kind="stable")
    ordered, there = mine[order], np.sort(others)
    count = np.searchsorted(there, ordered, "right") - np.searchsorted(there, ordered, "left")
    rows = np.sort(order[_ranks(ordered) >= count])
    return Rest(rows, mine[rows])


def _ranks(ordered: np.ndarray) -> np.ndarray:
    """Number equal neighbours from 0."""
    if not len(ordered):
        return np.zeros(0, np.int64)
    is_first = np.append(True, ordered[1:] != ordered[:-1])
    firsts = np.flatnonzero(is_first)
    ranks: np.ndarray = np.arange(len(ordered)) - np.repeat(firsts, np.diff(firsts, append=len(ordered)))
    return ranks
