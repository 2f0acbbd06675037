"""What a model can be asked: a function of rows for each output, whatever library it comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from mlops_ext.models.flavors import flavors

__all__ = ["Answers", "answers_of"]

Answers = Mapping[str, Callable[[Any], Any]]


def answers_of(model: Any) -> Answers:
    """Give what a model can be asked: for each output a function that takes rows.

    Parameters
    ----------
    model : object
        As it is registered, or as it was loaded.
    """
    for flavor in flavors():
        found = flavor.answers(model) if hasattr(flavor, "answers") else None
        if found is not None:
            return cast("Answers", found)
    predict, probability = getattr(model, "predict", None), getattr(model, "predict_proba", None)
    if predict is None and callable(model):
        predict = model
    named = {"prediction": predict, "probability": probability}
    return {name: function for name, function in named.items() if function is not None}
