"""Secrets: parameters that are secret by their name, and how these and all that looks like one are never stored."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from mmap import mmap
from typing import Any
from urllib.parse import urlsplit

from mlops_ext.errors import InvalidValue
from mlops_ext.models.provenance import masking
from mlops_ext.models.provenance.masking import Masked, is_secret, said

__all__ = [
    "MASK",
    "beginning_of",
    "holder",
    "is_secret",
    "mask_notebook",
    "mask_parameters",
    "mask_text",
    "resolve",
    "said",
    "secrets_of",
    "value_of",
]

MASK = "***"
_SHORTEST = 4


def secrets_of(parameters: Mapping[str, Any], declared: Collection[str] = ()) -> dict[str, Any]:
    """Give the parameters that are secret: declared so, by their name, or by what the value holds, as a URL may.

    Examples
    --------
    >>> sorted(secrets_of({"api_key": "k", "db": "postgres://me:hunter-22@host/x", "n": 1, "pin": 7}, ["pin"]))
    ['api_key', 'db', 'pin']
    """
    return {
        name: value
        for name, value in parameters.items()
        if value is not None and (name in declared or is_secret(name) or _holds_secret(value))
    }


def mask_parameters(parameters: Mapping[str, Any], declared: Collection[str] = ()) -> dict[str, Any]:
    """Replace the values of secret parameters by `***`."""
    return {**parameters, **dict.fromkeys(secrets_of(parameters, declared), MASK)}


def mask_text(text: str, secrets: Mapping[str, Any]) -> str:
    """Replace the values of secrets in a text, and whatever else looks like a secret."""
    return masking.masked(_without(text, secrets))


def mask_notebook(text: str, secrets: Mapping[str, Any]) -> Masked:
    """Do the same to a notebook as JSON; what is told are the secrets that are no parameters."""
    return masking.mask_notebook(_without(text, secrets))


def holder(data: mmap, secrets: Mapping[str, Any]) -> str:
    """Name the secret whose value stands in some bytes; empty when none does."""
    return next(
        (name for name, value in secrets.items() for form in _forms(value) if data.find(form.encode()) >= 0), ""
    )


def beginning_of(text: str, secrets: Mapping[str, Any]) -> int:
    """Give how many characters at the end of a text are the beginning of a secret that has not come whole.

    Examples
    --------
    >>> beginning_of("the key is hunt", {"key": "hunter-22"})
    4
    """
    forms = [form for value in secrets.values() for form in _forms(value)]
    longest = [next((n for n in range(len(form) - 1, 0, -1) if text.endswith(form[:n])), 0) for form in forms]
    return max(longest, default=0)


def _without(text: str, secrets: Mapping[str, Any]) -> str:
    """Replace secret values in a text, as they stand and as JSON or Python would write them."""
    for value in secrets.values():
        for form in _forms(value):
            text = text.replace(form, MASK)
    return text


def _forms(value: Any) -> list[str]:
    """Give what a secret may look like, the longest first.

    Values shorter than four characters are left alone: they would strike out unrelated text.
    """
    if not isinstance(value, str) or len(value) < _SHORTEST or value == MASK:
        return []
    found: set[str] = set()
    for part in {value, _password(value)} - {""}:
        quoted = json.dumps(part)[1:-1]
        found |= {part, quoted, json.dumps(quoted)[1:-1], json.dumps(repr(part)[1:-1])[1:-1]}
    return sorted(found, key=len, reverse=True)


def _password(value: str) -> str:
    try:
        password = urlsplit(value).password or ""
    except ValueError:
        return ""
    return password if len(password) >= _SHORTEST else ""


def _holds_secret(value: Any) -> bool:
    return isinstance(value, str) and masking.masked(value) != value


def resolve(parameters: Mapping[str, Any], known: Mapping[str, Any], declared: Collection[str] = ()) -> dict[str, Any]:
    """Put the values of secrets back: those handed over in this process, else from the environment.

    Parameters
    ----------
    declared : collection of str
        Names that were declared to be secret; those that are no parameters are given as well.

    Raises
    ------
    InvalidValue
        The value of a secret is nowhere to be found.
    """
    result = dict(parameters)
    for name in [*(name for name, value in parameters.items() if value == MASK), *declared]:
        result[name] = value_of(name, known)
    return result


def value_of(name: str, known: Mapping[str, Any]) -> Any:
    """Give the value of a secret: the one at hand, else that of MLOPS_SECRET_NAME, else that of NAME.

    Raises
    ------
    InvalidValue
        There is none.
    """
    variable = f"MLOPS_SECRET_{name.upper()}"
    for source, key in ((known, name), (os.environ, variable), (os.environ, name)):
        if source.get(key) not in (None, MASK):
            return source[key]
    raise InvalidValue(f"the secret {name!r} is not stored with the job", hint=f"Set {variable} where it is run")
