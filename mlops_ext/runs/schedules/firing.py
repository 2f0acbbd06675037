"""Firing: what fell due becomes a job, each instant once, however many look at the same time."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Row, insert, select, update

from mlops_ext.cron import latest, local, next_fires
from mlops_ext.errors import MlopsError
from mlops_ext.records import now
from mlops_ext.runs.pipelines.tables import pipeline_runs
from mlops_ext.runs.schedules.tables import schedule_firings, schedules
from mlops_ext.runs.schedules.targets import Start, filled, prepared, request_of
from mlops_ext.runs.tables import jobs
from mlops_ext.store.catalog import Change
from mlops_ext.workspace import Workspace

__all__ = ["fire_due"]

_JOB = ("experiment", "kernel", "timeout_seconds", "max_attempts", "priority")
_UNDER_WAY = ("queued", "running")
log = logging.getLogger("mlops_ext.runs")


def fire_due(ws: Workspace, moment: datetime | None = None) -> list[str]:
    """Start what fell due until a moment; give what was started.

    Parameters
    ----------
    moment : datetime, optional
        This one when left out.
    """
    until = moment or now()
    with ws.catalog.read() as connection:
        due = select(schedules).where(schedules.c.paused.is_(False), schedules.c.next_at <= until)
        rows = connection.execute(due.order_by(schedules.c.next_at, schedules.c.name)).all()
    return [job for row in rows for job in _fire(ws, row, until)]


def _fire(ws: Workspace, row: Row[Any], until: datetime) -> list[str]:
    """Start what one schedule owes; whoever comes second finds nothing left."""
    made = [job for instant in _owed(row, until) if (job := _start(ws, row, instant))]
    upcoming = next_fires(row.cron, row.tz, until, 1)

    def settle(change: Change) -> None:
        this = (schedules.c.name == row.name) & (schedules.c.since == row.since) & schedules.c.paused.is_(False)
        change.execute(update(schedules).where(this).values(since=until, next_at=upcoming[0]))

    ws.catalog.measure(settle, serial=True)
    return made


def _owed(row: Row[Any], until: datetime) -> tuple[datetime, ...]:
    """Give the instants that are to be run, by the schedule's misfire policy."""
    count = int(row.options["catch_up"]) if row.options["misfire"] == "all" else 1
    found = latest(row.cron, row.tz, row.since, until, count)
    if row.options["misfire"] != "skip":
        return found
    return tuple(each for each in found if until - each <= timedelta(seconds=row.options["grace_seconds"]))


def _start(ws: Workspace, row: Row[Any], instant: datetime) -> str:
    """Start one instant in one transaction; empty when another has, or when it cannot be started."""
    fault = _held_up(ws, row)
    start = None
    if not fault:
        try:
            start = _prepare(ws, row, instant)
        except (MlopsError, LookupError) as error:
            fault = str(error)
    if start is None:
        log.warning("the schedule %s started nothing for %s: %s", row.name, local(instant, row.tz), fault)
        ws.catalog.measure(lambda change: _note(change, row, instant, "", fault), serial=True)
        return ""
    started = start

    def write(change: Change) -> str:
        if not _note(change, row, instant, started.id, ""):
            return ""
        started.enter(change)
        return started.id

    return ws.catalog.write(write)


def _prepare(ws: Workspace, row: Row[Any], instant: datetime) -> Start:
    values = filled(row.parameters, instant, row.tz)
    about = {name: row.options[name] for name in ("grid", "memory", "tags", "cache", "secrets")}
    target = SimpleNamespace(notebook=row.notebook, pipeline=row.pipeline, **about)
    options = {name: row.options[name] for name in _JOB}
    return prepared(ws, request_of(target, values, f"schedule:{row.name}", **options))


def _held_up(ws: Workspace, row: Row[Any]) -> str:
    """Say that the run before is still under way, where that matters."""
    if row.options["overlap"] or not row.last_job:
        return ""
    status = jobs.c.status
    last = select(status).where(jobs.c.id == row.last_job)
    if row.pipeline:
        last = select(pipeline_runs.c.status).where(pipeline_runs.c.id == row.last_job)
    elif row.options["grid"]:
        last = select(status).where(jobs.c.trigger == f"sweep:{row.last_job}", status.in_(_UNDER_WAY)).limit(1)
    with ws.catalog.read() as connection:
        found = connection.execute(last).scalar()
    return f"{row.last_job} is still {found}" if found in _UNDER_WAY else ""


def _note(change: Change, row: Row[Any], instant: datetime, job: str, fault: str) -> bool:
    """Note a firing; false when it is noted already, or the schedule has been changed, paused or removed meanwhile.

    Writers pass one by one, so the look is safe.
    """
    same = (schedules.c.name == row.name) & (schedules.c.since == row.since) & schedules.c.paused.is_(False)
    if change.execute(select(schedules.c.name).where(same)).first() is None:
        return False
    this = (schedule_firings.c.schedule == row.name) & (schedule_firings.c.instant == instant)
    if change.execute(select(schedule_firings.c.instant).where(this)).first() is not None:
        return False
    change.execute(insert(schedule_firings).values(schedule=row.name, instant=instant, job=job, error=fault))
    change.execute(
        update(schedules).where(schedules.c.name == row.name).values(last=instant, last_job=job, error=fault)
    )
    return True
