from __future__ import annotations

import os
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from mlops_ext.errors import Cancelled, Conflict, InvalidValue, KernelDied, NotFound, RunFailed, TimedOut
from mlops_ext.runs import service
from mlops_ext.runs.queue import leases, recovery
from mlops_ext.runs.tables import attempts, jobs
from mlops_ext.runs.types import CancelJob, InspectNotebook, Job, ListJobs, ShowJob, SubmitJob
from mlops_ext.store.schema import events
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import ShowRun, StartRun
from mlops_ext.workspace import Workspace
from tests.runs.writing import write_notebook

pytestmark = pytest.mark.fast


@pytest.fixture
def notebook(workspace: Workspace) -> Path:
    return write_notebook(workspace.root / "nb" / "train.ipynb", ("month: int = 1", "parameters"), "print(month)")


def submit(ws: Workspace, **options: Any) -> Job:
    return ws.call(service.submit, SubmitJob(notebook="nb/train.ipynb", **options))


def submit_path(ws: Workspace, path: str) -> Job:
    return ws.call(service.submit, SubmitJob(notebook=path))


def actions(ws: Workspace) -> list[str]:
    with ws.catalog.read() as connection:
        return [row.action for row in connection.execute(select(events).order_by(events.c.seq))]


def let_lease_run_out(ws: Workspace, job: str) -> None:
    ws.catalog.measure(
        lambda change: change.execute(
            update(jobs).where(jobs.c.id == job).values(lease_until=change.now - timedelta(seconds=1))
        )
    )


