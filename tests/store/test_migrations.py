"""The migrations and the tables that the code declares are the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select, text

import mlops_ext.rooms  # noqa: F401
from mlops_ext.models import service
from mlops_ext.models.types import ShowVersion
from mlops_ext.store import lifecycle
from mlops_ext.store.schema import SCHEMA, metadata, store_info
from mlops_ext.workspace import Workspace
from tests.models.support import registered


def test_a_migrated_store_has_the_tables_that_are_declared(workspace: Workspace) -> None:
    workspace.ensure()
    with workspace.database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, metadata) == []


def test_the_newest_migration_carries_the_schema_number(workspace: Workspace) -> None:
    workspace.ensure()
    folder = str(lifecycle.Path(lifecycle.__file__).parent / "migrations")
    assert int(ScriptDirectory(folder).get_current_head() or "0") == SCHEMA
    with workspace.catalog.read() as connection:
        assert connection.execute(select(store_info.c.schema_number)).scalar_one() == SCHEMA


@pytest.mark.fast
def test_every_table_has_a_primary_key() -> None:
    assert [table.name for table in metadata.sorted_tables if not table.primary_key.columns] == []


def lay_out_first(ws: Workspace, tables: dict[str, list[dict[str, Any]]]) -> None:
    """Make a store as schema 1 had it, with rows."""
    if ws.database.path is not None:
        ws.home.mkdir()
        ws.database.path.touch()
    config = Config()
    config.set_main_option("script_location", str(lifecycle.Path(lifecycle.__file__).parent / "migrations"))
    with ws.database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        moment = {"created_at": "2013-01-31T06:00:00.000000Z"}
        first = {"id": 1, "workspace": "w", "hash": "b3", "schema_number": 1, "min_reader": 1, "min_writer": 1} | moment
        head = {"id": 1, "seq": 0, "hash": "b3:0"}
        for name, rows in {"store_info": [first], "chain_head": [head], **tables}.items():
            for row in rows:
                columns = ", ".join(row)
                places = ", ".join(f":{key}" for key in row)
                connection.execute(text(f"INSERT INTO {name} ({columns}) VALUES ({places})"), row)


def old_version(number: int, **details: Any) -> dict[str, Any]:
    whole = {"files": [], "signature": {}, "inputs": [], "notebook": None, "git": None, "trust": [], **details}
    return {"model_id": "m", "version": number, "digest": f"b3:{number:064x}", "flavor": "test", "run": "", "details": json.dumps(whole),
            "description": "", "created_at": "2013-01-31T06:00:00.000000Z", "created_by": "ann"}  # fmt: skip


def test_what_versions_of_schema_1_measured_comes_into_rows(workspace: Workspace) -> None:
    moments = dict.fromkeys(("created_at", "updated_at"), "2013-01-31T06:00:00.000000Z")
    model = {"id": "m", "name": "delay", "description": "", "latest": 502, **moments}
    full = {
        "metrics": {"auc": 0.7, "lost": "NaN", "worst": "-Infinity"},
        "parameters": {"month": "1", "solver": '"lbfgs"'},
        "tags": {"team": "ops", "nul": "a\0b", "k" * 300: "long"},
    }
    versions = [
        old_version(1, **full),
        *(old_version(number, metrics={"auc": number / 1000}) for number in range(2, 503)),
    ]
    lay_out_first(workspace, {"models": [model], "model_versions": versions})
    lifecycle.upgrade(workspace.database)
    first = workspace.call(service.version, ShowVersion(model="delay@1"))
    assert json.loads(first.model_dump_json())["metrics"] == {"auc": 0.7, "lost": "NaN", "worst": "-Infinity"}
    assert first.parameters == full["parameters"]
    assert first.tags == {"team": "ops", "nul": "a\N{REPLACEMENT CHARACTER}b", "k" * 250: "long"}
    assert (first.state, workspace.call(service.version, ShowVersion(model="delay")).version) == ("active", 502)
    assert workspace.call(service.version, ShowVersion(model="delay@502")).metrics == {"auc": 0.502}
    made = registered(workspace)
    assert made.version == 503
