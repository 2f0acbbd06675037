"""What can be done in monitoring: save and list reports, pin what they are about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, Select, Table, insert, select

from mlops_ext.datasets.service import show as show_dataset
from mlops_ext.datasets.types import ShowDataset
from mlops_ext.errors import NotFound
from mlops_ext.models.service import version as show_version
from mlops_ext.models.types import ShowVersion
from mlops_ext.monitoring.tables import reports as reports_table
from mlops_ext.monitoring.types import (
    ListReports,
    Report,
    SaveReport,
    ShowReport,
)
from mlops_ext.operations import operation
from mlops_ext.records import Page, new_id
from mlops_ext.refs import Latest, Ref
from mlops_ext.store.catalog import Change
from mlops_ext.store.search import paged
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from mlops_ext.models.types import ModelVersion

__all__ = [
    "model_name",
    "model_ref",
    "of_model",
    "report",
    "report_of",
    "reports",
    "save_report",
    "show",
    "text_of",
    "told_by",
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
            "references": tuple(_pinned(ws, each, request.kind) for each in request.references),
            "current": _pinned(ws, request.current, request.kind),
        }
    )
    made = new_id()
    return ws.catalog.write(lambda change: save_report(change, made, pinned))


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
        return paged(connection, query, order, request.limit, request.cursor, report_of, descending=True)


@operation("monitoring.show", "GET /reports/{report}", command="reports show")
def show(ws: Workspace, request: ShowReport) -> Report:
    """Show one report in full."""
    wanted = Ref.parse(request.report, "report").name
    with ws.catalog.read() as connection:
        row = connection.execute(select(reports_table).where(reports_table.c.id == wanted)).one_or_none()
    if row is None:
        raise NotFound.of("report", wanted)
    return report_of(row)


def model_ref(ws: Workspace, text: str) -> str:
    """Pin a reference to the version that it names now, such as `delay@3`.

    Raises
    ------
    NotFound
        No such model or version.
    """
    return ws.call(show_version, ShowVersion(model=text)).ref


def told_by(ws: Workspace, model: str) -> dict[str, float]:
    """Give the importance that a version was registered with; empty for a model that is not here."""
    try:
        return ws.call(show_version, ShowVersion(model=model)).importance
    except NotFound:
        return {}


def text_of(ref: str | ModelVersion) -> str:
    """Give a reference as text, from the text or the record."""
    return ref if isinstance(ref, str) else ref.ref


def save_report(change: Change, made: str, request: SaveReport, more: Mapping[str, Any] | None = None) -> Report:
    """Save a report whose references are pinned, as the one event of a transaction.

    Parameters
    ----------
    change : Change
        The transaction.
    made : str
        The report's id.
    request : SaveReport
        The report.
    more : mapping, optional
        What else the event tells; its `inputs` come in front of the report's own.
    """
    values = dict(request)
    further = values.pop("references")
    values["details"] = {**request.details, "references": list(further)} if further else request.details
    saved = Report(**values, id=made, created_at=change.now, created_by=change.actor)
    row = saved.model_dump(mode="json", exclude={"created_at"})
    change.execute(insert(reports_table).values(**row, created_at=saved.created_at, model_name=model_name(saved.model)))
    told = dict(more or {})
    inputs = [*told.pop("inputs", ()), *([f"model:{saved.model}"] if saved.model else [])]
    inputs += [each for each in (saved.reference, *further, saved.current) if each and each not in inputs]
    data = {**told, "kind": saved.kind, "window": saved.window, "status": saved.status}
    change.event("report.saved", saved.ref, {**data, "inputs": inputs, "outputs": [saved.ref]})
    return saved


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


def report_of(row: Row[Any]) -> Report:
    """Read a report from its row."""
    return Report(**{name: value for name, value in row._mapping.items() if name != "model_name"})
