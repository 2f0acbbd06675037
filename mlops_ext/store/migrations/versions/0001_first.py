"""The first schema."""

import importlib

from alembic import op

from mlops_ext.store.schema import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    for room in ("datasets", "features", "tracking", "models", "monitoring", "governance", "runs"):
        try:
            importlib.import_module(f"mlops_ext.{room}.tables")
        except ModuleNotFoundError:
            pass
    metadata.create_all(op.get_bind())
