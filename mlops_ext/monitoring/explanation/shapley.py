"""Shapley values: of trees by SHAP, of linear models by their weights, of anything by permuting features."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mlops_ext.errors import MissingExtra
from mlops_ext.monitoring.drift.columns import Floats
from mlops_ext.monitoring.explanation.types import Method

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PERMUTATIONS", "Shapley", "by_permutation", "of_linear", "of_trees"]

PERMUTATIONS = 20
"""Orders of the features that are tried, each with its reverse."""
_CHUNK = 50_000


@dataclass(frozen=True)
class Shapley:
    """Contributions of rows in the columns that were explained.

    Attributes
    ----------
    answers : ndarray of float64, shape (rows,)
    base : float
        The mean answer over the background.
    contributions : ndarray of float64, shape (rows, columns)
    """

    method: Method
    answers: Floats
    base: float
    contributions: Floats

    @property
    def error(self) -> Floats:
        """By how much base and contributions together miss each answer."""
        missed: Floats = np.abs(self.base + self.contributions.sum(axis=1) - self.answers)
        return missed


def of_linear(weights: Floats, rows: Floats, background: Floats, intercept: float) -> Shapley:
    """Explain a linear model exactly: weight times distance from the background's mean.

    Parameters
    ----------
    weights : ndarray of float64, shape (columns,)
    rows, background : ndarray of float64, shape (…, columns)
    intercept : float

    References
    ----------
    Štrumbelj, Kononenko, "Explaining prediction models and individual predictions with feature contributions",
    Knowledge and Information Systems 41 (2014).
    """
    mean = background.mean(axis=0)
    return Shapley("linear", rows @ weights + intercept, float(mean @ weights + intercept), (rows - mean) * weights)


def of_trees(model: Any, rows: Floats, background: Floats, *, classifies: bool) -> Shapley:
    """Explain an ensemble of trees exactly, over the background rows.

    Parameters
    ----------
    model : object
        An estimator that SHAP knows.
    rows, background : ndarray of float64, shape (…, columns)
        What the estimator itself is given.
    classifies : bool
        Explain the probability of the last class; else the prediction.

    Raises
    ------
    MissingExtra
        SHAP is not installed.

    References
    ----------
    Lundberg et al., "From local explanations to global understanding with explainable AI for trees", Nature Machine
    Intelligence 2 (2020).
    """
    try:
        import shap
    except ImportError as error:
        raise MissingExtra.of("shap", "explain") from error
    output = "probability" if classifies else "raw"
    explainer = shap.TreeExplainer(model, background, feature_perturbation="interventional", model_output=output)
    found = explainer(rows, check_additivity=False)
    values, base = np.asarray(found.values, dtype=np.float64), np.atleast_2d(np.asarray(found.base_values))[0]
    if values.ndim == 3:
        values, base = values[:, :, -1], base[-1:]
    answers = model.predict_proba(rows)[:, -1] if classifies else model.predict(rows)
    return Shapley("tree", np.asarray(answers, dtype=np.float64), float(base[0]), values)


def by_permutation(
    predict: Callable[[pd.DataFrame], Any],
    rows: pd.DataFrame,
    background: pd.DataFrame,
    *,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> Shapley:
    """Explain any model: put a row's features over background rows one by one, in many orders, and see what changes.

    Every order telescopes from the background's mean answer to the row's answer, so the values sum exactly.

    Parameters
    ----------
    predict : callable
        Gives one number a row.
    rows, background : pandas.DataFrame
        Of the same columns.
    permutations : int
        Orders to draw; each is taken forwards and backwards.
    seed : int
        Of the orders.

    References
    ----------
    Mitchell, Cooper, Frank, Holmes, "Sampling permutations for Shapley value estimation", JMLR 23 (2022).
    """
    rng = np.random.default_rng(seed)
    width = rows.shape[1]
    drawn = [rng.permutation(width) for _ in range(permutations)]
    orders = [each for order in drawn for each in (order, order[::-1])] if width > 1 else [np.arange(width)]
    found = [_of_row(predict, rows.iloc[[place]], background, orders) for place in range(len(rows))]
    answers = np.array([each[1] for each in found])
    return Shapley("permutation", answers, found[0][2] if found else 0.0, np.array([each[0] for each in found]))


def _of_row(
    predict: Callable[[pd.DataFrame], Any],
    row: pd.DataFrame,
    background: pd.DataFrame,
    orders: Sequence[npt.NDArray[np.int64]],
) -> tuple[Floats, float, float]:
    import pandas as pd

    width, depth = row.shape[1], len(background)
    both = pd.concat([row.astype(background.dtypes.to_dict()), background], ignore_index=True)
    values = np.zeros(width)
    each_chunk = max(1, _CHUNK // ((width + 1) * depth))
    base = answer = 0.0
    for start in range(0, len(orders), each_chunk):
        part = orders[start : start + each_chunk]
        place = np.stack([np.argsort(order) for order in part])
        step = np.arange(width + 1)
        # A feature is the row's from the step on that its place in the order is behind.
        taken = step[None, :, None] > place[:, None, :]
        source = np.where(taken[:, :, None, :], 0, 1 + np.arange(depth)[None, None, :, None]).reshape(-1, width)
        mixed = pd.DataFrame({name: both[name].take(source[:, at]).array for at, name in enumerate(both.columns)})
        said = np.asarray(predict(mixed), dtype=np.float64).reshape(len(part), width + 1, depth).mean(axis=2)
        gains = np.diff(said, axis=1)
        for order, gain in zip(part, gains, strict=True):
            values[order] += gain
        base, answer = float(said[0, 0]), float(said[0, -1])
    return values / len(orders), answer, base
