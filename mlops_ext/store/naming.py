"""What an event names: the references that `event_refs` holds beside the event, from which lineage is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops_ext.refs import KINDS

__all__ = ["LONGEST", "named"]

LONGEST = 400
"""Characters that a reference can have at most."""

_SINGLE = {"trigger": "", "run": "run", "job": "job", "report": "report", "parent": "run"}
"""Keys of an event's data that name one origin, and the kind that a bare id there has."""
_ROLES = (("input", "inputs"), ("output", "outputs"))
_LISTS = (list, tuple)
_PREFIXES = tuple(f"{kind}:" for kind in KINDS)


def named(subject: str, data: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Give what an event names, each with its role; what went into its subject has the role `input`.

    Parameters
    ----------
    subject : str
        Full reference of what changed.
    data : mapping
        The event's data, of any shape; only full references in it count.

    Examples
    --------
    >>> sorted(named("model:delay@1", {"inputs": ["dataset:flights@1"], "run": "ab"}))
    [('dataset:flights@1', 'input'), ('model:delay@1', 'subject'), ('run:ab', 'input')]
    """
    found = {(subject, "subject")} if len(subject) <= LONGEST else set()
    for role, key in _ROLES:
        refs = data.get(key)
        if isinstance(refs, _LISTS):
            for ref in refs:
                if isinstance(ref, str) and ref.startswith(_PREFIXES) and ref != subject and len(ref) <= LONGEST:
                    found.add((ref, role))
    if not _SINGLE.keys().isdisjoint(data):
        origins = {_single(data.get(key), kind) for key, kind in _SINGLE.items()}
        found.update((ref, "input") for ref in origins - {"", subject} if len(ref) <= LONGEST)
    return found


def _single(value: Any, kind: str) -> str:
    if not isinstance(value, str) or not value:
        return ""
    if value.startswith(_PREFIXES):
        return value
    return f"{kind}:{value}" if kind else ""
