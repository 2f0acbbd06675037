"""A connection that breaks while PostgreSQL commits is told, never repeated."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import event, func, select
from sqlalchemy.exc import OperationalError

from mlops_ext.errors import StoreUnavailable
from mlops_ext.store.schema import events
from mlops_ext.workspace import Workspace


def count(ws: Workspace) -> int:
    with ws.catalog.read() as connection:
        return int(connection.execute(select(func.count()).select_from(events)).scalar_one())


@pytest.mark.parametrize("catalog_url", ["postgresql"], indirect=True)
def test_a_connection_lost_after_the_commit_is_said_and_the_change_stands_once(workspace: Workspace) -> None:
    workspace.ensure()
    calls = []

    @event.listens_for(workspace.database.engine, "commit")
    def commit_then_break(connection) -> None:
        raw = connection.connection.dbapi_connection
        raw.commit()
        error = psycopg.OperationalError("server closed the connection unexpectedly")
        broken = OperationalError("COMMIT", {}, error, connection_invalidated=True)
        calls.append(broken)
        raise broken

    try:
        with pytest.raises(StoreUnavailable, match="broke during the commit"):
            workspace.catalog.write(lambda change: change.event("note.written", "workspace"))
    finally:
        event.remove(workspace.database.engine, "commit", commit_then_break)
    assert len(calls) == 1
    assert count(workspace) == 1
