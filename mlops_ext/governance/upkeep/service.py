"""What can be done for upkeep: see which versions gc would remove, and remove one: a tombstone first, bytes later."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import delete, select, update

from mlops_ext.datasets.references import find_row
from mlops_ext.datasets.tables import dataset_aliases, dataset_versions, datasets
from mlops_ext.errors import Conflict
from mlops_ext.governance.upkeep.plan import fates, protected
from mlops_ext.governance.upkeep.runs import expired, let_go
from mlops_ext.governance.upkeep.types import Fate, GcPlan, PlanGc, Prune, Pruned
from mlops_ext.operations import operation
from mlops_ext.records import now
from mlops_ext.store.catalog import Change
from mlops_ext.store.schema import blob_intents, blob_owners, blobs
from mlops_ext.workspace import Workspace

__all__ = ["plan", "prune"]


@operation("datasets.prunable", "GET /prunable-dataset-versions")
def plan(ws: Workspace, request: PlanGc) -> GcPlan:
    """Show which dataset versions gc would remove, why the others stay, and how many bytes that would free.

    Deleted runs lose their files after the same grace, unless a model version was made by them.
    """
    with ws.catalog.read() as connection:
        moment = now()
        found = fates(connection, request, moment)
        leased = set(connection.execute(select(blob_intents.c.digest).where(blob_intents.c.until > moment)).scalars())
        sizes = {row.digest: row.size for row in connection.execute(select(blobs.c.digest, blobs.c.size))}
        owners = _owners(connection)
        of_runs = [] if request.datasets else expired(connection, request.grace, moment)
    going = {f"dataset:{each.ref}" for each in found if each.goes} | {f"run:{run}" for run in of_runs}
    unnamed = {digest for digest in sizes if owners.get(digest, set()) <= going}
    free = unnamed - leased
    own: dict[str, int] = defaultdict(int)
    for digest in unnamed:
        for owner in owners.get(digest, ()):
            own[owner] += sizes[digest]
    versions = tuple(each.model_copy(update={"bytes": own[f"dataset:{each.ref}"]}) for each in found)
    freed, later = (sum(sizes[digest] for digest in some) for some in (free, unnamed & leased))
    return GcPlan(versions=versions, runs=len(of_runs), blobs=len(free), bytes=freed, leased_bytes=later)


@operation("datasets.prune", "POST /datasets/{dataset}/prunings", writes=True)
def prune(ws: Workspace, request: Prune) -> Pruned:
    """Let go of the bytes of a version: its record and number stay, as a tombstone; gc then takes what none needs.

    What stands behind a model that an environment serves or can be rolled back to, or has an alias, is refused.
    """

    def remove(change: Change) -> Pruned:
        row = find_row(change, request.dataset, deleted=True)
        ref = f"{row.name}@{row.version}"
        if row.removed_at is not None:
            return Pruned(ref=ref, blobs=0)
        _refuse_needed(change, ref, row, request.rollbacks)
        owner = f"dataset:{ref}"
        held = list(change.execute(select(blob_owners.c.digest).where(blob_owners.c.owner == owner)).scalars())
        change.execute(delete(blob_owners).where(blob_owners.c.owner == owner))
        columns = dataset_versions.c
        this = (columns.name == row.name) & (columns.version == row.version)
        change.execute(update(dataset_versions).where(this).values(state="deleted", removed_at=change.now))
        active = select(columns.version).where(columns.name == row.name, columns.state == "active")
        newest = change.execute(active.order_by(columns.version.desc()).limit(1)).scalar_one_or_none() or 0
        change.execute(update(datasets).where(datasets.c.name == row.name).values(latest=newest))
        data = {"digest": row.digest, "why": request.why, "blobs": len(held), "bytes": row.bytes}
        change.event("dataset.pruned", owner, data)
        return Pruned(ref=ref, blobs=len(held))

    return ws.catalog.write(remove)


def keep_rules_applied(ws: Workspace, request: PlanGc) -> GcPlan:
    """Prune every version and run that goes, each in a transaction that looks again; what changed meanwhile stays."""
    made = ws.call(plan, request)
    done: list[Fate] = []
    for each in made.versions:
        if not each.goes:
            done.append(each)
            continue
        try:
            ws.call(prune, Prune(dataset=each.ref, why=each.why, rollbacks=request.rollbacks))
        except Conflict as error:
            done.append(each.model_copy(update={"goes": False, "why": error.message}))
        else:
            done.append(each)
    of_runs = 0 if request.datasets else let_go(ws, request.grace)
    return made.model_copy(update={"done": True, "versions": tuple(done), "runs": of_runs})


def _refuse_needed(change: Change, ref: str, row: Any, rollbacks: int | None) -> None:
    need = protected(change, rollbacks).get((row.name, row.version))
    if need:
        raise Conflict(
            f"{need}, and was made of {ref}", hint="Promote another version there first, or bound --rollbacks"
        )
    pointing = (dataset_aliases.c.name == row.name) & (dataset_aliases.c.version == row.version)
    alias = change.execute(select(dataset_aliases.c.alias).where(pointing).limit(1)).scalar_one_or_none()
    if alias is not None:
        raise Conflict(f"the alias {alias!r} points at {ref}", hint="Move or delete the alias first")


def _owners(reader: Any) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for row in reader.execute(select(blob_owners)):
        found[row.digest].add(row.owner)
    return found