def test_a_job_holds_the_bytes_and_the_checked_parameters(workspace: Workspace, notebook: Path) -> None:
    before = notebook.read_bytes()
    job = submit(workspace, parameters={"month": "2"}, trigger="alert:7", priority=3)
    notebook.write_text("{}")
    assert workspace.get_blob(job.source) == before
    assert (job.status, job.parameters, job.notebook, job.priority) == ("queued", {"month": 2}, "nb/train.ipynb", 3)
    assert job.output.startswith("runs/train-")
    assert workspace.call(service.show, ShowJob(job=job.ref)) == job
    assert actions(workspace) == ["job.submitted"]


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "request_",
    [
        {"parameters": {"mont": 1}}, {"parameters": {"month": "x"}}, {"output": "nb/train.ipynb"}, {"output": "../x.ipynb"},
        {"output": "nb/../nb/train.ipynb"}, {"output": "x.txt"},
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_before_anything_is_queued(
    workspace: Workspace, notebook: Path, request_: dict[str, Any]
) -> None:
    with pytest.raises(InvalidValue):
        submit(workspace, **request_)
    assert not workspace.exists() or actions(workspace) == []


@pytest.mark.parametrize(
    "path", ["../secret.ipynb", "/etc/passwd", "link.ipynb", "a\0b.ipynb", "", "nb/../../secret.ipynb"]
)
def test_paths_that_lead_out_are_refused(workspace: Workspace, path: str) -> None:
    outside = write_notebook(workspace.root.parent / "secret.ipynb", "x = 1")
    (workspace.root / "link.ipynb").symlink_to(outside)
    with pytest.raises(InvalidValue):
        workspace.call(service.inspect, InspectNotebook(notebook=path))


@pytest.mark.sqlite
@pytest.mark.parametrize(("served", "path"), [(".", "it.ipynb"), ("..", "{root}/nb/it.ipynb"), ("nb", "it.ipynb")])
def test_a_server_names_notebooks_from_its_own_root(workspace: Workspace, served: str, path: str) -> None:
    here = write_notebook(workspace.root / "nb" / "it.ipynb", "1")
    if served == ".":
        here = write_notebook(workspace.root / "it.ipynb", "2")
    workspace.served = workspace.root / served
    job = submit_path(workspace, path.format(root=workspace.root.name))
    assert workspace.get_blob(job.source) == here.read_bytes()
    for outside in ("../../secret.ipynb", "~/secret.ipynb", "~nobody-at-all/secret.ipynb", "/etc/secret.ipynb"):
        with pytest.raises(InvalidValue):
            submit_path(workspace, outside)


def test_a_missing_notebook_is_named_with_the_nearest(workspace: Workspace, notebook: Path) -> None:
    with pytest.raises(NotFound, match="trian") as caught:
        workspace.call(service.inspect, InspectNotebook(notebook="nb/trian.ipynb"))
    assert "train.ipynb" in caught.value.hint


def test_inspecting_tells_what_a_form_needs(workspace: Workspace, notebook: Path) -> None:
    found = workspace.call(service.inspect, InspectNotebook(notebook="nb/train.ipynb"))
    assert (found.tagged, found.kernel, [each.name for each in found.parameters]) == (True, "python3", ["month"])
    assert not workspace.exists(), "reading makes no workspace"


def test_the_urgent_then_the_oldest_is_claimed(workspace: Workspace, notebook: Path) -> None:
    first, urgent, last = submit(workspace), submit(workspace, priority=5), submit(workspace)
    claimed = [leases.claim(workspace, "w") for _ in range(4)]
    assert [each and each.job.id for each in claimed] == [urgent.id, first.id, last.id, None]


def test_many_workers_never_claim_one_job_twice(workspace: Workspace, notebook: Path) -> None:
    made = {submit(workspace).id for _ in range(12)}
    taken: list[str] = []

    def work() -> None:
        while claim := leases.claim(workspace, "w"):
            taken.append(claim.job.id)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(made)


def test_an_older_fence_can_write_no_more(workspace: Workspace, notebook: Path) -> None:
    job = submit(workspace, max_attempts=2)
    old = leases.claim(workspace, "one")
    assert old is not None
    let_lease_run_out(workspace, job.id)
    assert recovery.recover(workspace) == 1
    new = leases.claim(workspace, "two")
    assert new is not None
    assert new.lease.attempt == 2
    assert leases.beat(workspace, old.lease) == "lost"
    assert not leases.end(workspace, old.lease, "succeeded")
    assert leases.beat(workspace, new.lease) == "go on"
    assert leases.end(workspace, new.lease, "succeeded")
    assert workspace.call(service.show, ShowJob(job=job.id)).status == "succeeded"
    with workspace.catalog.read() as connection:
        rows = connection.execute(select(attempts).order_by(attempts.c.number)).all()
    assert [row.status for row in rows] == ["kernel_died", "succeeded"]


def test_a_job_without_attempts_left_ends_with_a_reason(workspace: Workspace, notebook: Path) -> None:
    job = submit(workspace)
    assert leases.claim(workspace, "one")
    assert recovery.recover(workspace) == 0, "its lease still runs"
    let_lease_run_out(workspace, job.id)
    recovery.recover(workspace)
    ended = workspace.call(service.show, ShowJob(job=job.id))
    assert ended.status == "kernel_died"
    assert "lease" in ended.error
    assert recovery.recover(workspace) == 0
    assert actions(workspace) == ["job.submitted", "job.finished"]


def test_the_run_of_an_attempt_that_died_before_it_told_of_it_is_ended_too(
    workspace: Workspace, notebook: Path
) -> None:
    job = submit(workspace, max_attempts=2)
    other = workspace.call(tracking.start, StartRun(job="another")).id
    assert leases.claim(workspace, "one")
    run = workspace.call(tracking.start, StartRun(job=job.id)).id
    let_lease_run_out(workspace, job.id)
    assert recovery.recover(workspace) == 1
    assert workspace.call(tracking.show, ShowRun(run=run)).status == "lost"
    assert workspace.call(tracking.show, ShowRun(run=other)).status == "running"
    assert actions(workspace).count("run.finished") == 1


def test_cancelling_a_queued_job_ends_it_once(workspace: Workspace, notebook: Path) -> None:
    job = submit(workspace)
    for _ in range(2):
        assert workspace.call(service.cancel, CancelJob(job=job.id)).status == "cancelled"
    assert actions(workspace) == ["job.submitted", "job.cancelled"]
    assert leases.claim(workspace, "w") is None


def test_cancelling_a_running_job_asks_its_worker(workspace: Workspace, notebook: Path) -> None:
    job = submit(workspace, max_attempts=3)
    claim = leases.claim(workspace, "w")
    assert claim is not None
    assert workspace.call(service.cancel, CancelJob(job=job.id)).status == "running"
    assert leases.beat(workspace, claim.lease) == "cancel"
    let_lease_run_out(workspace, job.id)
    recovery.recover(workspace)
    assert workspace.call(service.show, ShowJob(job=job.id)).status == "cancelled", "and it is not tried again"


def test_what_has_ended_cannot_be_cancelled(workspace: Workspace, notebook: Path) -> None:
    job = submit(workspace)
    claim = leases.claim(workspace, "w")
    assert claim is not None
    leases.end(workspace, claim.lease, "failed")
    with pytest.raises(Conflict, match="failed"):
        workspace.call(service.cancel, CancelJob(job=job.id))


def test_jobs_are_listed_newest_first_in_pages(workspace: Workspace, notebook: Path) -> None:
    made = [submit(workspace).id for _ in range(3)]
    page = workspace.call(service.list_jobs, ListJobs(limit=2))
    rest = workspace.call(service.list_jobs, ListJobs(limit=2, cursor=page.next, status="queued"))
    assert [job.id for job in [*page, *rest]] == made[::-1]
    with pytest.raises(InvalidValue, match="sleeping"):
        workspace.call(service.list_jobs, ListJobs(status="sleeping"))


def test_a_secret_is_stored_nowhere(workspace: Workspace) -> None:
    write_notebook(workspace.root / "nb" / "train.ipynb", ('api_key: str = ""', "parameters"))
    job = submit(workspace, parameters={"api_key": "hunter22"})
    assert job.parameters == {"api_key": "***"}
    if workspace.database.sqlite:
        kept = b"".join(path.read_bytes() for path in workspace.home.rglob("*") if path.is_file())
        assert b"hunter22" not in kept


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [("failed", RunFailed, 1), ("kernel_died", KernelDied, 3), ("timed_out", TimedOut, 4), ("cancelled", Cancelled, 5),
     ("invalid", InvalidValue, 2), ("rejected", InvalidValue, 2)],
)  # fmt: skip
def test_each_end_has_its_exit_code(workspace: Workspace, notebook: Path, status: Any, kind: Any, code: int) -> None:
    job = submit(workspace)
    service.raise_for_status(job)
    with pytest.raises(kind) as caught:
        service.raise_for_status(job.model_copy(update={"status": status}))
    assert caught.value.exit_code == code


def test_jobs_are_refused_on_windows_with_a_sentence(
    workspace: Workspace, notebook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlops_ext.runs.queue.submission.os", type("os", (), {"name": "nt"}))
    with pytest.raises(Conflict, match="Windows"):
        submit(workspace)
    assert os.name == "posix"
