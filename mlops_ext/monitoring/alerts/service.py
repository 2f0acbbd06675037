"""What can be done with alerts: raise, list, show, acknowledge and resolve them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Row, func, insert, or_, select, update

from mlops_ext.durations import duration_of
from mlops_ext.errors import NotFound
from mlops_ext.monitoring.alerts.notices import tell
from mlops_ext.monitoring.alerts.tables import alerts as alerts_table
from mlops_ext.monitoring.alerts.tables import mutes
from mlops_ext.monitoring.alerts.types import (
    SEVERITIES,
    AcknowledgeAlert,
    Alert,
    AlertState,
    ListAlerts,
    RaiseAlert,
    ResolveAlert,
    ShowAlert,
)
from mlops_ext.monitoring.service import model_name, model_ref, of_model
from mlops_ext.monitoring.tables import reports as reports_table
from mlops_ext.operations import operation
from mlops_ext.records import Page, new_id
from mlops_ext.refs import Ref
from mlops_ext.settings import AlertSettings
from mlops_ext.store.catalog import Change
from mlops_ext.store.search import paged
from mlops_ext.workspace import Workspace

__all__ = ["acknowledge", "alert", "alert_of", "alerts", "raise_alert", "resolve"]

_DAY = timedelta(days=1)
_MOST_WINDOWS = 1000


@operation("monitoring.raise", "POST /alerts", command="alerts raise", writes=True)
def raise_alert(ws: Workspace, request: RaiseAlert) -> Alert:
    """Raise an alert, or let it join the one that it repeats.

    What is open for the same monitor, model version and kind is joined, whatever the window; what was acknowledged or
    resolved only within `cool_down`. The same window again changes nothing. A muted alert is recorded and told to
    nobody; so is every further one of a storm (`most_per_day`).
    """
    wanted = Ref.parse(request.report, "report").name if request.report else ""
    model = model_ref(ws, request.model) if request.model else ""
    pinned = request.model_copy(update={"model": model, "report": wanted})
    made, settings = new_id(), ws.settings.alerts
    return ws.catalog.write(lambda change: _raise(change, made, pinned, settings))


@operation("monitoring.alerts", "GET /alerts", command="alerts list")
def alerts(ws: Workspace, request: ListAlerts) -> Page[Alert]:
    """List alerts, the newest first."""
    query = of_model(ws, select(alerts_table), alerts_table, request.model)
    if request.state:
        query = query.where(alerts_table.c.state == request.state)
    with ws.catalog.read() as connection:
        order = (alerts_table.c.id,)
        return paged(connection, query, order, request.limit, request.cursor, alert_of, descending=True)


@operation("monitoring.alert", "GET /alerts/{alert}", command="alerts show")
def alert(ws: Workspace, request: ShowAlert) -> Alert:
    """Show one alert."""
    with ws.catalog.read() as connection:
        return _find_alert(connection, request.alert)


@operation("monitoring.acknowledge", "POST /alerts/{alert}/acknowledgement", command="alerts acknowledge", writes=True)
def acknowledge(ws: Workspace, request: AcknowledgeAlert) -> Alert:
    """Say that someone takes care of an alert; a second time changes nothing."""
    return ws.catalog.write(lambda change: _settle(change, request.alert, "acknowledged", request.comment))


@operation("monitoring.resolve", "POST /alerts/{alert}/resolution", command="alerts resolve", writes=True)
def resolve(ws: Workspace, request: ResolveAlert) -> Alert:
    """Say that what an alert was about is over; a second time changes nothing."""
    return ws.catalog.write(lambda change: _settle(change, request.alert, "resolved", request.comment))


def alert_of(row: Row[Any]) -> Alert:
    """Read an alert from its row."""
    return Alert(**{name: value for name, value in row._mapping.items() if name != "model_name"})


def _raise(change: Change, made: str, request: RaiseAlert, settings: AlertSettings) -> Alert:
    storm = _raised_today(change) - settings.most_per_day
    quiet = storm >= 0 or _muted(change, request)
    held = _newest(change, request)
    if held is not None and _same(change, held, request, settings, quiet=quiet):
        return held if request.window in held.windows else _repeat(change, held, request)
    if request.report:
        known = select(reports_table.c.id).where(reports_table.c.id == request.report)
        if change.execute(known).one_or_none() is None:
            raise NotFound.of("report", request.report)
    raised = Alert(
        **dict(request),
        id=made,
        windows=(request.window,),
        state="muted" if quiet else "open",
        comment=f"more than {settings.most_per_day} alerts within a day" if storm >= 0 else "",
        created_at=change.now,
        created_by=change.actor,
        seen_at=change.now,
    )
    change.execute(insert(alerts_table).values(**_values(raised)))
    if not quiet or storm == 0:
        tell(change, raised, "storm" if storm == 0 else "raised")
    _event(change, "alert.muted" if quiet else "alert.raised", raised, request)
    return raised


def _same(change: Change, held: Alert, request: RaiseAlert, settings: AlertSettings, *, quiet: bool) -> bool:
    """Tell whether a request is about what an earlier alert is about still."""
    if held.state == "open" or (held.state != "resolved" and request.window in held.windows):
        return True
    if held.state == "muted":
        return quiet
    return change.now - held.seen_at < duration_of(settings.cool_down, "cool_down")


def _repeat(change: Change, held: Alert, request: RaiseAlert) -> Alert:
    worse = SEVERITIES.index(request.severity) > SEVERITIES.index(held.severity)
    state: AlertState = "open" if held.state == "resolved" else held.state
    repeated = held.model_copy(
        update={
            **request.model_dump(include={"window", "message", "report", "details", "channels"}),
            "windows": (*held.windows, request.window)[-_MOST_WINDOWS:],
            "severity": request.severity if worse else held.severity,
            "state": state,
            "seen_at": change.now,
        }
    )
    change.execute(update(alerts_table).where(alerts_table.c.id == held.id).values(**_values(repeated)))
    if worse and state != "muted":
        tell(change, repeated, "worse")
    _event(change, "alert.repeated", repeated, request)
    return repeated


def _settle(change: Change, text: str, state: AlertState, comment: str) -> Alert:
    held = _find_alert(change, text)
    if held.state in (state, "resolved"):
        return held
    values: dict[str, Any] = {"state": state, "comment": comment}
    values |= {f"{state}_at": change.now, f"{state}_by": change.actor}
    change.execute(update(alerts_table).where(alerts_table.c.id == held.id).values(**values))
    settled = held.model_copy(update=values)
    if state == "resolved" and held.state != "muted":
        tell(change, settled, "resolved")
    change.event(f"alert.{state}", held.ref, {"comment": comment, "inputs": [held.ref], "outputs": []})
    return settled


def _event(change: Change, action: str, alert: Alert, request: RaiseAlert) -> None:
    inputs = [f"model:{alert.model}"] if alert.model else []
    inputs += [f"report:{request.report}"] if request.report else []
    data = {**request.model_dump(mode="json"), "alert": alert.id, "severity": alert.severity}
    change.event(action, alert.ref, {**data, "inputs": inputs, "outputs": [alert.ref]})


def _newest(change: Change, request: RaiseAlert) -> Alert | None:
    columns = alerts_table.c
    same = [columns[name] == getattr(request, name) for name in ("monitor", "model", "kind")]
    row = change.execute(select(alerts_table).where(*same).order_by(columns.id.desc()).limit(1)).one_or_none()
    return None if row is None else alert_of(row)


def _raised_today(change: Change) -> int:
    """Count the alerts of the last day that a storm is made of: muted ones of a mute are none."""
    columns = alerts_table.c
    count = select(func.count()).where(columns.created_at > change.now - _DAY)
    return int(change.execute(count.where(or_(columns.state != "muted", columns.comment != ""))).scalar_one())


def _muted(change: Change, request: RaiseAlert) -> bool:
    columns = mutes.c
    here = select(columns.id).where(columns.model_name == model_name(request.model), columns.until > change.now)
    return change.execute(here.where(columns.monitor.in_(("", request.monitor)))).first() is not None


def _values(alert: Alert) -> dict[str, Any]:
    lists = {"windows": list(alert.windows), "channels": list(alert.channels)}
    return {**dict(alert), **lists, "model_name": model_name(alert.model)}


def _find_alert(reader: Any, text: str) -> Alert:
    wanted = Ref.parse(text, "alert").name
    row = reader.execute(select(alerts_table).where(alerts_table.c.id == wanted)).one_or_none()
    if row is None:
        raise NotFound.of("alert", wanted)
    return alert_of(row)
