"""Disparity between groups, as Fairlearn defines it: demographic parity and equalized odds, worst case."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Group", "disparity", "groups_of"]


@dataclass(frozen=True)
class Group:
    """What a model decides for the rows of one group.

    Attributes
    ----------
    selected : float
        Share of rows that it says 1 of.
    caught, wronged : float
        That share among true ones and among true zeros: true and false positive rate; NaN when there are none.
    """

    name: str
    rows: int
    selected: float
    caught: float
    wronged: float

    def __str__(self) -> str:
        return f"{self.name} n={self.rows} selected {self.selected:.3f} TPR {self.caught:.3f} FPR {self.wronged:.3f}"


def groups_of(label: Any, predicted: Any, group: Any) -> list[Group]:
    """Sum decisions up by group; rows without a group are one, named so.

    Parameters
    ----------
    label, predicted : array_like, shape (rows,)
        0 or 1.
    group : array_like, shape (rows,)
        What group each row belongs to.
    """
    import pandas as pd

    truth, said = np.asarray(label) == 1, np.asarray(predicted) == 1
    names = pd.Series(group).astype(object).where(pd.notna(group), "(missing)").astype(str).to_numpy()
    return [_group(name, truth[names == name], said[names == name]) for name in sorted(set(names))]


def disparity(name: str, groups: list[Group]) -> float:
    """Give one of the four measures between groups.

    Parameters
    ----------
    name : str
        demographic_parity_difference, demographic_parity_ratio, equalized_odds_difference or
        equalized_odds_ratio.
    groups : list of Group
        Two or more.

    References
    ----------
    Agarwal et al., "A reductions approach to fair classification", ICML (2018); fairlearn.metrics.
    """
    rates = [[group.selected for group in groups]]
    if name.startswith("equalized_odds"):
        rates = [[group.caught for group in groups], [group.wronged for group in groups]]
    found = [_ratio(each) if name.endswith("_ratio") else max(each) - min(each) for each in rates]
    if any(math.isnan(rate) for each in rates for rate in each):
        return math.nan
    return min(found) if name.endswith("_ratio") else max(found)


def _ratio(rates: list[float]) -> float:
    # Nobody is selected in any group: all are treated alike.
    return min(rates) / max(rates) if max(rates) else 1.0


def _group(name: str, truth: Any, said: Any) -> Group:
    def share(of: Any) -> float:
        return float(said[of].mean()) if of.any() else math.nan

    return Group(name, len(truth), float(said.mean()), share(truth), share(~truth))
