"""Logged batches: what versions predicted and which labels came, as Parquet blobs that the catalog names."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, insert, or_, select

from mlops_ext.monitoring.service import model_name, model_ref, of_model
from mlops_ext.monitoring.tables import logged_batches
from mlops_ext.monitoring.types import ListBatches, LogBatch, LoggedBatch
from mlops_ext.operations import operation
from mlops_ext.records import Page, new_id
from mlops_ext.store.catalog import Change
from mlops_ext.store.search import paged
from mlops_ext.workspace import Workspace

__all__ = ["batches", "log"]


@operation("monitoring.log", "POST /model-versions/{model}/batches", writes=True)
def log(ws: Workspace, request: LogBatch) -> LoggedBatch:
    """Log a batch of predictions or labels of a model version; the same batch again is kept once."""
    pinned = request.model_copy(update={"model": model_ref(ws, request.model)})
    made = new_id()
    return ws.catalog.write(lambda change: _log(change, made, pinned))


@operation("monitoring.batches", "GET /batches", command="batches list")
def batches(ws: Workspace, request: ListBatches) -> Page[LoggedBatch]:
    """List logged batches in the order in which they came: of a model whichever version, or of one version."""
    columns = logged_batches.c
    query = of_model(ws, select(logged_batches), logged_batches, request.model)
    if request.kind:
        query = query.where(columns.kind == request.kind)
    if request.window:
        query = query.where(or_(columns.window == request.window, columns.window == ""))
    with ws.catalog.read() as connection:
        return paged(connection, query, (columns.id,), request.limit, request.cursor, _batch)


def _log(change: Change, made: str, request: LogBatch) -> LoggedBatch:
    columns = logged_batches.c
    same = [columns[name] == getattr(request, name) for name in ("model", "kind", "batch")]
    held = change.execute(select(logged_batches).where(*same)).one_or_none()
    if held is not None:
        return _batch(held)
    change.name_blobs(f"batch:{made}", [request.batch])
    change.execute(
        insert(logged_batches).values(
            **dict(request), id=made, model_name=model_name(request.model), logged_at=change.now, logged_by=change.actor
        )
    )
    subject = f"model:{request.model}"
    data = request.model_dump(mode="json", exclude={"model"})
    change.event("batch.logged", subject, {**data, "inputs": [subject], "outputs": []})
    return LoggedBatch(**dict(request), id=made, new=True, logged_at=change.now, logged_by=change.actor)


def _batch(row: Row[Any]) -> LoggedBatch:
    return LoggedBatch(**{name: value for name, value in row._mapping.items() if name != "model_name"}, new=False)
