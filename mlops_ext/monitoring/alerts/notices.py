"""Notices: what is to be told of alerts, written in the alert's own transaction, so that none is lost or told twice."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, insert, select

from mlops_ext.monitoring.alerts.tables import notices
from mlops_ext.monitoring.alerts.types import Alert, ListNotices, Notice, NoticeReason
from mlops_ext.operations import operation
from mlops_ext.records import Page, new_id
from mlops_ext.refs import Ref
from mlops_ext.store.catalog import Change
from mlops_ext.store.search import paged
from mlops_ext.workspace import Workspace

__all__ = ["list_", "tell"]


@operation("monitoring.notices", "GET /alerts/{alert}/notices", command="alerts notices")
def list_(ws: Workspace, request: ListNotices) -> Page[Notice]:
    """List what was told of an alert and what is still to be told, the newest first."""
    query = select(notices).where(notices.c.alert == Ref.parse(request.alert, "alert").name)
    with ws.catalog.read() as connection:
        return paged(connection, query, (notices.c.id,), request.limit, request.cursor, _notice, descending=True)


def tell(change: Change, alert: Alert, reason: NoticeReason) -> None:
    """Note that an alert is to be told of."""
    change.execute(
        insert(notices).values(
            id=new_id(), alert=alert.id, reason=reason, state="pending", attempts=0,
            due_at=change.now.timestamp(), told=[], error="", created_at=change.now,
        )
    )  # fmt: skip


def _notice(row: Row[Any]) -> Notice:
    return Notice(**{name: value for name, value in row._mapping.items() if name != "due_at"})
