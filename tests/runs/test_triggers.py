from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import select

from mlops_ext.runs import service, triggers
from mlops_ext.runs.tables import trigger_firings
from mlops_ext.runs.types import Job, ListJobs
from mlops_ext.workspace import Workspace
from tests.runs.writing import write_notebook

pytestmark = pytest.mark.fast
SETTINGS = """
[[triggers]]
model = "delay"
kind = "performance_loss"
notebook = "train.ipynb"
parameters = { month = "{details.month}", why = "for {kind}" }
"""


@pytest.fixture
def triggered(workspace: Workspace) -> Workspace:
    (workspace.root / "mlops.toml").write_text(SETTINGS)
    write_notebook(workspace.root / "train.ipynb", ("month: int = 1\nwhy: str = ''", "parameters"))
    return Workspace(workspace.root)


def alert(ws: Workspace, number: int, **data: Any) -> None:
    told = {"model": "model:delay@3", "kind": "performance_loss", "details": {"month": 2}} | data
    ws.catalog.write(lambda change: change.event("alert.raised", f"alert:{number}", told))


def jobs_of(ws: Workspace) -> list[Job]:
    return list(ws.call(service.list_jobs, ListJobs()))


def test_an_alert_queues_its_notebook_with_its_values(triggered: Workspace) -> None:
    alert(triggered, 1)
    assert triggers.fire(triggered) == 1
    [job] = jobs_of(triggered)
    assert (job.trigger, job.parameters) == ("alert:1", {"month": 2, "why": "for performance_loss"})


def test_other_models_and_kinds_queue_nothing(triggered: Workspace) -> None:
    alert(triggered, 1, kind="data_drift")
    alert(triggered, 2, model="model:other@1")
    triggered.catalog.write(lambda change: change.event("alert.acknowledged", "alert:1"))
    assert triggers.fire(triggered) == 0


def test_one_alert_queues_one_job_however_many_workers_look(triggered: Workspace) -> None:
    for number in range(3):
        alert(triggered, number)
    threads = [threading.Thread(target=triggers.fire, args=(triggered,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    triggers.fire(triggered)
    assert sorted(job.trigger for job in jobs_of(triggered)) == ["alert:0", "alert:1", "alert:2"]


def test_a_trigger_that_cannot_be_followed_is_noted_once_and_stops_no_other(triggered: Workspace) -> None:
    alert(triggered, 1, details={})
    alert(triggered, 2, details={"month": "soon"})
    alert(triggered, 3)
    assert triggers.fire(triggered) == 1
    assert triggers.fire(triggered) == 0
    with triggered.catalog.read() as connection:
        notes = connection.execute(select(trigger_firings).order_by(trigger_firings.c.seq)).all()
    assert [bool(note.error) for note in notes] == [True, True, False]
    assert "details.month" in notes[0].error


def test_without_triggers_nothing_is_made(workspace: Workspace) -> None:
    assert triggers.fire(workspace) == 0
    assert not workspace.exists()


def test_an_alert_starts_a_sweep_with_what_the_trigger_says_of_its_runs(triggered: Workspace) -> None:
    more = 'grid = { month = [1, 2, 3] }\ntags = ["gpu"]\nmemory = "1GiB"\n'
    (triggered.root / "mlops.toml").write_text(SETTINGS.replace('month = "{details.month}", ', "") + more)
    again = Workspace(triggered.root)
    alert(again, 1)
    assert triggers.fire(again) == 1
    found = jobs_of(again)
    assert sorted(each.parameters["month"] for each in found) == [1, 2, 3]
    assert {(each.parameters["why"], each.tags, each.memory) for each in found} == {
        ("for performance_loss", ("gpu",), "1GiB")
    }
    assert triggers.fire(again) == 0
