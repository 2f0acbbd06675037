"""The state of a workspace: where it lies and how much it holds."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Connection, Select, Table, func, select

from mlops_ext.datasets.tables import datasets
from mlops_ext.governance.types import WorkspaceStatus
from mlops_ext.models.tables import models
from mlops_ext.models.types import NoRequest
from mlops_ext.operations import operation
from mlops_ext.store import trail
from mlops_ext.store.schema import events, store_info
from mlops_ext.tracking.rows import standing
from mlops_ext.workspace import Workspace

__all__ = ["show"]


@operation("workspace.show", "GET /workspace", command="status")
def show(ws: Workspace, request: NoRequest) -> WorkspaceStatus:  # noqa: ARG001
    """Show where the workspace lies and how many datasets, models, runs and events it holds."""
    with ws.catalog.read() as connection:
        info = connection.execute(select(store_info)).one_or_none()
        return WorkspaceStatus(
            root=str(ws.root),
            catalog=str(ws.database),
            blobs=_masked(ws.settings.workspace.blobs or str(ws.home / "blobs")),
            id="" if info is None else info.workspace,
            hash=ws.settings.workspace.hash if info is None else info.hash,
            schema_number=0 if info is None else info.schema_number,
            datasets=_number(connection, _all(datasets).where(datasets.c.state != "deleted")),
            models=_number(connection, _all(models).where(models.c.state != "deleted")),
            runs=_number(connection, standing(func.count())),
            events=_number(connection, _all(events)),
            head=trail.head(connection)[1],
        )


def _all(table: Table) -> Select[Any]:
    return select(func.count()).select_from(table)


def _number(connection: Connection, counted: Select[Any]) -> int:
    return int(connection.execute(counted).scalar_one())


def _masked(url: str) -> str:
    return re.sub(r"(?<=://)([^/@:]*):[^/@]*@", r"\1:***@", url)
