"""What can be done with schedules: add, list, show, pause, resume and remove them, and ask whether anybody ticks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from mlops_ext.cron import check_cron, local, next_fires
from mlops_ext.errors import Conflict, NotFound
from mlops_ext.operations import operation
from mlops_ext.records import Page, now
from mlops_ext.refs import check_name
from mlops_ext.runs.notebooks.secrecy import mask_parameters
from mlops_ext.runs.schedules import beats
from mlops_ext.runs.schedules.tables import schedules
from mlops_ext.runs.schedules.targets import check_target
from mlops_ext.runs.schedules.types import AddSchedule, ListSchedules, NoRequest, Schedule, Scheduler, ShowSchedule
from mlops_ext.settings import FILE
from mlops_ext.store.catalog import Change
from mlops_ext.store.search import paged
from mlops_ext.workspace import Workspace

__all__ = ["OPTIONS", "add", "differs", "every_schedule", "list_", "pause", "remove", "resume", "show", "status"]

OPTIONS = (
    "misfire",
    "catch_up",
    "grace_seconds",
    "overlap",
    "experiment",
    "kernel",
    "timeout_seconds",
    "max_attempts",
    "priority",
    "grid",
    "memory",
    "tags",
    "cache",
    "secrets",
)
"""The fields of a schedule that lie together in one column."""


@operation("schedules.add", "PUT /schedules/{schedule}", command="schedule add", writes=True)
def add(ws: Workspace, request: AddSchedule) -> Schedule:
    """Run a notebook or a pipeline by the clock; a schedule of that name is changed, an equal one left as it is."""
    name = check_name(request.schedule)
    check_cron(request.cron, request.tz)
    check_target(ws, request)
    wanted = _columns(request)

    def write(change: Change) -> Schedule:
        held = change.execute(select(schedules).where(schedules.c.name == name)).one_or_none()
        if held is None:
            made = {"name": name, "created_at": change.now, "created_by": change.actor, "paused": False}
            made |= {"last_job": "", "error": "", **_from_now(wanted, change.now)}
            change.execute(insert(schedules).values(**made, **wanted))
        else:
            _refuse_other_owner(held, request)
            if _equal(held, wanted):
                return _record(change, held)
            moved = _from_now(wanted, change.now) if (held.cron, held.tz) != (request.cron, request.tz) else {}
            change.execute(update(schedules).where(schedules.c.name == name).values(**wanted, **moved))
        action = "schedule.added" if held is None else "schedule.changed"
        change.event(action, f"schedule:{name}", {**wanted, **wanted["options"]})
        return _found(change, name)

    return ws.catalog.write(write)


@operation("schedules.list", "GET /schedules", command="schedule list")
def list_(ws: Workspace, request: ListSchedules) -> Page[Schedule]:
    """List schedules by name, each with its next five fires."""
    with ws.catalog.read() as connection:
        order = (schedules.c.name,)
        return paged(
            connection, select(schedules), order, request.limit, request.cursor, lambda row: _record(connection, row)
        )


@operation("schedules.show", "GET /schedules/{schedule}", command="schedule show")
def show(ws: Workspace, request: ShowSchedule) -> Schedule:
    """Show one schedule with its next five fires and how its last one ended."""
    with ws.catalog.read() as connection:
        return _found(connection, request.schedule)


@operation("schedules.pause", "PUT /schedules/{schedule}/pause", command="schedule pause", writes=True)
def pause(ws: Workspace, request: ShowSchedule) -> Schedule:
    """Let a schedule start nothing until it is resumed."""

    def write(change: Change) -> Schedule:
        held = _row(change, request.schedule)
        if held.paused:
            return _record(change, held)
        change.execute(update(schedules).where(schedules.c.name == held.name).values(paused=True, next_at=None))
        change.event("schedule.paused", f"schedule:{held.name}", {})
        return _found(change, held.name)

    return ws.catalog.write(write)


@operation("schedules.resume", "DELETE /schedules/{schedule}/pause", command="schedule resume", writes=True)
def resume(ws: Workspace, request: ShowSchedule) -> Schedule:
    """Let a paused schedule start again; what fell due meanwhile is not caught up."""

    def write(change: Change) -> Schedule:
        held = _row(change, request.schedule)
        if not held.paused:
            return _record(change, held)
        moved = _from_now({"cron": held.cron, "tz": held.tz}, change.now)
        change.execute(update(schedules).where(schedules.c.name == held.name).values(paused=False, **moved))
        change.event("schedule.resumed", f"schedule:{held.name}", {})
        return _found(change, held.name)

    return ws.catalog.write(write)


@operation("schedules.remove", "DELETE /schedules/{schedule}", command="schedule remove", writes=True)
def remove(ws: Workspace, request: ShowSchedule) -> Schedule:
    """Remove a schedule; what it has started stays."""

    def write(change: Change) -> Schedule:
        held = _found(change, request.schedule)
        change.execute(delete(schedules).where(schedules.c.name == held.name))
        change.event("schedule.removed", f"schedule:{held.name}", {"cron": held.cron, "tz": held.tz})
        return held

    return ws.catalog.write(write)


@operation("schedules.status", "GET /scheduler", command="schedule status")
def status(ws: Workspace, request: NoRequest) -> Scheduler:  # noqa: ARG001 - every operation takes a request
    """Tell whether anybody looks at what is due, and since when nobody has."""
    with ws.catalog.read() as connection:
        return beats.scheduler(connection)


def every_schedule(ws: Workspace) -> dict[str, str]:
    """Give each schedule's name and the file that declares it, if any."""
    with ws.catalog.read() as connection:
        return {row.name: row.declared_in for row in connection.execute(select(schedules)).all()}


