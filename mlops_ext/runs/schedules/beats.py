"""The scheduler's heartbeat: who did all that was due, when, and since when nobody has."""

from __future__ import annotations

import socket
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, insert, select, update

from mlops_ext.records import now
from mlops_ext.runs.schedules.tables import scheduler_beats, schedules
from mlops_ext.runs.schedules.types import Scheduler
from mlops_ext.store.catalog import Change
from mlops_ext.workspace import Workspace

__all__ = ["beat", "scheduler", "warning"]

_LEAST = timedelta(minutes=2)
_HOW = "Start one: mlops worker, JupyterLab, or mlops tick from cron"


def beat(ws: Workspace, name: str = "") -> None:
    """Note that all that is due has been looked at.

    Parameters
    ----------
    name : str
        Who looked; this host when left out.
    """
    who = name or socket.gethostname()

    def write(change: Change) -> None:
        held = change.execute(select(scheduler_beats.c.at).where(scheduler_beats.c.name == who)).scalar()
        if held is None:
            change.execute(insert(scheduler_beats).values(name=who, at=change.now, before=None))
        else:
            this = update(scheduler_beats).where(scheduler_beats.c.name == who)
            change.execute(this.values(at=change.now, before=held))

    ws.catalog.measure(write, serial=True)


def scheduler(connection: Connection | Change) -> Scheduler:
    """Tell whether anybody looks at what is due.

    Whoever ticks from cron once an hour is alive between two ticks: what counts as silence follows the last pause.
    """
    moment = now()
    row = connection.execute(select(scheduler_beats).order_by(scheduler_beats.c.at.desc()).limit(1)).one_or_none()
    active = schedules.c.paused.is_(False)
    count = int(connection.execute(select(func.count()).select_from(schedules).where(active)).scalar_one())
    late = select(func.count()).select_from(schedules).where(active, schedules.c.next_at < moment - _LEAST)
    overdue = int(connection.execute(late).scalar_one())
    if row is None:
        return Scheduler(alive=False, schedules=count, overdue=overdue, message=f"no scheduler has ever run. {_HOW}")
    alive = moment - row.at <= _patience(row.at, row.before)
    said = f"last tick {_shown(row.at)}" if alive else f"no scheduler since {_shown(row.at)}. {_HOW}"
    return Scheduler(alive=alive, last=row.at, by=row.name, schedules=count, overdue=overdue, message=said)


def warning(connection: Connection | Change) -> str:
    """Say that nothing fires; nothing when somebody ticks."""
    found = scheduler(connection)
    return "" if found.alive else found.message


def _patience(at: datetime, before: datetime | None) -> timedelta:
    return _LEAST if before is None else max(_LEAST, (at - before) * 2.5)


def _shown(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
