"""What can be done with sweeps: submit, list, show, resume what did not succeed, cancel the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from mlops_ext.errors import NotFound
from mlops_ext.operations import operation
from mlops_ext.records import Page, new_id
from mlops_ext.runs.queue import cancelling, submission
from mlops_ext.runs.queue.leases import ENDED, job_of
from mlops_ext.runs.queue.submission import Prepared
from mlops_ext.runs.sweeps.tables import sweeps
from mlops_ext.runs.sweeps.types import ListSweeps, NameSweep, SubmitSweep, Sweep, SweepPoint
from mlops_ext.runs.tables import jobs
from mlops_ext.runs.types import Job, SubmitJob
from mlops_ext.store.catalog import Change
from mlops_ext.store.search import paged
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import ShowRun
from mlops_ext.workspace import Workspace

__all__ = ["PreparedSweep", "cancel", "enter", "list_sweeps", "prepare", "resume", "show", "submit"]

_BATCH = 500


@dataclass(frozen=True)
class PreparedSweep:
    """All that was read and checked before the transaction."""

    request: SubmitSweep
    id: str
    jobs: tuple[Prepared, ...]


@operation("sweeps.submit", "POST /sweeps", writes=True)
def submit(ws: Workspace, request: SubmitSweep) -> Sweep:
    """Queue a notebook once for each set of parameters; all are checked before any is queued."""
    prepared = prepare(ws, request)
    ws.catalog.write(lambda change: enter(change, prepared))
    return show(ws, NameSweep(sweep=prepared.id))


def prepare(ws: Workspace, request: SubmitSweep) -> PreparedSweep:
    """Read the notebook and check the parameters of every point.

    Raises
    ------
    InvalidValue, NotFound
        The notebook or a parameter is wrong; nothing is queued.
    """
    sweep = new_id()
    folder = request.folder or f"runs/{PurePosixPath(request.notebook).stem}-{sweep}"
    points = range(1, len(request.points) + 1)
    return PreparedSweep(request, sweep, tuple(_prepare(ws, request, sweep, folder, number) for number in points))


def enter(change: Change, prepared: PreparedSweep) -> None:
    """Write the sweep, its jobs and its event, inside a transaction."""
    first, request = prepared.jobs[0], prepared.request
    made = [submission.insert_row(change, each) for each in prepared.jobs]
    kept = request.model_dump(mode="json", exclude={"points", "notebook", "folder"})
    placed = str(PurePosixPath(first.output).parent)
    row = {"id": prepared.id, "notebook": first.notebook, "folder": placed, "jobs": made, "request": kept}
    change.execute(insert(sweeps).values(**row, created_at=change.now, created_by=change.actor))
    data = {"notebook": row["notebook"], "jobs": made, "trigger": request.trigger, "inputs": [], "outputs": []}
    change.event("sweep.submitted", f"sweep:{prepared.id}", data)


@operation("sweeps.list", "GET /sweeps")
def list_sweeps(ws: Workspace, request: ListSweeps) -> Page[Sweep]:
    """List sweeps, newest first, without their points."""
    with ws.catalog.read() as connection:

        def record(row: Row[Any]) -> Sweep:
            return _sweep(row, _jobs(connection, row.jobs), ())

        order = (sweeps.c.created_at, sweeps.c.id)
        return paged(connection, select(sweeps), order, request.limit, request.cursor, record, descending=True)


@operation("sweeps.show", "GET /sweeps/{sweep}")
def show(ws: Workspace, request: NameSweep) -> Sweep:
    """Show a sweep with all its points, their metrics and their ends."""
    with ws.catalog.read() as connection:
        row = _find(connection, request.sweep)
        found = _jobs(connection, row.jobs)
    return _sweep(row, found, [_point(ws, number, job) for number, job in enumerate(found, 1)])


@operation("sweeps.resume", "POST /sweeps/{sweep}/resumption", writes=True)
def resume(ws: Workspace, request: NameSweep) -> Sweep:
    """Queue again what has ended without success; what succeeded, waits or runs is left as it is."""
    with ws.catalog.read() as connection:
        row = _find(connection, request.sweep)
        found = _jobs(connection, row.jobs)
    failed = {place: job for place, job in enumerate(found) if job.status in ENDED and job.status != "succeeded"}
    if not failed:
        return show(ws, request)
    again = {place: _again(ws, job) for place, job in failed.items()}

    def write(change: Change) -> None:
        held = change.execute(select(sweeps.c.jobs).where(sweeps.c.id == row.id).with_for_update()).scalar_one()
        due = {place: each for place, each in again.items() if held[place] == failed[place].id}
        if not due:
            return
        newest = list(held)
        for place, each in due.items():
            newest[place] = submission.insert_row(change, each)
        change.execute(update(sweeps).where(sweeps.c.id == row.id).values(jobs=newest))
        data = {"jobs": [each.id for each in due.values()], "inputs": [], "outputs": []}
        change.event("sweep.resumed", f"sweep:{row.id}", data)

    ws.catalog.write(write)
    return show(ws, request)


@operation("sweeps.cancel", "POST /sweeps/{sweep}/cancellation", writes=True)
def cancel(ws: Workspace, request: NameSweep) -> Sweep:
    """Cancel what is queued at once, and what runs as soon as its processes are ended."""
    with ws.catalog.read() as connection:
        row = _find(connection, request.sweep)

    def write(change: Change) -> None:
        asked = cancelling.ask(change, row.jobs)
        if not asked:
            return
        queued, running = ([each.id for each in asked if each.status == status] for status in ("queued", "running"))
        data = {"queued": queued, "running": running, "inputs": [], "outputs": []}
        change.event("sweep.cancelled", f"sweep:{row.id}", data)

    ws.catalog.write(write)
    return show(ws, request)


def _prepare(ws: Workspace, request: SubmitSweep, sweep: str, folder: str, number: int) -> Prepared:
    width = max(3, len(str(len(request.points))))
    stem = PurePosixPath(request.notebook).stem
    shared = request.model_dump(exclude={"points", "folder", "trigger"})
    output = f"{folder}/{stem}-{number:0{width}d}.ipynb"
    job = SubmitJob(**shared, parameters=request.points[number - 1], output=output, trigger=f"sweep:{sweep}")
    return submission.prepare(ws, job)


def _again(ws: Workspace, job: Job) -> Prepared:
    """Prepare a job with the same bytes, parameters and output."""
    same = job.model_dump(include=set(SubmitJob.model_fields))
    return submission.prepare(ws, SubmitJob(**same))


def _find(connection: Connection, sweep: str) -> Row[Any]:
    row = connection.execute(select(sweeps).where(sweeps.c.id == sweep.removeprefix("sweep:"))).one_or_none()
    if row is None:
        raise NotFound(f"no sweep {sweep!r}", hint="List them: mlops sweeps list")
    return row


def _jobs(connection: Connection, ids: Sequence[str]) -> list[Job]:
    found: dict[str, Job] = {}
    for start in range(0, len(ids), _BATCH):
        rows = connection.execute(select(jobs).where(jobs.c.id.in_(ids[start : start + _BATCH])))
        found |= {row.id: job_of(row) for row in rows}
    return [found[each] for each in ids]


def _sweep(row: Row[Any], found: Sequence[Job], points: Sequence[SweepPoint]) -> Sweep:
    return Sweep(
        id=row.id,
        notebook=row.notebook,
        folder=row.folder,
        total=len(found),
        succeeded=sum(job.status == "succeeded" for job in found),
        unfinished=sum(job.status not in ENDED for job in found),
        points=tuple(points),
        created_at=row.created_at,
        created_by=row.created_by,
    )


def _point(ws: Workspace, number: int, job: Job) -> SweepPoint:
    metrics: Mapping[str, float] = ws.call(tracking.show, ShowRun(run=job.run)).metrics if job.run else {}
    took = (job.ended_at - job.started_at).total_seconds() if job.ended_at and job.started_at else None
    return SweepPoint(
        point=number,
        parameters=job.parameters,
        status=job.status,
        metrics=dict(metrics),
        seconds=took,
        output=job.output if job.run else "",
        error=job.error,
        job=job.id,
        run=job.run,
    )
