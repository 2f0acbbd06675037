"""Many jobs at once: cancelled all, with nothing left, and run once each."""

from __future__ import annotations

import time
from unittest.mock import Mock

import pytest

from mlops_ext.runs import service
from mlops_ext.runs.queue import leases
from mlops_ext.runs.queue.worker import Worker
from mlops_ext.runs.types import CancelJob
from mlops_ext.workspace import Workspace
from tests.runs.workers import processes_of, start_worker, statuses, submit


@pytest.mark.fast
def test_fifty_queued_jobs_are_all_cancelled_and_none_can_be_claimed(workspace: Workspace) -> None:
    made = submit(workspace, 50, "1")
    for job in made:
        workspace.call(service.cancel, CancelJob(job=job.id))
    assert statuses(workspace) == ["cancelled"] * 50
    assert leases.claim(workspace, "w") is None


def test_a_worker_with_many_free_places_asks_once_for_a_job(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    ws.ensure()
    asking = Mock(wraps=leases.claim)
    monkeypatch.setattr(leases, "claim", asking)
    assert Worker(ws, 50).step() == (0, 0)
    assert asking.call_count == 1


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


def test_two_workers_on_one_database_run_each_job_once(workspace: Workspace) -> None:
    made = submit(workspace, 4, "open(f'done-{n}', 'a').write('x')")
    workers = [start_worker(workspace, 1), start_worker(workspace, 1)]
    assert [worker.wait(200) for worker in workers] == [0, 0]
    assert statuses(workspace) == ["succeeded"] * 4
    assert [(workspace.root / f"done-{number}").read_text() for number in range(4)] == ["x"] * 4
    assert processes_of(made) == []
