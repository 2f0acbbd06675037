"""Judging a window: one process claims it, compares, and writes report, verdict and account in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, insert, select, update

from mlops_ext.errors import MlopsError, NotFound
from mlops_ext.monitoring.monitors.observing import new_window
from mlops_ext.monitoring.monitors.parts import drop_parts, whole
from mlops_ext.monitoring.monitors.tables import monitor_windows, monitors
from mlops_ext.monitoring.monitors.types import MonitorWindow
from mlops_ext.monitoring.service import model_ref, save_report
from mlops_ext.monitoring.types import SaveReport
from mlops_ext.records import new_id
from mlops_ext.store.catalog import Change
from mlops_ext.store.hashing import canonical_json, digest_of
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from mlops_ext.monitoring.drift.compare import Comparison
    from mlops_ext.monitoring.drift.display import DriftReport

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
        report, rows, exact = _compared(ws, monitor, window, level)
        request = _request(monitor, report, promise)
    except MlopsError as error:
        said = str(error)
        ws.catalog.measure(lambda change: _fail(change, monitor, window, claim, said), serial=True)
    else:
        made = new_id()
        ws.catalog.write(lambda change: _settle(change, monitor, window, (claim, made), request, rows, exact=exact))
    with ws.catalog.read() as connection:
        return window_of(connection.execute(select(monitor_windows).where(_here(monitor.name, window))).one())


def _claim(change: Change, monitor: Row[Any], window: str, claim: str, *, again: bool) -> tuple[float, str] | None:
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
    look = window
    if held is not None and held.state == "judged" and monitor.predictions:  # other rows: another chance to be wrong
        look = f"{window} {claim}"
    level, after = before.level(look), before.after(look).to_dict()
    change.execute(update(monitors).where(monitors.c.name == monitor.name).values(spending=after))
    taken = {
        "state": "judging",
        "claim": claim,
        "lease_until": change.now + LEASE,
        "level": level,
        "judged_at": change.now,
    }
    change.execute(update(monitor_windows).where(here).values(**taken))
    return level, before.promise(look)


def _is_taken(held: Row[Any], moment: datetime) -> bool:
    return bool(held.state == "judging" and held.lease_until > moment)


def _compared(ws: Workspace, monitor: Row[Any], window: str, level: float) -> tuple[DriftReport, int, bool]:
    """Compare at the window's level; give the report, the rows, and whether all of them were compared."""
    from mlops_ext.datasets.used import unnoticed
    from mlops_ext.monitoring.drift.compare import Treatment, compare_frames
    from mlops_ext.monitoring.drift.display import DriftReport
    from mlops_ext.monitoring.drift.edge import frame_of
    from mlops_ext.monitoring.drift.hiding import hidden_in, without_values

    options = monitor.options
    with unnoticed():
        reference, named = frame_of(monitor.reference.removeprefix("dataset:"), ws)
        current, source, exact = _current(ws, monitor, window)
    watched = monitor.columns if options["columns"] or not monitor.data else None
    if watched is not None:
        reference = reference.select(watched)
    how = Treatment(
        columns=options["columns"] or None,
        categorical=options["categorical"],
        numeric=options["numeric"],
        statistics=options["statistics"] or None,
        importance=options["importance"],
        complete=True,
    )
    found = compare_frames(reference, current, how, alpha=level, bound=options["bound"])
    found = without_values(found, hidden_in([named, source], ws))
    model = model_ref(ws, monitor.model) if monitor.model else ""
    report = DriftReport(found, reference=named, current=source, window=window, model=model)
    return report, found.sizes[1], exact


def _current(ws: Workspace, monitor: Row[Any], window: str) -> tuple[Any, str, bool]:
    """Give the rows of a window, the full reference of their dataset, and whether they are all of them."""
    from mlops_ext.monitoring.drift.edge import frame_of
    from mlops_ext.monitoring.monitors.states import Rows

    if monitor.data:
        frame, source = frame_of(window, ws)
        return frame, source, True
    if monitor.predictions:
        return _predicted(ws, monitor, window), "", True
    with ws.catalog.read() as connection:
        rows = connection.execute(select(monitor_windows.c.rows).where(_here(monitor.name, window))).scalar()
    state = whole(ws, monitor, window, exact=(rows or 0) <= monitor.options["exact_rows"])
    if not rows:
        raise NotFound(f"no rows were observed in {window!r}", hint="See: mlops monitors windows")
    return state.columns(), "", isinstance(state, Rows)


def _predicted(ws: Workspace, monitor: Row[Any], window: str) -> dict[str, Any]:
    """Give what the model was given in a window, as far as it was logged."""
    from mlops_ext.monitoring.performance.predictions import FEATURE
    from mlops_ext.monitoring.performance.windows import joined_window

    _, joined = joined_window(ws, monitor.model, window, features=True)
    features = [name for name in joined.frame.columns if name.startswith(FEATURE)]
    if not features:
        raise NotFound(f"the predictions of {window!r} hold no features", hint="Log them with features=")
    return {name.removeprefix(FEATURE): joined.frame[name] for name in features}


def _request(monitor: Row[Any], report: DriftReport, promise: str) -> SaveReport:
    """Give the report that is saved, with the promise over time in its method."""
    found: Comparison = report.comparison
    verdict = found.verdict.model_copy(update={"method": found.verdict.method + promise})
    request = replace(report, comparison=replace(found, verdict=verdict)).request()
    return request.model_copy(update={"details": {**request.details, "monitor": monitor.name}})


def _settle(
    change: Change,
    monitor: Row[Any],
    window: str,
    ids: tuple[str, str],
    request: SaveReport,
    rows: int,
    *,
    exact: bool,
) -> None:
    """Write report and verdict, unless another process has taken the window over."""
    claim, made = ids
    here = _here(monitor.name, window) & (monitor_windows.c.claim == claim)
    held = change.execute(select(monitor_windows).where(here)).one_or_none()
    if held is None or change.execute(select(monitors.c.name).where(monitors.c.name == monitor.name)).first() is None:
        return
    parts = drop_parts(change, monitor.name, window)
    about: dict[str, Any] = {"monitor": monitor.name, "rows": rows, "inputs": [f"monitor:{monitor.name}"]}
    if parts:
        about["digest"] = digest_of(canonical_json(parts), change.algorithm)
    saved = save_report(change, made, request, about)
    found: dict[str, Any] = {"state": "judged", "status": saved.status, "report": saved.id, "rows": rows}
    drifted: Sequence[str] = saved.verdict.columns if saved.verdict is not None else ()
    found |= {"drifted": list(drifted), "exact": exact, "error": "", "claim": ""}
    found |= {"alert_due": saved.status == "drift", "lease_until": None}
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
