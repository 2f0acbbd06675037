"""How much each feature matters to a fitted model, where the model itself tells: shares that sum to one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mlops_ext.models.types import Signature

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["importance_of"]

MOST = 1000
_ONE_SCALE = ("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "OneHotEncoder")


def importance_of(model: Any, signature: Signature) -> dict[str, float]:
    """Give the share of each feature, the largest first; empty where the model does not tell.

    Parameters
    ----------
    model : object
        Trees tell by `feature_importances_`. Weights (`coef_`) tell only behind a transformer that brings the columns
        to one scale: else they depend on units.
    signature : Signature
        Names the features where the model does not.

    Returns
    -------
    dict of str to float
        Columns that were made of one feature count as that feature; the thousand largest.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from mlops_ext.models.types import Field_
    >>> tree = DecisionTreeClassifier(random_state=0).fit([[0, 5], [1, 5], [2, 5]], [0, 0, 1])
    >>> names = tuple(Field_(name=name, type="int64") for name in ("delay", "month"))
    >>> importance_of(tree, Signature(inputs=names))
    {'delay': 1.0}
    """
    fitted = getattr(model, "best_estimator_", model)
    steps = [step for _, step in fitted.steps] if hasattr(fitted, "steps") else [fitted]
    names = _names(fitted, signature)
    weights = _weights(steps) if names else None
    if weights is None:
        return {}
    import numpy as np

    from mlops_ext.models.signatures.origin import origin_of

    origin = np.arange(len(names))
    for step in steps[:-1]:
        led = origin_of(step, len(origin))
        if led is None:
            return {}
        origin = origin[led]
    if len(origin) != len(weights):
        return {}
    shares = np.bincount(origin, weights, minlength=len(names))
    total = float(shares.sum())
    if not 0 < total < np.inf:
        return {}
    largest = np.argsort(-shares, kind="stable")[:MOST]
    return {names[place]: float(shares[place] / total) for place in largest if shares[place] > 0}


def _names(fitted: Any, signature: Signature) -> list[str]:
    width = getattr(fitted, "n_features_in_", None)
    if width is not None and len(signature.inputs) == width:
        return [field.name for field in signature.inputs]
    names = getattr(fitted, "feature_names_in_", None)
    return [] if names is None else [str(name) for name in names]


def _weights(steps: Sequence[Any]) -> npt.NDArray[np.float64] | None:
    """Give what the last step says of each of its columns."""
    import numpy as np

    estimator = steps[-1]
    told: Any = getattr(estimator, "feature_importances_", None)
    if told is None and len(steps) > 1 and _on_one_scale(steps[-2]):
        told = getattr(estimator, "coef_", None)
        told = told.toarray() if hasattr(told, "toarray") else told
    if told is None:
        return None
    try:
        weights = np.abs(np.asarray(told, dtype=np.float64))
    except (TypeError, ValueError):
        return None
    return weights.mean(axis=0) if weights.ndim > 1 else weights


def _on_one_scale(step: Any) -> bool:
    if hasattr(step, "steps"):
        return _on_one_scale(step.steps[-1][1])
    if hasattr(step, "transformers_"):
        used = [each for _, each, columns in step.transformers_ if each != "drop" and len(columns)]
        return all(_on_one_scale(each) for each in used)
    return type(step).__name__ in _ONE_SCALE
