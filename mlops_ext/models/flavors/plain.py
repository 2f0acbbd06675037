"""Plain values as JSON and back exactly: numbers, texts, lists, tuples, mappings and arrays; nothing that could run."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlops_ext.errors import DamagedBlob
from mlops_ext.models.flavors import CannotSave

__all__ = ["decoded", "encoded", "read_json", "write_json"]

_TAG = "$"


def encoded(value: Any) -> Any:  # noqa: PLR0911 - one line for each kind
    """Give a value as JSON can hold it; what JSON has no word for stands in an object with the key `$`.

    Raises
    ------
    CannotSave
        It is no plain value.

    Examples
    --------
    >>> encoded({"a": (1, float("inf"))})
    {'a': {'$': 'tuple', 'items': [1, {'$': 'float', 'value': 'inf'}]}}
    """
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {_TAG: "float", "value": repr(value)}
    if type(value) is list:
        return [encoded(each) for each in value]
    if type(value) is tuple:
        return {_TAG: "tuple", "items": [encoded(each) for each in value]}
    if isinstance(value, Mapping):
        if _TAG not in value and all(type(key) is str for key in value):
            return {key: encoded(each) for key, each in value.items()}
        return {_TAG: "mapping", "items": [[encoded(key), encoded(each)] for key, each in value.items()]}
    if hasattr(value, "dtype") and hasattr(value, "tolist") and type(value).__module__ == "numpy":
        return _array(value)
    raise CannotSave(f"a {type(value).__module__}.{type(value).__qualname__} is no plain value")


def decoded(value: Any) -> Any:  # noqa: PLR0911 - one line for each kind
    """Give back what was encoded."""
    if isinstance(value, list):
        return [decoded(each) for each in value]
    if not isinstance(value, dict):
        return value
    kind = value.get(_TAG)
    if kind is None:
        return {key: decoded(each) for key, each in value.items()}
    if kind == "float":
        return float(value["value"])
    if kind == "tuple":
        return tuple(decoded(each) for each in value["items"])
    if kind == "mapping":
        return {decoded(key): decoded(each) for key, each in value["items"]}
    return _numbers(value)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file in its one form; keys stay in the order given."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    path.write_text(text, encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read such a file.

    Raises
    ------
    DamagedBlob
        It is no JSON object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DamagedBlob(f"{path.name} cannot be read: {error}", hint="Register the model again") from error
    if not isinstance(content, dict):
        raise DamagedBlob(f"{path.name} holds no object", hint="Register the model again")
    return content


def _array(value: Any) -> dict[str, Any]:
    """Encode an array or a scalar of NumPy's with its exact type."""
    if value.dtype.kind not in "biufUO":
        raise CannotSave(f"an array of {value.dtype} is no plain value")
    flat = [encoded(each) for each in value.reshape(-1).tolist()]
    kind = "scalar" if not hasattr(value, "__setitem__") else "array"
    return {_TAG: kind, "type": value.dtype.str, "shape": list(value.shape), "items": flat}


def _numbers(value: dict[str, Any]) -> Any:
    import numpy as np

    array = np.empty(tuple(value["shape"]), dtype=np.dtype(value["type"]))
    flat = array.reshape(-1)
    for place, each in enumerate(value["items"]):
        flat[place] = decoded(each)
    return array[()] if value[_TAG] == "scalar" else array
