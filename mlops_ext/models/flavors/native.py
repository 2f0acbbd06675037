"""What the boosting libraries' wrappers hold beside their trees, kept as plain values in `model.json`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from mlops_ext.errors import DamagedBlob
from mlops_ext.models.flavors import CannotSave
from mlops_ext.models.flavors.plain import decoded, encoded, read_json, write_json

__all__ = ["BOOSTER", "is_one_of", "read_wrapper", "write_wrapper"]

BOOSTER = "Booster"
FILE = "model.json"
_FORMAT = 1


def is_one_of(model: Any, library: str, classes: Collection[str]) -> bool:
    """Tell whether a model's very class is one of a library's, without importing the library."""
    kind = type(model)
    return kind.__module__.partition(".")[0] == library and kind.__name__ in classes


def write_wrapper(model: Any, folder: Path, convert: Callable[[str, Any], Any]) -> None:
    """Write a model's class and attributes, parameters and fitted ones alike.

    Parameters
    ----------
    convert : callable
        Makes of an attribute's name and value what is written; None leaves it out.

    Raises
    ------
    CannotSave
        An attribute is no plain value, such as an objective of one's own; it is named.
    """
    state: dict[str, Any] = {}
    for name, value in vars(model).items():
        if name == "_Booster":
            continue
        try:
            state[name] = encoded(convert(name, value))
        except CannotSave as refusal:
            raise CannotSave(f"its attribute {name!r}: {refusal.message}") from refusal
    write_json(folder / FILE, {"format": _FORMAT, "class": type(model).__name__, "state": state})


def read_wrapper(folder: Path, module: Any, classes: Collection[str]) -> tuple[Any, dict[str, Any]]:
    """Make the object without its trees; give it with its attributes, which the caller sets.

    Raises
    ------
    DamagedBlob
        The file names no class of the library's.
    """
    content = read_json(folder / FILE)
    name = str(content.get("class"))
    if name not in classes or content.get("format") != _FORMAT:
        raise DamagedBlob(f"{FILE} names the class {name!r}", hint="Known here: " + ", ".join(sorted(classes)))
    kind = getattr(module, name)
    return kind.__new__(kind), decoded(content["state"])
