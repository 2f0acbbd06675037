"""Running: what is due of one monitor, or of all, is judged; what was found becomes an alert."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.sql import Delete, Update

from mlops_ext.cron import latest
from mlops_ext.datasets.service import show as show_dataset
from mlops_ext.datasets.types import ShowDataset
from mlops_ext.errors import InvalidValue, MlopsError, NotFound
from mlops_ext.monitoring.alerts.service import raise_alert
from mlops_ext.monitoring.alerts.types import SEVERITIES, RaiseAlert
from mlops_ext.monitoring.monitors.judging import judge_window
from mlops_ext.monitoring.monitors.service import every_monitor, find, upcoming
from mlops_ext.monitoring.monitors.tables import monitor_windows, monitors, observed_batches
from mlops_ext.monitoring.monitors.types import MonitorWindow, RunMonitor, RunMonitors
from mlops_ext.monitoring.service import model_ref, show
from mlops_ext.monitoring.tables import logged_batches
from mlops_ext.monitoring.types import Report, ShowReport
from mlops_ext.operations import operation
from mlops_ext.records import now
from mlops_ext.refs import Ref
from mlops_ext.workspace import Workspace

__all__ = ["KEPT", "MOST_VERSIONS", "run", "run_due"]

KEPT = timedelta(days=7)
"""So long a batch's id is known after it came."""
MOST_VERSIONS = 20
"""Of versions that came while nobody looked, the newest so many are judged."""
log = logging.getLogger("mlops_ext.monitoring")


@operation("monitors.run", "POST /monitors/{monitor}/runs", writes=True)
def run(ws: Workspace, request: RunMonitor) -> RunMonitors:
    """Judge what a monitor has not judged yet: the latest version, windows of predictions, windows that are over.

    A window that is judged stays as it is; named by `window`, it is judged once more.
    """
    row = find(ws, request.monitor)
    if row.paused:
        raise InvalidValue(f"the monitor {row.name!r} is paused", hint=f"Run: mlops monitors resume {row.name}")
    if request.window:
        names = [_named(ws, row, request.window)]
    elif row.data:
        names = [ws.call(show_dataset, ShowDataset(dataset=_dataset(row))).ref]
    else:
        names = _predicted(ws, row) if row.predictions else _observed(ws, row, None if request.close else now())
        names = [*_lost(ws, row), *names]
    judged = [judge_window(ws, row, name, again=bool(request.window) or row.predictions) for name in names]
    _tell(ws, row)
    found = tuple(_window(ws, row.name, each.window) for each in judged if each is not None)
    return RunMonitors(monitor=row.name, judged=len(found), waiting=_waiting(ws, row), windows=found)


def run_due(ws: Workspace) -> int:
    """Judge all that is due, of every monitor; give how many windows that were. What fails keeps no other back."""
    if not ws.exists():
        return 0
    rows = every_monitor(ws)
    judged = sum(_guarded(ws, row, _run_due) for row in rows if not row.paused)
    for row in rows:
        _guarded(ws, row, _tell)
    if rows:
        _forget(ws)
    return judged


def _run_due(ws: Workspace, row: Row[Any]) -> int:
    fallen = row.next_at is not None and row.next_at <= now()
    names = _lost(ws, row)
    if row.data and not row.options["cron"]:
        taken_over = sum(judge_window(ws, row, name) is not None for name in names)
        return taken_over + (_new_versions(ws, row) if row.options["on_new_data"] else 0)
    if row.data and fallen:
        names += [ws.call(show_dataset, ShowDataset(dataset=_dataset(row))).ref]
    elif row.predictions and fallen:
        names += _predicted(ws, row)
    elif not row.data and not row.predictions:
        names += _observed(ws, row, now()) if not row.options["cron"] or fallen else []
    judged = [judge_window(ws, row, name, again=row.predictions) for name in names]
    if fallen:
        _move_on(ws, row)
    return sum(each is not None for each in judged)


def _new_versions(ws: Workspace, row: Row[Any]) -> int:
    """Judge each version of a dataset that came since the last time."""
    name = _dataset(row)
    newest = ws.call(show_dataset, ShowDataset(dataset=name)).version
    judged = 0
    for version in range(max(row.seen, newest - MOST_VERSIONS) + 1, newest + 1):
        judged += judge_window(ws, row, f"{name}@{version}") is not None
        seen = update(monitors).where(monitors.c.name == row.name, monitors.c.seen < version).values(seen=version)
        _measure(ws, seen)
    return judged


