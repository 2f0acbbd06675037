"""Workers as processes of their own, and many jobs for them."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil

from mlops_ext.runs import service
from mlops_ext.runs.attempts import processes
from mlops_ext.runs.kernels.forks import mark_of
from mlops_ext.runs.types import Job, ListJobs, SubmitJob
from mlops_ext.workspace import Workspace
from tests.runs.writing import write_notebook

WORKER = """
import sys
from mlops_ext.runs.queue.worker import Worker
from mlops_ext.workspace import Workspace
Worker(Workspace.find(), jobs=int(sys.argv[1]), lease_seconds=float(sys.argv[2])).run(until_idle=True)
"""


def start_worker(ws: Workspace, running: int, lease: float = 60.0) -> subprocess.Popen[bytes]:
    section = ws.settings.workspace
    stores = {f"MLOPS_{key.upper()}": getattr(section, key) for key in ("catalog", "blobs") if getattr(section, key)}
    environment = {**os.environ, **stores, "MLOPS_WORKSPACE": str(ws.root), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", WORKER, str(running), str(lease)]
    return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)


def statuses(ws: Workspace) -> list[str]:
    return [job.status for job in ws.call(service.list_jobs, ListJobs(limit=200))]


def submit(ws: Workspace, count: int, source: str, **options: int) -> list[Job]:
    write_notebook(ws.root / "it.ipynb", ("n: int = 0", "parameters"), source)
    request = SubmitJob(notebook="it.ipynb", **options)
    return [
        ws.call(service.submit, request.model_copy(update={"parameters": {"n": number}})) for number in range(count)
    ]


def processes_of(made: list[Job]) -> list[psutil.Process]:
    """Find the processes of all attempts of some jobs."""
    names = {mark_of(f"{job.id}.{fence}") for job in made for fence in range(1, 60)}
    found = []
    for process in psutil.process_iter(["name", "environ", "status"]):
        attempt = (process.info["environ"] or {}).get(processes.VARIABLE, "").partition(".")[0]
        if process.info["status"] != psutil.STATUS_ZOMBIE and (
            process.info["name"] in names or attempt in {job.id for job in made}
        ):
            found.append(process)
    return found
