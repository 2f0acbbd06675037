"""What can be done to keep runs in order, running or ended: rename, tag, delete, restore. What they measured stays."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, select, update

from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.operations import operation
from mlops_ext.store.catalog import Change
from mlops_ext.store.curation import check_tags, check_text
from mlops_ext.tracking import entries
from mlops_ext.tracking.curation.types import ChangeRunState, DeleteRunTag, RenameRun, RunTags, SetRunTags
from mlops_ext.tracking.rows import ExperimentDeleted, run_id, run_record, the_run
from mlops_ext.tracking.tables import experiments, run_tags, runs
from mlops_ext.tracking.types import Run
from mlops_ext.workspace import Workspace

__all__ = ["NAME_TAG", "delete_", "rename", "restore", "tag", "untag"]

NAME_TAG = "mlflow.runName"
"""The tag in which MLflow's clients keep a run's name; where there is one, it says the same."""


@operation("tracking.rename", "PUT /runs/{run}/name", command="runs rename", writes=True)
def rename(ws: Workspace, request: RenameRun) -> Run:
    """Give a run another name."""
    if not request.to.strip():
        raise InvalidValue("a run cannot lose its name", hint="Give it another")
    name, run = check_text("name", request.to), run_id(request.run)

    def change(under_way: Change) -> Run:
        row = the_run(under_way, run, lock=True, active=True)
        if row.name != name:
            under_way.execute(update(runs).where(runs.c.id == run).values(name=name))
            tagged = (run_tags.c.run == run) & (run_tags.c.key == NAME_TAG)
            under_way.execute(update(run_tags).where(tagged).values(value=name))
            under_way.event("run.renamed", f"run:{run}", {"from": row.name, "to": name})
        return run_record(under_way, run)

    return ws.catalog.write(change)


@operation("tracking.tag", "PUT /runs/{run}/tags", command="runs tag", writes=True)
def tag(ws: Workspace, request: SetRunTags) -> RunTags:
    """Set tags of a run, also of one that has ended; the others stay."""
    check_tags(request.tags)
    run = run_id(request.run)

    def change(under_way: Change) -> RunTags:
        the_run(under_way, run, lock=True, active=True)
        held = entries.tags_of(under_way, run)
        after = {**held, **request.tags}
        former = {key: held.get(key) for key, value in request.tags.items() if held.get(key) != value}
        if former:
            entries.set_tags(under_way, run, request.tags)
            told = {"tags": {key: request.tags[key] for key in former}, "former": former}
            under_way.event("run.tagged", f"run:{run}", told)
        return RunTags(ref=f"run:{run}", tags=dict(sorted(after.items())))

    return ws.catalog.write(change)


@operation("tracking.untag", "DELETE /runs/{run}/tags/{key}", command="runs untag", writes=True)
def untag(ws: Workspace, request: DeleteRunTag) -> RunTags:
    """Take a tag of a run away."""
    run = run_id(request.run)

    def change(under_way: Change) -> RunTags:
        the_run(under_way, run, lock=True, active=True)
        held = entries.tags_of(under_way, run)
        if request.key not in held:
            raise NotFound.of(f"tag of run:{run}", request.key, held)
        under_way.execute(delete(run_tags).where(run_tags.c.run == run, run_tags.c.key == request.key))
        under_way.event("run.untagged", f"run:{run}", {"former": {request.key: held.pop(request.key)}})
        return RunTags(ref=f"run:{run}", tags=dict(sorted(held.items())))

    return ws.catalog.write(change)


@operation("tracking.delete", "DELETE /runs/{run}", command="runs delete", writes=True)
def delete_(ws: Workspace, request: ChangeRunState) -> Run:
    """Delete a run: lists leave it out and it takes no more; it can be restored."""
    run = run_id(request.run)

    def change(under_way: Change) -> Run:
        row = the_run(under_way, run, lock=True)
        if row.deleted_at is None:
            _put_state(under_way, row, "deleted", request.comment)
        return run_record(under_way, run)

    return ws.catalog.write(change)


@operation("tracking.restore", "POST /runs/{run}/restoration", command="runs restore", writes=True)
def restore(ws: Workspace, request: ChangeRunState) -> Run:
    """Bring a deleted run back."""
    run = run_id(request.run)

    def change(under_way: Change) -> Run:
        row = the_run(under_way, run, lock=True)
        group = under_way.execute(select(experiments).where(experiments.c.id == row.experiment)).one()
        if group.deleted_at is not None:
            raise ExperimentDeleted.of(group.name)
        if row.deleted_at is not None:
            _put_state(under_way, row, "active", request.comment)
        return run_record(under_way, run)

    return ws.catalog.write(change)


def _put_state(change: Change, row: Row[Any], state: str, comment: str) -> None:
    deleted, former = (change.now, "active") if state == "deleted" else (None, "deleted")
    change.execute(update(runs).where(runs.c.id == row.id).values(deleted_at=deleted))
    done = "deleted" if state == "deleted" else "restored"
    change.event(f"run.{done}", f"run:{row.id}", {"state": state, "former": former, "comment": comment})
