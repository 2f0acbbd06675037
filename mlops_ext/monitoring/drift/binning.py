"""Shares in bins that the reference fixes: population stability index and Jensen-Shannon distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlops_ext.monitoring.drift.columns import Floats
from mlops_ext.monitoring.drift.merge import Counts, Sorted

__all__ = ["BIN_COUNT", "EPSILON", "FEW", "Bins", "bins_of", "js_distance", "psi", "quantiles"]

BIN_COUNT = 10
EPSILON = 1e-4
"""What stands in place of a share of zero in the population stability index."""
FEW = 20
"""A reference with at most so many distinct values has one bin a value."""


@dataclass(frozen=True)
class Bins:
    """Cuts between bins (a, b], or the values that have a bin each; what equals none of them shares one more.

    Attributes
    ----------
    points : ndarray of float64 or int64
        Interior cuts, or values.
    by_value : bool
        Whether `points` are values.
    """

    points: Sorted
    by_value: bool

    @property
    def rule(self) -> str:
        """The rule in words."""
        return "one bin per reference value, and one for others" if self.by_value else "reference deciles, bins (a, b]"

    def count(self, values: Sorted) -> Counts:
        """Count sorted values by bin."""
        points = self.points
        if values.dtype != points.dtype:
            if values.dtype.kind == "i" and not self.by_value:  # as many whole numbers are at most floor(c) as c
                points = np.floor(points).astype(np.int64)
            else:
                values = values.astype(np.float64)
        up_to = np.searchsorted(values, points, "right")
        if self.by_value:
            equal = up_to - np.searchsorted(values, points, "left")
            return np.append(equal, len(values) - equal.sum()).astype(np.int64)
        return np.diff(np.concatenate([[0], up_to, [len(values)]])).astype(np.int64)


def bins_of(reference: Sorted) -> Bins:
    """Fix the bins by the sorted reference.

    Examples
    --------
    >>> bins_of(np.arange(101.0)).points.round(9).tolist()
    [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0]
    >>> bins_of(np.array([1.0, 1.0, 3.0])).points.tolist()
    [1.0, 3.0]
    """
    firsts: list[int] = []
    place = 0
    while place < len(reference) and len(firsts) <= FEW:
        firsts.append(place)
        place = int(np.searchsorted(reference, reference[place], "right"))
    if len(firsts) <= FEW:
        return Bins(reference[firsts] if firsts else reference, True)
    return Bins(np.unique(quantiles(reference, np.linspace(0, 1, BIN_COUNT + 1)[1:-1])), False)


def quantiles(values: Sorted, at: Floats) -> Floats:
    """Give quantiles of sorted values by linear interpolation, as `numpy.quantile` does, without sorting again."""
    place = (len(values) - 1) * at
    below = np.floor(place).astype(np.int64)
    low, high = (values[each].astype(np.float64) for each in (below, np.minimum(below + 1, len(values) - 1)))
    part, gap = place - below, high - low
    return np.where(part < 0.5, low + gap * part, high - gap * (1 - part))


def psi(reference: npt.ArrayLike, current: npt.ArrayLike, epsilon: float = EPSILON) -> float:
    """Give the population stability index of two lists of counts.

    A share of zero is replaced with `epsilon`, without renormalisation, so one bin that empties adds
    (share - epsilon) ln(share / epsilon).

    Parameters
    ----------
    reference, current : array_like of int, shape (bins,)
        Counts in the same bins.
    epsilon : float
        The replacement.

    Returns
    -------
    float
        0 for equal shares, no upper end; NaN when a side is empty.

    Examples
    --------
    >>> round(psi([50, 50], [40, 60]), 6)
    0.040547
    """
    p, q = _shares(reference), _shares(current)
    if p is None or q is None:
        return float("nan")
    p, q = np.where(p == 0, epsilon, p), np.where(q == 0, epsilon, q)
    return float(np.sum((q - p) * np.log(q / p)))


def js_distance(reference: npt.ArrayLike, current: npt.ArrayLike) -> float:
    """Give the Jensen-Shannon distance, the root of the divergence in base 2, of two lists of counts.

    Returns
    -------
    float
        0 for equal shares, 1 for disjoint ones; NaN when a side is empty.

    References
    ----------
    Endres, Schindelin, "A new metric for probability distributions", IEEE Trans. Inf. Theory 49 (2003).
    """
    p, q = _shares(reference), _shares(current)
    if p is None or q is None:
        return float("nan")
    middle = (p + q) / 2
    divergence = (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2
    return float(np.sqrt(max(divergence, 0.0)))


def _relative_entropy(p: Floats, q: Floats) -> float:
    held = p > 0
    return float(np.sum(p[held] * np.log2(p[held] / q[held])))


def _shares(counts: npt.ArrayLike) -> Floats | None:
    numbers = np.asarray(counts, dtype=np.float64)
    total = numbers.sum()
    return numbers / total if total else None
