"""The verdict over all columns: false alarms are controlled, and only a change of practical size counts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from mlops_ext.errors import InvalidValue
from mlops_ext.monitoring.types import DriftRow, Verdict

__all__ = ["ALPHA", "BOUND", "Decision", "adjusted", "decide", "least_p_value", "verdict_of"]

ALPHA = 0.05
"""Upper bound of the expected share of false alarms among the columns called drifted."""
BOUND = 0.1
"""The population stability index, missing values in a bin of their own, from which a change counts in practice."""

Status = Literal["no_drift", "drift", "undecided"]
_TESTS = ("chi2_pooled", "chi2", "ks")
_STRUCTURE = "retyped", "gone", "new_column"


@dataclass(frozen=True)
class Decision:
    """What is said of one column.

    Attributes
    ----------
    p_value : float
        Of the distribution's and the missing rate's test together; NaN when neither could be made.
    q_value : float
        The same, adjusted over all columns.
    size : float
        `psi_na`, with rare labels pooled; infinite when the column's type changed or the column is missing on a side.
    impact : float
        Size times the column's importance (1 when none is given): what to look at first.
    """

    column: str
    p_value: float
    q_value: float
    size: float
    status: Status
    reason: str
    impact: float = math.nan

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON."""
        return asdict(self)


def decide(
    rows: Iterable[DriftRow], alpha: float = ALPHA, bound: float = BOUND, importance: Mapping[str, float] | None = None
) -> list[Decision]:
    """Decide on each column, those with the largest impact first.

    A column has drifted when its adjusted p-value is at most `alpha` and its size at least `bound`. It stays
    undecided when the size reaches the bound without significance: the window is too small to tell.

    Parameters
    ----------
    rows : iterable of DriftRow
        The statistics of all columns.
    alpha : float
        Level of the Benjamini-Hochberg procedure, between 0 and 1.
    bound : float
        Least size that matters, at least 0.
    importance : mapping of str to float, optional
        How much each column matters, at least 0; a column that is not named then counts nothing.

    References
    ----------
    Benjamini, Hochberg, "Controlling the false discovery rate", J. R. Stat. Soc. B 57 (1995).
    """
    if not 0 < alpha < 1:
        raise InvalidValue(f"alpha is {alpha}", hint="Give a level between 0 and 1, such as 0.05")
    if not bound >= 0:
        raise InvalidValue(f"bound is {bound}", hint="Give a PSI of at least 0, such as 0.1")
    wrong = [name for name, weight in (importance or {}).items() if not 0 <= weight < math.inf]
    if wrong:
        raise InvalidValue(f"the importance of {wrong[0]!r} is no number of at least 0", hint="Give shares or gains")
    by_column: dict[str, dict[str, DriftRow]] = {}
    for row in rows:
        by_column.setdefault(row.column, {})[row.statistic] = row
    p_values = {column: _p_value(found) for column, found in by_column.items()}
    tested = {column: p for column, p in p_values.items() if not math.isnan(p)}
    q_values = dict(zip(tested, adjusted(list(tested.values())), strict=True))
    decisions = [
        _decision(column, found, p_values[column], q_values.get(column, math.nan), alpha, bound)
        for column, found in by_column.items()
    ]
    weighed = [replace(each, impact=each.size * _weight(each.column, importance)) for each in decisions]
    return sorted(weighed, key=_strength)


def verdict_of(decisions: Sequence[Decision], alpha: float = ALPHA, bound: float = BOUND) -> Verdict:
    """Sum the decisions up: drift if any column drifted, else undecided if any is, else none."""
    drifted = tuple(each.column for each in decisions if each.status == "drift")
    undecided = any(each.status == "undecided" for each in decisions) or not decisions
    tested = sum(not math.isnan(each.q_value) for each in decisions)
    method = (
        f"Benjamini-Hochberg over {tested} columns at {alpha:g}; per column twice the smaller p-value of the missing "
        f"rate's test and KS (numeric; exact up to 10000 rows a side) or chi-squared (categorical, categories expected "
        f"below 5 pooled); and PSI with a bin for missing values of at least {bound:g}"
    )
    status: Status = "drift" if drifted else "undecided" if undecided else "no_drift"
    return Verdict(status=status, columns=drifted, alpha=alpha, method=method)


