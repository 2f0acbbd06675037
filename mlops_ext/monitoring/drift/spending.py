"""False alarms over time: a monitor may spend so much significance in so many windows, and no more.

Under no drift a window at level a alarms with a probability of at most a, when its p-values are valid and Simes'
inequality holds over the columns (independent or positively dependent ones). The windows share one reference, so their
tests depend on each other in a way that nobody knows. The sum of the levels bounds the chance of any alarm whatever
that dependence is; likelihood-ratio or betting processes would need windows that are independent given the past.

References
----------
Lan, DeMets, "Discrete sequential boundaries for clinical trials", Biometrika 70 (1983): spending over looks.
Simes, "An improved Bonferroni procedure for multiple tests of significance", Biometrika 73 (1986); Sarkar, "Some
probability inequalities for ordered MTP2 random variables", Ann. Stat. 26 (1998): its validity under dependence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mlops_ext.errors import InvalidValue
from mlops_ext.monitoring.drift.verdict import BOUND, Decision, decide, verdict_of
from mlops_ext.monitoring.types import DriftRow, Verdict

__all__ = ["Spending", "judge"]


@dataclass(frozen=True)
class Spending:
    """What a monitor promises, and what it has spent: its whole state.

    Attributes
    ----------
    alpha : float
        Chance of at least one false alarm in any `windows` windows in a row, at most.
    windows : int
        How many, such as 52 weeks.
    spent : dict of str to float
        The level of each of the last windows, in the order in which they came.
    """

    alpha: float = 0.05
    windows: int = 52
    spent: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise InvalidValue(f"alpha is {self.alpha}", hint="Give a chance between 0 and 1, such as 0.05")
        if self.windows < 1:
            raise InvalidValue(f"windows is {self.windows}", hint="Give how many share alpha, such as 52 weeks")

    def level(self, window: str) -> float:
        """Give the level of a window; one that was judged before keeps its level and costs nothing more."""
        if window in self.spent:
            return self.spent[window]
        recent = list(self.spent.values())[-(self.windows - 1) :] if self.windows > 1 else []
        return min(self.alpha / self.windows, max(0.0, self.alpha - sum(recent)))

    def after(self, window: str) -> Spending:
        """Give the state after a window was judged."""
        if window in self.spent:
            return self
        kept = list(self.spent.items())[-(self.windows - 1) :] if self.windows > 1 else []
        return replace(self, spent={**dict(kept), window: self.level(window)})

    def promise(self, window: str) -> str:
        """Say what a window's level is a part of, as the end of a verdict's method."""
        return f"; level {self.level(window):g} of {self.alpha:g} in any {self.windows} windows (spending, union bound)"

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON."""
        return {"alpha": self.alpha, "windows": self.windows, "spent": dict(self.spent)}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Spending:
        """Read what `to_dict` gave."""
        return cls(float(state["alpha"]), int(state["windows"]), dict(state["spent"]))


def judge(
    rows: Iterable[DriftRow],
    window: str,
    spending: Spending,
    *,
    bound: float = BOUND,
    importance: Mapping[str, float] | None = None,
) -> tuple[list[Decision], Verdict, Spending]:
    """Decide on a monitor's window.

    Parameters
    ----------
    rows : iterable of DriftRow
        The statistics of all columns.
    window : str
        Its name; judged twice, it is judged alike.
    spending : Spending
        The state before.
    bound, importance
        See `verdict.decide`.

    Returns
    -------
    tuple of (list of Decision, Verdict, Spending)
        The last is the state to keep.

    Examples
    --------
    >>> decisions, verdict, state = judge([], "2013-W01", Spending(alpha=0.05, windows=50))
    >>> verdict.alpha, state.to_dict()["spent"]
    (0.001, {'2013-W01': 0.001})
    """
    level = spending.level(window)
    decisions = decide(rows, level, bound, importance)
    found = verdict_of(decisions, level, bound)
    method = found.method + spending.promise(window)
    return decisions, found.model_copy(update={"method": method}), spending.after(window)
