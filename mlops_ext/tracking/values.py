"""Values as users have them, turned into JSON text and floats."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from mlops_ext.errors import InvalidValue
from mlops_ext.store.schema import finite_json

__all__ = ["to_float", "to_json"]


def to_json(value: Any) -> str:
    """Write a parameter's value as JSON text; what JSON does not know is written as its text.

    Parameters
    ----------
    value : object
        NumPy scalars and arrays are unwrapped; non-finite numbers become "NaN", "Infinity", "-Infinity".

    Examples
    --------
    >>> to_json({"rate": 0.1, "layers": (3, 2)})
    '{"layers": [3, 2], "rate": 0.1}'
    >>> to_json(float("inf"))
    '"Infinity"'
    """
    return json.dumps(finite_json(_plain(value)), ensure_ascii=False, sort_keys=True, allow_nan=False)


def to_float(key: str, value: Any) -> float:
    """Read a metric's value: a number of Python or NumPy, NaN and infinity included.

    Raises
    ------
    InvalidValue
        It is no single real number.
    """
    plain = _unwrap(value)
    if isinstance(plain, str | bytes | complex) or not hasattr(plain, "__float__"):
        raise InvalidValue(f"metric {key!r} is no number: {value!r}", hint="Log a text with mlops.log_param or set_tag")
    try:
        return float(plain)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidValue(
            f"metric {key!r} is no float: {value!r}", hint="Log one number a step, below 1.8e308"
        ) from error


def _plain(value: Any) -> Any:
    value = _unwrap(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, set | frozenset):
        return sorted((_plain(each) for each in value), key=str)
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _unwrap(value: Any) -> Any:
    """Give what a NumPy scalar or array holds, without importing NumPy."""
    if type(value).__module__.partition(".")[0] == "numpy" and hasattr(value, "tolist"):
        return value.tolist()
    return value
