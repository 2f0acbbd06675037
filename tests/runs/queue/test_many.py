"""Many jobs at once: cancelled all, with nothing left, and run once each."""

from __future__ import annotations

import time
from typing import Any
from unittest.mock import Mock

import pytest
from sqlalchemy import select

from mlops_ext.errors import NotFound
from mlops_ext.runs import service
from mlops_ext.runs.queue import leases
from mlops_ext.runs.queue.worker import Worker
from mlops_ext.runs.types import CancelJobs, ShowJob
from mlops_ext.store.schema import event_refs, events
from mlops_ext.workspace import Workspace
from tests.runs.workers import processes_of, start_worker, statuses, submit


def events_of(ws: Workspace) -> list[dict[str, Any]]:
    """Give the events, each with what it names."""
    with ws.catalog.read() as connection:
        rows = connection.execute(select(events.c.seq, events.c.action, events.c.subject).order_by(events.c.seq)).all()
        refs = connection.execute(select(event_refs.c.seq, event_refs.c.ref)).all()
    return [{**row._mapping, "named": [ref.ref for ref in refs if ref.seq == row.seq]} for row in rows]


@pytest.mark.fast
def test_fifty_queued_jobs_are_all_cancelled_and_none_can_be_claimed(workspace: Workspace) -> None:
    made = submit(workspace, 50, "1")
    before = len(events_of(workspace))
    asked = CancelJobs(jobs=tuple(job.id for job in made))
    for _ in range(2):
        assert [job.status for job in workspace.call(service.cancel_many, asked)] == ["cancelled"] * 50
    assert statuses(workspace) == ["cancelled"] * 50
    assert leases.claim(workspace, "w") is None
    [event] = events_of(workspace)[before:]
    assert event["subject"] == f"job:{made[0].id}"
    assert sorted(event["named"]) == sorted(f"job:{job.id}" for job in made)


@pytest.mark.fast
def test_jobs_are_cancelled_together_each_by_its_state(workspace: Workspace) -> None:
    ended, running, queued, other = submit(workspace, 4, "1")
    for job in (ended, running):
        claim = leases.claim(workspace, "w", job=job.id)
        assert claim is not None
    first = leases.read(workspace, ended.id)
    assert first is not None
    leases.end(workspace, leases.Lease(ended.id, first.fence, 1), "failed")
    told = workspace.call(service.cancel_many, CancelJobs(jobs=(ended.id, f"job:{running.id}", queued.id, queued.id)))
    assert [(job.id, job.status) for job in told] == [
        (ended.id, "failed"),
        (running.id, "running"),
        (queued.id, "cancelled"),
    ]
    assert leases.beat(workspace, leases.Lease(running.id, 1, 1)) == "cancel"
    with pytest.raises(NotFound, match="no job 'nobody'"):
        workspace.call(service.cancel_many, CancelJobs(jobs=(other.id, "nobody")))
    assert workspace.call(service.show, ShowJob(job=other.id)).status == "queued", "all or none"


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
    ws.call(service.cancel_many, CancelJobs(jobs=tuple(job.id for job in made)))
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
