"""What runs and experiments can be searched by, and their lists."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, get_args

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, select

from mlops_ext.errors import InvalidValue, NotFound, did_you_mean
from mlops_ext.operations import operation
from mlops_ext.records import Page, now
from mlops_ext.store.filters import Field, Fields, Keyed, found, searched
from mlops_ext.store.search import Sort
from mlops_ext.tracking.metrics import Reader
from mlops_ext.tracking.rows import complete, deleted_at, in_state, run_of, runs_query
from mlops_ext.tracking.tables import (
    experiment_tags,
    experiments,
    run_datasets,
    run_latest_metrics,
    run_links,
    run_parameters,
    run_tags,
    runs,
)
from mlops_ext.tracking.types import Experiment, ListExperiments, ListRuns, Run, RunStatus
from mlops_ext.workspace import Workspace

__all__ = ["DEFAULT_EXPERIMENT", "STATES", "experiment_records", "experiments_", "experiments_query", "list_"]

DEFAULT_EXPERIMENT = "default"
STATES: tuple[str, ...] = get_args(RunStatus)

_RUN, _EXPERIMENT = runs.c, experiments.c

EXPERIMENTS = Fields(
    attributes={
        "id": Field(_EXPERIMENT.id),
        "experiment_id": Field(_EXPERIMENT.id),
        "name": Field(_EXPERIMENT.name, "name"),
        "created_at": Field(_EXPERIMENT.created_at, "time"),
        "creation_time": Field(_EXPERIMENT.created_at, "time"),
        "updated_at": Field(_EXPERIMENT.updated_at, "time"),
        "last_update_time": Field(_EXPERIMENT.updated_at, "time"),
    },
    keyed={
        "tags": Keyed(experiment_tags.c.key, experiment_tags.c.value, experiment_tags.c.experiment == _EXPERIMENT.id)
    },
    order=(Sort(_EXPERIMENT.updated_at, descending=True), Sort(_EXPERIMENT.id, descending=True)),
)


def run_fields(moment: datetime) -> Fields:
    """Give what runs can be searched by at a moment, at which some may be lost; MLflow's names stand beside ours."""
    lost = and_(_RUN.status == "running", _RUN.lease_until < moment)
    own = {
        "id": Field(_RUN.id),
        "name": Field(_RUN.name),
        "status": Field(case((lost, "lost"), else_=_RUN.status)),
        "experiment": Field(_EXPERIMENT.name, "name"),
        "notebook": Field(_RUN.notebook),
        "git_commit": Field(_RUN.git_commit),
        "parent": Field(_RUN.parent),
        "job": Field(_RUN.job),
        "error": Field(_RUN.error),
        "started_at": Field(_RUN.started_at, "time"),
        "ended_at": Field(_RUN.ended_at, "time", nullable=True),
        "created_by": Field(_RUN.created_by),
        "inputs": _linked("input"),
        "outputs": _linked("output"),
    }
    theirs = {
        "run_id": "id",
        "run_name": "name",
        "start_time": "started_at",
        "end_time": "ended_at",
        "user_id": "created_by",
    }
    return Fields(
        attributes={**own, **{name: own[ours] for name, ours in theirs.items()}},
        keyed={
            "metrics": Keyed(run_latest_metrics.c.key, run_latest_metrics.c.value, _of(run_latest_metrics), "number"),
            "params": Keyed(run_parameters.c.name, run_parameters.c.value, _of(run_parameters), "json"),
            "tags": Keyed(run_tags.c.key, run_tags.c.value, _of(run_tags)),
        },
        others={
            "datasets": {
                name: Field(run_datasets.c[name], within=_of(run_datasets), sortable=False)
                for name in ("name", "digest", "context")
            }
        },
        order=(Sort(_RUN.started_at, descending=True), Sort(_RUN.id, descending=True)),
    )


@operation("tracking.list", "GET /runs", command="runs list")
def list_(ws: Workspace, request: ListRuns) -> Page[Run]:
    """List the runs, the newest first."""
    moment = now()
    if request.status and request.status not in STATES:
        raise InvalidValue(f"no run has the state {request.status!r}", hint=did_you_mean(request.status, STATES))
    query = _in_lifecycle(runs_query(), deleted_at, request.state)
    if request.status:
        query = query.where(in_state(request.status, moment))
    with ws.catalog.read() as connection:
        if request.experiment:
            names = list(connection.execute(select(_EXPERIMENT.name)).scalars())
            if request.experiment not in (*names, DEFAULT_EXPERIMENT):
                raise NotFound.of("experiment", request.experiment, names)
            query = query.where(_EXPERIMENT.name == request.experiment)
        page = searched(connection, query, run_fields(moment), request, lambda row: run_of(row, moment))
        return Page(items=complete(connection, page.items), next=page.next)


@operation("tracking.experiments", "GET /experiments", command="experiments list")
def experiments_(ws: Workspace, request: ListExperiments) -> Page[Experiment]:
    """List the experiments with how many runs each has, the one that was used last first."""
    query = _in_lifecycle(experiments_query(), _EXPERIMENT.deleted_at, request.state)
    with ws.catalog.read() as connection:
        rows, following = found(connection, query, EXPERIMENTS, request)
        return Page(items=experiment_records(connection, rows), next=following)


def experiments_query() -> Select[Any]:
    """Select experiments with how many runs each has."""
    mine = and_(_RUN.experiment == _EXPERIMENT.id, _RUN.deleted_at.is_(None))
    return select(experiments, select(func.count()).where(mine).scalar_subquery().label("held"))


def experiment_records(reader: Reader, rows: Sequence[Row[Any]]) -> tuple[Experiment, ...]:
    """Make the records of experiments, their tags read with one query."""
    tags: dict[str, dict[str, str]] = defaultdict(dict)
    mine = select(experiment_tags).where(experiment_tags.c.experiment.in_([row.id for row in rows]))
    for row in sorted(reader.execute(mine) if rows else (), key=lambda each: str(each.key)):
        tags[row.experiment][row.key] = row.value
    return tuple(_experiment(row, tags[row.id]) for row in rows)


def _in_lifecycle(query: Select[Any], moment: ColumnElement[Any], state: str) -> Select[Any]:
    if state == "any":
        return query
    return query.where(moment.is_(None) if state == "active" else moment.is_not(None))


def _of(table: Any) -> Any:
    return table.c.run == _RUN.id


def _linked(direction: str) -> Field:
    within = and_(_of(run_links), run_links.c.direction == direction)
    return Field(run_links.c.ref, within=within, sortable=False)


def _experiment(row: Row[Any], tags: dict[str, str]) -> Experiment:
    return Experiment(
        id=row.id,
        name=row.name,
        runs=row.held,
        tags=tags,
        state="active" if row.deleted_at is None else "deleted",
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
