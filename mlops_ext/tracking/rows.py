"""Runs read from their tables: one row and its parameters, metrics, tags, links and artifacts become a record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, func, or_, select

from mlops_ext.errors import Conflict, NotFound
from mlops_ext.records import now
from mlops_ext.store.prepared import Prepared
from mlops_ext.tracking.metrics import Reader
from mlops_ext.tracking.tables import (
    experiments,
    run_artifacts,
    run_datasets,
    run_latest_metrics,
    run_links,
    run_parameters,
    run_tags,
    runs,
)
from mlops_ext.tracking.types import Artifact, CellState, Run, RunDataset, RunStatus

__all__ = [
    "ExperimentDeleted", "RunDeleted", "RunEnded", "complete", "deleted_at", "in_state", "run_id", "run_of",
    "run_record", "runs_query", "standing", "status_at", "the_run",
]  # fmt: skip


class RunEnded(Conflict):
    """A write to a run that has ended."""

    code = "run_ended"


class RunDeleted(RunEnded):
    """A write to a run that is deleted, by itself or with its experiment."""

    code = "run_deleted"


class ExperimentDeleted(Conflict):
    """A write to an experiment that is deleted."""

    code = "experiment_deleted"

    @classmethod
    def of(cls, name: str) -> ExperimentDeleted:
        """Say so of one."""
        return cls(f"experiment {name!r} is deleted", hint=f"Bring it back first: mlops experiments restore {name!r}")


deleted_at = func.coalesce(runs.c.deleted_at, experiments.c.deleted_at)
"""Since when a run counts as deleted: as MLflow has it, one goes and comes back with its experiment."""


_GROUP = select(experiments.c.deleted_at).where(experiments.c.id == runs.c.experiment).scalar_subquery()
# Built once: building a statement costs several times what running it does.
_THE_RUN = select(runs, _GROUP.label("experiment_deleted")).where(runs.c.id == bindparam("run"))
_RUN, _LOCKED = Prepared(_THE_RUN), Prepared(_THE_RUN.with_for_update())


def run_id(text: str) -> str:
    """Accept a run's id with or without `run:`."""
    return text.strip().removeprefix("run:")


def standing(*columns: Any) -> Select[Any]:
    """Select columns of the runs that are not deleted, by themselves or with their experiments."""
    return select(*columns).join(experiments, experiments.c.id == runs.c.experiment).where(deleted_at.is_(None))


def runs_query() -> Select[Any]:
    """Select runs with the names of their experiments."""
    columns = (runs, experiments.c.name.label("experiment_name"), experiments.c.deleted_at.label("experiment_deleted"))
    return select(*columns).join(experiments, experiments.c.id == runs.c.experiment)


def run_record(reader: Reader, run: str) -> Run:
    """Read one run, of which is known that it is there."""
    row = reader.execute(runs_query().where(runs.c.id == run)).one()
    return complete(reader, [run_of(row, now())])[0]


def the_run(reader: Reader, run: str, *, lock: bool = False, active: bool = False) -> Row[Any]:
    """Read one run's row, locked against other writers when asked.

    Raises
    ------
    NotFound
        No run has this id.
    RunDeleted
        It is deleted, and an active one is asked for.
    """
    row: Row[Any] | None = reader.execute(_LOCKED if lock else _RUN, {"run": run}).one_or_none()
    if row is None:
        raise NotFound(f"no run {run!r}", hint="List them with: mlops runs list")
    if active and (row.deleted_at is not None or row.experiment_deleted is not None):
        raise RunDeleted(
            f"run {run} is deleted and takes no more", hint=f"Bring it back first: mlops runs restore {run}"
        )
    return row


def status_at(row: Row[Any], moment: datetime) -> RunStatus:
    """Give a run's state: a running one whose lease is over counts as lost."""
    if row.status == "running" and row.lease_until < moment:
        return "lost"
    status: RunStatus = row.status
    return status


def in_state(status: str, moment: datetime) -> ColumnElement[bool]:
    """Select the runs that are in a state at a moment."""
    if status == "running":
        return and_(runs.c.status == "running", runs.c.lease_until >= moment)
    if status == "lost":
        return or_(runs.c.status == "lost", and_(runs.c.status == "running", runs.c.lease_until < moment))
    return runs.c.status == status


def run_of(row: Row[Any], moment: datetime) -> Run:
    """Make the record of a row; `complete` adds what stands in other tables."""
    status = status_at(row, moment)
    return Run(
        id=row.id,
        experiment=row.experiment_name,
        name=row.name,
        status=status,
        state="active" if row.deleted_at is None and row.experiment_deleted is None else "deleted",
        error=row.error,
        notebook=row.notebook,
        source=row.source,
        output=row.output,
        cells=tuple(CellState.model_validate(cell) for cell in row.cells),
        git_commit=row.git_commit,
        parent=row.parent,
        job=row.job,
        digest=row.digest or None,
        started_at=row.started_at,
        ended_at=row.seen_at if status == "lost" else row.ended_at,
        created_by=row.created_by,
    )


def complete(reader: Reader, found: Sequence[Run]) -> tuple[Run, ...]:
    """Add parameters, metrics, tags, links and artifacts to runs, with one query for each kind."""
    ids = [run.id for run in found]
    if not ids:
        return ()
    parameters = _pairs(reader, select(run_parameters).where(run_parameters.c.run.in_(ids)), "name")
    metrics = _pairs(reader, select(run_latest_metrics).where(run_latest_metrics.c.run.in_(ids)), "key")
    tags = _pairs(reader, select(run_tags).where(run_tags.c.run.in_(ids)), "key")
    links: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in reader.execute(select(run_links).where(run_links.c.run.in_(ids)).order_by(run_links.c.number)):
        links[row.run, row.direction].append(row.ref)
    artifacts: dict[str, list[Artifact]] = defaultdict(list)
    for row in reader.execute(select(run_artifacts).where(run_artifacts.c.run.in_(ids)).order_by(run_artifacts.c.path)):
        artifacts[row.run].append(Artifact(path=row.path, digest=row.digest, size=row.size))
    datasets: dict[str, list[RunDataset]] = defaultdict(list)
    described = reader.execute(select(run_datasets).where(run_datasets.c.run.in_(ids)))
    for row in sorted(described, key=lambda each: (each.name, each.digest)):
        fields = {name: row._mapping[name] for name in RunDataset.model_fields}
        datasets[row.run].append(RunDataset.model_validate(fields))
    return tuple(
        run.model_copy(
            update={
                "parameters": parameters[run.id],
                "metrics": metrics[run.id],
                "tags": tags[run.id],
                "inputs": tuple(links[run.id, "input"]),
                "outputs": tuple(links[run.id, "output"]),
                "artifacts": tuple(artifacts[run.id]),
                "datasets": tuple(datasets[run.id]),
            }
        )
        for run in found
    )


def _pairs(reader: Reader, query: Select[Any], name: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for row in sorted(reader.execute(query), key=lambda each: str(each._mapping[name])):
        found[row.run][row._mapping[name]] = row.value
    return found
