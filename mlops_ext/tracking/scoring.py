"""What can be measured of an estimator that was just fitted: training scores, and what a search found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Found", "best_candidates", "search_results", "training_metrics"]


@dataclass(frozen=True)
class Found:
    """The best that a search found."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)


def training_metrics(estimator: Any, x: Any, y: Any, weight: Any = None) -> dict[str, float]:
    """Score an estimator on the data that it was fitted on.

    Parameters
    ----------
    estimator : object
        A fitted classifier or regressor; anything else has no scores.
    x : array_like, shape (rows, features)
        The features.
    y : array_like, shape (rows,)
        The truth; without it there are no scores.
    weight : array_like, shape (rows,), optional
        Of each row.

    Returns
    -------
    dict of str to float
        Accuracy, log loss and, of two classes, AUC; or RMSE, MAE and R²; each as `training_…`.
    """
    from sklearn.base import is_classifier, is_regressor

    if x is None or y is None or getattr(y, "ndim", 1) != 1:
        return {}
    if is_regressor(estimator):
        return _regression(y, estimator.predict(x), weight)
    return _classification(estimator, x, y, weight) if is_classifier(estimator) else {}


def search_results(estimator: Any) -> tuple[Found, dict[str, bytes]]:
    """Give what a fitted search found, and a CSV table of its candidates."""
    results = getattr(estimator, "cv_results_", None)
    if not isinstance(results, Mapping) or not hasattr(estimator, "best_params_"):
        return Found(), {}
    import pandas as pd

    best = {f"best_{name}": value for name, value in estimator.best_params_.items()}
    found = Found(best, {"best_cv_score": float(estimator.best_score_), "candidates": len(results["params"])})
    return found, {"candidates.csv": pd.DataFrame(results).to_csv(index=False).encode()}


def best_candidates(estimator: Any, number: int) -> list[Found]:
    """Give the best candidates of a fitted search, by their rank: parameters, scores and times over the folds.

    Of several metrics, the one that the search was refitted for ranks.
    """
    results = getattr(estimator, "cv_results_", None)
    if not isinstance(results, Mapping):
        return []
    refit = estimator.refit if isinstance(estimator.refit, str) else ""
    ranks = results.get("rank_test_score", results.get(f"rank_test_{refit}"))
    if ranks is None:
        return []
    kept = [key for key in results if key.startswith(("mean_", "std_"))]
    order = sorted(range(len(ranks)), key=lambda place: (ranks[place], place))[:number]
    return [Found(results["params"][place], {key: float(results[key][place]) for key in kept}) for place in order]


def _regression(y: Any, predicted: Any, weight: Any) -> dict[str, float]:
    from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

    return {
        "training_rmse": float(mean_squared_error(y, predicted, sample_weight=weight)) ** 0.5,
        "training_mae": float(mean_absolute_error(y, predicted, sample_weight=weight)),
        "training_r2": float(r2_score(y, predicted, sample_weight=weight)),
    }


def _classification(estimator: Any, x: Any, y: Any, weight: Any) -> dict[str, float]:
    from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

    found = {"training_accuracy": float(accuracy_score(y, estimator.predict(x), sample_weight=weight))}
    if not hasattr(estimator, "predict_proba"):
        return found
    probability = estimator.predict_proba(x)
    found["training_log_loss"] = float(log_loss(y, probability, sample_weight=weight, labels=estimator.classes_))
    if probability.shape[1] == 2:
        positive = y == estimator.classes_[1]
        found["training_auc"] = float(roc_auc_score(positive, probability[:, 1], sample_weight=weight))
    return found
