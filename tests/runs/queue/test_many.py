"""Many jobs at once: cancelled all, with nothing left; workers killed at any moment, with no job lost or run twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from sqlalchemy import select, update

from mlops_ext.records import now
from mlops_ext.runs import service
from mlops_ext.runs.attempts import processes
from mlops_ext.runs.queue import leases
from mlops_ext.runs.queue.worker import Worker
from mlops_ext.runs.tables import attempts, jobs
from mlops_ext.runs.types import CancelJob, Job, ListJobs, SubmitJob
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
    return subprocess.Popen([sys.executable, "-c", WORKER, str(running), str(lease)], env=environment)


def statuses(ws: Workspace) -> list[str]:
    return [job.status for job in ws.call(service.list_jobs, ListJobs(limit=200))]


def submit(ws: Workspace, count: int, source: str, **options: int) -> list[Job]:
    write_notebook(ws.root / "it.ipynb", ("n: int = 0", "parameters"), source)
    request = SubmitJob(notebook="it.ipynb", **options)
    return [
        ws.call(service.submit, request.model_copy(update={"parameters": {"n": number}})) for number in range(count)
    ]


def processes_of(made: list[Job]) -> list[psutil.Process]:
    return [process for job in made for fence in range(1, 4) for process in processes.marked(f"{job.id}.{fence}")]


@pytest.mark.fast
def test_fifty_queued_jobs_are_all_cancelled_and_none_can_be_claimed(workspace: Workspace) -> None:
    made = submit(workspace, 50, "1")
    for job in made:
        workspace.call(service.cancel, CancelJob(job=job.id))
    assert statuses(workspace) == ["cancelled"] * 50
    assert leases.claim(workspace, "w") is None


def cancel_running(ws: Workspace, count: int) -> None:
    made = submit(ws, count, "import time; open(f'on-{n}', 'w').close(); time.sleep(600)")
    worker = start_worker(ws, count)
    while len(list(ws.root.glob("on-*"))) < count:
        assert worker.poll() is None, "the worker must not end"
        time.sleep(0.05)
    for job in made:
        ws.call(service.cancel, CancelJob(job=job.id))
    assert worker.wait(240) == 0
    assert statuses(ws) == ["cancelled"] * count
    assert processes_of(made) == []
    assert list((ws.home / "jobs").iterdir()) == []


def test_running_jobs_are_all_cancelled_and_leave_nothing(ws: Workspace) -> None:
    cancel_running(ws, 4)


@pytest.mark.deep
def test_fifty_running_jobs_are_all_cancelled_and_leave_nothing(ws: Workspace) -> None:
    cancel_running(ws, 50)


def die_at_random(ws: Workspace, rounds: int, seed: int) -> None:
    """Kill the worker, half of the time with an attempt, and see what the next workers make of it."""
    chance = random.Random(seed)
    count = max(2, rounds // 2)
    source = "import os, time\nown = f'own-{n}'\nos.mkdir(own)\ntime.sleep(0.2)\nos.rmdir(own)\nopen(f'done-{n}', 'a').write('x')"
    made = submit(ws, count, source, max_attempts=20)
    for _ in range(rounds):
        worker = start_worker(ws, 2)
        until = time.monotonic() + chance.uniform(0.3, 4)
        while worker.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        if chance.random() < 0.5:
            for process in processes_of(made)[:1]:
                end_all_of(process, made, ws)
    finish(ws, made)


def end_all_of(process: psutil.Process, made: list[Job], ws: Workspace) -> None:
    """Kill the attempt that a process belongs to, and let its lease run out; its folder is as it was before."""
    for job in made:
        for fence in range(1, 60):
            if process in processes.marked(f"{job.id}.{fence}"):
                processes.end_all(f"{job.id}.{fence}")
                own = ws.root / f"own-{job.parameters['n']}"
                if own.exists():
                    own.rmdir()
                past = update(jobs).where(jobs.c.id == job.id, jobs.c.fence == fence).values(lease_until=now())
                ws.catalog.measure(lambda change, past=past: change.execute(past))
                return


def finish(ws: Workspace, made: list[Job]) -> None:
    Worker(ws, jobs=2).run(until_idle=True)
    until = time.monotonic() + 120
    while "running" in statuses(ws) and time.monotonic() < until:
        Worker(ws, jobs=2).run(until_idle=True)
        time.sleep(0.2)
    with ws.catalog.read() as connection:
        rows = connection.execute(select(jobs.c.id, jobs.c.status, jobs.c.error, jobs.c.parameters)).all()
        ended = connection.execute(select(attempts.c.status)).scalars().all()
    # Two at once would have met in a folder that exists already, and failed.
    assert [(row.status, row.error) for row in rows] == [("succeeded", "")] * len(made)
    assert all(Path(ws.root / f"done-{row.parameters['n']}").exists() for row in rows)
    assert set(ended) <= {"succeeded", "kernel_died"}
    assert processes_of(made) == []


def test_workers_killed_at_random_moments_lose_no_job(ws: Workspace) -> None:
    die_at_random(ws, rounds=3, seed=int(os.environ.get("MLOPS_TEST_SEED", "1")))


@pytest.mark.deep
def test_workers_killed_at_random_moments_a_hundred_times_lose_no_job(ws: Workspace) -> None:
    die_at_random(ws, rounds=100, seed=int(os.environ.get("MLOPS_TEST_SEED", "2")))


def test_two_workers_on_one_database_run_each_job_once(workspace: Workspace) -> None:
    made = submit(workspace, 4, "open(f'done-{n}', 'a').write('x')")
    workers = [start_worker(workspace, 1), start_worker(workspace, 1)]
    assert [worker.wait(200) for worker in workers] == [0, 0]
    assert statuses(workspace) == ["succeeded"] * 4
    assert [(workspace.root / f"done-{number}").read_text() for number in range(4)] == ["x"] * 4
    assert processes_of(made) == []
