"""Challenger against champion on the same rows: differences with intervals from the same draws of days."""

from __future__ import annotations

from typing import Literal

import numpy as np

from mlops_ext.errors import InvalidValue
from mlops_ext.monitoring.performance.blocks import day_weights
from mlops_ext.monitoring.performance.custom import Judged
from mlops_ext.monitoring.performance.measure import DEFAULT, Bootstrap, Measured, estimates, settings
from mlops_ext.monitoring.types import BETTER, MetricEstimate

__all__ = ["Outcome", "compare_scored", "outcome"]

Outcome = Literal["better", "worse", "no_clear_gain"]


def compare_scored(champion: Judged, challenger: Judged, bootstrap: Bootstrap = DEFAULT) -> Measured:
    """Give challenger minus champion for every metric that both have.

    Parameters
    ----------
    champion, challenger : Scored, Classified or Predicted
        The same rows in the same order: days and labels are equal.
    bootstrap : Bootstrap
        Both are resampled by the same draws, so what they share cancels.

    Raises
    ------
    InvalidValue
        The rows differ.
    """
    same = np.array_equal(champion.day, challenger.day) and np.array_equal(champion.label, challenger.label)
    if not same:
        raise InvalidValue("champion and challenger were scored on different rows", hint="Score both on the same ids")
    sides = champion.blocks(), challenger.blocks()
    days = sides[0].days
    whole = [side.evaluate(np.ones((1, days))) for side in sides]
    values = {name: float(whole[1][name][0] - whole[0][name][0]) for name in whole[0] if name in whole[1]}
    weights = day_weights(days, bootstrap.draws, bootstrap.seed)
    resampled = [side.evaluate(weights) for side in sides] if days > 1 else [{}, {}]
    draws = {name: resampled[1][name] - resampled[0][name] for name in values if name in resampled[0]}
    details = settings(bootstrap, days, values)
    details["bootstrap"]["interval"] = "percentile of the paired differences"
    ways = {**BETTER, **champion.about().get("better", {})}
    details["better"] = {name: ways[name] for name in values if name in ways}
    details["values"] = {
        name: {"champion": float(whole[0][name][0]), "challenger": float(whole[1][name][0])} for name in values
    }
    return Measured(estimates(values, draws, bootstrap.level, "difference"), details)


def outcome(difference: MetricEstimate, better: str = "") -> Outcome:
    """Say in a word what a difference means: clear only when its interval leaves 0 out.

    Parameters
    ----------
    difference : MetricEstimate
        Challenger minus champion.
    better : {"higher", "lower"}
        Which way the metric improves; what is known of it when left out.
    """
    sign = 1 if (better or BETTER[difference.name]) == "higher" else -1
    low, high = sorted((sign * difference.low, sign * difference.high))
    if low > 0:
        return "better"
    return "worse" if high < 0 else "no_clear_gain"
