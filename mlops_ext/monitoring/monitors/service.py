"""What can be done with monitors: add, list, show, pause, resume and remove them, and list their windows."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from mlops_ext.cron import next_fires
from mlops_ext.errors import Conflict, NotFound
from mlops_ext.monitoring.monitors.checking import checked
from mlops_ext.monitoring.monitors.profiles import is_file
from mlops_ext.monitoring.monitors.tables import monitor_windows, monitors, observed_batches, observed_parts
from mlops_ext.monitoring.monitors.types import (
    AddMonitor,
    ListMonitors,
    ListMonitorWindows,
    Monitor,
    MonitorWindow,
    ShowMonitor,
)
from mlops_ext.operations import operation
from mlops_ext.records import Page
from mlops_ext.settings import FILE
from mlops_ext.store.catalog import Change
from mlops_ext.store.schema import blob_owners
from mlops_ext.store.search import paged
from mlops_ext.workspace import Workspace

__all__ = [
    "OWN", "add", "differs", "every_monitor", "find", "list_", "monitor_of", "pause", "remove", "resume", "show",
    "upcoming", "window_of", "windows",
]  # fmt: skip

OWN = ("reference", "data", "predictions", "model", "declared_in")
"""The fields of a request that have a column of their own; the others lie together in one."""


@operation("monitors.add", "PUT /monitors/{monitor}", writes=True)
def add(ws: Workspace, request: AddMonitor) -> Monitor:
    """Watch a dataset, logged predictions or a stream; a monitor of that name is changed, an equal one left as it is.

    The reference is pinned to the version that it names now. A change of the promise (alpha, windows) starts its
    account anew; any other change keeps it.
    """
    with ws.catalog.read() as connection:
        held = connection.execute(select(monitors).where(monitors.c.name == request.monitor)).one_or_none()
    if held is not None and _equal(held, _declared(request)):
        return monitor_of(held, _last(ws, held.name))
    wanted = checked(ws, request)
    values = {**_declared(request), **wanted}
    return ws.catalog.write(lambda change: _add(change, request, values))


@operation("monitors.list", "GET /monitors")
def list_(ws: Workspace, request: ListMonitors) -> Page[Monitor]:
    """List monitors by name, each with what became of its last window."""
    with ws.catalog.read() as connection:
        order = (monitors.c.name,)
        return paged(
            connection,
            select(monitors),
            order,
            request.limit,
            request.cursor,
            lambda row: monitor_of(row, _newest(connection, row.name)),
        )


@operation("monitors.show", "GET /monitors/{monitor}")
def show(ws: Workspace, request: ShowMonitor) -> Monitor:
    """Show one monitor."""
    row = find(ws, request.monitor)
    return monitor_of(row, _last(ws, row.name))


@operation("monitors.windows", "GET /monitors/{monitor}/windows")
def windows(ws: Workspace, request: ListMonitorWindows) -> Page[MonitorWindow]:
    """List the windows of a monitor, the newest first: what they hold, or what was found."""
    row = find(ws, request.monitor)
    query = select(monitor_windows).where(monitor_windows.c.monitor == row.name)
    with ws.catalog.read() as connection:
        order = (monitor_windows.c.id,)
        return paged(connection, query, order, request.limit, request.cursor, window_of, descending=True)


@operation("monitors.pause", "PUT /monitors/{monitor}/pause", writes=True)
def pause(ws: Workspace, request: ShowMonitor) -> Monitor:
    """Let a monitor judge nothing until it is resumed; what is observed meanwhile is not kept."""
    return ws.catalog.write(lambda change: _turn(change, request.monitor, paused=True))


@operation("monitors.resume", "DELETE /monitors/{monitor}/pause", writes=True)
def resume(ws: Workspace, request: ShowMonitor) -> Monitor:
    """Let a paused monitor judge again; by the clock, what fell due meanwhile is not caught up."""
    return ws.catalog.write(lambda change: _turn(change, request.monitor, paused=False))


@operation("monitors.remove", "DELETE /monitors/{monitor}", writes=True)
def remove(ws: Workspace, request: ShowMonitor) -> Monitor:
    """Remove a monitor with its windows; reports and alerts stay."""
    return ws.catalog.write(lambda change: _remove(change, request.monitor))


def find(ws: Workspace, name: str) -> Row[Any]:
    """Give the row of a monitor.

    Raises
    ------
    NotFound
        There is none of that name.
    """
    with ws.catalog.read() as connection:
        return _row(connection, name)


def every_monitor(ws: Workspace) -> list[Row[Any]]:
    """Give the rows of all monitors, by name."""
    with ws.catalog.read() as connection:
        return list(connection.execute(select(monitors).order_by(monitors.c.name)).all())


def differs(held: Row[Any] | None, request: AddMonitor) -> bool:
    """Tell whether adding a monitor would change anything; a file that is named stays what it was when it was named."""
    if held is None:
        return True
    wanted = _declared(request)
    if request.profile is None and is_file(request.reference):
        wanted["options"]["profile"] = held.options.get("profile")
        wanted["reference_given"] = Path(request.reference).name
    return not _equal(held, wanted)


def upcoming(cron: str, tz: str, moment: datetime) -> datetime | None:
    """Give the next instant of a cron expression; None without one."""
    return next_fires(cron, tz, moment, 1)[0] if cron else None


def monitor_of(row: Row[Any], last: Row[Any] | None = None) -> Monitor:
    """Read a monitor from its row and that of its last judged window."""
    watches = "dataset" if row.data else "predictions" if row.predictions else "stream"
    known = ("name", "reference", "reference_given", "data", "predictions", "model", "columns", "declared_in")
    options = {name: value for name, value in row.options.items() if name != "columns"}
    if watches != "stream":
        options |= {"window": "", "grace": "", "exact_rows": 0}
    return Monitor(
        **{name: getattr(row, name) for name in known},
        **options,
        watches=watches,
        paused=row.paused,
        next=row.next_at,
        last_window=last.window if last is not None else "",
        last_status=(last.status or last.state) if last is not None else "",
        error=row.error,
        created_at=row.created_at,
        created_by=row.created_by,
    )


def window_of(row: Row[Any]) -> MonitorWindow:
    """Read a window from its row."""
    left = ("id", "claim", "lease_until", "alert_due")
    return MonitorWindow(**{name: value for name, value in row._mapping.items() if name not in left})


def _add(change: Change, request: AddMonitor, values: dict[str, Any]) -> Monitor:
    held = change.execute(select(monitors).where(monitors.c.name == request.monitor)).one_or_none()
    moment = upcoming(request.cron, request.tz, change.now)
    promise = {"alpha": request.alpha, "windows": request.windows}
    if held is None:
        made = {"name": request.monitor, "created_at": change.now, "created_by": change.actor, "paused": False}
        made |= {"seen": values.pop("newest"), "spending": {**promise, "spent": {}}, "error": "", "next_at": moment}
        change.execute(insert(monitors).values(**made, **values))
    else:
        _refuse_other_owner(held, request)
        newest = values.pop("newest")
        moved = {"seen": newest} if held.data != request.data else {}
        if {name: held.spending[name] for name in promise} != promise:
            moved["spending"] = {**promise, "spent": {}}
        if not held.paused:
            moved["next_at"] = moment
        here = monitors.c.name == request.monitor
        change.execute(update(monitors).where(here).values(**values, **moved, error=""))
    _own_profile(change, request.monitor, request.profile)
    about = request.model_dump(mode="json", exclude={"monitor"})
    inputs = [
        *([values["reference"]] if values["reference"] else []),
        *([f"model:{values['model']}"] if "@" in values["model"] else []),
    ]
    change.event(
        "monitor.added" if held is None else "monitor.changed",
        f"monitor:{request.monitor}",
        {**about, "pinned": values["reference"], "inputs": inputs, "outputs": []},
    )
    return _found(change, request.monitor)


def _own_profile(change: Change, monitor: str, profile: str | None) -> None:
    """Let a monitor own its stored reference, and no other."""
    owner = f"monitor:{monitor}"
    change.execute(delete(blob_owners).where(blob_owners.c.owner == owner))
    change.name_blobs(owner, [profile] if profile else [])


def _turn(change: Change, name: str, *, paused: bool) -> Monitor:
    held = _row(change, name)
    if held.paused == paused:
        return _found(change, held.name)
    moment = None if paused else upcoming(held.options["cron"], held.options["tz"], change.now)
    change.execute(update(monitors).where(monitors.c.name == held.name).values(paused=paused, next_at=moment))
    change.event("monitor.paused" if paused else "monitor.resumed", f"monitor:{held.name}", {})
    return _found(change, held.name)


def _remove(change: Change, name: str) -> Monitor:
    held = _found(change, name)
    parts = select(observed_parts.c.id).where(observed_parts.c.monitor == held.name)
    for part in change.execute(parts).scalars().all():
        change.execute(delete(blob_owners).where(blob_owners.c.owner == f"observed:{part}"))
    for table in (observed_parts, observed_batches, monitor_windows):
        change.execute(delete(table).where(table.c.monitor == held.name))
    _own_profile(change, held.name, None)
    change.execute(delete(monitors).where(monitors.c.name == held.name))
    change.event("monitor.removed", held.ref, {"reference": held.reference, "inputs": [], "outputs": []})
    return held


def _declared(request: AddMonitor) -> dict[str, Any]:
    """Give the columns of the table that follow from what was asked alone."""
    values = request.model_dump(mode="json")
    options = {name: value for name, value in values.items() if name not in (*OWN, "monitor")}
    own = {name: values[name] for name in OWN if name not in ("reference", "model")}
    own["predictions"] = request.predictions or request.kind == "performance"
    return {**own, "reference_given": request.reference, "model": request.model, "options": options}


def _equal(held: Row[Any], wanted: dict[str, Any]) -> bool:
    return all(getattr(held, name) == value for name, value in wanted.items())


def _refuse_other_owner(held: Row[Any], request: AddMonitor) -> None:
    if held.declared_in == FILE and request.declared_in != FILE:
        raise Conflict(f"{FILE} declares the monitor {held.name!r}", hint="Change it there; a tick takes it over")


def _last(ws: Workspace, name: str) -> Row[Any] | None:
    with ws.catalog.read() as connection:
        return _newest(connection, name)


def _newest(connection: Connection | Change, name: str) -> Row[Any] | None:
    here = (monitor_windows.c.monitor == name) & monitor_windows.c.state.in_(("judged", "failed"))
    return connection.execute(
        select(monitor_windows).where(here).order_by(monitor_windows.c.id.desc()).limit(1)
    ).one_or_none()


def _found(connection: Connection | Change, name: str) -> Monitor:
    row = _row(connection, name)
    return monitor_of(row, _newest(connection, row.name))


def _row(connection: Connection | Change, name: str) -> Row[Any]:
    plain = name.removeprefix("monitor:")
    row = connection.execute(select(monitors).where(monitors.c.name == plain)).one_or_none()
    if row is None:
        raise NotFound.of("monitor", plain, connection.execute(select(monitors.c.name)).scalars())
    return row
