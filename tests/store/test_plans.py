"""What is done often reads by an index, so that it costs no more when there is more: the plan of every statement."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from mlops_ext.governance import audit
from mlops_ext.governance.types import ListEvents
from mlops_ext.models import service as registry
from mlops_ext.models.promotion.types import Promote
from mlops_ext.models.types import ListVersions, ModelFile, Register, SetAlias, SetTags, ShowVersion
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import LogRun, MetricPoint, ShowRun, StartRun
from mlops_ext.workspace import Workspace

pytestmark = pytest.mark.sqlite
SMALL = ("store_info", "policies", "chain_head", "VIRTUAL TABLE")
"""What holds one row, or one for each policy that was ever applied, or what the statement was given."""


@contextmanager
def statements(ws: Workspace) -> Iterator[list[str]]:
    """Collect what SQLite itself is asked, whichever way it comes."""
    seen: list[str] = []

    @event.listens_for(ws.database.engine, "checkout")
    def trace(connection: Any, _record: Any, _proxy: Any) -> None:
        connection.set_trace_callback(seen.append)

    yield seen
    event.remove(ws.database.engine, "checkout", trace)
    with ws.database.engine.connect() as connection:
        connection.connection.driver_connection.set_trace_callback(None)


def scans(ws: Workspace, seen: list[str]) -> list[str]:
    """Give the plans that read a whole table, each with its statement."""
    found = []
    with ws.catalog.read() as connection:
        for statement in seen:
            if not statement.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
                continue
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", (None,) * statement.count("?")):
                detail = str(row[3])
                if detail.startswith("SCAN") and not any(name in detail for name in SMALL) and "USING" not in detail:
                    found.append(f"{detail}: {' '.join(statement.split())[:200]}")
    return found


def version(ws: Workspace, number: int) -> None:
    digest = ws.put_blob(b"model")
    sha256 = hashlib.sha256(b"model").hexdigest()
    file = ModelFile(path=f"{number}.bin", digest=digest, sha256=sha256, size=5)
    ws.call(registry.register, Register(name="delay", flavor="test", files=(file,)))


def log(ws: Workspace) -> None:
    run = ws.call(tracking.start, StartRun(experiment="x")).id
    ws.call(tracking.log, LogRun(run=run, metrics=(MetricPoint(key="loss", value=0.5, step=1),), parameters={"a": "1"}))
    ws.call(tracking.show, ShowRun(run=run))


DONE: dict[str, Callable[[Workspace], Any]] = {
    "register": lambda ws: version(ws, 2),
    "move an alias": lambda ws: ws.call(registry.alias, SetAlias(model="delay@1", alias="champion")),
    "get by alias": lambda ws: ws.call(registry.version, ShowVersion(model="delay@champion")),
    "a page of versions": lambda ws: ws.call(registry.versions, ListVersions(model="delay")),
    "tag": lambda ws: ws.call(registry.tag, SetTags(model="delay@1", tags={"team": "a"})),
    "promote": lambda ws: ws.call(registry.promote, Promote(model="delay@1", to="staging")),
    "log and show a run": log,
    "events that name a version": lambda ws: ws.call(audit.log, ListEvents(filter="ref = 'model:delay@1'")),
}


@pytest.mark.parametrize("what", DONE)
def test_no_statement_reads_a_whole_table(workspace: Workspace, what: str) -> None:
    version(workspace, 1)
    workspace.call(registry.alias, SetAlias(model="delay@latest", alias="champion"))
    with statements(workspace) as seen:
        DONE[what](workspace)
    assert seen
    assert scans(workspace, seen) == []
