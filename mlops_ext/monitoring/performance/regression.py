"""Predicted numbers: sums by day from which every error metric of any resampling of the days follows exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mlops_ext.monitoring.drift.columns import Floats

__all__ = ["ErrorBlocks", "Predicted", "Sums", "by_block", "error_metrics", "error_sums"]

Sums = dict[str, Floats]


@dataclass(frozen=True)
class Predicted:
    """One window of a regression with its labels.

    Attributes
    ----------
    day : ndarray of int64, shape (rows,)
        Days counted from 0, without gaps.
    label, predicted : ndarray of float64, shape (rows,)
        What was, and what the model said.
    """

    day: npt.NDArray[np.int64]
    label: Floats
    predicted: Floats

    def blocks(self) -> ErrorBlocks:
        """Sum it up by day."""
        error = np.abs(self.predicted - self.label)
        order = np.argsort(error, kind="stable")
        return ErrorBlocks(error_sums(self.day, self.label, self.predicted), error[order], self.day[order])

    def about(self) -> dict[str, Any]:
        """Give what a report tells beside the metrics."""
        quarters = np.quantile(self.predicted - self.label, [0.05, 0.25, 0.5, 0.75, 0.95]).tolist()
        errors = dict(zip(("5%", "25%", "50%", "75%", "95%"), quarters, strict=True))
        return {"task": "regression", "rows": len(self.day), "mean_label": float(self.label.mean()), "errors": errors}


@dataclass(frozen=True)
class ErrorBlocks:
    """What a window of a regression holds, by day.

    Attributes
    ----------
    sums : dict of str to ndarray, shape (days,)
        As of `error_sums`.
    errors : ndarray of float64, shape (rows,)
        Absolute errors, sorted.
    day : ndarray of int64, shape (rows,)
        Their days.
    """

    sums: Sums
    errors: Floats
    day: npt.NDArray[np.int64]

    @property
    def days(self) -> int:
        """How many days there are."""
        return len(self.sums["rows"])

    def evaluate(self, weights: Floats) -> Sums:
        """Compute every metric for every weighting of the days; `r2` is NaN where all labels are equal."""
        return {**error_metrics(self.sums, weights), "median_error": self._medians(weights)}

    def _medians(self, weights: Floats) -> Floats:
        """Give the median of the absolute errors, in which a row stands as often as its day."""
        found = np.empty(len(weights))
        for at, weight in enumerate(weights):
            upto = np.cumsum(weight[self.day])
            middle = [(upto[-1] - 1) // 2, upto[-1] // 2]
            found[at] = self.errors[np.searchsorted(upto, middle, "right")].mean()
        return found


def error_sums(block: npt.NDArray[np.int64], label: Floats, predicted: Floats) -> Sums:
    """Sum up by block what RMSE, MAE and R² follow from; the labels are centred, so that squares stay small."""
    centred, error = label - label.mean(), predicted - label
    return by_block(block, truth=centred, square=centred**2, squared=error**2, absolute=np.abs(error))


def error_metrics(sums: Sums, weights: Floats) -> Sums:
    """Compute RMSE, MAE and R² for every weighting of the blocks."""
    total = {name: weights @ each for name, each in sums.items()}
    rows = total["rows"]
    spread = total["square"] - total["truth"] ** 2 / rows
    with np.errstate(divide="ignore", invalid="ignore"):
        r2 = np.where(spread > 0, 1 - total["squared"] / spread, np.nan)
    return {"rmse": np.sqrt(total["squared"] / rows), "mae": total["absolute"] / rows, "r2": r2}


def by_block(block: npt.NDArray[np.int64], **columns: Floats) -> Sums:
    """Count rows by block, and sum columns up."""
    count = int(block.max()) + 1
    rows = np.bincount(block, minlength=count).astype(np.float64)
    sums = {name: np.bincount(block, weights=values, minlength=count) for name, values in columns.items()}
    return {"rows": rows} | {name: each.astype(np.float64, copy=False) for name, each in sums.items()}
