"""Counts of categories on two sides: chi-squared, total variation, Hellinger, new categories."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mlops_ext.monitoring.drift.columns import Categories, Floats
from mlops_ext.monitoring.drift.merge import Counts

__all__ = [
    "LOW",
    "Aligned",
    "ChiSquared",
    "align",
    "chi_squared",
    "equal_shares",
    "fisher",
    "hellinger",
    "linf",
    "new_share",
    "pooled",
    "tvd",
    "two_proportions",
]

OTHERS = "(other labels)"
LOW = 5
"""An expected count below it makes the chi-squared law a poor guide."""


@dataclass(frozen=True)
class Aligned:
    """Both sides' counts over the union of their labels, those of the reference first."""

    labels: pa.LargeStringArray
    reference: Counts
    current: Counts
    known: int
    """How many of the labels the reference has."""

    def by_reference(self, counts: Counts) -> Counts:
        """Put all labels that the reference lacks into one last bin."""
        return np.append(counts[: self.known], counts[self.known :].sum())


@dataclass(frozen=True)
class ChiSquared:
    """A chi-squared statistic with its degrees of freedom and p-value."""

    statistic: float
    dof: int
    p_value: float
    low: int
    """How many expected counts lie below 5."""


def align(reference: Categories, current: Categories) -> Aligned:
    """Bring two columns to the same labels, each part in the order of the labels.

    What a sketch of the current labels did not keep is one label on both sides.
    """
    if current.others:
        reference, current = _with_others(reference, current)
    place = pc.index_in(current.labels, value_set=reference.labels)
    unseen = pc.is_null(place).to_numpy(zero_copy_only=False)
    held = np.zeros(len(reference.labels), dtype=np.int64)
    held[pc.drop_null(place).to_numpy()] = current.counts[~unseen]
    labels = pa.concat_arrays([reference.labels, current.labels.filter(pa.array(unseen))])
    p = np.append(reference.counts, np.zeros(int(unseen.sum()), dtype=np.int64))
    return Aligned(labels, p, np.append(held, current.counts[unseen]), len(held))


def _with_others(reference: Categories, current: Categories) -> tuple[Categories, Categories]:
    """Count all labels that the current side does not tell as one."""
    told = pc.is_in(reference.labels, value_set=current.labels)
    held = told.to_numpy(zero_copy_only=False)
    other = pa.array([OTHERS], pa.large_string())
    rest = int(reference.counts[~held].sum())
    before = Categories(
        pa.concat_arrays([reference.labels.filter(told), other]),
        np.append(reference.counts[held], rest),
        reference.missing,
    )
    after = Categories(
        pa.concat_arrays([current.labels, other]), np.append(current.counts, current.others), current.missing
    )
    return before, after


def chi_squared(reference: Counts, current: Counts) -> ChiSquared:
    """Test two lists of counts for the same shares: contingency table, no continuity correction.

    Returns
    -------
    ChiSquared
        Statistic 0 and p-value 1 when there is only one category; NaN when a side is empty.

    Examples
    --------
    >>> chi_squared(np.array([10, 20]), np.array([20, 10])).statistic
    6.666666666666667
    """
    from scipy.special import chdtrc

    table = np.array([reference, current], dtype=np.float64)
    table = table[:, table.sum(axis=0) > 0]
    rows = table.sum(axis=1)
    if not rows.all():
        return ChiSquared(float("nan"), 0, float("nan"), 0)
    expected = np.outer(rows, table.sum(axis=0) / table.sum())
    statistic = float(np.sum((table - expected) ** 2 / expected))
    dof = table.shape[1] - 1
    p_value = float(chdtrc(dof, statistic)) if dof else 1.0
    return ChiSquared(statistic, dof, p_value, int((expected < LOW).sum()))


def pooled(reference: Counts, current: Counts) -> tuple[Counts, Counts, int]:
    """Put all categories with an expected count below 5 into one; give how many those were."""
    total = (reference + current).astype(np.float64)
    smaller = min(reference.sum(), current.sum()) / max(total.sum(), 1)
    rare = total * smaller < LOW
    count = int((rare & (total > 0)).sum())
    sides = [np.append(side[~rare], side[rare].sum()) for side in (reference, current)]
    return sides[0], sides[1], count


def tvd(reference: Counts, current: Counts) -> float:
    """Give the total variation distance, half the sum of absolute differences of shares: 0 to 1."""
    p, q = _shares(reference), _shares(current)
    return float(np.abs(p - q).sum() / 2) if len(p) else float("nan")


def hellinger(reference: Counts, current: Counts) -> float:
    """Give the Hellinger distance: 0 for equal shares, 1 for disjoint ones."""
    p, q = _shares(reference), _shares(current)
    return float(np.sqrt(np.sum((np.sqrt(p) - np.sqrt(q)) ** 2) / 2)) if len(p) else float("nan")


def linf(reference: Counts, current: Counts) -> float:
    """Give the largest absolute difference of shares: 0 to 1."""
    if not len(reference):
        return float("nan")
    return float(np.abs(_shares(reference) - _shares(current)).max())


def new_share(aligned: Aligned) -> float:
    """Give the share of current labels that the reference has not."""
    total = aligned.current.sum()
    return float(aligned.current[aligned.known :].sum() / total) if total else float("nan")


def two_proportions(hits: int, rows: int, other_hits: int, other_rows: int) -> float:
    """Test two shares for equality by the pooled two-sided z-test, and give the p-value.

    Returns
    -------
    float
        1 when both shares are 0 or both are 1; NaN when a side is empty.
    """
    from scipy.special import ndtr

    if not rows or not other_rows:
        return float("nan")
    share = (hits + other_hits) / (rows + other_rows)
    spread = np.sqrt(share * (1 - share) * (1 / rows + 1 / other_rows))
    if not spread:
        return 1.0
    z = abs(hits / rows - other_hits / other_rows) / spread
    return float(2 * ndtr(-z))


def fisher(hits: int, rows: int, other_hits: int, other_rows: int) -> float:
    """Test two shares for equality by Fisher's exact test, two-sided: all tables at most as likely as the one seen.

    Returns
    -------
    float
        NaN when a side is empty.
    """
    from scipy.special import gammaln

    if not rows or not other_rows:
        return float("nan")
    both, total = hits + other_hits, rows + other_rows
    seen = np.arange(max(0, both - other_rows), min(rows, both) + 1, dtype=np.float64)
    cells = (seen, rows - seen, both - seen, other_rows - both + seen)
    logs = -sum(gammaln(cell + 1) for cell in cells)
    chances = np.exp(logs - logs.max())
    likely = chances[hits - int(seen[0])] * (1 + 1e-7)
    return float(min(1.0, chances[chances <= likely].sum() / chances.sum())) if total else 1.0


def equal_shares(hits: int, rows: int, other_hits: int, other_rows: int) -> tuple[float, str]:
    """Test two shares: by the z-test, or exactly when a count is expected below 5. Give p-value and method."""
    total = max(rows + other_rows, 1)
    both = hits + other_hits
    if min(both, total - both) * min(rows, other_rows) / total < LOW:
        return fisher(hits, rows, other_hits, other_rows), "Fisher's exact test, two-sided: a count is expected below 5"
    return two_proportions(hits, rows, other_hits, other_rows), "two proportions, pooled, two-sided z"


def _shares(counts: npt.NDArray[np.int64]) -> Floats:
    total = counts.sum()
    return counts / total if total else np.full(len(counts), np.nan)
