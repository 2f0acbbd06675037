"""Which deleted runs lose their files to gc: after the grace, and none that a model version was made by."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import delete, literal, select, union

from mlops_ext.durations import duration_of
from mlops_ext.models.tables import model_links, model_versions
from mlops_ext.records import now
from mlops_ext.store.catalog import Change
from mlops_ext.store.schema import blob_owners
from mlops_ext.tracking.rows import deleted_at
from mlops_ext.tracking.tables import experiments, runs
from mlops_ext.workspace import Workspace

__all__ = ["expired", "let_go"]


def expired(reader: Any, grace: str, moment: datetime, *only: Any) -> list[str]:
    """Give the runs that were deleted longer ago than the grace and still have files.

    Parameters
    ----------
    grace : str
        Such as `7d`.
    moment : datetime
        Now.
    *only : conditions
        On the runs.
    """
    kept = select(model_versions.c.run).where(model_versions.c.state != "deleted")
    needed = union(kept, select(model_links.c.run)).scalar_subquery()
    holding = (literal("run:") + runs.c.id).in_(select(blob_owners.c.owner))
    over = deleted_at < moment - duration_of(grace, "grace")
    query = select(runs.c.id).join(experiments, experiments.c.id == runs.c.experiment)
    found = reader.execute(query.where(over, holding, runs.c.id.not_in(needed), *only).order_by(runs.c.id))
    return list(found.scalars())


def let_go(ws: Workspace, grace: str) -> int:
    """Let go of the files of every such run, one event each; what a run measured stays. Give how many there were."""
    with ws.catalog.read() as connection:
        ids = expired(connection, grace, now())
    return sum(ws.catalog.write(lambda change, run=run: _let_go(change, run, grace)) for run in ids)  # type: ignore[misc]


def _let_go(change: Change, run: str, grace: str) -> bool:
    """Look again: it may have been restored meanwhile."""
    if not expired(change, grace, change.now, runs.c.id == run):
        return False
    held = change.execute(delete(blob_owners).where(blob_owners.c.owner == f"run:{run}")).rowcount
    change.event("run.pruned", f"run:{run}", {"blobs": held, "why": "deleted"})
    return True
