"""The migrations and the tables that the code declares are the same."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select

import mlops_ext.rooms  # noqa: F401
from mlops_ext.store import lifecycle
from mlops_ext.store.schema import SCHEMA, metadata, store_info
from mlops_ext.workspace import Workspace


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
