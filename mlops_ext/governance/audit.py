"""The audit trail as operations: read it, check it, prove an event, and give the head that others keep."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection, Row, func, select

from mlops_ext.errors import CheckRefused, InvalidValue, NotFound, StoreUnavailable
from mlops_ext.governance import merkle
from mlops_ext.governance.types import (
    ConsistencyProof,
    Event,
    Finding,
    Head,
    InclusionProof,
    ListEvents,
    ProveConsistency,
    ProveEvent,
    ShowHead,
    Verification,
)
from mlops_ext.models.types import NoRequest
from mlops_ext.operations import operation
from mlops_ext.records import Page
from mlops_ext.store import trail
from mlops_ext.store.filters import Field, Fields, searched
from mlops_ext.store.schema import event_data, event_refs, events, store_info, utc_text
from mlops_ext.store.search import Sort
from mlops_ext.store.verification import Walk
from mlops_ext.workspace import Workspace

__all__ = ["consistency", "hashed", "head", "leaves", "log", "prove", "verify", "verify_trail"]

MAX_FINDINGS = 1000
_BATCH = 20_000
_NAMES = {
    "actor": Field(events.c.actor),
    "auth": Field(events.c.auth),
    "action": Field(events.c.action),
    "subject": Field(events.c.subject),
    "time": Field(events.c.time, "time"),
    "seq": Field(events.c.seq, "number"),
    "ref": Field(
        event_refs.c.ref,
        within=event_refs.c.seq == events.c.seq,
        nullable=True,
        sortable=False,
        leads=(events.c.seq, event_refs.c.seq),
    ),
}


@operation("audit.log", "GET /events")
def log(ws: Workspace, request: ListEvents) -> Page[Event]:
    """List the events of the trail: who did what to what, and when.

    The filter knows actor, auth, action, subject, time, seq, and ref: any reference that an event names.
    """
    joined = events.join(event_data, event_data.c.seq == events.c.seq, isouter=True)
    query = select(events, event_data.c.data).select_from(joined)
    if request.after:
        query = query.where(events.c.seq > request.after)
    if request.subject:
        query = query.where(events.c.subject == request.subject)
    fields = Fields(_NAMES, (Sort(events.c.seq, descending=request.newest),))
    with ws.catalog.read() as connection:
        return searched(connection, query, fields, request, _event)


@operation("audit.verify", "GET /audit/verification")
def verify(ws: Workspace, request: NoRequest) -> Verification:  # noqa: ARG001
    """Check the whole trail: every event unchanged, none missing, none put in between."""
    return verify_trail(ws)


@operation("audit.head", "GET /audit/head")
def head(ws: Workspace, request: ShowHead) -> Head:
    """Show the head of the trail; kept outside the workspace, it proves later what stood until now."""
    with ws.catalog.read() as connection:
        seq, digest = trail.head(connection)
        if not digest:
            return Head(workspace="", seq=0, hash="")
        time = connection.execute(select(events.c.time).where(events.c.seq == seq)).scalar_one_or_none()
        root = _text(merkle.root_of(leaves(connection, seq))) if request.root else ""
        return Head(workspace=_workspace(connection), seq=seq, hash=digest, time=time, root=root)


@operation("audit.prove", "GET /events/{seq}/proof")
def prove(ws: Workspace, request: ProveEvent) -> InclusionProof:
    """Prove that an event stands in the trail: whoever has the head's root can check it offline."""
    with ws.catalog.read() as connection:
        size = request.size or trail.head(connection)[0]
        if not request.seq <= size:
            raise NotFound(f"no event {request.seq} among the first {size}", hint="See: mlops audit head")
        ranges = [(0, size), *merkle.inclusion_ranges(request.seq - 1, size)]
        root, *path = merkle.roots(leaves(connection, size), ranges)
        row = connection.execute(select(events).where(events.c.seq == request.seq)).one()
        return InclusionProof(
            workspace=_workspace(connection),
            seq=request.seq,
            hash=row.hash,
            event=hashed(row),
            size=size,
            root=_text(root),
            path=tuple(map(_text, path)),
        )


