"""The names that a pickle may refer to and still count as clean, as `reviewed.txt` lists them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

__all__ = ["Name", "is_reviewed"]

FILE = Path(__file__).with_name("reviewed.txt")


class Name(NamedTuple):
    """What a pickle imports: a module, and a name inside it."""

    module: str
    name: str


def is_reviewed(module: str, name: str) -> bool:
    """Tell whether a pickle may refer to a name; an attribute of a reviewed name is another name.

    Examples
    --------
    >>> is_reviewed("numpy", "dtype"), is_reviewed("numpy", "dtype.__class__"), is_reviewed("os", "system")
    (True, False, False)
    """
    return (module, name) in _reviewed()


@cache
def _reviewed() -> frozenset[tuple[str, str]]:
    lines = FILE.read_text(encoding="utf-8").splitlines()
    words = [line.split() for line in lines if line and not line.startswith("#")]
    return frozenset((module, name) for module, *names in words for name in names)
