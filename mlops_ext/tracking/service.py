"""What can be done with runs: start, log, finish, attach a notebook, list, show."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, bindparam, insert, select, update

from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.operations import operation
from mlops_ext.records import Page, new_id, now
from mlops_ext.refs import check_name
from mlops_ext.store.prepared import Prepared
from mlops_ext.store.search import paged
from mlops_ext.tracking import entries, listing
from mlops_ext.tracking.listing import STATES
from mlops_ext.tracking.metrics import Content, add_points, content_of, counts_of
from mlops_ext.tracking.rows import ExperimentDeleted, RunEnded, run_id, run_record, the_run
from mlops_ext.tracking.tables import experiments, run_latest_metrics, run_links, run_metrics, runs
from mlops_ext.tracking.types import (
    AttachNotebook,
    FinishRun,
    ListMetric,
    Logged,
    LogRun,
    MetricValue,
    Run,
    ShowRun,
    StartRun,
)
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from mlops_ext.store.catalog import Change
from mlops_ext.store.curation import check_number_of_tags, check_tags, check_text

__all__ = [
    "RunEnded",
    "attach",
    "end_row",
    "experiment_id",
    "experiments_",
    "expire",
    "finish",
    "first_row",
    "list_",
    "log",
    "measured_of",
    "metric",
    "show",
    "start",
    "still",
]

MAX_ERROR = 4000

# Built once: building a statement costs several times what running it does.
_SAW = Prepared(update(runs).where(runs.c.id == bindparam("of_run")))

list_, experiments_ = listing.list_, listing.experiments_


@operation("tracking.start", "POST /runs", writes=True)
def start(ws: Workspace, request: StartRun) -> Run:
    """Start a run; it counts as lost when it gives no sign of life for the length of its lease."""
    name = check_name(request.experiment)
    check_text("name", request.name)
    check_tags(request.tags)
    check_number_of_tags(request.tags)
    run = new_id()

    def change(under_way: Change) -> None:
        if request.parent:
            the_run(under_way, run_id(request.parent))
        if request.source:
            under_way.name_blobs(f"run:{run}", [request.source])
        under_way.execute(insert(runs).values(first_row(run, experiment_id(under_way, name), request, under_way)))
        entries.set_tags(under_way, run, request.tags)
        told = request.model_dump(mode="json", exclude={"lease_seconds"}, exclude_defaults=True)
        under_way.event("run.started", f"run:{run}", {**told, "experiment": name})

    ws.catalog.write(change)
    return show(ws, ShowRun(run=run))


@operation("tracking.log", "POST /runs/{run}/measurements", telemetry=True)
def log(ws: Workspace, request: LogRun) -> Logged:
    """Log parameters, metrics, tags, links and artifacts to a running run, all or none; renews its lease."""
    entries.check(request)
    run = run_id(request.run)

    def change(under_way: Change) -> Logged:
        row = the_run(under_way, run, lock=True, active=True)
        _refuse_ended(row)
        entries.add_parameters(under_way, run, request.parameters)
        entries.set_tags(under_way, run, request.tags)
        entries.add_links(under_way, run, request.inputs, request.outputs)
        entries.add_artifacts(under_way, run, request.artifacts)
        entries.add_datasets(under_way, run, request.datasets)
        points = row.points + add_points(under_way, run, request.metrics)
        parameters = row.parameters if not request.parameters else counts_of(under_way, run)[0]
        lease = max(row.lease_until, under_way.now + timedelta(seconds=row.lease_seconds))
        alive = {"points": points, "parameters": parameters, "lease_until": lease, "seen_at": under_way.now}
        under_way.execute(_SAW, {"of_run": run, **alive})
        return Logged(run=run, parameters=parameters, metrics=points)

    # Naming blobs must not pass gc on the way, so it takes its turn with the changes of records.
    return ws.catalog.measure(change, serial=bool(request.artifacts))


@operation("tracking.finish", "POST /runs/{run}/end", writes=True)
def finish(ws: Workspace, request: FinishRun) -> Run:
    """End a run in a state; the event holds counts and a digest of all that it measured. Twice is once."""
    if request.status == "running":
        raise InvalidValue("a run cannot end as 'running'", hint=f"Choose one of {', '.join(STATES[1:])}")
    run = run_id(request.run)
    measured = measured_of(ws, run)

    def change(under_way: Change) -> None:
        row = the_run(under_way, run, lock=True)
        if row.status == request.status:
            return
        _refuse_ended(row)
        end_row(under_way, row, request, under_way.now, still(under_way, run, measured))

    ws.catalog.write(change)
    return show(ws, ShowRun(run=run))


@operation("tracking.attach", "POST /runs/{run}/notebook", writes=True)
def attach(ws: Workspace, request: AttachNotebook) -> Run:
    """Keep the executed notebook with its run, also after the run has ended."""
    run = run_id(request.run)

    def change(under_way: Change) -> None:
        row = the_run(under_way, run, lock=True)
        if row.output == request.output:
            return
        under_way.name_blobs(f"run:{run}", [request.output])
        under_way.execute(update(runs).where(runs.c.id == run).values(output=request.output))
        under_way.event("run.attached", f"run:{run}", {"output": request.output, "previous": row.output or ""})

    ws.catalog.write(change)
    return show(ws, ShowRun(run=run))


@operation("tracking.show", "GET /runs/{run}", command="runs show")
def show(ws: Workspace, request: ShowRun) -> Run:
    """Show one run with its parameters, latest metrics, tags, inputs, outputs and artifacts."""
    run = run_id(request.run)
    with ws.catalog.read() as connection:
        the_run(connection, run)
        return run_record(connection, run)


@operation("tracking.metric", "GET /runs/{run}/metrics/{key}", command="runs metric")
def metric(ws: Workspace, request: ListMetric) -> Page[MetricValue]:
    """List the points of one metric by step and time."""
    run, table = run_id(request.run), run_metrics.c
    query = select(table.step, table.at, table.rank, table.value).where(table.run == run, table.key == request.key)
    with ws.catalog.read() as connection:
        the_run(connection, run)
        keys = list(
            connection.execute(select(run_latest_metrics.c.key).where(run_latest_metrics.c.run == run)).scalars()
        )
        if request.key not in keys:
            raise NotFound.of("metric", request.key, keys)
        return paged(connection, query, (table.step, table.at, table.rank), request.limit, request.cursor, _value)


def expire(ws: Workspace) -> list[str]:
    """End as lost every run whose lease is over, one event each, and give their ids."""
    moment = now()
    overdue = select(runs.c.id).where(runs.c.status == "running", runs.c.lease_until < moment).order_by(runs.c.id)
    with ws.catalog.read() as connection:
        ids = list(connection.execute(overdue).scalars())
    return [run for run in ids if _expire(ws, run)]


def _expire(ws: Workspace, run: str) -> bool:
    measured = measured_of(ws, run)

    def change(under_way: Change) -> bool:
        row = the_run(under_way, run, lock=True)
        if row.status != "running" or row.lease_until >= under_way.now:
            return False
        silent = f"no sign of life for {row.lease_seconds:g} seconds"
        lost = FinishRun(run=run, status="lost", error=silent)
        end_row(under_way, row, lost, row.seen_at, still(under_way, run, measured))
        return True

    return ws.catalog.write(change)


def measured_of(ws: Workspace, run: str) -> Content:
    """Hash what a run measured before the transaction that ends it, which only counts it again."""
    algorithm = ws.algorithm
    with ws.catalog.read() as connection:
        the_run(connection, run)
        return content_of(connection, run, algorithm)


def still(under_way: Change, run: str, measured: Content) -> Content:
    """Give what was measured, hashed again when more has come meanwhile; nothing logged ever changes or goes."""
    if counts_of(under_way, run) == (measured.parameters, measured.points):
        return measured
    return content_of(under_way, run, measured.digest.partition(":")[0])


def end_row(
    under_way: Change,
    row: Row[Any],
    request: FinishRun,
    ended: datetime,
    measured: Content,
    action: str = "run.finished",
) -> None:
    """Write the end of a run, and its event."""
    error = request.error if len(request.error) <= MAX_ERROR else request.error[: MAX_ERROR - 1] + "…"
    end: dict[str, Any] = {"status": request.status, "error": error, "digest": measured.digest, "ended_at": ended}
    end["cells"] = [cell.model_dump() for cell in request.cells]
    if request.output:
        under_way.name_blobs(f"run:{row.id}", [request.output])
        end["output"] = request.output
    under_way.execute(update(runs).where(runs.c.id == row.id).values(end))
    links = select(run_links).where(run_links.c.run == row.id).order_by(run_links.c.number)
    refs = [(link.direction, link.ref) for link in under_way.execute(links)]
    data = {
        "status": request.status,
        "error": error,
        "parameters": measured.parameters,
        "points": measured.points,
        "digest": measured.digest,
        "output": end.get("output", row.output) or "",
        "inputs": [ref for direction, ref in refs if direction == "input"],
        "outputs": [ref for direction, ref in refs if direction == "output"],
    }
    under_way.event(action, f"run:{row.id}", data)


def _refuse_ended(row: Row[Any]) -> None:
    if row.status != "running":
        raise RunEnded(
            f"run {row.id} has ended as {row.status!r} and takes no more", hint="Start another: mlops.start_run()"
        )


def experiment_id(under_way: Change, name: str) -> str:
    """Give the id of an experiment, made when it is new; say that it was used now.

    Raises
    ------
    ExperimentDeleted
        The experiment of this name is deleted.
    """
    asked = select(experiments.c.id, experiments.c.deleted_at).where(experiments.c.name == name)
    held = under_way.execute(asked).one_or_none()
    if held is not None and held.deleted_at is not None:
        raise ExperimentDeleted.of(name)
    if held is not None:
        used = update(experiments).where(experiments.c.id == held.id).values(updated_at=under_way.now)
        under_way.execute(used)
        return str(held.id)
    made = new_id()
    row = {"id": made, "name": name, "created_at": under_way.now, "updated_at": under_way.now}
    under_way.execute(insert(experiments).values(row))
    return made


def first_row(run: str, experiment: str, request: StartRun, under_way: Change) -> dict[str, Any]:
    """Give the row of a run that starts now."""
    return {
        "id": run,
        "experiment": experiment,
        "name": request.name,
        "status": "running",
        "error": "",
        "notebook": request.notebook,
        "source": request.source,
        "cells": [],
        "git_commit": request.git_commit,
        "parent": run_id(request.parent),
        "job": request.job,
        "points": 0,
        "parameters": 0,
        "digest": "",
        "started_at": under_way.now,
        "seen_at": under_way.now,
        "lease_seconds": request.lease_seconds,
        "lease_until": under_way.now + timedelta(seconds=request.lease_seconds),
        "created_by": under_way.actor,
    }


def _value(row: Row[Any]) -> MetricValue:
    return MetricValue(step=row.step, value=row.value, at=row.at)