@operation("audit.consistency", "GET /audit/heads/{first}/consistency")
def consistency(ws: Workspace, request: ProveConsistency) -> ConsistencyProof:
    """Prove that the trail only grew from one head to a later one; both roots and the proof can be checked offline."""
    with ws.catalog.read() as connection:
        second = request.second or trail.head(connection)[0]
        if request.first > second or second > trail.head(connection)[0]:
            raise InvalidValue(
                f"the trail cannot grow from {request.first} to {second} events",
                hint=f"It has {trail.head(connection)[0]}; write the smaller number first",
            )
        ranges = [(0, request.first), (0, second), *merkle.consistency_ranges(request.first, second)]
        first_root, second_root, *path = merkle.roots(leaves(connection, second), ranges)
        return ConsistencyProof(
            workspace=_workspace(connection),
            first=request.first,
            first_root=_text(first_root),
            second=second,
            second_root=_text(second_root),
            path=tuple(map(_text, path)),
        )


def verify_trail(
    ws: Workspace, kept: Head | None = None, progress: Callable[[int], object] | None = None
) -> Verification:
    """Check the whole trail, and that it still holds what a head kept outside says.

    Parameters
    ----------
    ws : Workspace
        Whose trail.
    kept : Head, optional
        Taken earlier by `audit head`; check its signature with `signing.check` first.
    progress : callable, optional
        Told again and again how many events were checked.

    Returns
    -------
    Verification
        With a kept head, a trail that was rewritten as a whole, or cut, has findings although its chain is unbroken.
    """
    with ws.catalog.read() as connection:
        info = connection.execute(select(store_info.c.workspace, store_info.c.hash)).one_or_none()
        if info is None and kept is None:
            return Verification(ok=True, events=0, head="")
        workspace = _workspace(connection)
        algorithm = "" if info is None else info.hash
        walk = Walk(connection, workspace, algorithm, progress)
        found: list[Finding] = []
        notes: list[Finding] = []
        for each in walk.findings():
            (notes if each.note else found).append(Finding(seq=each.seq, problem=each.problem))
            if len(found) >= MAX_FINDINGS:
                break
        if kept is not None:
            found += _against(connection, kept, workspace)
        return Verification(
            ok=not found,
            events=connection.execute(select(func.count()).select_from(events)).scalar_one(),
            head=trail.head(connection)[1],
            erased=walk.erased,
            findings=tuple(found),
            notes=tuple(notes),
        )


def _against(connection: Connection, kept: Head, workspace: str) -> Iterator[Finding]:
    """Check what a kept head says against the trail."""
    if kept.workspace != workspace:
        yield Finding(seq=0, problem=f"the head is of workspace {kept.workspace}, not of {workspace}")
        return
    if not kept.seq:
        return
    digest = connection.execute(select(events.c.hash).where(events.c.seq == kept.seq)).scalar_one_or_none()
    if digest is None:
        yield Finding(seq=kept.seq, problem="the trail was cut: the head's event is missing")
    elif digest != kept.hash:
        yield Finding(seq=kept.seq, problem="the trail was rewritten: the head has another hash")
    elif kept.root and _text(merkle.root_of(leaves(connection, kept.seq, whole=False))) != kept.root:
        yield Finding(seq=kept.seq, problem="the trail was rewritten: the head has another root")


def leaves(connection: Connection, size: int, *, whole: bool = True) -> Iterator[bytes]:
    """Give the leaf hashes of the first events, page by page."""
    last, count = 0, 0
    columns = select(events.c.seq, events.c.hash)
    while last < size:
        query = columns.where(events.c.seq > last, events.c.seq <= size).order_by(events.c.seq).limit(_BATCH)
        page = connection.execute(query).all()
        for _, digest in page:
            yield merkle.leaf_hash(digest.encode())
        count += len(page)
        if len(page) < _BATCH:
            break
        last = page[-1][0]
    if whole and count != size:
        raise CheckRefused(
            f"the trail holds {count} of its first {size} events", hint="See what is missing: mlops audit verify"
        )


def _workspace(connection: Connection) -> str:
    found = connection.execute(select(store_info.c.workspace)).scalar_one_or_none()
    if found is None:
        raise StoreUnavailable("there is no trail yet", hint="The first write makes the workspace; or run: mlops init")
    return str(found)


def _event(row: Row[Any]) -> Event:
    return Event(
        seq=row.seq,
        time=row.time,
        actor=row.actor,
        auth=row.auth,
        action=row.action,
        subject=row.subject,
        data=trail.decoded(row.data),
        hash=row.hash,
    )


def hashed(row: Row[Any]) -> dict[str, Any]:
    """Give the fields that an event's hash is taken over."""
    fields = {name: getattr(row, name) for name in events.c.keys() if name != "hash"}  # noqa: SIM118
    return {**fields, "time": utc_text(row.time)}


def _text(digest: bytes) -> str:
    return f"sha256:{digest.hex()}"
