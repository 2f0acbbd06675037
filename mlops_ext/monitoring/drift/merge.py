"""Two sorted samples compared exactly without a visit to each value.

The first sample is cut at a few thousand of its values. Between two cuts both distribution functions only rise, so
their gap lies between two numbers that the counts at the cuts give. Where it cannot change its sign, its integral
follows from sums; only where it can, or where the largest gap could lie, are the values merged one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["BLOCK", "FINER", "Counts", "Cuts", "Sorted", "cut", "cut_points", "gap_and_area"]

Sorted = npt.NDArray[Any]
"""Sorted and finite, int64 or float64."""
Counts = npt.NDArray[np.int64]
Places = npt.NDArray[np.intp]
Ranges = tuple[tuple[Counts, Counts], tuple[Counts, Counts]]
"""First and last place of each stretch, on both sides."""
BLOCK = 2**18
"""Longer columns are looked at in parts of so many rows, so that no copy of a whole one is made."""
MERGED = 2**14
"""So many values are merged at once: what is under way stays in the processor's cache."""
FINER = 2**24
"""From so many rows in all the cuts are those of both samples."""
_NEAR = 8
_DENSITY = 16
"""Cuts per root of the rows: stretches then hold little beside the gap that chance makes."""


@dataclass(frozen=True)
class Cuts:
    """Where a sorted sample is cut, and what lies between.

    Attributes
    ----------
    points : ndarray, shape (cuts,)
        Distinct values of the sample, the first and the last among them.
    upto, below : ndarray of int64, shape (cuts,)
        How many values are at most, and less than, each point.
    centre : int or float
        What is taken off every value before sums, so that large means cost no digits.
    sums : ndarray of float64, shape (cuts,)
        Sum of the centred values right of each point and left of the next.
    """

    points: Sorted
    upto: Counts
    below: Counts
    centre: Any
    sums: npt.NDArray[np.float64]