def _predicted(ws: Workspace, row: Row[Any]) -> list[str]:
    """Give the windows of predictions never judged, or to which predictions or, where they count, labels came."""
    model = model_ref(ws, row.model)
    batches, held = logged_batches.c, monitor_windows.c
    logged = (
        select(batches.window, func.max(batches.logged_at).label("newest"))
        .where(batches.model == model, batches.kind == "predictions", batches.window != "")
        .group_by(batches.window)
    )
    with ws.catalog.read() as connection:
        newest = {each.window: each.newest for each in connection.execute(logged).all()}
        if row.options.get("kind") == "performance":
            came = {each.window: each.newest for each in connection.execute(_labels(row)).all()}
            newest = {
                name: max(moment, *(came.get(each, moment) for each in (name, ""))) for name, moment in newest.items()
            }
        done = select(held.window, held.judged_at).where(held.monitor == row.name, held.state != "open")
        judged = {each.window: each.judged_at for each in connection.execute(done).all()}
    return sorted(window for window, moment in newest.items() if window not in judged or judged[window] < moment)


def _labels(row: Row[Any]) -> Any:
    """Ask when labels came last, window by window; those without one are joined with every window."""
    batches = logged_batches.c
    here = (batches.model_name == row.model_name) & (batches.kind == "labels")
    return select(batches.window, func.max(batches.logged_at).label("newest")).where(here).group_by(batches.window)


def _observed(ws: Workspace, row: Row[Any], until: datetime | None) -> list[str]:
    """Give the windows of a stream that are over; with no moment all that hold rows."""
    columns = monitor_windows.c
    over = columns.closes_at <= until if until is not None else columns.rows > 0
    query = select(columns.window).where(columns.monitor == row.name, columns.state == "open", over)
    with ws.catalog.read() as connection:
        return list(connection.execute(query.order_by(columns.id)).scalars())


def _lost(ws: Workspace, row: Row[Any]) -> list[str]:
    """Give the windows whose judge was lost."""
    columns = monitor_windows.c
    query = select(columns.window).where(
        columns.monitor == row.name, columns.state == "judging", columns.lease_until <= now()
    )
    with ws.catalog.read() as connection:
        return list(connection.execute(query.order_by(columns.id)).scalars())


def _named(ws: Workspace, row: Row[Any], window: str) -> str:
    if row.data:
        name = window if "@" in window else f"{_dataset(row)}@{window}"
        version = ws.call(show_dataset, ShowDataset(dataset=name.removeprefix("dataset:")))
        if version.name != _dataset(row):
            raise InvalidValue(f"{version.ref} is no version of {row.data}", hint="Name one that the monitor watches")
        return version.ref
    if row.predictions:
        return window
    held = _window(ws, row.name, window)
    if held.state == "judged":
        raise InvalidValue(f"the window {window!r} is judged", hint="Its rows are gone; see its report")
    return window


def _tell(ws: Workspace, monitor: Row[Any]) -> int:
    """Raise the alerts that judged windows owe; raised twice, one joins the other."""
    columns = monitor_windows.c
    with ws.catalog.read() as connection:
        owing = select(monitor_windows).where(columns.monitor == monitor.name, columns.alert_due.is_(True))
        rows = connection.execute(owing.order_by(columns.id)).all()
    for row in rows:
        raised = ws.call(raise_alert, _alert(ws, monitor, row))
        here = (columns.monitor == monitor.name) & (columns.window == row.window) & (columns.report == row.report)
        _measure(ws, update(monitor_windows).where(here).values(alert=raised.id, alert_due=False))
    return len(rows)


