"""Schema 2: what the events of schema 1 name, read from their data; as `store/naming.py` gave it at that time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

__all__ = ["index_references"]

_BATCH = 2000
_LONGEST = 400
_KINDS = ("model", "dataset", "run", "feature_view", "job", "report", "alert", "experiment")
_PREFIXES = tuple(f"{kind}:" for kind in _KINDS)
_SINGLE = {"trigger": "", "run": "run", "job": "job", "report": "report", "parent": "run"}
_EVENTS = sa.table("events", sa.column("seq"), sa.column("subject"))
_DATA = sa.table("event_data", sa.column("seq"), sa.column("data"))
_REFS = sa.table("event_refs", sa.column("seq"), sa.column("ref"), sa.column("role"))


def index_references(connection: sa.Connection) -> None:
    """Enter them, some thousand events at a time."""
    joined = sa.select(_EVENTS.c.seq, _EVENTS.c.subject, _DATA.c.data).outerjoin(_DATA, _DATA.c.seq == _EVENTS.c.seq)
    last = -1
    while rows := connection.execute(joined.where(_EVENTS.c.seq > last).order_by(_EVENTS.c.seq).limit(_BATCH)).all():
        made = [
            {"seq": row.seq, "ref": ref, "role": role}
            for row in rows
            for ref, role in sorted(set(_named(row.subject, _read(row.data))))
            if len(ref) <= _LONGEST and (role == "subject" or ref != row.subject)
        ]
        if made:
            connection.execute(sa.insert(_REFS), made)
        last = rows[-1].seq


def _named(subject: str, data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield subject, "subject"
    for key, role in (("inputs", "input"), ("outputs", "output")):
        refs = data.get(key)
        for ref in refs if isinstance(refs, list) else ():
            if isinstance(ref, str) and ref.startswith(_PREFIXES):
                yield ref, role
    for key, kind in _SINGLE.items():
        value = data.get(key)
        if isinstance(value, str) and value and (kind or value.startswith(_PREFIXES)):
            yield value if value.startswith(_PREFIXES) else f"{kind}:{value}", "input"


def _read(text: str | None) -> dict[str, Any]:
    """Read an event's data; one that was tampered with names nothing, and `audit verify` tells of it."""
    try:
        data = json.loads(text or "{}")
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}
