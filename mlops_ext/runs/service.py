"""What can be done with jobs: submit, list, show, follow, cancel, and ask a notebook for its parameters."""

from __future__ import annotations

from sqlalchemy import Connection, Row, select, update

from mlops_ext.errors import Conflict, InvalidValue, NotFound
from mlops_ext.operations import operation
from mlops_ext.records import Page
from mlops_ext.runs.notebooks.files import locate, read_notebook, shown
from mlops_ext.runs.notebooks.parameters import is_tagged, parameters_of
from mlops_ext.runs.queue import output as outputs
from mlops_ext.runs.queue import submission
from mlops_ext.runs.queue.leases import ENDED, job_of
from mlops_ext.runs.result import ENDS
from mlops_ext.runs.tables import jobs
from mlops_ext.runs.types import (
    CancelJob,
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

__all__ = ["cancel", "inspect", "list_jobs", "output", "raise_for_status", "show", "submit"]


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
        row = change.execute(select(jobs).where(jobs.c.id == _id(request.job)).with_for_update()).one_or_none()
        if row is None:
            raise NotFound(f"no job {request.job!r}", hint="List them: mlops jobs list")
        if row.status in ENDED and row.status != "cancelled":
            raise Conflict(f"job {row.id} has ended already: {row.status}")
        if row.status == "cancelled" or row.cancel_requested:
            return job_of(row)
        values: dict[str, object] = {"cancel_requested": True}
        if row.status == "queued":
            values |= {"status": "cancelled", "ended_at": change.now}
        change.execute(update(jobs).where(jobs.c.id == row.id).values(**values))
        change.event("job.cancelled", f"job:{row.id}", {"while": row.status, "run": row.run})
        return job_of(change.execute(select(jobs).where(jobs.c.id == row.id)).one())

    show(ws, ShowJob(job=request.job))
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
