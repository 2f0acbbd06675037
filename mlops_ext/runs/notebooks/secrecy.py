"""Secrets: parameters that are secret by their name, and how these and all that looks like one are never stored."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from mlops_ext.errors import InvalidValue
from mlops_ext.models.provenance import masking
from mlops_ext.models.provenance.masking import Masked, is_secret, said

__all__ = ["MASK", "is_secret", "mask_notebook", "mask_parameters", "mask_text", "resolve", "said"]

MASK = "***"
_SHORTEST = 4


def mask_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Replace the values of secret parameters by `***`."""
    return {name: MASK if is_secret(name) and value is not None else value for name, value in parameters.items()}


def mask_text(text: str, parameters: Mapping[str, Any]) -> str:
    """Replace the values of secret parameters in a text, and whatever else looks like a secret."""
    return masking.masked(_without(text, parameters))


def mask_notebook(text: str, parameters: Mapping[str, Any]) -> Masked:
    """Do the same to a notebook as JSON; what is told are the secrets that are no parameters."""
    return masking.mask_notebook(_without(text, parameters))


def _without(text: str, parameters: Mapping[str, Any]) -> str:
    """Replace secret values in a text, as they stand and as JSON or Python would write them.

    Values shorter than four characters are left alone: they would strike out unrelated text.
    """
    for name, value in parameters.items():
        if not is_secret(name) or not isinstance(value, str) or len(value) < _SHORTEST or value == MASK:
            continue
        quoted = json.dumps(value)[1:-1]
        written = {value, quoted, json.dumps(quoted)[1:-1], json.dumps(repr(value)[1:-1])[1:-1]}
        for form in sorted(written, key=len, reverse=True):
            text = text.replace(form, MASK)
    return text


def resolve(parameters: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Put the values of masked parameters back: those handed over in this process, else MLOPS_SECRET_NAME.

    Raises
    ------
    InvalidValue
        The value of a secret is nowhere to be found.
    """
    result = dict(parameters)
    for name, value in parameters.items():
        if value != MASK or not is_secret(name):
            continue
        variable = f"MLOPS_SECRET_{name.upper()}"
        if name in known:
            result[name] = known[name]
        elif variable in os.environ:
            result[name] = os.environ[variable]
        else:
            raise InvalidValue(
                f"the secret {name!r} is not stored with the job", hint=f"Set {variable} where the worker runs"
            )
    return result