def _alert(ws: Workspace, monitor: Row[Any], window: Row[Any]) -> RaiseAlert:
    about: dict[str, Any] = {
        "monitor": monitor.name,
        "model": model_ref(ws, monitor.model) if monitor.model else "",
        "window": window.window,
        "severity": "warning" if monitor.options["severity"] == "impact" else monitor.options["severity"],
        "channels": tuple(monitor.options["channels"]),
    }
    if window.state == "failed":
        message = f"the monitor {monitor.name} could not judge {window.window}: {window.error}"
        return RaiseAlert(**about, kind="data_quality", message=message)
    report = ws.call(show, ShowReport(report=window.report))
    details = {"columns": list(window.drifted), "data": report.current, "reference": report.reference}
    if loss := report.details.get("loss"):
        about |= {"severity": max(about["severity"], loss["severity"], key=SEVERITIES.index), "model": report.model}
        return RaiseAlert(**about, kind=loss["kind"], message=loss["message"], report=window.report, details=details)
    if report.kind == "quality":
        message = _faults(report, window)
        return RaiseAlert(**about, kind="data_quality", message=message, report=window.report, details=details)
    message = _sentence(report, window)
    if impact := report.details.get("impact"):
        message = "; ".join(filter(None, (message, impact["sentence"])))
        details |= {"impact": impact}
        about |= {"severity": impact["severity"]} if monitor.options["severity"] == "impact" else {}
    return RaiseAlert(**about, kind="drift", message=message, report=window.report, details=details)


def _sentence(report: Report, window: Row[Any]) -> str:
    reasons = {each["column"]: each["reason"] for each in report.details.get("decisions", ())}
    if not window.drifted:
        told = report.details.get("together", {}).get("columns", ())
        names = ", ".join(each["column"] for each in told[:3])
        return f"all columns together drifted in {window.window}, most by {names}"
    first = "; ".join(f"{name} ({reasons.get(name, '')})" for name in window.drifted[:3])
    more = f" and {len(window.drifted) - 3} more" if len(window.drifted) > 3 else ""
    return f"{first}{more} drifted in {window.window} against {report.reference.removeprefix('dataset:')}"


def _faults(report: Report, window: Row[Any]) -> str:
    wrong = [each for each in report.details["checks"] if not each["passed"]]
    first = "; ".join(f"{each['column'] or 'the table'}: {each['message']} ({each['check']})" for each in wrong[:3])
    more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    return f"{window.window}: {first}{more}"


def _move_on(ws: Workspace, row: Row[Any]) -> None:
    """Set the next instant; those that passed while nobody looked are dealt with by one look."""
    options, moment = row.options, now()
    if not latest(options["cron"], options["tz"], row.next_at - timedelta(seconds=1), moment, 1):
        return
    here = (monitors.c.name == row.name) & (monitors.c.next_at == row.next_at)
    _measure(ws, update(monitors).where(here).values(next_at=upcoming(options["cron"], options["tz"], moment)))


def _guarded(ws: Workspace, row: Row[Any], duty: Callable[[Workspace, Row[Any]], int]) -> int:
    try:
        return duty(ws, row)
    except MlopsError as error:
        said = str(error)
        log.warning("the monitor %s: %s", row.name, said)
        noted = update(monitors).where(monitors.c.name == row.name, monitors.c.error != said).values(error=said)
        _measure(ws, noted)
        return 0


def _forget(ws: Workspace) -> None:
    """Forget the ids of batches that came long ago and whose windows are judged."""
    columns = observed_batches.c
    before = now() - KEPT
    open_ = select(monitor_windows.c.window).where(
        monitor_windows.c.monitor == columns.monitor, monitor_windows.c.state.in_(("open", "judging"))
    )
    old = (columns.observed_at < before) & columns.window.not_in(open_.scalar_subquery())
    with ws.catalog.read() as connection:
        if connection.execute(select(columns.batch).where(columns.observed_at < before).limit(1)).first() is None:
            return
    _measure(ws, delete(observed_batches).where(old))


def _measure(ws: Workspace, statement: Update | Delete) -> None:
    ws.catalog.measure(lambda change: change.execute(statement), serial=True)


def _waiting(ws: Workspace, row: Row[Any]) -> int:
    here = (monitor_windows.c.monitor == row.name) & (monitor_windows.c.state == "open")
    with ws.catalog.read() as connection:
        return int(connection.execute(select(func.count()).select_from(monitor_windows).where(here)).scalar_one())


def _window(ws: Workspace, monitor: str, window: str) -> MonitorWindow:
    from mlops_ext.monitoring.monitors.service import window_of

    here = (monitor_windows.c.monitor == monitor) & (monitor_windows.c.window == window)
    with ws.catalog.read() as connection:
        row = connection.execute(select(monitor_windows).where(here)).one_or_none()
    if row is None:
        raise NotFound.of("window", window)
    return window_of(row)


def _dataset(row: Row[Any]) -> str:
    return Ref.parse(row.data, "dataset").name
