"""A numeric column that is known by a sketch only: weighted values in order, and the statistics that follow."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlops_ext.monitoring.drift import numeric
from mlops_ext.monitoring.drift.binning import Bins
from mlops_ext.monitoring.drift.columns import Floats, Numbers
from mlops_ext.monitoring.drift.merge import Counts

__all__ = ["Sketched", "sketched_distances"]

_DRAWN = 4096


@dataclass(frozen=True)
class Sketched:
    """A numeric column of which a sketch is left.

    Attributes
    ----------
    values : ndarray of float64, shape (kept,)
        Distinct and finite, sorted.
    upto : ndarray of int64, shape (kept,)
        How many rows are, by the sketch, at most each of them; the last is the number of finite values.
    missing, infinite : int
        Exact, as of `Numbers`.
    moments : tuple of float
        Mean and standard deviation (ddof 0), exact but for rounding.
    rank_error : float
        By how much a share of rows may be wrong, with 99 % confidence.
    sketch : str
        Which, with its size.
    """

    values: Floats
    upto: Counts
    missing: int
    infinite: int
    moments: tuple[float, float]
    rank_error: float
    sketch: str

    @property
    def present(self) -> int:
        """How many values are finite."""
        return int(self.upto[-1]) if len(self.upto) else 0

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.present + self.missing

    def count(self, bins: Bins) -> Counts:
        """Count the rows by bin."""
        points = bins.points.astype(np.float64)
        upto = np.append(0, self.upto)
        right = upto[np.searchsorted(self.values, points, "right")]
        if bins.by_value:
            equal = right - upto[np.searchsorted(self.values, points, "left")]
            return np.append(equal, self.present - equal.sum()).astype(np.int64)
        return np.diff(np.concatenate([[0], right, [self.present]])).astype(np.int64)

    def drawn(self) -> Numbers:
        """Give values at even ranks, for the eye."""
        if not self.present:
            return Numbers(np.empty(0), self.missing, self.infinite)
        ranks = (np.arange(_DRAWN) + 0.5) * self.present / _DRAWN
        return Numbers(self.values[np.searchsorted(self.upto, ranks, "left")], self.missing, self.infinite)


def sketched_distances(
    reference: Numbers, current: Sketched, asked: Collection[str]
) -> Iterator[tuple[str, float, dict[str, Any], float | None]]:
    """Give statistic, value, constants and p-value of the distances to an exact reference.

    The p-value is that of the distance less the sketch's error, so that the sketch raises no false alarm.
    """
    n, m = reference.present, current.present
    about = {"n": n, "m": m, "sketch": current.sketch, "rank_error": current.rank_error}
    if not n or not m:
        yield from ((statistic, math.nan, about, None) for statistic in ("ks", "w1", "w1_norm"))
        return
    values = reference.values.astype(np.float64, copy=False)
    distance = _largest_gap(values, current)
    surely = max(0.0, distance - current.rank_error)
    law = {**about, "n_eff": numeric.effective_size(n, m), "method": "kstwo at n_eff, of the distance less rank_error"}
    yield "ks", distance, law, numeric.ks_p_value(surely, n, m)
    if "w1" not in asked and "w1_norm" not in asked:
        return
    area = _area(values, current)
    yield "w1", area, about, None
    divisor = max(reference.moments[1], numeric.STD_FLOOR)
    rule = f"max(std of the reference, ddof 0; {numeric.STD_FLOOR})"
    yield "w1_norm", area / divisor, {**about, "divisor": divisor, "rule": rule}, None


def _largest_gap(reference: Floats, current: Sketched) -> float:
    """Compare both distribution functions at each value of the sketch, and right before it."""
    share = current.upto / current.present
    at = np.searchsorted(reference, current.values, "right") / len(reference) - share
    before = np.searchsorted(reference, current.values, "left") / len(reference) - np.append(0.0, share[:-1])
    return float(max(np.abs(at).max(), np.abs(before).max()))


def _area(reference: Floats, current: Sketched) -> float:
    """Integrate the gap of the quantile functions: in each block of ranks the sketch has one value.

    Left of the rank that this value has in the reference the reference is smaller, right of it larger.
    """
    n = len(reference)
    centre = float(reference[n // 2])
    sums = np.concatenate([[0.0], np.cumsum(reference - centre)])

    def upto(rank: Floats) -> Floats:
        whole = np.minimum(np.floor(rank).astype(np.int64), n)
        inside = np.append(reference - centre, 0.0)[whole]
        return np.asarray(sums[whole] + (rank - whole) * inside, dtype=np.float64)

    ends = current.upto / current.present * n
    starts = np.append(0.0, ends[:-1])
    value = current.values - centre
    middle = np.clip(np.searchsorted(reference, current.values, "right").astype(np.float64), starts, ends)
    low = value * (middle - starts) - (upto(middle) - upto(starts))
    high = (upto(ends) - upto(middle)) - value * (ends - middle)
    return float((low + high).sum() / n)
