"""Judging a window: one process claims it, compares, and writes report, verdict and account in one transaction."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, insert, select, update

from mlops_ext.errors import MlopsError
from mlops_ext.monitoring.monitors.looking import HEARD, Look, look
from mlops_ext.monitoring.monitors.observing import new_window
from mlops_ext.monitoring.monitors.parts import drop_parts
from mlops_ext.monitoring.monitors.tables import monitor_windows, monitors
from mlops_ext.monitoring.monitors.types import MonitorWindow
from mlops_ext.monitoring.service import save_report
from mlops_ext.records import new_id
from mlops_ext.store.catalog import Change
from mlops_ext.store.hashing import canonical_json, digest_of
from mlops_ext.workspace import Workspace

__all__ = ["LEASE", "judge_window"]

LEASE = timedelta(minutes=15)
"""After so long another process may judge a window whose judge was lost."""


def judge_window(ws: Workspace, monitor: Row[Any], window: str, *, again: bool = False) -> MonitorWindow | None:
    """Compare a window with the reference, and keep what was found.

    Parameters
    ----------
    ws : Workspace
        Where.
    monitor : Row
        The monitor.
    window : str
        A version such as `flights@3`, or the name of a window.
    again : bool
        Judge once more what is judged; of logged predictions, which may be others now, that is another look with a
        level of its own.

    Returns
    -------
    MonitorWindow or None
        None when it is judged already, or another process is at it.
    """
    from mlops_ext.monitoring.monitors.service import window_of

    claim = new_id()
    claimed = ws.catalog.measure(lambda change: _claim(change, monitor, window, claim, again=again), serial=True)
    if claimed is None:
        return None
    level, promise = claimed
    try:
        found = look(ws, monitor, window, level, promise)
    except MlopsError as error:
        said = str(error)
        ws.catalog.measure(lambda change: _fail(change, monitor, window, claim, said), serial=True)
    else:
        made = new_id()
        ws.catalog.write(lambda change: _settle(change, monitor, window, (claim, made), found))
    with ws.catalog.read() as connection:
        return window_of(connection.execute(select(monitor_windows).where(_here(monitor.name, window))).one())


def _claim(
    change: Change, monitor: Row[Any], window: str, claim: str, *, again: bool
) -> tuple[float | None, str] | None:
    """Take a window, and its share of the chance of a false alarm; whoever takes it over gets the same share."""
    from mlops_ext.monitoring.drift.spending import Spending

    row = change.execute(select(monitors).where(monitors.c.name == monitor.name)).one_or_none()
    if row is None or row.paused:
        return None
    here = _here(monitor.name, window)
    held = change.execute(select(monitor_windows).where(here)).one_or_none()
    if held is None:
        change.execute(insert(monitor_windows).values(**new_window(monitor.name, window), closes_at=None))
    elif _is_taken(held, change.now) or (held.state == "judged" and not again):
        return None
    before = Spending.from_dict(row.spending)
    name = window
    if held is not None and held.state == "judged" and monitor.predictions:  # other rows: another chance to be wrong
        name = f"{window} {claim}"
    spends = row.options.get("kind", "drift") != "performance"  # whose intervals are wide enough or not, each by itself
    level = before.level(name) if spends else None
    if spends:
        after = before.after(name).to_dict()
        change.execute(update(monitors).where(monitors.c.name == monitor.name).values(spending=after))
    taken = {
        "state": "judging",
        "claim": claim,
        "lease_until": change.now + LEASE,
        "level": level,
        "judged_at": change.now,
    }
    change.execute(update(monitor_windows).where(here).values(**taken))
    return level, before.promise(name)


def _is_taken(held: Row[Any], moment: datetime) -> bool:
    return bool(held.state == "judging" and held.lease_until > moment)


def _settle(
    change: Change,
    monitor: Row[Any],
    window: str,
    ids: tuple[str, str],
    seen: Look,
) -> None:
    """Write report and verdict, unless another process has taken the window over."""
    claim, made = ids
    here = _here(monitor.name, window) & (monitor_windows.c.claim == claim)
    held = change.execute(select(monitor_windows).where(here)).one_or_none()
    if held is None or change.execute(select(monitors.c.name).where(monitors.c.name == monitor.name)).first() is None:
        return
    parts = drop_parts(change, monitor.name, window)
    about: dict[str, Any] = {"monitor": monitor.name, "rows": seen.rows, "inputs": [f"monitor:{monitor.name}"]}
    if parts:
        about["digest"] = digest_of(canonical_json(parts), change.algorithm)
    saved = save_report(change, made, seen.request, about)
    found: dict[str, Any] = {"state": "judged", "status": seen.status, "report": saved.id, "rows": seen.rows}
    found |= {"drifted": list(seen.found), "exact": seen.exact, "error": "", "claim": ""}
    found |= {"alert_due": seen.status in HEARD, "lease_until": None}
    change.execute(update(monitor_windows).where(here).values(**found))
    change.execute(update(monitors).where(monitors.c.name == monitor.name).values(error=""))


def _fail(change: Change, monitor: Row[Any], window: str, claim: str, said: str) -> None:
    """Note why a window could not be judged; that is told, too, and a run that names the window tries it again."""
    here = _here(monitor.name, window) & (monitor_windows.c.claim == claim)
    values = {"state": "failed", "error": said, "claim": "", "lease_until": None}
    if change.execute(update(monitor_windows).where(here).values(**values, alert_due=True)).rowcount:
        change.execute(update(monitors).where(monitors.c.name == monitor.name).values(error=said))


def _here(monitor: str, window: str) -> Any:
    return (monitor_windows.c.monitor == monitor) & (monitor_windows.c.window == window)
