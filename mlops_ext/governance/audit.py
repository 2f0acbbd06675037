"""The audit trail as operations: read it, check it, and give the head that others keep."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, func, select

from mlops_ext.errors import StoreUnavailable
from mlops_ext.governance.types import Event, Finding, Head, ListEvents, Verification
from mlops_ext.models.types import NoRequest
from mlops_ext.operations import operation
from mlops_ext.records import Page
from mlops_ext.store import trail
from mlops_ext.store.verification import Walk
from mlops_ext.store.schema import event_data, events, store_info
from mlops_ext.store.search import paged
from mlops_ext.workspace import Workspace

__all__ = ["head", "log", "verify", "verify_against"]

MAX_FINDINGS = 1000


@operation("audit.log", "GET /events")
def log(ws: Workspace, request: ListEvents) -> Page[Event]:
    """List the events of the trail: who did what to what, and when."""
    joined = events.join(event_data, event_data.c.seq == events.c.seq, isouter=True)
    query = select(events, event_data.c.data).select_from(joined)
    if request.after:
        query = query.where(events.c.seq > request.after)
    if request.subject:
        query = query.where(events.c.subject == request.subject)
    with ws.catalog.read() as connection:
        return paged(
            connection, query, (events.c.seq,), request.limit, request.cursor, _event, descending=request.newest
        )


@operation("audit.verify", "GET /audit/verification")
def verify(ws: Workspace, request: NoRequest) -> Verification:  # noqa: ARG001
    """Check the whole trail: every event unchanged, none missing, none put in between."""
    with ws.catalog.read() as connection:
        return _verification(connection, _findings(connection))


@operation("audit.head", "GET /audit/head")
def head(ws: Workspace, request: NoRequest) -> Head:  # noqa: ARG001
    """Show the head of the trail; kept outside the workspace, it proves later what stood until now."""
    with ws.catalog.read() as connection:
        seq, digest = trail.head(connection)
        if not digest:
            return Head(workspace="", seq=0, hash="")
        time = connection.execute(select(events.c.time).where(events.c.seq == seq)).scalar_one_or_none()
        return Head(workspace=_workspace(connection), seq=seq, hash=digest, time=time)


def verify_against(ws: Workspace, kept: Head) -> Verification:
    """Check the whole trail, and that it still holds what a head kept outside says.

    Parameters
    ----------
    ws : Workspace
        Whose trail.
    kept : Head
        Taken earlier by `audit head`; check its signature with `signing.check` first.

    Returns
    -------
    Verification
        A trail that was rewritten as a whole, or cut, has findings although its chain is unbroken.
    """
    with ws.catalog.read() as connection:
        found = _findings(connection)
        workspace = _workspace(connection)
        if kept.workspace != workspace:
            found.append(Finding(seq=0, problem=f"the head is of workspace {kept.workspace}, not of {workspace}"))
        elif kept.seq:
            digest = connection.execute(select(events.c.hash).where(events.c.seq == kept.seq)).scalar_one_or_none()
            if digest is None:
                found.append(Finding(seq=kept.seq, problem="the trail was cut: the head's event is missing"))
            elif digest != kept.hash:
                found.append(Finding(seq=kept.seq, problem="the trail was rewritten: the head has another hash"))
        return _verification(connection, found)


def _findings(connection: Connection) -> list[Finding]:
    info = connection.execute(select(store_info.c.workspace, store_info.c.hash)).one_or_none()
    if info is None:
        return []
    found: list[Finding] = []
    for each in Walk(connection, info.workspace, info.hash).findings():
        if each.note: continue
        found.append(Finding(seq=each.seq, problem=each.problem))
        if len(found) >= MAX_FINDINGS:
            break
    return found


def _verification(connection: Connection, found: list[Finding]) -> Verification:
    count = connection.execute(select(func.count()).select_from(events)).scalar_one()
    return Verification(ok=not found, events=count, head=trail.head(connection)[1], findings=tuple(found))


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
