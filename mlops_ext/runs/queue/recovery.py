"""Recovery: what becomes of an attempt whose process has gone without saying how it ended."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from mlops_ext.errors import MlopsError
from mlops_ext.runs.attempts import processes
from mlops_ext.runs.queue import leases, output
from mlops_ext.runs.types import JobStatus
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import FinishRun, ListRuns, Run, RunStatus, ShowRun
from mlops_ext.workspace import Workspace

__all__ = ["bury", "job_status", "recover"]

log = logging.getLogger("mlops_ext.runs")


def recover(ws: Workspace) -> int:
    """End or queue again every job whose lease ran out, and end lost runs that no job holds; give how many jobs.

    On the machine where it ran, whatever is left of the attempt is ended first. On another one it ends
    itself: an attempt that cannot renew its lease stops before the lease is out.
    """
    found = leases.expired(ws)
    for late in found:
        if late.host == leases.this_host():
            processes.end_all(late.lease.token)
            shutil.rmtree(ws.home / "jobs" / late.lease.token, ignore_errors=True)
        bury(ws, late.lease, late.run, "the process of the run was lost: no sign of life until its lease ran out")
    tracking.expire(ws)
    output.forget(ws)
    return len(found)


def bury(ws: Workspace, lease: leases.Lease, run: str, error: str) -> bool:
    """End an attempt that is gone, its run too; queue the job again while it has attempts left.

    Parameters
    ----------
    run : str
        Id of the attempt's run; empty when it told of none.
    error : str
        What is known of the end.
    """
    row = leases.read(ws, lease.job)
    if row is None or row.fence != lease.fence:
        return False
    run = run or row.run or _begun(ws, lease)
    ended = _end_run(ws, run, row.output, error)
    if ended is None or ended.status == "lost":
        return leases.end(ws, lease, "kernel_died", error=error, run=run)
    # It had ended its run and was killed before it could say so of the job.
    return leases.end(ws, lease, job_status(ended.status), error=ended.error, run=ended.id)


def job_status(run: RunStatus) -> JobStatus:
    """Give the status of a job whose run ended so."""
    return "kernel_died" if run == "lost" or run == "running" else run  # noqa: PLR1714


def _begun(ws: Workspace, lease: leases.Lease) -> str:
    """Find the run of an attempt that was gone before it could tell the job of it; only one attempt holds a job."""
    under_way = ListRuns(filter=f"job = '{lease.job}'", status="running", limit=1)
    return next((run.id for run in ws.call(tracking.list_, under_way)), "")


def _end_run(ws: Workspace, run: str, notebook: str, error: str) -> Run | None:
    if not run:
        return None
    try:
        known = ws.call(tracking.show, ShowRun(run=run))
        if known.status != "running":
            return known
        path = Path(ws.root / notebook)
        saved = ws.put_blob(path) if path.is_file() else None
        return ws.call(tracking.finish, FinishRun(run=run, status="lost", error=error, output=saved))
    except MlopsError as trouble:
        log.warning("run %s could not be ended: %s", run, trouble)
        return None
