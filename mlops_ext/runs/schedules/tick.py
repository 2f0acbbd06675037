"""The tick: all that is due, done once. Workers and servers tick by themselves; `mlops tick` does for cron and CI."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from mlops_ext.errors import MlopsError
from mlops_ext.governance.anchor import send_due
from mlops_ext.models.promotion.expiry import expire_due
from mlops_ext.monitoring.alerts.delivery import deliver
from mlops_ext.monitoring.monitors.declared import apply_declared as apply_monitors
from mlops_ext.monitoring.monitors.running import run_due
from mlops_ext.runs import triggers
from mlops_ext.runs.pipelines.advancing import advance_all
from mlops_ext.runs.queue import recovery
from mlops_ext.runs.schedules import beats
from mlops_ext.runs.schedules.declared import apply_declared
from mlops_ext.runs.schedules.firing import fire_due
from mlops_ext.runs.schedules.types import Tick
from mlops_ext.settings import read_settings
from mlops_ext.workspace import Workspace

__all__ = ["Ticker", "tick"]

_WHOLE_SECONDS = 30.0
T = TypeVar("T")
log = logging.getLogger("mlops_ext.runs")


def tick(ws: Workspace, *, notices: bool = True) -> Tick:
    """Do all that is due now, each thing once however many tick.

    What is due: schedules and monitors of mlops.toml that differ from the table, instants of schedules, windows of
    monitors, events that triggers wait for, notices of alerts, the trail's head for the anchor, jobs whose process was
    lost, and promotions that waited too long. What cannot be done is told in `troubles`, and keeps nothing else from
    being done.

    Parameters
    ----------
    ws : Workspace
        Whose.
    notices : bool
        Send notices as well; a slow channel holds the caller up.
    """
    settings = read_settings(ws.root)
    if not ws.exists() and not settings.schedules and not settings.monitors:
        return Tick()
    troubles: list[str] = []
    done = Tick(
        changed=_brought(ws, troubles),
        recovered=_try(troubles, "lost jobs", lambda: recovery.recover(ws), 0),
        expired=tuple(_try(troubles, "promotions", lambda: expire_due(ws), [])),
        fired=tuple(_try(troubles, "schedules", lambda: fire_due(ws), [])),
        judged=_try(troubles, "monitors", lambda: run_due(ws), 0),
        triggered=_try(troubles, "triggers", lambda: triggers.fire(ws), 0),
        told=_try(troubles, "notices of alerts", lambda: deliver(ws), 0) if notices else 0,
        anchored=_try(troubles, "the anchor", lambda: send_due(ws), 0) if notices else 0,
        advanced=_try(troubles, "pipelines", lambda: advance_all(ws), 0),
    )
    beats.beat(ws)
    return done.model_copy(update={"troubles": tuple(troubles)})


class Ticker:
    """Ticks for a process that goes on: what can be seen at a glance at every look, the rest now and then.

    Parameters
    ----------
    ws : Workspace
        Whose.
    """

    def __init__(self, ws: Workspace) -> None:
        self.ws = ws
        self._whole: float | None = None
        self._teller: threading.Thread | None = None

    def look(self) -> int:
        """Do what is due; give how many jobs that queued."""
        self._tell()
        if self._whole is None or time.monotonic() - self._whole > _WHOLE_SECONDS:
            self._whole = time.monotonic()
            done = tick(self.ws, notices=False)
            return len(done.fired) + done.triggered + done.advanced
        if not self.ws.exists():
            return 0
        return len(fire_due(self.ws)) + triggers.fire(self.ws) + advance_all(self.ws)

    def _tell(self) -> None:
        """Send notices aside, so that a slow channel holds no job up."""
        if self._teller is None or not self._teller.is_alive():
            self._teller = threading.Thread(target=_send_aside, args=(self.ws,), daemon=True)
            self._teller.start()


def _brought(ws: Workspace, troubles: list[str]) -> tuple[str, ...]:
    """Bring schedules and monitors to what mlops.toml says."""
    found: list[str] = _try(troubles, "the schedules of mlops.toml", lambda: apply_declared(ws), [])
    found += _try(troubles, "the monitors of mlops.toml", lambda: apply_monitors(ws), [])
    return tuple(found)


def _send_aside(ws: Workspace) -> None:
    _try([], "notices of alerts", lambda: deliver(ws), 0)
    _try([], "the anchor", lambda: send_due(ws), 0)


def _try(troubles: list[str], what: str, duty: Callable[[], T], nothing: T) -> T:
    try:
        return duty()
    except (MlopsError, SQLAlchemyError, OSError) as error:
        log.warning("%s: %s", what, error)
        troubles.append(f"{what}: {error}")
        return nothing
