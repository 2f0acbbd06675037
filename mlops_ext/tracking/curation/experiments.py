"""What can be done to keep experiments in order: create, show, rename, tag, delete, restore.

As in MLflow a name stays taken while its experiment is deleted, and the runs of a deleted experiment count as deleted.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from mlops_ext.errors import Conflict, NotFound
from mlops_ext.operations import operation
from mlops_ext.records import new_id
from mlops_ext.refs import check_name
from mlops_ext.store.catalog import Change
from mlops_ext.store.curation import check_number_of_tags, check_tags
from mlops_ext.tracking.curation.types import (
    ChangeExperimentState,
    CreateExperiment,
    DeleteExperimentTag,
    RenameExperiment,
    SetExperimentTags,
    ShowExperiment,
)
from mlops_ext.tracking.listing import experiment_records, experiments_query
from mlops_ext.tracking.metrics import Reader
from mlops_ext.tracking.rows import ExperimentDeleted
from mlops_ext.tracking.tables import experiment_tags, experiments
from mlops_ext.tracking.types import Experiment
from mlops_ext.workspace import Workspace

__all__ = ["create", "delete_", "find_experiment", "new_experiment", "rename", "restore", "show", "tag", "untag"]


@operation("experiments.create", "POST /experiments/{experiment}", writes=True)
def create(ws: Workspace, request: CreateExperiment) -> Experiment:
    """Make an experiment that has no runs yet; the first run of a name makes one too."""
    name = check_name(request.experiment)
    check_tags(request.tags)
    check_number_of_tags(request.tags)

    def change(under_way: Change) -> Experiment:
        _refuse_taken(under_way, name)
        new_experiment(under_way, name, request.tags)
        under_way.event("experiment.created", f"experiment:{name}", {"tags": request.tags})
        return _record(under_way, name)

    return ws.catalog.write(change)


@operation("experiments.show", "GET /experiments/{experiment}")
def show(ws: Workspace, request: ShowExperiment) -> Experiment:
    """Show an experiment, also a deleted one."""
    with ws.catalog.read() as connection:
        return _record(connection, find_experiment(connection, request.experiment).name)


@operation("experiments.rename", "PUT /experiments/{experiment}/name", writes=True)
def rename(ws: Workspace, request: RenameExperiment) -> Experiment:
    """Give an experiment another name; its runs stay with it, events keep the name of their time."""
    name = check_name(request.to)

    def change(under_way: Change) -> Experiment:
        row = find_experiment(under_way, request.experiment, active=True)
        if row.name != name:
            _refuse_taken(under_way, name)
            _set(under_way, row, name=name)
            under_way.event("experiment.renamed", f"experiment:{name}", {"from": row.name, "to": name})
        return _record(under_way, name)

    return ws.catalog.write(change)


@operation("experiments.tag", "PUT /experiments/{experiment}/tags", writes=True)
def tag(ws: Workspace, request: SetExperimentTags) -> Experiment:
    """Set tags of an experiment; the others stay."""
    check_tags(request.tags)

    def change(under_way: Change) -> Experiment:
        row = find_experiment(under_way, request.experiment, active=True)
        held = tags_of(under_way, row.id)
        check_number_of_tags({**held, **request.tags})
        former = {key: held.get(key) for key, value in request.tags.items() if held.get(key) != value}
        if former:
            put_tags(under_way, row.id, {key: request.tags[key] for key in former})
            _set(under_way, row)
            told = {"tags": {key: request.tags[key] for key in former}, "former": former}
            under_way.event("experiment.tagged", f"experiment:{row.name}", told)
        return _record(under_way, row.name)

    return ws.catalog.write(change)


@operation("experiments.untag", "DELETE /experiments/{experiment}/tags/{key}", writes=True)
def untag(ws: Workspace, request: DeleteExperimentTag) -> Experiment:
    """Take a tag of an experiment away."""

    def change(under_way: Change) -> Experiment:
        row = find_experiment(under_way, request.experiment, active=True)
        held = tags_of(under_way, row.id)
        if request.key not in held:
            raise NotFound.of(f"tag of experiment {row.name!r}", request.key, held)
        columns = experiment_tags.c
        under_way.execute(delete(experiment_tags).where(columns.experiment == row.id, columns.key == request.key))
        _set(under_way, row)
        told = {"former": {request.key: held[request.key]}}
        under_way.event("experiment.untagged", f"experiment:{row.name}", told)
        return _record(under_way, row.name)

    return ws.catalog.write(change)


@operation("experiments.delete", "DELETE /experiments/{experiment}", writes=True)
def delete_(ws: Workspace, request: ChangeExperimentState) -> Experiment:
    """Delete an experiment with its runs: lists leave them out, logging to them ends; it can be restored."""

    def change(under_way: Change) -> Experiment:
        row = find_experiment(under_way, request.experiment)
        if row.deleted_at is None:
            _set(under_way, row, deleted_at=under_way.now)
            told = {"state": "deleted", "former": "active", "comment": request.comment}
            under_way.event("experiment.deleted", f"experiment:{row.name}", told)
        return _record(under_way, row.name)

    return ws.catalog.write(change)


@operation("experiments.restore", "POST /experiments/{experiment}/restoration", writes=True)
def restore(ws: Workspace, request: ChangeExperimentState) -> Experiment:
    """Bring a deleted experiment back, with the runs that were not deleted by themselves."""

    def change(under_way: Change) -> Experiment:
        row = find_experiment(under_way, request.experiment)
        if row.deleted_at is not None:
            _set(under_way, row, deleted_at=None)
            told = {"state": "active", "former": "deleted", "comment": request.comment}
            under_way.event("experiment.restored", f"experiment:{row.name}", told)
        return _record(under_way, row.name)

    return ws.catalog.write(change)


def find_experiment(reader: Reader, name: str, *, active: bool = False) -> Row[Any]:
    """Read the row of an experiment.

    Raises
    ------
    NotFound
        None has this name.
    ExperimentDeleted
        It is deleted, and an active one is asked for.
    """
    wanted = check_name(name)
    row: Row[Any] | None = reader.execute(select(experiments).where(experiments.c.name == wanted)).one_or_none()
    if row is None:
        known = reader.execute(select(experiments.c.name).order_by(experiments.c.name)).scalars()
        raise NotFound.of("experiment", wanted, list(known))
    if active and row.deleted_at is not None:
        raise ExperimentDeleted.of(row.name)
    return row


def new_experiment(change: Change, name: str, tags: dict[str, str], **values: Any) -> str:
    """Write the row of a new experiment and its tags; give its id."""
    made = new_id()
    row = {"id": made, "name": name, "created_at": change.now, "updated_at": change.now, **values}
    change.execute(insert(experiments).values(row))
    put_tags(change, made, tags)
    return made


def tags_of(reader: Reader, experiment: str) -> dict[str, str]:
    """Read the tags of an experiment by its id."""
    columns = experiment_tags.c
    found = reader.execute(select(columns.key, columns.value).where(columns.experiment == experiment))
    return {row.key: row.value for row in found}


def put_tags(change: Change, experiment: str, tags: dict[str, str]) -> None:
    """Give tags of an experiment their values."""
    columns = experiment_tags.c
    if tags:
        change.execute(delete(experiment_tags).where(columns.experiment == experiment, columns.key.in_(list(tags))))
        rows = [{"experiment": experiment, "key": key, "value": value} for key, value in tags.items()]
        change.execute(insert(experiment_tags), rows)


def _refuse_taken(change: Change, name: str) -> None:
    held = select(experiments.c.deleted_at).where(experiments.c.name == name)
    taken = change.execute(held).one_or_none()
    if taken is not None:
        there, way = ("", "Choose another name")
        if taken.deleted_at is not None:
            there, way = " and is deleted", f"Choose another name, or: mlops experiments restore {name!r}"
        raise Conflict(f"an experiment named {name!r} exists already{there}", hint=way)


def _set(change: Change, row: Row[Any], **values: Any) -> None:
    change.execute(update(experiments).where(experiments.c.id == row.id).values(updated_at=change.now, **values))


def _record(reader: Reader, name: str) -> Experiment:
    found = reader.execute(experiments_query().where(experiments.c.name == name)).all()
    return experiment_records(reader, found)[0]
