"""Measured performance of one window: every metric with an interval from resampled days."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from mlops_ext.monitoring.drift.columns import Floats
from mlops_ext.monitoring.performance.blocks import (
    DRAWS,
    ECE_BINS,
    LEVEL,
    LOG_CLIP,
    SEED,
    Blocks,
    blocks_of,
    day_weights,
    interval,
)
from mlops_ext.monitoring.performance.classes import bins_of
from mlops_ext.monitoring.performance.custom import Judged
from mlops_ext.monitoring.types import MetricEstimate

__all__ = ["DEFAULT", "Bootstrap", "Scored", "estimates", "measure", "reliability", "settings"]

Kind = Literal["measured", "estimated", "difference"]


@dataclass(frozen=True)
class Bootstrap:
    """How whole days are resampled; the same numbers give the same interval."""

    draws: int = DRAWS
    seed: int = SEED
    level: float = LEVEL


DEFAULT = Bootstrap()


@dataclass(frozen=True)
class Scored:
    """One window with its labels.

    Attributes
    ----------
    day : ndarray of int64, shape (rows,)
        Days counted from 0, without gaps.
    label : ndarray of float64, shape (rows,)
        0 or 1; a probability for expected metrics.
    score : ndarray of float64, shape (rows,), or None
        Probability of 1 that the model gave.
    predicted : ndarray of bool, shape (rows,), or None
        The decision.
    """

    day: npt.NDArray[np.int64]
    label: Floats
    score: Floats | None = None
    predicted: npt.NDArray[np.bool_] | None = None

    def blocks(self) -> Blocks:
        """Sum it up by day."""
        return blocks_of(self.day, self.label, self.score, self.predicted)

    def about(self) -> dict[str, Any]:
        """Give what a report tells beside the metrics."""
        found: dict[str, Any] = {"rows": len(self.day), "positive_rate": float(self.label.mean())}
        if self.score is not None:
            found["reliability"] = reliability(self.label, self.score)
        return found


@dataclass(frozen=True)
class Measured:
    """Metrics, and every constant that they used."""

    metrics: tuple[MetricEstimate, ...]
    details: dict[str, Any] = field(default_factory=dict)


def measure(scored: Judged, bootstrap: Bootstrap = DEFAULT, kind: Kind = "measured") -> Measured:
    """Compute the metrics of a window with intervals.

    Of two classes: AUC, Brier score, log loss, calibration error, F1 and accuracy; of more: macro F1, accuracy, log
    loss and calibration error; of numbers: RMSE, MAE, R² and the median absolute error.

    Days are resampled whole because rows of a day depend on each other; draws in which a metric is undefined are
    left out and counted. One day alone gives no interval.

    Parameters
    ----------
    scored : Scored, Classified or Predicted
        At least one row.
    bootstrap : Bootstrap
        Draws, seed and level.
    kind : {"measured", "estimated"}
        What to call the metrics.

    References
    ----------
    Field, Welsh, "Bootstrapping clustered data", J. R. Stat. Soc. B 69 (2007).
    Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural networks", ICML (2017).
    """
    blocks = scored.blocks()
    days = blocks.days
    values = {name: float(found[0]) for name, found in blocks.evaluate(np.ones((1, days))).items()}
    draws = blocks.evaluate(day_weights(days, bootstrap.draws, bootstrap.seed)) if days > 1 else {}
    metrics = estimates(values, draws, bootstrap.level, kind)
    details = settings(bootstrap, days, values)
    undefined = {name: int((~np.isfinite(found)).sum()) for name, found in draws.items()}
    details["bootstrap"]["undefined_draws"] = {name: count for name, count in undefined.items() if count}
    return Measured(metrics, details | scored.about())


def estimates(
    values: dict[str, float], draws: dict[str, Floats], level: float, kind: Kind
) -> tuple[MetricEstimate, ...]:
    """Give each value the interval of its draws.

    Resampling adds noise that the calibration error takes for miscalibration, so its draws are moved down by their
    mean excess over the value, to no less than 0.
    """
    found = []
    for name, value in values.items():
        resampled = draws.get(name, np.empty(0))
        if name == "ece" and kind != "difference" and len(resampled):
            resampled = np.maximum(resampled - (np.nanmean(resampled) - value), 0.0)
        low, high = interval(resampled, level)
        found.append(MetricEstimate(name=name, value=value, low=low, high=high, level=level, kind=kind))
    return tuple(found)


def settings(bootstrap: Bootstrap, days: int, metrics: Collection[str]) -> dict[str, Any]:
    """State how intervals and, where they are among the metrics, calibration error and log loss are computed."""
    constants = {
        "ece": {"bins": ECE_BINS, "rule": "equal width, (a, b], the first takes 0"},
        "log_loss": {"clip": LOG_CLIP},
    }
    return {
        **{name: each for name, each in constants.items() if name in metrics},
        "bootstrap": {
            "block": "day (UTC)",
            "days": days,
            "draws": bootstrap.draws,
            "seed": bootstrap.seed,
            "level": bootstrap.level,
            "interval": "percentile; of the calibration error moved by its mean excess, at least 0",
        },
    }


def reliability(label: Floats, score: Floats) -> dict[str, list[float]]:
    """Give the reliability curve: per bin that holds rows, mean probability, share of positives and rows."""
    bins = bins_of(score)
    rows = np.bincount(bins, minlength=ECE_BINS)
    held = rows > 0
    mean = np.bincount(bins, weights=score, minlength=ECE_BINS)[held] / rows[held]
    share = np.bincount(bins, weights=label, minlength=ECE_BINS)[held] / rows[held]
    return {"probability": mean.tolist(), "positive": share.tolist(), "rows": rows[held].tolist()}
