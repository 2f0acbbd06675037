"""Reads the options that policy gives a gate; what is wrong is said with its value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mlops_ext.errors import InvalidValue

__all__ = ["DATA", "choice", "number", "text"]

DATA = ("dataset", "label", "at", "threshold")
"""Options of gates that score a dataset version: which, its 0/1 label, its time column, and from where it is a 1."""


def text(options: Mapping[str, Any], key: str) -> str:
    """Give a text that must be there."""
    value = options.get(key)
    if not isinstance(value, str) or not value:
        raise InvalidValue(f"{key} = {value!r}", hint=f'Write {key} = "auc"')
    return value


def number(options: Mapping[str, Any], key: str) -> float | None:
    """Give a finite number, or None when there is none."""
    value = options.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidValue(f"{key} = {value!r}", hint=f"Write {key} = 0.6")
    return float(value)


def choice(options: Mapping[str, Any], key: str, known: tuple[str, ...]) -> str:
    """Give one of several words; the first when there is none."""
    value = options.get(key, known[0])
    if value not in known:
        raise InvalidValue(f"{key} = {value!r}", hint=f"Write one of {', '.join(known)}")
    return str(value)