def adjusted(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values by Benjamini and Hochberg, in their order.

    Examples
    --------
    >>> adjusted([0.01, 0.04, 0.03])
    [0.03, 0.04, 0.04]
    """
    count = len(p_values)
    order = sorted(range(count), key=lambda place: p_values[place])
    found, least = [1.0] * count, 1.0
    for rank in range(count, 0, -1):
        place = order[rank - 1]
        least = min(least, p_values[place] * count / rank)
        found[place] = least
    return found


def _weight(column: str, importance: Mapping[str, float] | None) -> float:
    """Give the importance of a column, or of the one whose slice it is; never nothing, so that size still ranks."""
    if not importance:
        return 1.0
    return max(importance.get(column, importance.get(column.partition(" [")[0], 0.0)), 1e-12)


def least_p_value(n: int, m: int) -> float:
    """Give the p-value of two samples that lie wholly apart, 2 / binomial(n + m, n): none can be smaller."""
    return math.exp(math.log(2) + math.lgamma(n + 1) + math.lgamma(m + 1) - math.lgamma(n + m + 1))


def _p_value(found: Mapping[str, DriftRow]) -> float:
    """Take the two tests of a column together by Bonferroni, so that either may speak."""
    test = next((found[name] for name in _TESTS if name in found), None)
    pair = [row.p_value for row in (test, found.get("missing_change")) if row is not None and row.p_value is not None]
    exact = found.get("ks_exact")
    if exact is not None and exact.p_value is not None:
        pair[0] = exact.p_value
    elif test is not None and test.statistic == "ks" and test.p_value is not None and "n" in test.parameters:
        pair[0] = max(test.p_value, least_p_value(test.parameters["n"], test.parameters["m"]))
    return min(1.0, len(pair) * min(pair)) if pair else math.nan


def _decision(
    column: str, found: Mapping[str, DriftRow], p_value: float, q_value: float, alpha: float, bound: float
) -> Decision:
    structure = next((found[name] for name in _STRUCTURE if name in found), None)
    if structure is not None:
        status: Status = "drift" if structure.value else "no_drift"
        size = math.inf if structure.value else 0.0
        return Decision(column, math.nan, math.nan, size, status, str(structure.parameters["sentence"]))
    size = _size(found)
    if math.isnan(size) or math.isnan(q_value):
        return Decision(column, p_value, q_value, size, "undecided", "a side has no rows")
    if size < bound:
        return Decision(column, p_value, q_value, size, "no_drift", f"PSI {size:.3g} is below {bound:g}")
    if "chi2_pooled" in found and found["chi2_pooled"].parameters.get("dof") == 0:
        reason = f"PSI {size:.3g}, but every label is too rare to test"
        return Decision(column, p_value, q_value, size, "undecided", reason)
    if q_value > alpha:
        reason = f"PSI {size:.3g}, but q {q_value:.2g} exceeds {alpha:g}: too few rows to tell"
        return Decision(column, p_value, q_value, size, "undecided", reason)
    return Decision(column, p_value, q_value, size, "drift", f"PSI {size:.3g}, {_worded(q_value)}")


def _size(found: Mapping[str, DriftRow]) -> float:
    """Take PSI with the rare labels pooled where there are some: each empty one would add to it by chance alone."""
    pooled = found["chi2_pooled"].parameters if "chi2_pooled" in found else {}
    if pooled.get("dof") and "psi_na" in pooled:
        return float(pooled["psi_na"])
    return found["psi_na"].value if "psi_na" in found else math.nan


def _strength(decision: Decision) -> tuple[int, float, float, str]:
    rank = {"drift": 0, "undecided": 1, "no_drift": 2}[decision.status]
    size = -1.0 if math.isnan(decision.impact) else decision.impact
    p_value = 1.0 if math.isnan(decision.p_value) else decision.p_value
    return rank, -size, p_value, decision.column


def _worded(q_value: float) -> str:
    """Write a q-value; one too small for a float is not nothing."""
    return f"q {q_value:.2g}" if q_value else "q < 1e-300"
