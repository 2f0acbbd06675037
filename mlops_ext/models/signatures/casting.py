"""Types by name, as pandas, NumPy, Arrow and Polars write them, and which values fit where without loss."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

__all__ = ["UNITS", "Kind", "fits", "kind_of", "kinds_fit"]

_NUMBER = re.compile(r"(?P<family>u?int|float)(?P<bits>8|16|32|64)(?P<arrow>\[pyarrow\])?")
_NULLABLE = re.compile(r"(?P<family>UInt|Int|Float)(?P<bits>8|16|32|64)")
_ARROW_FLOATS = {"halffloat": 16, "float": 32, "double": 64}
_BOOLS = {"bool": False, "boolean": True, "Boolean": True, "bool[pyarrow]": True}
_TEXT = re.compile(r"str|string|String|Utf8|large_string|string_view|(large_)?string\[\w+\]")
_TIMES = (
    re.compile(r"datetime64\[(?P<unit>s|ms|us|ns)(, (?P<zone>[^\]]+))?\]"),
    re.compile(r"timestamp\[(?P<unit>s|ms|us|ns)(, tz=(?P<zone>[^\]]+))?\](\[pyarrow\])?"),
    re.compile(r"Datetime\(time_unit='(?P<unit>ms|us|ns)', time_zone=(None|'(?P<zone>[^']+)')\)"),
)
UNITS = ("s", "ms", "us", "ns")
_TENSOR = re.compile(r"(?P<item>.*?)\[(?:-1|n)(?P<inner>(, -?\d+)*)\]")

# The integers that a float holds exactly, by the bits of both.
_EXACT = {(8, 16), (8, 32), (8, 64), (16, 32), (16, 64), (32, 64)}
_WIDENS = {
    ("int", "int"),
    ("uint", "uint"),
    ("uint", "int"),
    ("float", "float"),
    ("int", "float"),
    ("uint", "float"),
}


class Kind(NamedTuple):
    """What a type's name says, whichever library wrote it.

    Attributes
    ----------
    family : str
        int, uint, float, bool, text, time, object; for all others the name itself.
    size : int
        Bits of a number; place of a time's unit, the finer the later; else 0.
    nullable : bool
        Whether a value may be missing.
    zone : str
        Of a time.
    shape : tuple of int
        Of one row; empty for a column.
    """

    family: str
    size: int = 0
    nullable: bool = False
    zone: str = ""
    shape: tuple[int, ...] = ()

    @property
    def is_number(self) -> bool:
        """Whether it is an integer or a float of a known size."""
        return self.family in ("int", "uint", "float")

    @property
    def plain(self) -> str:
        """NumPy's name of a number, or of whatever else the family."""
        return f"{self.family}{self.size}" if self.is_number else self.family

    @property
    def capital(self) -> str:
        """Polars' and pandas' name of a number that may be missing."""
        return f"{self.family[0].upper()}{self.family[1:]}{self.size}".replace("Uint", "UInt")


@lru_cache(maxsize=1024)
def kind_of(name: str) -> Kind:  # noqa: PLR0911 - one line for each kind
    """Read a type's name.

    Examples
    --------
    >>> kind_of("double") == kind_of("float64")
    True
    >>> kind_of("float32[-1, 28, 28]").shape
    (28, 28)
    """
    tensor = _TENSOR.fullmatch(name)
    if tensor is not None:
        inner = tuple(int(each) for each in tensor["inner"].split(",")[1:])
        return kind_of(tensor["item"])._replace(shape=inner)
    if name in _ARROW_FLOATS or name.removesuffix("[pyarrow]") in _ARROW_FLOATS:
        return Kind("float", _ARROW_FLOATS[name.removesuffix("[pyarrow]")], nullable=name.endswith("[pyarrow]"))
    if (number := _NUMBER.fullmatch(name)) is not None:
        return Kind(number["family"], int(number["bits"]), nullable=number["arrow"] is not None)
    if (number := _NULLABLE.fullmatch(name)) is not None:
        return Kind(number["family"].lower(), int(number["bits"]), nullable=True)
    if name in _BOOLS:
        return Kind("bool", nullable=_BOOLS[name])
    if _TEXT.fullmatch(name):
        return Kind("text")
    return _time(name) or Kind(name)


def fits(value: str, target: str) -> bool:
    """Tell whether values of one type can be given where another is taken, whatever they are, without loss.

    Examples
    --------
    >>> fits("int32", "int64"), fits("int32", "float64"), fits("float64", "float32"), fits("int64", "float64")
    (True, True, False, False)
    """
    return value == target or kinds_fit(kind_of(value), kind_of(target))


def kinds_fit(sent: Kind, taken: Kind) -> bool:
    """Tell the same of types that are read already."""
    if not _shapes_fit(sent.shape, taken.shape):
        return False
    if sent.family == "text" and taken.family == "object":
        return True
    if sent.nullable and not taken.nullable:
        return False
    if sent.family == taken.family and (sent.size, sent.zone) == (taken.size, taken.zone):
        return True
    if sent.family == taken.family == "time":
        return sent.zone == taken.zone and sent.size < taken.size
    return (sent.family, taken.family) in _WIDENS and (sent.size, taken.size) in _EXACT


def _shapes_fit(sent: tuple[int, ...], taken: tuple[int, ...]) -> bool:
    return len(sent) == len(taken) and all(
        one in (other, -1) or other == -1 for one, other in zip(sent, taken, strict=True)
    )


def _time(name: str) -> Kind | None:
    for form in _TIMES:
        found = form.fullmatch(name)
        if found is not None:
            return Kind("time", UNITS.index(found["unit"]), nullable=True, zone=found["zone"] or "")
    return None
