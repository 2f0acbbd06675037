"""Whether one signature can stand in for another: what its callers send must be what it takes."""

from __future__ import annotations

import re

from mlops_ext.models.types import Signature

__all__ = ["fits", "misfits"]

_NUMBER = re.compile(r"(u?int|float)(8|16|32|64)(.*)")

# The integers that a float holds exactly, by the bits of both.
_EXACT = {("8", "16"), ("8", "32"), ("8", "64"), ("16", "32"), ("16", "64"), ("32", "64")}


def misfits(new: Signature, old: Signature) -> list[str]:
    """List why callers of a model cannot call another in its place; empty when they can.

    Parameters
    ----------
    new : Signature
        Of the version that shall serve.
    old : Signature
        Of the version that serves now.

    Returns
    -------
    list of str
        One clause for each input that the new one needs and callers do not send, or send in
        another type, and for each output that they read and it does not give alike.
    """
    sent = {field.name: field.type for field in old.inputs}
    given = {field.name: field.type for field in new.outputs}
    found = []
    for field in new.inputs:
        if field.name not in sent:
            found.append(f"it needs {field.name!r}, which they do not send")
        elif not fits(sent[field.name], field.type):
            found.append(f"{field.name!r} is {field.type}, they send {sent[field.name]}")
    for field in old.outputs:
        if field.name not in given:
            found.append(f"it does not give {field.name!r}")
        elif not fits(given[field.name], field.type):
            found.append(f"it gives {field.name!r} as {given[field.name]}, not {field.type}")
    return found


def fits(value: str, target: str) -> bool:
    """Tell whether values of one type can be given where another is taken, without loss.

    Examples
    --------
    >>> fits("int32", "int64"), fits("int32", "float64"), fits("float64", "float32"), fits("int64", "float64")
    (True, True, False, False)
    """
    if value == target:
        return True
    sent, taken = _NUMBER.fullmatch(value), _NUMBER.fullmatch(target)
    if sent is None or taken is None or sent[3] != taken[3]:
        return False
    kinds, wider = (sent[1], taken[1]), (sent[2], taken[2]) in _EXACT
    return wider and kinds in {
        ("int", "int"),
        ("uint", "uint"),
        ("uint", "int"),
        ("float", "float"),
        ("int", "float"),
        ("uint", "float"),
    }
