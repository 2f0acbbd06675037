"""Whether one signature can stand in for another: what its callers send must be what it takes."""

from __future__ import annotations

from mlops_ext.models.signatures.casting import fits
from mlops_ext.models.types import Signature

__all__ = ["misfits"]


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