def cut(values: Sorted) -> Cuts:
    """Cut a sorted sample that has at least one value."""
    n, points = len(values), cut_points(values)
    upto, below = _ranks(values, points)
    centre = values[n // 2]
    if values.dtype.kind == "f" and abs(centre) <= _NEAR * (values[3 * n // 4] - values[n // 4]):
        centre = values.dtype.type(0.0)  # a middle so near costs three bits, a copy of the column costs more
    return Cuts(points, upto, below, centre, _inner_sums(values, centre, upto, below))


def cut_points(values: Sorted) -> Sorted:
    """Give the distinct values at which a sorted sample is cut, the first and the last among them."""
    n = len(values)
    step = max(1, int(n**0.5 / _DENSITY))
    places = np.append(np.arange(0, n - 1, step), n - 1) if n > 4 * _DENSITY**2 else np.array([0, n - 1])
    picked = values[places]
    points: Sorted = picked[np.append(True, picked[1:] > picked[:-1])]
    return points


def gap_and_area(a: Sorted, cuts: Cuts, b: Sorted) -> tuple[int, float]:
    """Give n·m times the largest gap of two distribution functions, and n·m times the area between them.

    Parameters
    ----------
    a, b : ndarray, shape (n,) and (m,)
        Sorted and finite, of one dtype, at least one value each.
    cuts : Cuts
        Those of `a`.
    """
    n, m = len(a), len(b)
    if n + m > FINER:
        cuts = _finer(a, cuts, b)
    upto, below = _ranks(b, cuts.points)
    gap = cuts.upto * m - upto * n
    lowest = cuts.upto[:-1] * m - below[1:] * n
    highest = cuts.below[1:] * m - upto[:-1] * n
    largest = int(max(np.abs(gap).max(), below[0] * n))
    unsure = (lowest < 0) & (highest > 0) | (np.maximum(np.abs(lowest), np.abs(highest)) > largest)
    sums = _inner_sums(b, cuts.centre, upto, below)
    points = _offset(cuts.points, cuts.centre)
    with np.errstate(over="ignore", invalid="ignore"):
        before = below[0] * points[0] - _sum(b[: below[0]], cuts.centre)
        after = sums[-1] - (m - upto[-1]) * points[-1]
        inside_a = (cuts.below[1:] - cuts.upto[:-1]) * points[1:] - cuts.sums[:-1]
        inside_b = (below[1:] - upto[:-1]) * points[1:] - sums[:-1]
        stretch = gap[:-1] * np.diff(points) + m * inside_a - n * inside_b
        area = float(np.abs(stretch[~unsure]).sum() + n * (before + after))
    if not unsure.any():
        return largest, area
    ranges = (cuts.upto[:-1], cuts.below[1:]), (upto[:-1], below[1:])
    for part in _parts(np.flatnonzero(unsure), ranges):
        most, more = _merge(a, b, cuts.points, gap, part, ranges)
        largest, area = max(largest, most), area + more
    return largest, area


def _finer(a: Sorted, cuts: Cuts, b: Sorted) -> Cuts:
    """Cut at values of the other sample, too, so that no stretch holds much of either."""
    points = np.union1d(cuts.points, cut_points(b))
    points = points[(points >= a[0]) & (points <= a[-1])]
    upto, below = _ranks(a, points)
    return Cuts(points, upto, below, cuts.centre, _inner_sums(a, cuts.centre, upto, below))


def _parts(unsure: Places, ranges: Ranges) -> Iterator[Places]:
    """Split the unsure stretches into parts that are merged one after the other."""
    (first_a, last_a), (first_b, last_b) = ranges
    held = (last_a[unsure] - first_a[unsure] + last_b[unsure] - first_b[unsure]).cumsum()
    yield from np.split(unsure, np.flatnonzero(np.diff(held // MERGED)) + 1)


def _merge(
    a: Sorted,
    b: Sorted,
    points: Sorted,
    gap: Counts,
    unsure: Places,
    ranges: Ranges,
) -> tuple[int, float]:
    """Merge the values inside the unsure stretches, and take gap and area from every one."""
    n, m = len(a), len(b)
    (first_a, last_a), (first_b, last_b) = ranges
    x, y = _gather(a, first_a[unsure], last_a[unsure]), _gather(b, first_b[unsure], last_b[unsure])
    sizes = (last_a - first_a + last_b - first_b)[unsure]
    held = sizes > 0
    start, left, right = gap[:-1][unsure], points[:-1][unsure], points[1:][unsure]
    bare = _weighed(start[~held], _steps(left[~held], right[~held]))
    if not held.any():
        return 0, bare
    sizes, start, left, right = sizes[held], start[held], left[held], right[held]
    values = np.concatenate([x, y])
    order = values.argsort(kind="stable")  # two sorted runs: one merge
    values = values[order]
    run = (order < len(x)).cumsum(dtype=np.int64)
    run *= n + m  # each value of x adds m, each of y takes off n
    run -= np.arange(n, n * len(run) + 1, n)
    ends = np.cumsum(sizes)
    run += np.repeat(start - np.append(0, run[ends[:-1] - 1]), sizes)
    following = np.append(values[1:], right[-1:])
    following[ends - 1] = right
    step = _steps(values, following)
    area = _weighed(run, step) + _weighed(start, _steps(left, values[ends - sizes]))
    return int(np.abs(run[step > 0]).max(initial=0)), area + bare


def _weighed(gaps: Counts, steps: npt.NDArray[np.float64]) -> float:
    """Sum steps as often as their gaps are large; not by BLAS, whose threads wait longer than this takes."""
    with np.errstate(over="ignore", invalid="ignore"):
        return float((np.abs(gaps) * steps).sum())


def _gather(values: Sorted, first: Counts, last: Counts) -> Sorted:
    sizes = last - first
    before = np.cumsum(sizes) - sizes
    picked: Sorted = values[np.repeat(first - before, sizes) + np.arange(sizes.sum())]
    return picked


def _ranks(values: Sorted, points: Sorted) -> tuple[Counts, Counts]:
    """Give how many values are at most, and less than, each point."""
    upto = np.searchsorted(values, points, "right").astype(np.int64, copy=False)
    below = upto.copy()
    met = (upto > 0) & (values[np.maximum(upto, 1) - 1] == points)
    below[met] = np.searchsorted(values, points[met], "left")
    return upto, below


def _inner_sums(values: Sorted, centre: Any, upto: Counts, below: Counts) -> npt.NDArray[np.float64]:
    """Sum the centred values between each point and the next, and right of the last one."""
    ends = np.append(below[1:], len(values))
    sums = np.zeros(len(upto), dtype=np.float64)
    for start in range(0, len(values), BLOCK):
        block = values[start : start + BLOCK]
        first = int(np.searchsorted(ends, start, "right"))
        last = int(np.searchsorted(upto, start + len(block), "left"))
        here = (np.clip(each[first:last] - start, 0, len(block)) for each in (upto, ends))
        sums[first:last] += _block_sums(block, centre, *here)
    return sums


def _block_sums(values: Sorted, centre: Any, upto: Counts, ends: Counts) -> npt.NDArray[np.float64]:
    sums = np.zeros(len(upto), dtype=np.float64)
    edges = np.column_stack([upto, ends]).ravel()
    count = int(np.searchsorted(edges, len(values), "left"))
    if count:
        with np.errstate(over="ignore", invalid="ignore"):
            found = np.add.reduceat(_offset(values, centre), edges[:count])[::2]
        sums[: len(found)] = found
    sums[ends == upto] = 0.0
    return sums


def _sum(values: Sorted, centre: Any) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        return float(sum(_offset(values[at : at + BLOCK], centre).sum() for at in range(0, len(values), BLOCK)))


def _offset(values: Sorted, centre: Any) -> npt.NDArray[np.float64]:
    """Take the centre off in the values' own type, so that huge integers keep their last digits."""
    if values.dtype.kind == "i" and not _wide(values, centre):
        return np.asarray(values - centre, dtype=np.float64)
    if values.dtype.kind == "f" and centre == 0:
        return values
    with np.errstate(over="ignore"):
        shifted: npt.NDArray[np.float64] = values.astype(np.float64, copy=False) - np.float64(centre)
        return shifted


def _steps(left: Sorted, right: Sorted) -> npt.NDArray[np.float64]:
    if left.dtype.kind == "i" and len(left) and int(right.max()) - int(left.min()) < 2**63:
        return (right - left).astype(np.float64)
    with np.errstate(over="ignore"):
        return np.subtract(right, left, dtype=np.float64)


def _wide(values: Sorted, centre: Any) -> bool:
    ends = (int(values[0]), int(values[-1])) if len(values) else (0, 0)
    return max(abs(ends[0] - int(centre)), abs(ends[1] - int(centre))) >= 2**63
