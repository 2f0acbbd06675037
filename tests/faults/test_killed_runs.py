"""kill -9 of worker, attempt, server or all at random moments: each run ends truly, and never runs twice at once."""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from sqlalchemy import select

from mlops_ext.runs import service
from mlops_ext.runs.attempts import processes
from mlops_ext.runs.tables import attempts, jobs
from mlops_ext.runs.types import Job, ShowJob
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import ListRuns
from mlops_ext.workspace import Workspace
from tests.runs.workers import processes_of, start_worker, statuses, submit
from tests.runs.writing import write_notebook
from tests.server.live_server import serving

LEASE_SECONDS = 6.0
# The system lets go of a lock when the process that holds it ends: two at once would meet here, and the cell would fail.
ALONE = """
import fcntl, time
lock = open(f'lock-{n}', 'w')
fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
time.sleep(0.5)
open(f'done-{n}', 'a').write('x')
""".strip()


def kill_worker(worker: subprocess.Popen[bytes], _running: list[str], _chance: random.Random) -> None:
    worker.kill()
    worker.wait()


def kill_one_of_each(_worker: subprocess.Popen[bytes], running: list[str], chance: random.Random) -> None:
    """The attempt's own process, its kernel, or the kernel's guard."""
    for token in running:
        found = processes.marked(token)
        if found:
            with contextlib.suppress(psutil.NoSuchProcess):
                chance.choice(found).kill()


def kill_all(worker: subprocess.Popen[bytes], running: list[str], chance: random.Random) -> None:
    """As when the machine fails: nobody is left to tell, and what ran is found by its lease."""
    kill_worker(worker, running, chance)
    for token in running:
        processes.end_all(token)


VICTIMS: dict[str, Callable[[subprocess.Popen[bytes], list[str], random.Random], None]] = {
    "worker": kill_worker,
    "one process of each run": kill_one_of_each,
    "all": kill_all,
}


def running_now(ws: Workspace) -> list[str]:
    """Give what marks the attempts that hold a job."""
    with ws.catalog.read() as connection:
        rows = connection.execute(select(jobs.c.id, jobs.c.fence).where(jobs.c.status == "running")).all()
    return [f"{row.id}.{row.fence}" for row in rows]


def kill_many(ws: Workspace, rounds: int, seed: int) -> Counter[str]:
    chance, killed, made = random.Random(seed), Counter[str](), submit(ws, rounds, ALONE, max_attempts=20)
    worker = start_worker(ws, 2, LEASE_SECONDS)
    for _ in range(rounds):
        victim = chance.choice(sorted(VICTIMS))
        if worker.poll() is not None:
            worker = start_worker(ws, 2, LEASE_SECONDS)
        until = time.monotonic() + chance.uniform(0.2, 6)
        while worker.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        found = running_now(ws)
        killed[victim if found else f"{victim}, nothing ran"] += 1
        VICTIMS[victim](worker, found, chance)
    while set(statuses(ws)) & {"queued", "running"}:
        worker.wait()
        worker = start_worker(ws, 2, LEASE_SECONDS)
    assert worker.wait(60) == 0
    check(ws, made)
    return killed


def check(ws: Workspace, made: list[Job]) -> None:
    ended = [ws.call(service.show, ShowJob(job=job.id)) for job in made]
    assert [(job.status, job.error) for job in ended if job.status != "succeeded"] == []
    assert all((ws.root / f"done-{number}").read_text() for number in range(len(made)))
    with ws.catalog.read() as connection:
        tried = Counter(connection.execute(select(attempts.c.status)).scalars())
    assert set(tried) <= {"succeeded", "kernel_died"}
    assert tried["succeeded"] == len(made)
    # Every attempt that began a run has ended it, as what happened.
    runs = Counter(run.status for run in ws.call(tracking.list_, ListRuns(limit=1000)))
    assert set(runs) <= {"succeeded", "lost", "kernel_died"}
    assert runs["succeeded"] == len(made)
    assert processes_of(made) == []


@pytest.mark.sqlite
def test_runs_whose_processes_are_killed_at_random_end_once(workspace: Workspace) -> None:
    kill_many(workspace, 3, seed=int(os.environ.get("MLOPS_TEST_SEED", "1")))


@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_a_hundred_kills_of_worker_attempt_and_all_lose_no_run(workspace: Workspace) -> None:
    rounds = int(os.environ.get("MLOPS_TEST_ROUNDS", "100"))
    print(kill_many(workspace, rounds, seed=int(os.environ.get("MLOPS_TEST_SEED", "2"))))


def ask(url: str, headers: dict[str, str], body: dict[str, object]) -> dict[str, object]:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {**headers, "Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        found: dict[str, object] = json.load(answer)
    return found


def test_a_run_outlives_the_server_that_started_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "project"
    monkeypatch.delenv("MLOPS_CATALOG", raising=False)
    waits = "import os, time\nopen('on', 'w').close()\nwhile not os.path.exists('go'):\n    time.sleep(0.05)"
    write_notebook(folder / "it.ipynb", waits, "open('done', 'a').write('x')")
    with serving(folder, tmp_path / "config") as server:
        job = ask(f"{server.api}/jobs", server.headers, {"notebook": "it.ipynb"})
        wait_until((folder / "on").exists)
        assert server.process is not None
        server.process.kill()
    ws = Workspace(folder)
    assert ws.call(service.show, ShowJob(job=str(job["id"]))).status == "running"
    (folder / "go").touch()
    ended = wait_until(
        lambda: (found := ws.call(service.show, ShowJob(job=str(job["id"])))).status != "running" and found
    )
    assert (ended.status, ended.attempt, (folder / "done").read_text()) == ("succeeded", 1, "x")
    ws.database.close()


def wait_until(true: Callable[[], object], seconds: float = 90) -> object:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := true():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")
