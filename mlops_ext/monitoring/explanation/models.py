"""Which way a model is explained: what its last step is, and how its columns lead back to the features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mlops_ext.errors import InvalidValue
from mlops_ext.models.signatures.origin import origin_of
from mlops_ext.monitoring.drift.columns import Floats
from mlops_ext.monitoring.explanation.shapley import Shapley, by_permutation, of_linear, of_trees

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Explained", "answers_of", "explain_rows"]


@dataclass(frozen=True)
class Explained:
    """Shapley values by feature, what they are of, and why they were made so."""

    shapley: Shapley
    output: str
    reason: str


@dataclass(frozen=True)
class _Last:
    """The estimator behind a pipeline's transformers, and what it is given."""

    estimator: Any
    rows: Floats
    background: Floats
    origin: npt.NDArray[np.int64]
    """Of each of its columns the feature that it was made of."""


def explain_rows(model: Any, rows: pd.DataFrame, background: pd.DataFrame, method: str) -> Explained:
    """Explain rows by the named method, or by the best that fits.

    Parameters
    ----------
    model : object
        What was registered.
    rows, background : pandas.DataFrame
        Features in the model's order.
    method : {"auto", "tree", "linear", "permutation"}
        `auto` takes linear and tree where the model is one, else permutation, and says why.

    Raises
    ------
    InvalidValue
        The named method does not fit the model.
    """
    refused = ""
    if method != "permutation":
        last = _last_of(model, rows, background)
        found = last if isinstance(last, str) else _exact(last, method)
        if isinstance(found, Explained):
            return found
        refused = found
        if method != "auto":
            raise InvalidValue(f"{method!r} does not fit this model: {refused}", hint="Take method='permutation'")
    predict, output = answers_of(model)
    reason = "permutation over the background rows: features are varied as if they were independent"
    return Explained(by_permutation(predict, rows, background), output, f"{reason}{f'; {refused}' if refused else ''}")


def answers_of(model: Any) -> tuple[Callable[[Any], Any], str]:
    """Give the function that is explained, and its name."""
    if hasattr(model, "predict_proba"):
        classes = getattr(model, "classes_", None)
        named = "1" if classes is None else _class(classes[-1])
        return (lambda frame: np.asarray(model.predict_proba(frame))[:, -1]), f"probability of {named}"
    if hasattr(model, "predict"):
        return model.predict, "prediction"
    return model, "prediction"


def _class(label: Any) -> str:
    return f"{label:g}" if isinstance(label, float) else str(label)


def _exact(last: _Last, method: str) -> Explained | str:
    """Explain exactly, or say why that cannot be."""
    estimator = last.estimator
    if method in ("auto", "linear") and hasattr(estimator, "coef_"):
        weights = np.atleast_2d(np.asarray(estimator.coef_, dtype=np.float64))
        if len(weights) > 1:
            return "it has more than two classes"
        intercept = float(np.ravel(getattr(estimator, "intercept_", 0.0))[0])
        found = of_linear(weights[0], last.rows, last.background, intercept)
        classes = getattr(estimator, "classes_", None)
        output = "prediction" if classes is None else f"log-odds of {_class(classes[-1])}"
        return Explained(_by_feature(found, last.origin), output, "exact for a linear model with independent features")
    if method == "linear":
        return f"{type(estimator).__name__} has no weights"
    known = ("Tree", "Forest", "Boost", "XGB", "LGBM")
    if not any(word in type(estimator).__name__ for word in known):
        return f"{type(estimator).__name__} is no ensemble of trees"
    if getattr(estimator, "is_categorical_", None) is not None:
        return "its trees split on categories, which SHAP does not follow"
    classifies = hasattr(estimator, "predict_proba")
    found = of_trees(estimator, last.rows, last.background, classifies=classifies)
    output = f"probability of {_class(estimator.classes_[-1])}" if classifies else "prediction"
    return Explained(_by_feature(found, last.origin), output, "exact for trees, over the background rows (SHAP)")


def _by_feature(found: Shapley, origin: npt.NDArray[np.int64]) -> Shapley:
    """Add the columns up that one feature was made into."""
    values = np.zeros((len(found.contributions), int(origin.max()) + 1))
    np.add.at(values.T, origin, found.contributions.T)
    return Shapley(found.method, found.answers, found.base, values)


def _last_of(model: Any, rows: pd.DataFrame, background: pd.DataFrame) -> _Last | str:
    """Follow a pipeline to its last step, or say at what that ends."""
    steps = [step for _, step in model.steps] if hasattr(model, "steps") else [model]
    origin = np.arange(rows.shape[1])
    sides: tuple[Any, Any] = (rows, background)
    for step in steps[:-1]:
        led = origin_of(step, sides[0].shape[1])
        if led is None:
            return f"the features cannot be followed through {type(step).__name__}"
        origin = origin[led]
        sides = (step.transform(sides[0]), step.transform(sides[1]))
    try:
        plain = [np.asarray(side.toarray() if hasattr(side, "toarray") else side, dtype=np.float64) for side in sides]
    except (TypeError, ValueError) as error:
        return f"its features are no numbers: {error}"
    return _Last(steps[-1], plain[0], plain[1], origin)
