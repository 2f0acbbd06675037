"""The Merkle tree of RFC 6962 and 9162 over the trail: roots, proofs, and how anyone checks them offline.

A leaf is SHA-256 of 0x00 and an event's hash as text, a node SHA-256 of 0x01 and its two children,
whatever hash the workspace uses: the proofs are those that other logs give, and any tool can check them.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise

__all__ = [
    "consistency_ranges",
    "fits_consistency",
    "fits_inclusion",
    "inclusion_ranges",
    "leaf_hash",
    "root_of",
    "roots",
]

Range = tuple[int, int]
EMPTY = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """Hash one entry of the log."""
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two neighbouring subtrees."""
    return hashlib.sha256(b"\1" + left + right).digest()


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Give the root over leaf hashes, in memory that grows with the tree's height only."""
    growing = _Growing()
    for leaf in leaves:
        growing.add(leaf)
    return growing.root()


def roots(leaves: Iterable[bytes], ranges: Sequence[Range]) -> list[bytes]:
    """Give the roots over several stretches of the leaves, in one pass.

    Parameters
    ----------
    leaves : iterable of bytes
        Leaf hashes from the first on.
    ranges : sequence of (int, int)
        First leaf, counted from 0, and the one after the last.
    """
    trees = {each: _Growing() for each in ranges}
    starting: dict[int, list[Range]] = defaultdict(list)
    for each in trees:
        starting[each[0]].append(each)
    waiting, within = iter(leaves), set[Range]()
    bounds = sorted({0, *(bound for each in trees for bound in each)})
    for start, end in pairwise(bounds):
        within = {each for each in (*within, *starting[start]) if each[1] > start}
        growing = [trees[each] for each in within]
        for leaf in islice(waiting, end - start):
            for tree in growing:
                tree.add(leaf)
    return [trees[each].root() for each in ranges]


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """Name the stretches whose roots prove that a leaf stands in a tree (RFC 9162, 2.1.3.1)."""
    start, found = 0, []
    while size > 1:
        cut = _cut(size)
        if index < cut:
            found.append((start + cut, start + size))
            size = cut
        else:
            found.append((start, start + cut))
            start, index, size = start + cut, index - cut, size - cut
    return found[::-1]


def consistency_ranges(first: int, second: int) -> list[Range]:
    """Name the stretches whose roots prove that a tree only grew (RFC 9162, 2.1.4.1)."""
    if not 0 < first < second:
        return []
    start, size, whole, found = 0, second, True, []
    while first != size:
        cut = _cut(size)
        if first <= cut:
            found.append((start + cut, start + size))
            size = cut
        else:
            found.append((start, start + cut))
            start, first, size, whole = start + cut, first - cut, size - cut, False
    return [*([] if whole else [(start, start + size)]), *found[::-1]]


def fits_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Check that a leaf stands at a place of the tree with this root (RFC 9162, 2.1.3.2).

    Parameters
    ----------
    leaf : bytes
        Its hash, from `leaf_hash`.
    index : int
        Its place, counted from 0; an event's number less one.
    size : int
        How many leaves the tree has.
    path : sequence of bytes
        The proof.
    root : bytes
        Of that tree, from a head that is trusted.

    Examples
    --------
    >>> left, right = leaf_hash(b"a"), leaf_hash(b"b")
    >>> fits_inclusion(right, 1, 2, [left], node_hash(left, right))
    True
    """
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for each in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(each, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, each)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def fits_consistency(first: int, second: int, path: Sequence[bytes], first_root: bytes, second_root: bytes) -> bool:
    """Check that the tree with the second root only added leaves to the one with the first (RFC 9162, 2.1.4.2)."""
    if first == second:
        return not path and first_root == second_root
    if not 0 < first < second:
        return first == 0 and not path
    steps = list(path) if first & (first - 1) else [first_root, *path]
    if not steps:
        return False
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    older = newer = steps[0]
    for each in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            older, newer = node_hash(each, older), node_hash(each, newer)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            newer = node_hash(newer, each)
        at, last = at >> 1, last >> 1
    return last == 0 and (older, newer) == (first_root, second_root)


class _Growing:
    """A tree to which leaves are added: the roots of its full subtrees, from the largest to the smallest."""

    def __init__(self) -> None:
        self._full: list[bytes] = []
        self._count = 0

    def add(self, leaf: bytes) -> None:
        self._full.append(leaf)
        self._count += 1
        carry = self._count
        while not carry & 1:
            right = self._full.pop()
            self._full[-1] = node_hash(self._full[-1], right)
            carry >>= 1

    def root(self) -> bytes:
        subtrees: Iterator[bytes] = reversed(self._full)
        found = next(subtrees, EMPTY)
        for left in subtrees:
            found = node_hash(left, found)
        return found


def _cut(size: int) -> int:
    """Give the largest power of two below a size."""
    return 1 << (size - 1).bit_length() - 1
