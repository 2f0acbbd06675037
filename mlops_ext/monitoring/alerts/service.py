"""What can be done with alerts: raise, list, show and acknowledge them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, insert, select, update

from mlops_ext.errors import NotFound
from mlops_ext.monitoring.alerts.types import AcknowledgeAlert, Alert, ListAlerts, RaiseAlert, ShowAlert
from mlops_ext.monitoring.service import model_name, model_ref, of_model
from mlops_ext.monitoring.tables import alerts as alerts_table
from mlops_ext.monitoring.tables import reports as reports_table
from mlops_ext.operations import operation
from mlops_ext.records import Page, new_id
from mlops_ext.refs import Ref
from mlops_ext.store.catalog import Change
from mlops_ext.store.search import paged
from mlops_ext.workspace import Workspace

__all__ = ["acknowledge", "alert", "alerts", "raise_alert"]


@operation("monitoring.raise", "POST /alerts", command="alerts raise", writes=True)
def raise_alert(ws: Workspace, request: RaiseAlert) -> Alert:
    """Raise an alert; one that is open already for the same monitor, model, kind and window is given instead."""
    wanted = Ref.parse(request.report, "report").name if request.report else ""
    pinned = request.model_copy(update={"model": model_ref(ws, request.model), "report": wanted})
    made = new_id()
    return ws.catalog.write(lambda change: _raise(change, made, pinned))


@operation("monitoring.alerts", "GET /alerts", command="alerts list")
def alerts(ws: Workspace, request: ListAlerts) -> Page[Alert]:
    """List alerts, the newest first."""
    query = of_model(ws, select(alerts_table), alerts_table, request.model)
    if request.state:
        query = query.where(alerts_table.c.state == request.state)
    with ws.catalog.read() as connection:
        order = (alerts_table.c.id,)
        return paged(connection, query, order, request.limit, request.cursor, _alert, descending=True)


@operation("monitoring.alert", "GET /alerts/{alert}", command="alerts show")
def alert(ws: Workspace, request: ShowAlert) -> Alert:
    """Show one alert."""
    with ws.catalog.read() as connection:
        return _find_alert(connection, request.alert)


@operation("monitoring.acknowledge", "POST /alerts/{alert}/acknowledgement", command="alerts acknowledge", writes=True)
def acknowledge(ws: Workspace, request: AcknowledgeAlert) -> Alert:
    """Say that someone has taken care of an alert; a second time changes nothing."""
    return ws.catalog.write(lambda change: _acknowledge(change, request))


def _raise(change: Change, made: str, request: RaiseAlert) -> Alert:
    columns = alerts_table.c
    same = [columns[name] == getattr(request, name) for name in ("monitor", "model", "kind", "window")]
    held = change.execute(select(alerts_table).where(columns.state == "open", *same)).first()
    if held is not None:
        return _alert(held)
    if request.report:
        known = select(reports_table.c.id).where(reports_table.c.id == request.report)
        if change.execute(known).one_or_none() is None:
            raise NotFound.of("report", request.report)
    raised = Alert(**dict(request), id=made, created_at=change.now, created_by=change.actor)
    change.execute(insert(alerts_table).values(**dict(raised), model_name=model_name(raised.model)))
    inputs = [f"model:{raised.model}", *([f"report:{raised.report}"] if raised.report else [])]
    data = {**request.model_dump(mode="json"), "alert": raised.id}
    change.event("alert.raised", raised.ref, {**data, "inputs": inputs, "outputs": [raised.ref]})
    return raised


def _acknowledge(change: Change, request: AcknowledgeAlert) -> Alert:
    held = _find_alert(change, request.alert)
    if held.state == "acknowledged":
        return held
    values = {
        "state": "acknowledged",
        "acknowledged_at": change.now,
        "acknowledged_by": change.actor,
        "comment": request.comment,
    }
    change.execute(update(alerts_table).where(alerts_table.c.id == held.id).values(**values))
    change.event("alert.acknowledged", held.ref, {"comment": request.comment, "inputs": [held.ref], "outputs": []})
    return held.model_copy(update=values)


def _find_alert(reader: Any, text: str) -> Alert:
    wanted = Ref.parse(text, "alert").name
    row = reader.execute(select(alerts_table).where(alerts_table.c.id == wanted)).one_or_none()
    if row is None:
        raise NotFound.of("alert", wanted)
    return _alert(row)


def _alert(row: Row[Any]) -> Alert:
    return Alert(**{name: value for name, value in row._mapping.items() if name != "model_name"})
