"""What a model was called before: events know its versions by the name of their time."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from mlops_ext.store import trail
from mlops_ext.store.catalog import Change
from mlops_ext.store.schema import event_data, events

__all__ = ["Span", "during", "spans"]

END = 2**62


class Span(NamedTuple):
    """A name, and the events between which it was the model's."""

    name: str
    after: int
    until: int


def spans(reader: Connection | Change, name: str) -> list[Span]:
    """Give the names of a model, the newest first; a name may have been another model's before or after."""
    found: list[Span] = []
    until = END
    while True:
        joined = select(events.c.seq, event_data.c.data).join(event_data, event_data.c.seq == events.c.seq)
        renamed = joined.where(events.c.subject == f"model:{name}", events.c.action == "model.renamed")
        row = reader.execute(renamed.where(events.c.seq < until).order_by(events.c.seq.desc()).limit(1)).one_or_none()
        found.append(Span(name, 0 if row is None else row.seq, until))
        if row is None:
            return found
        name, until = str(trail.decoded(row.data)["from"]), row.seq


def during(found: list[Span], version: int, ref: ColumnElement[str], seq: ColumnElement[int]) -> ColumnElement[bool]:
    """Select what names a version by the name that it had at the time."""
    return or_(*(and_(ref == f"model:{each.name}@{version}", seq > each.after, seq <= each.until) for each in found))
