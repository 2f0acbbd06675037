"""Lengths of time as people write them."""

from __future__ import annotations

import re
from datetime import timedelta

from mlops_ext.errors import InvalidValue

__all__ = ["duration_of"]

_UNITS = {"d": 86_400, "h": 3600, "min": 60, "m": 60, "s": 1}
_DURATION = re.compile(r"([+-]?)((?:\d+(?:\.\d+)?\s*(?:d|h|min|m|s)\s*)+)")


def duration_of(value: timedelta | str, what: str) -> timedelta:
    """Read a length of time.

    Parameters
    ----------
    value : timedelta or str
        Such as `3h`, `-1h 30min` or `2d`.
    what : str
        What it is for; named in the error.

    Raises
    ------
    InvalidValue
        It is no length of time.

    Examples
    --------
    >>> duration_of("-1h 30min", "offset").total_seconds()
    -5400.0
    """
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    if match is None:
        raise InvalidValue(f"{what} {value!r} is no length of time", hint="Write it as '3h', '-1h 30min' or '2d'")
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*(d|h|min|m|s)", match[2])
    total = timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in parts))
    return -total if match[1] == "-" else total
