"""What can be done in monitoring: save and list reports, raise and acknowledge alerts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, Select, Table, insert, select, update

from mlops_ext.datasets.service import show as show_dataset
from mlops_ext.datasets.types import ShowDataset
from mlops_ext.errors import NotFound
from mlops_ext.models.service import version as show_version
from mlops_ext.models.types import ShowVersion
from mlops_ext.monitoring.tables import alerts as alerts_table
from mlops_ext.monitoring.tables import reports as reports_table
from mlops_ext.monitoring.types import (
    AcknowledgeAlert,
    Alert,
    ListAlerts,
    ListReports,
    RaiseAlert,
    Report,
    SaveReport,
    ShowAlert,
    ShowReport,
)
from mlops_ext.operations import operation
from mlops_ext.records import Page, new_id
from mlops_ext.refs import Latest, Ref
from mlops_ext.store.catalog import Change
from mlops_ext.store.search import paged
from mlops_ext.workspace import Workspace

__all__ = [
    "acknowledge",
    "alert",
    "alerts",
    "model_name",
    "model_ref",
    "of_model",
    "raise_alert",
    "report",
    "reports",
    "show",
]

_LISTED = [column for column in reports_table.c if column.name not in ("rows", "details")]


@operation("monitoring.report", "POST /reports", writes=True)
def report(ws: Workspace, request: SaveReport) -> Report:
    """Save a report; what its references name is pinned to the versions that they name now.

    `reference` and `current` become full references; one without a kind names a dataset, in a comparison a model.
    """
    pinned = request.model_copy(
        update={
            "model": model_ref(ws, request.model) if request.model else "",
            "reference": _pinned(ws, request.reference, request.kind),
            "current": _pinned(ws, request.current, request.kind),
        }
    )
    made = new_id()
    return ws.catalog.write(lambda change: _save(change, made, pinned))


@operation("monitoring.reports", "GET /reports", command="reports list")
def reports(ws: Workspace, request: ListReports) -> Page[Report]:
    """List reports, the newest first, without their rows and details; `monitoring.show` gives those."""
    query = of_model(ws, select(*_LISTED), reports_table, request.model)
    if request.kind:
        query = query.where(reports_table.c.kind == request.kind)
    if request.window:
        query = query.where(reports_table.c.window == request.window)
    with ws.catalog.read() as connection:
        order = (reports_table.c.id,)
        return paged(connection, query, order, request.limit, request.cursor, _report, descending=True)


@operation("monitoring.show", "GET /reports/{report}", command="reports show")
def show(ws: Workspace, request: ShowReport) -> Report:
    """Show one report in full."""
    wanted = Ref.parse(request.report, "report").name
    with ws.catalog.read() as connection:
        row = connection.execute(select(reports_table).where(reports_table.c.id == wanted)).one_or_none()
    if row is None:
        raise NotFound.of("report", wanted)
    return _report(row)


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


def model_ref(ws: Workspace, text: str) -> str:
    """Pin a reference to the version that it names now, such as `delay@3`.

    Raises
    ------
    NotFound
        No such model or version.
    """
    return ws.call(show_version, ShowVersion(model=text)).ref


def _save(change: Change, made: str, request: SaveReport) -> Report:
    saved = Report(**dict(request), id=made, created_at=change.now, created_by=change.actor)
    values = saved.model_dump(mode="json", exclude={"created_at"})
    change.execute(
        insert(reports_table).values(**values, created_at=saved.created_at, model_name=model_name(saved.model))
    )
    inputs = [f"model:{saved.model}"] if saved.model else []
    inputs += [each for each in (saved.reference, saved.current) if each and each not in inputs]
    data = {"kind": saved.kind, "window": saved.window, "status": saved.status}
    change.event("report.saved", saved.ref, {**data, "inputs": inputs, "outputs": [saved.ref]})
    return saved


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


def model_name(model: str) -> str:
    """Give the name in a version's reference; empty for none."""
    return Ref.parse(model).name if model else ""


def of_model(ws: Workspace, query: Select[Any], table: Table, text: str) -> Select[Any]:
    """Keep the rows of one model: of all its versions when only its name is given."""
    if not text:
        return query
    ref = Ref.parse(text, "model")
    if isinstance(ref.selector, Latest) and "@" not in text:
        return query.where(table.c.model_name == ref.name)
    return query.where(table.c.model == model_ref(ws, text))


def _pinned(ws: Workspace, text: str, report: str) -> str:
    if not text:
        return ""
    kind = Ref.parse(text).kind or ("model" if report == "comparison" else "dataset")
    if kind == "model":
        return f"model:{model_ref(ws, text)}"
    return f"dataset:{ws.call(show_dataset, ShowDataset(dataset=text)).ref}"


def _find_alert(reader: Any, text: str) -> Alert:
    wanted = Ref.parse(text, "alert").name
    row = reader.execute(select(alerts_table).where(alerts_table.c.id == wanted)).one_or_none()
    if row is None:
        raise NotFound.of("alert", wanted)
    return _alert(row)


def _report(row: Row[Any]) -> Report:
    return Report(**{name: value for name, value in row._mapping.items() if name != "model_name"})


def _alert(row: Row[Any]) -> Alert:
    return Alert(**{name: value for name, value in row._mapping.items() if name != "model_name"})
