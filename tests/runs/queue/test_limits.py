"""Limits on what runs at once: kept by whoever claims, on both databases, whatever else waits."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import func, select

from mlops_ext.errors import InvalidValue
from mlops_ext.runs import service
from mlops_ext.runs.queue import leases, limits
from mlops_ext.runs.queue.worker import Worker
from mlops_ext.runs.tables import jobs
from mlops_ext.runs.types import CancelJob, Job, SubmitJob
from mlops_ext.workspace import Workspace
from tests.runs.writing import write_notebook

pytestmark = pytest.mark.fast


def with_limits(workspace: Workspace, text: str) -> Workspace:
    (workspace.root / "mlops.toml").write_text(text)
    for name in ("train", "score"):
        write_notebook(workspace.root / "nb" / f"{name}.ipynb", "1")
    return Workspace(workspace.root)


def submit(ws: Workspace, name: str = "train", **options: Any) -> Job:
    return ws.call(service.submit, SubmitJob(notebook=f"nb/{name}.ipynb", **options))


def claimed(ws: Workspace) -> str:
    found = leases.claim(ws, "w")
    return found.job.id if found else ""


def test_no_more_run_than_may_and_the_end_of_one_lets_the_next_begin(workspace: Workspace) -> None:
    ws = with_limits(workspace, "[runs]\nconcurrency = 2")
    made = [submit(ws).id for _ in range(3)]
    first = leases.claim(ws, "w")
    assert first is not None
    assert (claimed(ws), claimed(ws)) == (made[1], "")
    assert "2 jobs run, of 2" in limits.why_it_waits(ws, made[2])
    assert leases.any_queued(ws), "so that a worker does not call itself idle"
    leases.end(ws, first.lease, "failed")
    assert limits.why_it_waits(ws, made[2]) == ""
    assert claimed(ws) == made[2]


def test_a_notebook_that_is_full_lets_others_pass(workspace: Workspace) -> None:
    ws = with_limits(workspace, '[[runs.limits]]\nnotebook = "nb/t*.ipynb"\njobs = 1')
    one, two, other = submit(ws).id, submit(ws).id, submit(ws, "score").id
    assert [claimed(ws), claimed(ws), claimed(ws)] == [one, other, ""]
    assert "of nb/t*.ipynb" in limits.why_it_waits(ws, two)


def test_a_tag_counts_over_notebooks(workspace: Workspace) -> None:
    ws = with_limits(workspace, '[[runs.limits]]\ntag = "gpu"\njobs = 1')
    one = submit(ws, tags=("gpu", "big")).id
    two = submit(ws, "score", tags=("gpu",)).id
    free = submit(ws, tags=("gpus",)).id
    assert [claimed(ws), claimed(ws), claimed(ws)] == [one, free, ""]
    assert "'gpu'" in limits.why_it_waits(ws, two)


def test_many_workers_at_once_keep_to_a_limit(workspace: Workspace) -> None:
    ws = with_limits(workspace, '[runs]\nconcurrency = 5\n[[runs.limits]]\ntag = "gpu"\njobs = 2')
    for number in range(12):
        submit(ws, tags=("gpu",) if number % 2 else ())
    barrier = threading.Barrier(6)

    def work() -> None:
        mine = Workspace(ws.root)
        barrier.wait()
        for _ in range(3):
            leases.claim(mine, "w")

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with ws.catalog.read() as connection:
        running = connection.execute(select(jobs.c.options).where(jobs.c.status == "running")).scalars().all()
        assert connection.execute(select(func.count()).select_from(jobs)).scalar_one() == 12
    assert len(running) == 5
    assert sum("gpu" in options["tags"] for options in running) == 2


def test_the_jobs_of_the_settings_have_their_memory(workspace: Workspace) -> None:
    ws = with_limits(workspace, '[runs]\nmemory = "3GiB"')
    assert submit(ws).memory == "3GiB"
    assert submit(ws, memory="1GiB").memory == "1GiB"
    for wrong in ("much", "1 apple", "12", "1MiB", "-1GiB"):
        with pytest.raises(InvalidValue):
            submit(ws, memory=wrong)


@pytest.mark.parametrize(
    "text", ["jobs = 1", 'tag = "a"\nnotebook = "b"\njobs = 1', 'tag = "a"\njobs = 0', 'tag = "a"']
)
def test_a_limit_names_one_thing_and_a_number(workspace: Workspace, text: str) -> None:
    with pytest.raises(InvalidValue):
        with_limits(workspace, f"[[runs.limits]]\n{text}")


def test_who_waits_for_a_limit_is_told_once(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ws = with_limits(workspace, "[runs]\nconcurrency = 1")
    submit(ws)
    first = leases.claim(ws, "w")
    waiting = submit(ws).id
    assert first is not None
    slept = 0

    def sleep(_seconds: float) -> None:
        nonlocal slept
        slept += 1
        if slept == 3:
            ws.call(service.cancel, CancelJob(job=waiting))

    monkeypatch.setattr("mlops_ext.runs.queue.worker.time.sleep", sleep)
    assert Worker(ws).run_job(waiting).status == "cancelled"
    assert [record.getMessage() for record in caplog.records].count(
        f"{waiting} waits: 1 jobs run, of 1 that may by [runs] concurrency in mlops.toml"
    ) == 1
