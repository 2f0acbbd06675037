"""Performance before labels: what the model's own probabilities, calibrated or not, lead to expect (CBPE)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from mlops_ext.errors import InvalidValue
from mlops_ext.monitoring.drift.columns import Floats
from mlops_ext.monitoring.performance.measure import DEFAULT, Bootstrap, Measured, Scored, measure
from mlops_ext.monitoring.types import MetricEstimate

__all__ = ["Calibration", "expected", "fit_isotonic", "uncalibrated"]

Method = Literal["none", "isotonic"]


@dataclass(frozen=True)
class Calibration:
    """A non-decreasing map from a model's probability to an expected rate of positives.

    Attributes
    ----------
    score, rate : ndarray of float64, shape (points,)
        Linear in between, constant outside; empty for the identity.
    rows : int
        How many labelled rows it was fitted on.
    """

    method: Method
    score: Floats
    rate: Floats
    rows: int = 0

    def __call__(self, score: Floats) -> Floats:
        """Map probabilities."""
        return np.interp(score, self.score, self.rate) if len(self.score) else score


def uncalibrated() -> Calibration:
    """Take the model at its word."""
    return Calibration("none", np.empty(0), np.empty(0))


def fit_isotonic(label: Floats, score: Floats) -> Calibration:
    """Fit the non-decreasing rate of positives by least squares.

    Parameters
    ----------
    label : ndarray of float64, shape (rows,)
        0 or 1.
    score : ndarray of float64, shape (rows,)
        Probability that the model gave.

    References
    ----------
    Zadrozny, Elkan, "Transforming classifier scores into accurate multiclass probability estimates", KDD (2002).
    """
    from scipy.optimize import isotonic_regression

    if not len(label):
        raise InvalidValue(
            "no labelled rows to calibrate on", hint="Leave `calibrate_on` out, or name a labelled window"
        )
    points, place, rows = np.unique(score, return_inverse=True, return_counts=True)
    mean = np.bincount(place, weights=label) / rows
    fitted = isotonic_regression(mean, weights=rows).x
    return Calibration("isotonic", points, np.asarray(fitted, dtype=np.float64), len(label))


def expected(
    day: npt.NDArray[np.int64],
    score: Floats,
    calibration: Calibration,
    threshold: float,
    bootstrap: Bootstrap = DEFAULT,
) -> Measured:
    """Give the metrics to expect if each row were positive with its calibrated probability.

    AUC counts each row as a positive with weight p and a negative with weight 1 - p, ranked by the score. The
    calibration error is left out: without labels it is only the distance to the calibration.

    Parameters
    ----------
    day : ndarray of int64, shape (rows,)
        Days from 0.
    score : ndarray of float64, shape (rows,)
        Probability that the model gave.
    calibration : Calibration
        What the probabilities are held to mean. It does not foresee a change of the relation itself.
    threshold : float
        From which probability on the decision is positive.

    References
    ----------
    Kivimäki et al., "Performance estimation in binary classification using calibrated confidence", arXiv:2505.05295.
    """
    scored = Scored(day, calibration(score), score, score >= threshold)
    found = measure(scored, bootstrap, "estimated")
    metrics: tuple[MetricEstimate, ...] = tuple(each for each in found.metrics if each.name != "ece")
    details = {key: value for key, value in found.details.items() if key not in ("reliability", "ece")}
    details |= {"method": "CBPE", "calibration": calibration.method, "calibration_rows": calibration.rows}
    return Measured(metrics, {**details, "threshold": threshold})