def differs(ws: Workspace, request: AddSchedule) -> bool:
    """Tell whether adding a schedule would change anything."""
    with ws.catalog.read() as connection:
        held = connection.execute(select(schedules).where(schedules.c.name == request.schedule)).one_or_none()
    return held is None or not _equal(held, _columns(request))


def _equal(held: Row[Any], wanted: dict[str, Any]) -> bool:
    return all(getattr(held, key) == value for key, value in wanted.items())


def _columns(request: AddSchedule) -> dict[str, Any]:
    values = request.model_dump(mode="json", include={"notebook", "pipeline", "cron", "tz", "declared_in"})
    options = request.model_dump(mode="json", include=set(OPTIONS))
    return {**values, "parameters": mask_parameters(request.parameters, request.secrets), "options": options}


def _from_now(wanted: dict[str, Any], moment: datetime) -> dict[str, Any]:
    """Give the columns of a schedule that counts from a moment on."""
    return {"since": moment, "next_at": next_fires(wanted["cron"], wanted["tz"], moment, 1)[0]}


def _refuse_other_owner(held: Row[Any], request: AddSchedule) -> None:
    if held.declared_in == FILE and request.declared_in != FILE:
        raise Conflict(f"{FILE} declares the schedule {held.name!r}", hint="Change it there; a tick takes it over")


def _found(connection: Connection | Change, name: str) -> Schedule:
    return _record(connection, _row(connection, name))


def _row(connection: Connection | Change, name: str) -> Row[Any]:
    plain = name.removeprefix("schedule:")
    row = connection.execute(select(schedules).where(schedules.c.name == plain)).one_or_none()
    if row is None:
        raise NotFound.of("schedule", plain, connection.execute(select(schedules.c.name)).scalars())
    return row


def _record(connection: Connection | Change, row: Row[Any]) -> Schedule:
    known = ("name", "notebook", "pipeline", "cron", "tz", "parameters", "declared_in", "paused", "last", "last_job")
    upcoming = () if row.paused else next_fires(row.cron, row.tz, now())
    return Schedule(
        **{name: getattr(row, name) for name in known},
        **row.options,
        next=tuple(local(instant, row.tz) for instant in upcoming),
        error=row.error,
        warning="" if row.paused else beats.warning(connection),
        created_at=row.created_at,
        created_by=row.created_by,
    )
