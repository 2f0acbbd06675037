"""The queue: who holds which job, for how long, and how a job ends.

A claim gives a lease and a fence. Every later write of the attempt carries the fence; once the lease
has run out and another has claimed the job, the older fence is refused, so that two never work for one
job. An attempt that died, or timed out where the job says so, is queued again while attempts are left.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import Row, Select, bindparam, insert, select, update

from mlops_ext.runs.queue.limits import first_allowed, limited
from mlops_ext.runs.tables import attempts, jobs
from mlops_ext.runs.types import Job, JobStatus, RetryCause
from mlops_ext.store.catalog import Change
from mlops_ext.store.prepared import Prepared
from mlops_ext.workspace import Workspace

__all__ = [
    "ENDED",
    "LEASE_SECONDS",
    "Claim",
    "Lease",
    "Pulse",
    "any_queued",
    "beat",
    "claim",
    "end",
    "expired",
    "job_of",
    "read",
    "this_host",
]

LEASE_SECONDS = 60.0
ENDED: tuple[str, ...] = ("succeeded", "failed", "timed_out", "cancelled", "kernel_died", "invalid", "rejected")
Pulse = Literal["go on", "cancel", "lost"]
_CAUSES: dict[str, RetryCause] = {"kernel_died": "died", "timed_out": "timeout"}
_FIELDS = [column for column in jobs.c if column.name in Job.model_fields]

# Built once: fifty attempts ask four times a second whether to go on.
_JOB = Prepared(select(jobs).where(jobs.c.id == bindparam("job")))
_HEARD = Prepared(select(jobs.c.fence, jobs.c.status, jobs.c.cancel_requested).where(jobs.c.id == bindparam("job")))


@dataclass(frozen=True)
class Lease:
    """The right to work for a job until it runs out."""

    job: str
    fence: int
    attempt: int
    seconds: float = LEASE_SECONDS

    @property
    def token(self) -> str:
        """What marks every process of this attempt."""
        return f"{self.job}.{self.fence}"


@dataclass(frozen=True)
class Claim:
    """A job together with the lease on it."""

    job: Job
    lease: Lease


@dataclass(frozen=True)
class Expired:
    """A running job whose lease ran out."""

    lease: Lease
    host: str
    run: str


def this_host() -> str:
    """Name the machine whose processes this one can see."""
    return socket.gethostname()


def job_of(row: Row[Any]) -> Job:
    """Make the record of a row of `jobs`."""
    return Job(**(row.options or {}), **{column.name: getattr(row, column.name) for column in _FIELDS})


def read(ws: Workspace, job: str) -> Row[Any] | None:
    """Read the row of a job."""
    with ws.catalog.read() as connection:
        return connection.execute(_JOB, {"job": job}).one_or_none()


def claim(
    ws: Workspace, worker: str, *, job: str = "", trigger: str = "", seconds: float = LEASE_SECONDS
) -> Claim | None:
    """Take the next queued job, or `job`, or nothing when there is none.

    Parameters
    ----------
    worker : str
        Name of who takes it.
    job : str
        Take only this one.
    trigger : str
        Take only what this asked for.
    seconds : float
        How long the lease lasts unless it is renewed.
    """
    if not ws.exists():
        return None
    queued = select(jobs).where(jobs.c.status == "queued")
    if job:
        queued = queued.where(jobs.c.id == job)
    if trigger:
        queued = queued.where(jobs.c.trigger == trigger)
    if not _any(ws, queued):
        # Workers ask often, and a transaction that writes keeps all others waiting.
        return None
    queued = queued.order_by(jobs.c.priority.desc(), jobs.c.created_at, jobs.c.id)
    settings, serial = ws.settings.runs, limited(ws.settings.runs)

    def take(change: Change) -> Claim | None:
        first = queued.limit(1)
        if serial:
            first = select(jobs).where(jobs.c.id == first_allowed(change.execute, settings, queued))
        row = change.execute(first.with_for_update(skip_locked=True)).one_or_none()
        if row is None:
            return None
        lease = Lease(row.id, row.fence + 1, row.attempt + 1, seconds)
        values = {
            "status": "running",
            "attempt": lease.attempt,
            "fence": lease.fence,
            "host": this_host(),
            "lease_until": change.now + timedelta(seconds=seconds),
            "started_at": change.now,
            "run": "",
            "cells_done": 0,
            "error": "",
        }
        change.execute(update(jobs).where(jobs.c.id == row.id).values(**values))
        trial = {"job": row.id, "number": lease.attempt, "fence": lease.fence, "worker": worker, "run": ""}
        change.execute(insert(attempts).values(**trial, status="running", error="", started_at=change.now))
        return Claim(job_of(change.execute(select(jobs).where(jobs.c.id == row.id)).one()), lease)

    # With limits, claims pass one by one, so that each counts those before it.
    return ws.catalog.measure(take, serial=serial)


def beat(ws: Workspace, lease: Lease, *, run: str = "", done: int = 0, total: int = 0, renew: bool = True) -> Pulse:
    """Give a sign of life and hear what is wanted.

    Parameters
    ----------
    run : str
        Id of the attempt's run, once it has begun.
    done, total : int
        Cells that have ended, and all.
    renew : bool
        Write; otherwise only listen.
    """
    with ws.catalog.read() as connection:
        row = connection.execute(_HEARD, {"job": lease.job}).one_or_none()
    if row is None or row.fence != lease.fence or row.status != "running":
        return "lost"
    if renew:

        def write(change: Change) -> int:
            values = {
                "lease_until": change.now + timedelta(seconds=lease.seconds),
                "cells_done": done,
                "cells_total": total,
            }
            if run:
                values["run"] = run
            return int(change.execute(update(jobs).where(_held(lease)).values(**values)).rowcount)

        if not ws.catalog.measure(write):
            return "lost"
    return "cancel" if row.cancel_requested else "go on"


def end(ws: Workspace, lease: Lease, status: JobStatus, *, error: str = "", run: str = "", retry: bool = True) -> bool:
    """End an attempt, and the job with it unless a dead one is worth another try.

    Returns
    -------
    bool
        False when the lease had been lost; then nothing was written.
    """

    def write(change: Change) -> bool:
        row = change.execute(select(jobs).where(_held(lease)).with_for_update()).one_or_none()
        if row is None:
            return False
        ended: JobStatus = "cancelled" if row.cancel_requested and status == "kernel_died" else status
        _end_attempt(change, lease, ended, error, run or row.run)
        values = {"status": ended, "error": error, "run": run or row.run, "ended_at": change.now, "lease_until": None}
        change.execute(update(jobs).where(jobs.c.id == lease.job).values(**values))
        data = {"status": ended, "run": values["run"], "output": row.output, "error": error, "attempt": lease.attempt}
        outputs = [f"run:{values['run']}"] if values["run"] else []
        change.event("job.finished", f"job:{lease.job}", {**data, "inputs": [], "outputs": outputs})
        return True

    worth = status in _CAUSES and retry
    if worth and ws.catalog.measure(lambda change: _requeue(change, lease, status, error, run)):
        return True
    return ws.catalog.write(write)


def any_queued(ws: Workspace) -> bool:
    """Tell whether a job waits, be it for a worker or for a limit."""
    return _any(ws, select(jobs).where(jobs.c.status == "queued"))


def expired(ws: Workspace) -> list[Expired]:
    """List the running jobs whose lease ran out."""
    if not ws.exists():
        return []

    def find(change: Change) -> list[Expired]:
        late = select(jobs).where(jobs.c.status == "running", jobs.c.lease_until < change.now)
        rows = change.execute(late).all()
        return [Expired(Lease(row.id, row.fence, row.attempt), row.host, row.run) for row in rows]

    return ws.catalog.measure(find)


def _any(ws: Workspace, wanted: Select[Any]) -> bool:
    with ws.catalog.read() as connection:
        return connection.execute(wanted.with_only_columns(jobs.c.id).limit(1)).first() is not None


def _held(lease: Lease) -> Any:
    return (jobs.c.id == lease.job) & (jobs.c.fence == lease.fence) & (jobs.c.status == "running")


def _requeue(change: Change, lease: Lease, status: JobStatus, error: str, run: str) -> bool:
    row = change.execute(select(jobs).where(_held(lease)).with_for_update()).one_or_none()
    if row is None or row.cancel_requested or row.attempt >= row.max_attempts:
        return False
    if _CAUSES[status] not in job_of(row).retry_on:
        return False
    _end_attempt(change, lease, status, error, run or row.run)
    # The fence moves on, so that what is left of the attempt can write no more.
    values = {"status": "queued", "fence": lease.fence + 1, "error": error, "lease_until": None}
    change.execute(update(jobs).where(jobs.c.id == lease.job).values(**values))
    return True


def _end_attempt(change: Change, lease: Lease, status: str, error: str, run: str) -> None:
    this = (attempts.c.job == lease.job) & (attempts.c.number == lease.attempt)
    change.execute(update(attempts).where(this).values(status=status, error=error, run=run, ended_at=change.now))
