"""Triggers: events on the trail that start a notebook or a pipeline, each exactly once, however many workers look."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from mlops_ext.errors import MlopsError
from mlops_ext.monitoring.monitors.service import every_monitor
from mlops_ext.records import now
from mlops_ext.refs import Ref
from mlops_ext.runs.schedules.targets import prepared, request_of
from mlops_ext.runs.schedules.templates import fill
from mlops_ext.runs.tables import jobs, trigger_cursors, trigger_firings
from mlops_ext.settings import Trigger
from mlops_ext.store.catalog import Change
from mlops_ext.store.hashing import canonical_json, digest_of
from mlops_ext.store.schema import event_data, events
from mlops_ext.store.trail import decoded
from mlops_ext.tracking.tables import runs
from mlops_ext.workspace import Workspace

__all__ = ["LOOK_BACK", "about", "fire", "matches", "name_of"]

LOOK_BACK = timedelta(hours=24)
"""How far back a trigger that is seen for the first time looks."""

_BATCH = 500
_ADDED = ("monitor", "dataset", "environment", "webhook", "pipeline", "grid", "memory", "tags", "cache", "secrets")
log = logging.getLogger("mlops_ext.runs")


def fire(ws: Workspace) -> int:
    """Queue what the events since the last time ask for; give how many jobs that made.

    Reading is by cursor; that one event queues one job is kept by a unique row, written in the job's transaction.
    A trigger that cannot be followed, for example because its notebook is missing, is noted with its error
    and not tried again.
    """
    if not ws.exists():
        return 0
    return sum(_follow(ws, trigger) for trigger in (*ws.settings.triggers, *_of_monitors(ws)))


def name_of(trigger: Trigger) -> str:
    """Give the name that a trigger keeps as long as nothing in it changes."""
    told = trigger.model_dump(mode="json")
    # What later releases added counts only where it is used, so that a trigger keeps its place on the trail.
    kept = {key: value for key, value in told.items() if value or key not in _ADDED}
    return digest_of(canonical_json(kept), "b3")[:35]


def matches(trigger: Trigger, data: Mapping[str, Any]) -> bool:
    """Tell whether an event with these data is one that the trigger waits for."""
    for key in ("kind", "monitor", "environment", "webhook"):
        wanted = getattr(trigger, key)
        if wanted and data.get(key) != wanted:
            return False
    for key in ("model", "dataset"):
        wanted = getattr(trigger, key)
        if wanted and _name(str(data.get(key) or "")) != _name(wanted):
            return False
    return True


def about(subject: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a template may name: the event's data, its subject, and the subject by its kind.

    Examples
    --------
    >>> about("dataset:flights@3", {"rows": 12})
    {'subject': 'dataset:flights@3', 'dataset': 'flights@3', 'rows': 12}
    """
    kind, _, rest = subject.partition(":")
    return {"subject": subject, **({kind: rest} if rest else {}), **data}


def _of_monitors(ws: Workspace) -> list[Trigger]:
    """Give a trigger for each monitor whose alerts start something: a notebook by its path, else a pipeline."""
    found = []
    for row in every_monitor(ws):
        target = row.options["retrain"]
        if target:
            kind = "notebook" if target.endswith(".ipynb") else "pipeline"
            about = {"monitor": row.name, "kind": "drift", "parameters": row.options["parameters"], kind: target}
            found.append(Trigger(on="alert.raised", **about))
    return found


def _follow(ws: Workspace, trigger: Trigger) -> int:
    name = name_of(trigger)
    with ws.catalog.read() as connection:
        seq = connection.execute(select(trigger_cursors.c.seq).where(trigger_cursors.c.trigger == name)).scalar()
        start = _first(connection) if seq is None else int(seq)
        waiting = select(events.c.seq, events.c.subject, event_data.c.data).join(
            event_data, event_data.c.seq == events.c.seq, isouter=True
        )
        waiting = waiting.where(events.c.action == trigger.on, events.c.seq > start).order_by(events.c.seq)
        found = connection.execute(waiting.limit(_BATCH)).all()
    if not found and seq is not None:
        return 0
    made = sum(
        _once(ws, trigger, name, row) for row in found if matches(trigger, about(row.subject, decoded(row.data)))
    )
    _advance(ws, name, max([start, *(row.seq for row in found)]))
    return made


def _once(ws: Workspace, trigger: Trigger, name: str, row: Any) -> int:
    """Queue the job of one event, unless another worker has."""
    if _fired(ws, name, row.seq):
        return 0
    if _caused_by(ws, name, decoded(row.data)):
        return 0
    try:
        parameters = fill(trigger.parameters, about(row.subject, decoded(row.data)))
        started = prepared(ws, request_of(trigger, parameters, row.subject))
    except (MlopsError, LookupError) as error:
        text = f"event {row.seq} names no {error}" if isinstance(error, LookupError) else str(error)
        log.warning("the trigger on %s was not followed: %s", trigger.on, text)
        firing = {"trigger": name, "seq": row.seq, "job": "", "error": text}
        ws.catalog.measure(lambda change: _note(change, firing), serial=True)
        return 0
    firing = {"trigger": name, "seq": row.seq, "job": started.id, "error": ""}

    def write(change: Change) -> int:
        if not _note(change, firing):
            return 0
        started.enter(change)
        return 1

    return ws.catalog.write(write)


def _note(change: Change, firing: Mapping[str, Any]) -> bool:
    """Note a firing; false when it is noted already. Writers pass one by one, so the look is safe."""
    this = (trigger_firings.c.trigger == firing["trigger"]) & (trigger_firings.c.seq == firing["seq"])
    if change.execute(select(trigger_firings.c.seq).where(this)).first() is not None:
        return False
    change.execute(insert(trigger_firings).values(**firing))
    return True


def _fired(ws: Workspace, name: str, seq: int) -> bool:
    this = (trigger_firings.c.trigger == name) & (trigger_firings.c.seq == seq)
    with ws.catalog.read() as connection:
        return connection.execute(select(trigger_firings.c.seq).where(this)).first() is not None


def _caused_by(ws: Workspace, name: str, data: Mapping[str, Any]) -> bool:
    """Tell whether the trigger itself made this event happen: answering it would go on for ever."""
    run = data.get("run")
    if not isinstance(run, str) or not run:
        return False
    whose = select(jobs.c.id, jobs.c.trigger).join(runs, runs.c.job == jobs.c.id).where(runs.c.id == run)
    with ws.catalog.read() as connection:
        job = connection.execute(whose).first()
        if job is None:
            return False
        # What was fired is the job itself, or the sweep or pipeline that it belongs to.
        fired = trigger_firings.c.job.in_((job.id, job.trigger.rpartition(":")[2]))
        made = select(trigger_firings.c.seq).where(fired, trigger_firings.c.trigger == name)
        return connection.execute(made).first() is not None


def _first(connection: Connection) -> int:
    """Give the last event that is too old for a trigger seen for the first time."""
    old = select(func.max(events.c.seq)).where(events.c.time < now() - LOOK_BACK)
    return int(connection.execute(old).scalar() or 0)


def _advance(ws: Workspace, name: str, seq: int) -> None:
    def write(change: Change) -> None:
        held = change.execute(select(trigger_cursors.c.seq).where(trigger_cursors.c.trigger == name)).scalar()
        if held is None:
            change.execute(insert(trigger_cursors).values(trigger=name, seq=seq))
        elif held < seq:
            change.execute(update(trigger_cursors).where(trigger_cursors.c.trigger == name).values(seq=seq))

    ws.catalog.measure(write, serial=True)


def _name(text: str) -> str:
    return Ref.parse(text).name if text else ""
