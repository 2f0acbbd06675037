"""How far the distribution of a column moved, by what both snapshots noted: no row is read."""

from __future__ import annotations

import numpy as np

from mlops_ext.datasets.diff.types import Shift
from mlops_ext.datasets.profile.columns import TOPS
from mlops_ext.datasets.profile.types import ColumnProfile, Profile

__all__ = ["shift_of"]

_STEP = 0.01


def shift_of(name: str, before: Profile, after: Profile, changed: int = 0, *, is_hidden: bool = False) -> Shift | None:
    """Compare a column of two profiles; nothing when one lacks it.

    Parameters
    ----------
    changed : int
        How many of its cells changed.
    is_hidden : bool
        Leave out what is a value, such as a mean.

    Notes
    -----
    Numbers and times: the distance of Kolmogorov and Smirnov between two sets of percentiles. Text: the total
    variation distance of the frequent values, with all others as one.
    """
    left, right = before.column(name), after.column(name)
    if left is None or right is None:
        return None
    statistic, value, error = _distance(left, right)
    return Shift(
        column=name,
        statistic=statistic,
        value=value,
        error=round(error + before.rank_error + after.rank_error, 6) if statistic else 0.0,
        mean_before=None if is_hidden else left.mean,
        mean_after=None if is_hidden else right.mean,
        missing_before=left.missing / left.rows if left.rows else 0.0,
        missing_after=right.missing / right.rows if right.rows else 0.0,
        changed=changed,
    )


def _distance(left: ColumnProfile, right: ColumnProfile) -> tuple[str, float | None, float]:
    if left.quantiles and right.quantiles and left.kind == right.kind:
        return "ks", _ks(np.array(left.quantiles), np.array(right.quantiles)), 2 * _STEP
    if left.top and right.top:
        return "tvd", *_tvd(left, right)
    return "", None, 0.0


def _ks(left: np.ndarray, right: np.ndarray) -> float:
    """Compare two distribution functions at all of their percentiles, from both sides of each."""
    points = np.concatenate([left, right])
    sides = [[np.searchsorted(each, points, side) for each in (left, right)] for side in ("left", "right")]
    return float(max(np.abs(mine - theirs).max() for mine, theirs in sides)) / len(left)


def _tvd(left: ColumnProfile, right: ColumnProfile) -> tuple[float, float]:
    """Give the distance and how much the values beyond the frequent ones may hide."""
    shares = [{top.value: top.share for top in each.top} for each in (left, right)]
    named = sum(abs(shares[0].get(value, 0.0) - shares[1].get(value, 0.0)) for value in shares[0] | shares[1])
    others = abs(sum(shares[0].values()) - sum(shares[1].values()))
    unknown = [min(each.values()) if len(each) == TOPS else 0.0 for each in shares]
    return round(min((named + others) / 2, 1.0), 6), max(unknown)
