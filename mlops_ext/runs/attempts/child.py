"""The process of one attempt: it executes the notebook through papermill, watches over itself, and ends its job.

It outlives the worker that started it. Its task comes as JSON on standard input, so that no secret
stands in a file or on a command line.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlops_ext.errors import MlopsError
from mlops_ext.runs import reuse
from mlops_ext.runs.attempts import processes
from mlops_ext.runs.attempts.watch import OwnHeart, pass_on, watch
from mlops_ext.runs.execution.control import Control
from mlops_ext.runs.kernels.forks import Warm, mark_of
from mlops_ext.runs.notebooks.secrecy import resolve
from mlops_ext.runs.queue import leases
from mlops_ext.runs.types import Job, JobStatus
from mlops_ext.store.catalog import Actor
from mlops_ext.workspace import Workspace

__all__ = ["Task", "main", "prepare", "run_notebook"]

# papermill imports clients of object stores, and jsonschema a grammar of addresses that it compiles: two thirds of
# the time it takes to import papermill. A job's notebook and output do not pass through them.
_UNUSED = ("boto3", "pyarrow", "rfc3987_syntax")
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
    warm: str = ""
    """Address of the parent of its kernel."""

    def to_json(self) -> str:
        """Write the task as one line."""
        return json.dumps(asdict(self))


def prepare() -> None:
    """Do what every attempt would do first, in a parent that attempts are forked from."""
    with _absent(*_UNUSED):
        import mlops_ext.runs.execution.papermill_run  # noqa: F401
    from jupyter_client.provisioning.factory import KernelProvisionerFactory

    from mlops_ext.runs.notebooks import formats

    KernelProvisionerFactory.instance()
    for minor in (4, 5):
        # nbformat compiles the checks of a format when it first meets it.
        formats.current(json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": minor}).encode())


def main() -> int:
    """Do the task that stands on standard input."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    processes.adopt_orphans()
    task = Task(**json.loads(sys.stdin.readline()))
    lease = leases.Lease(**task.lease)
    ws = Workspace(Path(task.root), Actor(task.actor, task.auth))
    row = leases.read(ws, lease.job)
    if row is None or row.fence != lease.fence:
        return 0
    job = leases.job_of(row)
    control = Control()
    heart = OwnHeart(ws, lease)
    watcher = watch(heart, lease, control, job.timeout_seconds)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        # Before the run: it may change the modules beside its notebook.
        key = reuse.key_of_job(ws, job.notebook, job.source, job.parameters, job) if job.cache else ""
        status, error = run_notebook(
            ws,
            job,
            Path(task.folder),
            task.secrets,
            control,
            Warm(task.warm, mark_of(lease.token)) if task.warm else None,
        )
    finally:
        control.end()
        processes.end_all(lease.token, spare={os.getpid()})
    watcher.join()
    pass_on(heart, control, last=True)
    if key and status == "succeeded":
        reuse.keep_result(ws, key, control.run, ws.get_blob(job.source), job.parameters, "", job.notebook)
    leases.end(ws, lease, status, error=error, run=control.run)
    # The worker that would clear it away may be gone.
    shutil.rmtree(task.folder, ignore_errors=True)
    return 0


@contextmanager
def _absent(*names: str) -> Iterator[None]:
    """Let optional modules look as if they were not installed, so that importing others takes less time."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def run_notebook(
    ws: Workspace, job: Job, folder: Path, secrets: dict[str, Any], control: Control, warm: Warm | None = None
) -> tuple[JobStatus, str]:
    """Execute the notebook in a folder of the attempt's own and say how that ended."""
    try:
        given = resolve(job.parameters, secrets, job.secrets)
    except MlopsError as error:
        return "rejected", str(error)
    with _absent(*_UNUSED):
        from mlops_ext.runs.execution.papermill_run import Rejected, execute

    try:
        return execute(ws, job, folder, given, control, warm)
    except Rejected as error:
        return "invalid", str(error)
    except MlopsError as error:
        log.exception("the job ended early")
        return "failed", str(error)


if __name__ == "__main__":
    sys.exit(main())
