"""Verifying the trail: one walk over all events, in pages, that gives every place where it does not hold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from blake3 import blake3
from pydantic_core import from_json
from rfc8785 import CanonicalizationError
from sqlalchemy import Connection, String, cast, func, select, type_coerce

from mlops_ext.store.naming import named
from mlops_ext.store.schema import event_data, event_refs, events
from mlops_ext.store.trail import canonical_event, event_hash, genesis, head

__all__ = ["ERASED", "Finding", "Walk", "erasures"]

ERASED = "audit.data_erased"
"""The action of the event that says whose data was erased, and which digests they had."""

_BATCH = 5000
_EXACT = 2**53
_COLUMNS = ("seq", "format", "time", "actor", "auth", "action", "subject", "data_digest", "previous", "hash")
_MAX_NOTES = 20
_decode: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder().scan_once  # type: ignore[attr-defined]

Fields = tuple[Any, ...]


@dataclass(frozen=True)
class Finding:
    """One place where the trail does not hold, or with `note` one that is worth knowing."""

    seq: int
    problem: str
    note: bool = False


class Walk:
    """A walk over the whole trail, in memory that does not grow with it.

    Parameters
    ----------
    connection : Connection
        A snapshot to read from.
    workspace : str
        Id of the store, to which the first event is bound.
    algorithm : str
        Its hash.
    progress : callable, optional
        Told after every page how many events were checked.

    Attributes
    ----------
    erased : int
        Events whose data was erased, as a later event says.
    """

    def __init__(
        self, connection: Connection, workspace: str, algorithm: str, progress: Callable[[int], object] | None = None
    ) -> None:
        self._connection = connection
        self._progress = progress
        self._prefix = f"{algorithm}:"
        self._algorithm = algorithm
        self._hash: Any = blake3 if algorithm == "b3" else hashlib.sha256
        self._gone = erasures(connection)
        self._previous = genesis(workspace, algorithm)
        self._seq = 0
        self._time = ""
        self._notes = 0
        self._doubtful: set[int] = set()
        self.erased = 0

    def findings(self) -> Iterator[Finding]:
        """Give every place where the trail does not hold, in the order of the events."""
        for page in self._pages():
            expected: list[str] = []
            if self._is_sound(page, expected):
                self._seq, self._time, self._previous = page[-1][0], page[-1][2], page[-1][9]
            else:
                expected.clear()
                self._doubtful.clear()
                for *fields, data in page:
                    yield from self._follow(fields)
                    yield from self._own(fields, data, expected)
            yield from self._references(page[0][0], page[-1][0], expected)
            if self._progress is not None:
                self._progress(self._seq)
        yield from self._end()

    def _is_sound(self, page: Sequence[Fields], expected: list[str]) -> bool:
        """Tell whether a page follows and holds in every way, at a fraction of what it costs to say where not."""
        seq, last, chained, prefix, hash_of = self._seq, self._time, self._previous, self._prefix, self._hash
        try:
            for number, format_, time, actor, auth, action, subject, data_digest, previous, digest, data in page:
                seq += 1
                own = hash_of(canonical_event(1, seq, time, actor, auth, action, subject, data_digest, previous))
                if (
                    (number, format_, previous) != (seq, 1, chained)
                    or digest != prefix + own.hexdigest()
                    or data_digest != prefix + hash_of(data.encode()).hexdigest()
                    or time < last
                ):
                    return False
                last, chained = time, digest
                expected += [f"{seq} {ref} {role}" for ref, role in sorted(named(subject, from_json(data)))]
        except (AttributeError, TypeError, ValueError):
            return False
        return True

    def _follow(self, fields: Sequence[Any]) -> Iterator[Finding]:
        """Check an event's place in the chain."""
        seq, time, previous = fields[0], fields[2], fields[8]
        self._seq += 1
        if seq != self._seq:
            gap = f"event {self._seq} is missing" if seq > self._seq else f"event {seq} stands twice"
            yield Finding(self._seq, gap)
            self._seq = seq
        if previous != self._previous:
            yield Finding(seq, "it does not follow the event before it")
        if isinstance(time, str) and time < self._time and self._notes < _MAX_NOTES:
            self._notes += 1
            yield Finding(seq, f"the clock went back: from {self._time} to {time}", note=True)
        self._time, self._previous = time if isinstance(time, str) else self._time, fields[9]

    def _own(self, fields: Sequence[Any], data: Any, expected: list[str]) -> Iterator[Finding]:
        """Check an event and its data against their hashes; collect what it names."""
        seq, subject, digest, hash_ = fields[0], fields[6], fields[7], fields[9]
        found = []
        if not self._fits(fields, hash_):
            found.append("it was changed: its hash does not fit its fields")
        if not str(hash_).startswith(self._prefix):
            found.append(f"its hash is not {self._algorithm}")
        if data is None and self._gone.get(seq) == digest:
            self.erased += 1
        elif data is None:
            found.append("its data is missing")
        elif not isinstance(data, str) or self._prefix + self._hash(data.encode()).hexdigest() != digest:
            found.append("its data was changed")
        if found:
            self._doubtful.add(seq)
        else:
            plain = {} if data is None else _decode(data, 0)[0]
            expected += [f"{seq} {ref} {role}" for ref, role in sorted(named(subject, plain))]
        yield from (Finding(seq, problem) for problem in found)

    def _fits(self, fields: Sequence[Any], digest: Any) -> bool:
        seq, format_, *texts = fields[:9]
        try:
            if type(seq) is type(format_) is int and seq < _EXACT > format_ and _are_texts(texts):
                return bool(digest == self._prefix + self._hash(canonical_event(format_, seq, *texts)).hexdigest())
            return bool(event_hash(dict(zip(_COLUMNS, fields[:9], strict=False)), self._algorithm) == digest)
        except (CanonicalizationError, TypeError, UnicodeEncodeError):
            return False

    def _references(self, first: int, last: int, expected: list[str]) -> Iterator[Finding]:
        """Check the index of references against the data that it indexes."""
        columns = event_refs.c
        line = (cast(columns.seq, String) + " " + columns.ref + " " + columns.role).label("line")
        within = select(line).where(columns.seq >= first, columns.seq <= last)
        ordered = within.order_by(columns.seq, columns.ref, columns.role)
        # As one text: hundreds of thousands of rows would cost more than all hashes do.
        lines = select(func.aggregate_strings(ordered.subquery().c.line, "\n"))
        if self._connection.execute(lines).scalar_one() == ("\n".join(expected) or None):
            return
        stored = set(self._connection.execute(within).scalars())
        for seq in sorted({int(line.partition(" ")[0]) for line in stored ^ set(expected)} - self._doubtful):
            yield Finding(seq, "the index of its references differs from its data")

    def _end(self) -> Iterator[Finding]:
        last, digest = head(self._connection)
        if last > self._seq:
            yield Finding(self._seq + 1, f"the events {self._seq + 1} to {last} are missing at the end")
        elif (last, digest) != (self._seq, self._previous):
            yield Finding(last, "the head does not name the last event")
        highest = self._connection.execute(select(func.max(event_refs.c.seq))).scalar_one()
        if highest is not None and highest > self._seq:
            yield Finding(int(highest), "the index of references names an event that is missing")

    def _pages(self) -> Iterator[Sequence[Fields]]:
        """Give the events as they are stored: a time is not parsed, since two texts can be one moment."""
        stored: list[Any] = [
            type_coerce(events.c[name], String).label(name) if name == "time" else events.c[name] for name in _COLUMNS
        ]
        joined = select(*stored, event_data.c.data).join(event_data, event_data.c.seq == events.c.seq, isouter=True)
        last = None
        while True:
            query = joined if last is None else joined.where(events.c.seq > last)
            page: Sequence[Fields] = self._connection.execute(query.order_by(events.c.seq).limit(_BATCH)).all()
            if not page:
                return
            yield page
            last = page[-1][0]


def erasures(connection: Connection) -> dict[int, str]:
    """Give the events whose data was erased, each with the digest that the data had."""
    joined = events.join(event_data, event_data.c.seq == events.c.seq)
    query = select(event_data.c.data).select_from(joined).where(events.c.action == ERASED)
    gone: dict[int, str] = {}
    for text in connection.execute(query.order_by(events.c.seq)).scalars():
        gone.update((int(seq), digest) for seq, digest in json.loads(text)["erased"].items())
    return gone


def _are_texts(values: Sequence[Any]) -> bool:
    return all(type(value) is str for value in values)
