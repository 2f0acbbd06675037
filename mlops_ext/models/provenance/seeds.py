"""Seeds: those that stand somewhere, in the estimator, in the run's parameters, in the environment.

The state of a global generator, such as NumPy's, does not tell the seed it was given; none is claimed.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from numbers import Integral
from typing import Any

__all__ = ["seeds_of"]

_NAME = re.compile(r"(?i)(?:^|_)(?:random_?state|random_?seed|seed)$")


def seeds_of(model: Any, parameters: Mapping[str, str]) -> dict[str, int | str]:
    """Gather the seeds that a model was made with.

    Parameters
    ----------
    model : object
        An estimator; `get_params(deep=True)` is asked when it has one.
    parameters : mapping
        Of the run, each value as JSON text.

    Examples
    --------
    >>> seeds_of(None, {"seed": "13", "month": "1"}).get("parameters.seed")
    13
    """
    found: dict[str, int | str] = {}
    for name, value in _params(model).items():
        if _NAME.search(name) and _is_seed(value):
            found[f"model.{name}"] = int(value)
    for name, text in parameters.items():
        value = json.loads(text)
        if _NAME.search(name) and _is_seed(value):
            found[f"parameters.{name}"] = int(value)
    given = os.environ.get("PYTHONHASHSEED", "")
    if given:
        found["PYTHONHASHSEED"] = int(given) if given.isdecimal() else given
    return found


def _params(model: Any) -> Mapping[str, Any]:
    """Ask an estimator for its parameters, those of its parts included; a class itself has none."""
    if isinstance(model, type) or not callable(getattr(model, "get_params", None)):
        return {}
    try:
        params = model.get_params(deep=True)
    except (TypeError, AttributeError, ValueError):
        # Another get_params than scikit-learn's, or one that its subclass broke: there is nothing to read.
        return {}
    return params if isinstance(params, Mapping) else {}


def _is_seed(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)
