"""Rates of groups and the disparity between them, as Fairlearn defines it, for any weighting of the days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mlops_ext.monitoring.drift.columns import Floats
from mlops_ext.monitoring.groups.types import Rate
from mlops_ext.monitoring.performance.blocks import interval

__all__ = ["MEASURES", "RATES", "GroupSums", "disparities", "group_sums", "rate_of", "rates_of"]

RATES = ("base_rate", "selection_rate", "true_positive_rate", "false_positive_rate", "accuracy")
_OF = {
    "demographic_parity": ("selection_rate",),
    "equalized_odds": ("true_positive_rate", "false_positive_rate"),
    "equal_opportunity": ("true_positive_rate",),
}
MEASURES = tuple(f"{name}_{kind}" for name in _OF for kind in ("difference", "ratio"))
"""The measures between groups; of two rates the worse counts."""


@dataclass(frozen=True)
class GroupSums:
    """Decisions summed up by group and block of rows.

    Attributes
    ----------
    rows, positive, selected, caught, wronged : ndarray of float64, shape (groups, blocks)
        Rows, true ones, decisions for 1, and those of the true ones and of the true zeros.
    """

    rows: Floats
    positive: Floats
    selected: Floats
    caught: Floats
    wronged: Floats

    def of(self, groups: npt.NDArray[np.int64]) -> GroupSums:
        """Take some groups."""
        kept = (each[groups] for each in (self.rows, self.positive, self.selected, self.caught, self.wronged))
        return GroupSums(*kept)


def group_sums(label: Any, predicted: Any, group: npt.NDArray[np.int64], block: npt.NDArray[np.int64]) -> GroupSums:
    """Sum decisions up.

    Parameters
    ----------
    label, predicted : array_like, shape (rows,)
        0 or 1.
    group, block : ndarray of int64, shape (rows,)
        Numbers from 0: of the group, and of what is resampled whole.
    """
    truth, said = np.asarray(label) == 1, np.asarray(predicted) == 1
    shape = (int(group.max()) + 1, int(block.max()) + 1)
    place = group * shape[1] + block

    def total(held: npt.NDArray[np.bool_] | None) -> Floats:
        weights = None if held is None else held.astype(np.float64)
        return np.bincount(place, weights=weights, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)

    return GroupSums(total(None), total(truth), total(said), total(truth & said), total(~truth & said))


def rates_of(sums: GroupSums, weights: Floats) -> dict[str, Floats]:
    """Compute each rate for every weighting of the blocks.

    Parameters
    ----------
    sums : GroupSums
        Of the window.
    weights : ndarray of float64, shape (draws, blocks)
        Of ones for the window itself.

    Returns
    -------
    dict of str to ndarray, shape (groups, draws)
        NaN where there is nothing to divide by.
    """
    rows, positive = sums.rows @ weights.T, sums.positive @ weights.T
    selected, caught, wronged = (each @ weights.T for each in (sums.selected, sums.caught, sums.wronged))
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "base_rate": positive / rows,
            "selection_rate": selected / rows,
            "true_positive_rate": caught / positive,
            "false_positive_rate": wronged / (rows - positive),
            "accuracy": (caught + rows - positive - wronged) / rows,
        }


def disparities(rates: dict[str, Floats]) -> dict[str, Floats]:
    """Compare groups: demographic parity, equalized odds and equal opportunity, worst case between any two.

    Parameters
    ----------
    rates : dict of str to ndarray, shape (groups, draws)
        From `rates_of`.

    Returns
    -------
    dict of str to ndarray, shape (draws,)
        By the names in `MEASURES`; NaN where a rate of a group is undefined.

    References
    ----------
    Agarwal et al., "A reductions approach to fair classification", ICML (2018).
    Hardt, Price, Srebro, "Equality of opportunity in supervised learning", NeurIPS (2016).
    """
    found: dict[str, Floats] = {}
    for name, of in _OF.items():
        low = np.stack([rates[rate].min(axis=0) for rate in of])
        high = np.stack([rates[rate].max(axis=0) for rate in of])
        with np.errstate(divide="ignore", invalid="ignore"):
            # Nobody is selected in any group: all are treated alike.
            ratio = np.where(high == 0, 1.0, low / high)
        found[f"{name}_difference"] = (high - low).max(axis=0)
        found[f"{name}_ratio"] = ratio.min(axis=0)
    return found


def rate_of(value: float, draws: Floats | None) -> Rate:
    """Give a value the interval of its draws; without draws there is none."""
    low, high = (np.nan, np.nan) if draws is None else interval(draws)
    return Rate(value=float(value), low=low, high=high)
