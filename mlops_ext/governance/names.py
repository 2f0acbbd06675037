"""What models were called before: events know versions by the name of their time, and are never rewritten."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from mlops_ext.store import trail
from mlops_ext.store.catalog import Change
from mlops_ext.store.schema import event_data, events

__all__ = ["Names", "Span", "during", "spans"]

END = 2**62
_MODEL = "model:"


class Span(NamedTuple):
    """A name, and the events between which it was the model's."""

    name: str
    after: int
    until: int


class Names:
    """All renames of the trail, read once: from a reference as an event wrote it to the one of today, and back.

    Parameters
    ----------
    reader : Connection or Change
        To read them with.
    """

    def __init__(self, reader: Connection | Change) -> None:
        joined = select(events.c.seq, event_data.c.data).join(event_data, event_data.c.seq == events.c.seq)
        rows = reader.execute(joined.where(events.c.action == "model.renamed").order_by(events.c.seq))
        told = [(int(row.seq), trail.decoded(row.data)) for row in rows]
        self._renames = [(seq, str(data["from"]), str(data["to"])) for seq, data in told]
        self._touched = {name for _, *names in self._renames for name in names}

    def current(self, ref: str, seq: int) -> str:
        """Give today's reference for what event `seq` calls `ref`."""
        if not self.touches(ref):
            return ref
        name, at, selector = ref.removeprefix(_MODEL).partition("@")
        for when, old, new in self._renames:
            if when >= seq and name == old:
                name = new
        return f"{_MODEL}{name}{at}{selector}"

    def written(self, refs: Iterable[str]) -> list[str]:
        """Give all references under which these may stand in events; some may be other models' at other times."""
        return list(dict.fromkeys(old for ref in refs for old in self._written(ref)))

    def touches(self, ref: str) -> bool:
        """Tell whether a reference is to a model that was renamed, or that has the name of one that was."""
        return ref.startswith(_MODEL) and ref[len(_MODEL) :].partition("@")[0] in self._touched

    def spans(self, ref: str) -> list[Span]:
        """Give the names of a model of today over time, the newest first; references get the kind and version added."""
        name, until = ref.removeprefix(_MODEL).partition("@")[0], END
        found = []
        for seq, old, new in reversed(self._renames):
            if new == name:
                found.append(Span(name, seq, until))
                name, until = old, seq
        # Before that it may have been another model's, which took it along to another name.
        since = max((seq for seq, old, _ in self._renames if old == name and seq < until), default=0)
        return [*found, Span(name, since, until)]

    def _written(self, ref: str) -> list[str]:
        if not self.touches(ref):
            return [ref]
        _, at, selector = ref.partition("@")
        return [f"{_MODEL}{span.name}{at}{selector}" for span in self.spans(ref)]


def spans(reader: Connection | Change, name: str) -> list[Span]:
    """Give the names of a model, the newest first; a name may have been another model's before or after."""
    return Names(reader).spans(name)


def during(
    found: list[Span], selector: str | int, ref: ColumnElement[str], seq: ColumnElement[int]
) -> ColumnElement[bool]:
    """Select what names a version by the name that it had at the time."""
    return or_(*(and_(ref == f"{_MODEL}{each.name}@{selector}", seq > each.after, seq <= each.until) for each in found))
