"""The audit trail: events in one hash chain, appended inside the transaction that they tell of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rfc8785 import CanonicalizationError
from sqlalchemy import Connection, Row, Select, String, bindparam, insert, select, type_coerce, update

from mlops_ext.store.hashing import algorithm_of, canonical_json, digest_of
from mlops_ext.store.schema import chain_head, event_data, events, utc_text

__all__ = ["FORMAT", "Draft", "Finding", "append", "event_hash", "findings", "genesis", "head"]

FORMAT = 1

# Built once: building a statement costs several times what running it does.
_HEAD = select(chain_head.c.seq, chain_head.c.hash)
_INSERT_EVENT = insert(events)
_INSERT_DATA = insert(event_data)
_MOVE_HEAD = update(chain_head).values(seq=bindparam("new_seq"), hash=bindparam("new_hash"))
_BATCH = 5000


@dataclass(frozen=True)
class Draft:
    """An event before it has its place in the chain."""

    time: datetime
    actor: str
    auth: str
    action: str
    subject: str
    data: dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """One place where the trail does not hold."""

    seq: int
    problem: str


def genesis(workspace: str, algorithm: str) -> str:
    """Give the hash that the first event follows: it binds the chain to its workspace."""
    return digest_of(canonical_json({"format": FORMAT, "workspace": workspace}), algorithm)


def event_hash(fields: Mapping[str, Any], algorithm: str) -> str:
    """Hash all fields of one event but its own hash, as RFC 8785 JSON."""
    return digest_of(canonical_json(dict(fields)), algorithm)


def head(connection: Connection) -> tuple[int, str]:
    """Give the number and hash of the newest event; 0 and the genesis hash before the first."""
    row = connection.execute(_HEAD).one_or_none()
    return (0, "") if row is None else (int(row.seq), str(row.hash))


def append(connection: Connection, draft: Draft, algorithm: str) -> int:
    """Put an event at the head of the chain and give its number."""
    last, previous = head(connection)
    data = canonical_json(draft.data)
    fields = {
        "format": FORMAT,
        "seq": last + 1,
        "time": utc_text(draft.time),
        "actor": draft.actor,
        "auth": draft.auth,
        "action": draft.action,
        "subject": draft.subject,
        "data_digest": digest_of(data, algorithm),
        "previous": previous,
    }
    digest = event_hash(fields, algorithm)
    connection.execute(_INSERT_EVENT, {**fields, "time": draft.time, "hash": digest})
    connection.execute(_INSERT_DATA, {"seq": last + 1, "data": data.decode()})
    connection.execute(_MOVE_HEAD, {"new_seq": last + 1, "new_hash": digest})
    return last + 1


def findings(connection: Connection, workspace: str, algorithm: str) -> Iterator[Finding]:
    """Walk the whole chain and give every place where it does not hold."""
    previous, seq = genesis(workspace, algorithm), 0
    for row in _rows(connection):
        seq += 1
        if row.seq != seq:
            yield Finding(seq, f"event {seq} is missing" if row.seq > seq else f"event {row.seq} stands twice")
            seq = row.seq
        if row.previous != previous:
            yield Finding(row.seq, "it does not follow the event before it")
        yield from _own_findings(row, algorithm)
        previous = row.hash
    last, digest = head(connection)
    if last > seq:
        yield Finding(seq + 1, f"the events {seq + 1} to {last} are missing at the end")
    elif (last, digest) != (seq, previous):
        yield Finding(last, "the head does not name the last event")


def _own_findings(row: Row[Any], algorithm: str) -> Iterator[Finding]:
    fields = {name: getattr(row, name) for name in ("format", "seq", "actor", "auth", "action", "subject")}
    fields |= {"time": row.time, "data_digest": row.data_digest, "previous": row.previous}
    if not _fits(fields, algorithm, row.hash):
        yield Finding(row.seq, "it was changed: its hash does not fit its fields")
    if algorithm_of(str(row.hash)) != algorithm:
        yield Finding(row.seq, f"its hash is not {algorithm}")
    if row.data is None:
        yield Finding(row.seq, "its data is missing")
    elif not isinstance(row.data, str) or digest_of(row.data.encode(), algorithm) != row.data_digest:
        yield Finding(row.seq, "its data was changed")


def _fits(fields: Mapping[str, Any], algorithm: str, digest: str) -> bool:
    try:
        return event_hash(fields, algorithm) == digest
    except (CanonicalizationError, TypeError):
        return False


def _rows(connection: Connection) -> Iterator[Row[Any]]:
    """Give the events as they are stored: a time is not parsed, since two texts can be one moment."""
    stored: list[Any] = [
        type_coerce(each, String).label("time") if each is events.c.time else each for each in events.c
    ]
    joined: Select[Any] = select(*stored, event_data.c.data).join(
        event_data, event_data.c.seq == events.c.seq, isouter=True
    )
    last = -1
    while True:
        page = connection.execute(joined.where(events.c.seq > last).order_by(events.c.seq).limit(_BATCH)).all()
        if not page:
            return
        yield from page
        last = page[-1].seq


def decoded(text: str | None) -> dict[str, Any]:
    """Read an event's data back."""
    return {} if text is None else dict(json.loads(text))
