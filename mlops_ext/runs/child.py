"""The process of one attempt: it executes the notebook through papermill, watches over itself, and ends its job.

It outlives the worker that started it. Its task comes as JSON on standard input, so that no secret
stands in a file or on a command line.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlops_ext.errors import MlopsError
from mlops_ext.runs import processes, queue
from mlops_ext.runs.control import Control
from mlops_ext.runs.secrecy import resolve
from mlops_ext.runs.types import Job, JobStatus
from mlops_ext.runs.watch import watch
from mlops_ext.store.catalog import Actor
from mlops_ext.workspace import Workspace

__all__ = ["Task", "main"]

log = logging.getLogger("mlops_ext.runs")


@dataclass(frozen=True)
class Task:
    """What a worker hands to the process."""

    root: str
    actor: str
    auth: str
    folder: str
    lease: dict[str, Any]
    secrets: dict[str, Any]

    def to_json(self) -> str:
        """Write the task as one line."""
        return json.dumps(asdict(self))


def main() -> int:
    """Do the task that stands on standard input."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    task = Task(**json.loads(sys.stdin.readline()))
    lease = queue.Lease(**task.lease)
    ws = Workspace(Path(task.root), Actor(task.actor, task.auth))
    row = queue.read(ws, lease.job)
    if row is None or row.fence != lease.fence:
        return 0
    job = queue.job_of(row)
    control = Control()
    watcher = watch(ws, lease, control, job.timeout_seconds)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        status, error = _run(ws, job, task, control)
    finally:
        control.end()
        processes.end_all(lease.token, spare={os.getpid()})
    watcher.join()
    queue.end(ws, lease, status, error=error, run=control.run)
    return 0


def _run(ws: Workspace, job: Job, task: Task, control: Control) -> tuple[JobStatus, str]:
    """Execute the notebook and say how that ended."""
    try:
        given = resolve(job.parameters, task.secrets)
    except MlopsError as error:
        return "rejected", str(error)
    # A grammar that jsonschema compiles at import for addresses, which no notebook holds: most of papermill's start.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    from mlops_ext.runs.papermill_run import Rejected, execute

    try:
        return execute(ws, job, Path(task.folder), given, control)
    except Rejected as error:
        return "invalid", str(error)
    except MlopsError as error:
        log.exception("the job ended early")
        return "failed", str(error)


if __name__ == "__main__":
    sys.exit(main())
