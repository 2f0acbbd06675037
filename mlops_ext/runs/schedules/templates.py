"""Templates: parameters that take values from an event or an instant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["fill"]

_PLACE = re.compile(r"{([\w.]+)}")


def fill(value: Any, data: Mapping[str, Any]) -> Any:
    """Put an event's values into a template.

    Examples
    --------
    >>> fill({"month": "{details.month}", "why": "for {kind}"}, {"details": {"month": 2}, "kind": "drift"})
    {'month': 2, 'why': 'for drift'}
    """
    if isinstance(value, dict):
        return {name: fill(each, data) for name, each in value.items()}
    if isinstance(value, list):
        return [fill(each, data) for each in value]
    if not isinstance(value, str):
        return value
    whole = _PLACE.fullmatch(value)
    return _look_up(whole[1], data) if whole else _PLACE.sub(lambda match: str(_look_up(match[1], data)), value)


def _look_up(path: str, data: Mapping[str, Any]) -> Any:
    value: Any = data
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            raise LookupError(path)
        value = value[part]
    return value
