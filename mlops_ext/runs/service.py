"""What can be done with jobs: submit, list, show, follow, cancel, and ask a notebook for its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from mlops_ext.errors import Conflict, InvalidValue, NotFound
from mlops_ext.operations import operation
from mlops_ext.records import Page
from mlops_ext.runs.notebooks.files import locate, read_notebook, shown
from mlops_ext.runs.notebooks.parameters import is_tagged, parameters_of
from mlops_ext.runs.queue import cancelling, submission
from mlops_ext.runs.queue import output as outputs
from mlops_ext.runs.queue.leases import ENDED, job_of
from mlops_ext.runs.result import ENDS
from mlops_ext.runs.tables import jobs
from mlops_ext.runs.types import (
    CancelJob,
    CancelJobs,
    InspectNotebook,
    Job,
    JobOutput,
    ListJobs,
    NotebookParameters,
    ReadOutput,
    ShowJob,
    SubmitJob,
)
from mlops_ext.store.catalog import Change
from mlops_ext.store.search import paged
from mlops_ext.workspace import Workspace

__all__ = ["cancel", "cancel_many", "inspect", "list_jobs", "output", "raise_for_status", "show", "submit"]


@operation("jobs.submit", "POST /jobs", writes=True)
def submit(ws: Workspace, request: SubmitJob) -> Job:
    """Queue a notebook to be run with parameters; its bytes are stored now, and they are what runs."""
    prepared = submission.prepare(ws, request)
    return ws.catalog.write(lambda change: submission.enter(change, prepared))


@operation("jobs.list", "GET /jobs")
def list_jobs(ws: Workspace, request: ListJobs) -> Page[Job]:
    """List jobs, newest first."""
    query = select(jobs)
    if request.status:
        _check_status(request.status)
        query = query.where(jobs.c.status == request.status)
    with ws.catalog.read() as connection:
        order = (jobs.c.created_at, jobs.c.id)
        return paged(connection, query, order, request.limit, request.cursor, job_of, descending=True)


@operation("jobs.show", "GET /jobs/{job}")
def show(ws: Workspace, request: ShowJob) -> Job:
    """Show one job."""
    with ws.catalog.read() as connection:
        return job_of(_find(connection, request.job))


@operation("jobs.output", "GET /jobs/{job}/output")
def output(ws: Workspace, request: ReadOutput) -> JobOutput:
    """Give what a job has put out since a piece, cell by cell, without secrets; ask again with `next` to follow it."""
    with ws.catalog.read() as connection:
        # The status first: what ended before this look has written all its pieces.
        row = _find(connection, request.job)
    with ws.catalog.read() as connection:
        pieces = outputs.pieces_after(connection, row.id, request.after, request.limit)
    return JobOutput(
        job=row.id,
        status=row.status,
        attempt=row.attempt,
        cells_done=row.cells_done,
        cells_total=row.cells_total,
        pieces=pieces,
        next=pieces[-1].seq if pieces else request.after,
        missed=bool(pieces) and pieces[0].seq > request.after + 1,
        ended=row.status in ENDED and len(pieces) < request.limit,
    )


@operation("jobs.cancel", "POST /jobs/{job}/cancellation", writes=True)
def cancel(ws: Workspace, request: CancelJob) -> Job:
    """Cancel a job: a queued one at once, a running one as soon as its processes are ended."""

    def write(change: Change) -> Job:
        before = _known(change, [_id(request.job)])[0]
        if before.status in ENDED and before.status != "cancelled":
            raise Conflict(f"job {before.id} has ended already: {before.status}")
        return _cancelled(change, [before.id])[0]

    show(ws, ShowJob(job=request.job))
    return ws.catalog.write(write)


@operation("jobs.cancel_many", "POST /job-cancellations", command="jobs cancel-many", writes=True)
def cancel_many(ws: Workspace, request: CancelJobs) -> Page[Job]:
    """Cancel jobs together: queued ones at once, running ones as their processes are ended, ended ones stay so."""
    ids = list(dict.fromkeys(_id(each) for each in request.jobs))

    def write(change: Change) -> Page[Job]:
        _known(change, ids)
        return Page[Job](items=tuple(_cancelled(change, ids)))

    with ws.catalog.read() as connection:
        _known(connection, ids)
    return ws.catalog.write(write)


@operation("jobs.inspect", "GET /notebook-parameters")
def inspect(ws: Workspace, request: InspectNotebook) -> NotebookParameters:
    """Read which parameters a notebook declares, without running it."""
    path = locate(request.notebook, ws.root, ws.served)
    notebook = read_notebook(path.read_bytes(), path.name)
    return NotebookParameters(
        notebook=shown(path, ws.root),
        kernel=notebook.kernel,
        tagged=is_tagged(notebook),
        parameters=parameters_of(notebook, path.name),
    )


def raise_for_status(job: Job) -> None:
    """Raise what a job's end means; nothing for one that succeeded or has not ended.

    Raises
    ------
    RunFailed, KernelDied, TimedOut, Cancelled, InvalidValue
        Each with the exit code of its kind.
    """
    kind = ENDS.get(job.status)
    if kind is not None:
        hint = f"See {job.output}" if job.run else "Mend that, then run it again"
        raise kind(f"{job.notebook} {job.status.replace('_', ' ')}: {job.error or 'no reason is known'}", hint=hint)


def _known(reader: Connection | Change, ids: Sequence[str]) -> list[Row[Any]]:
    """Give the rows of jobs in order; one that does not exist is refused."""
    found = {row.id: row for row in reader.execute(select(jobs).where(jobs.c.id.in_(ids)))}
    for each in ids:
        if each not in found:
            raise NotFound(f"no job {each!r}", hint="List them: mlops jobs list")
    return [found[each] for each in ids]


def _cancelled(change: Change, ids: Sequence[str]) -> list[Job]:
    asked = cancelling.ask(change, ids)
    if asked:
        first, *others = asked
        data: dict[str, Any] = {"while": first.status, "run": first.run}
        if others:
            together = [{"job": row.id, "while": row.status, "run": row.run} for row in asked]
            data |= {"jobs": together, "inputs": [], "outputs": [f"job:{row.id}" for row in others]}
        change.event("job.cancelled", f"job:{first.id}", data)
    return [job_of(row) for row in _known(change, ids)]


def _find(connection: Connection, job: str) -> Row[tuple[object, ...]]:
    row = connection.execute(select(jobs).where(jobs.c.id == _id(job))).one_or_none()
    if row is None:
        raise NotFound(f"no job {job!r}", hint="List them: mlops jobs list")
    return row


def _id(job: str) -> str:
    return job.removeprefix("job:")


def _check_status(status: str) -> None:
    known = ("queued", "running", *ENDED)
    if status not in known:
        raise InvalidValue(f"no job has the status {status!r}", hint=f"Known: {', '.join(known)}")
