"""Pipelines that really run: order, cache, failure and resumption, in Python, from mlops.toml and by workers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

import mlops_ext as mlops
from mlops_ext.errors import Conflict, InvalidValue, NotFound
from mlops_ext.runs import service as jobs
from mlops_ext.runs.pipelines import service
from mlops_ext.runs.pipelines.advancing import advance
from mlops_ext.runs.pipelines.types import PipelineRun, ShowPipelineRun, StartPipeline
from mlops_ext.runs.queue.worker import Worker
from mlops_ext.runs.types import ListJobs
from mlops_ext.store.schema import events
from mlops_ext.workspace import Workspace
from tests.runs.writing import write_notebook

pytestmark = pytest.mark.usefixtures("shared_parents")
TOML = """
[pipelines.retrain]
parameters = { month = 1 }

[pipelines.retrain.steps.train]
notebook = "train.ipynb"

[pipelines.retrain.steps.prepare]
function = "steps:prepare"
"""
PREPARE = """
import mlops_ext as mlops
import pandas as pd

def prepare(month: int = 0):
    mlops.snapshot(pd.DataFrame({"month": [month]}), "flights")
"""
TRAIN = "import mlops_ext as mlops\nmonth = int(mlops.load('flights').month[0])\nassert month < 9, 'too late'\nmlops.log_metric('month', month)"


@pytest.fixture
def project(ws: Workspace) -> Workspace:
    (ws.root / "mlops.toml").write_text(TOML)
    (ws.root / "steps.py").write_text(PREPARE)
    write_notebook(ws.root / "train.ipynb", "#md # Train", TRAIN)
    return Workspace(ws.root)


def states(run: PipelineRun) -> dict[str, str]:
    return {step.name: step.status for step in run.steps}


def start(ws: Workspace, **given: Any) -> PipelineRun:
    return ws.call(service.start, StartPipeline(pipeline="retrain", parameters=given))


def finish(ws: Workspace, run: PipelineRun) -> PipelineRun:
    Worker(ws, jobs=2).run(until_idle=True)
    return ws.call(service.show, ShowPipelineRun(run=run.id))


def test_steps_run_in_the_order_of_their_data_and_serve_again(project: Workspace) -> None:
    first = mlops.pipeline("retrain", workspace=project).run({"month": 2})
    assert (first.status, states(first)) == ("succeeded", {"prepare": "succeeded", "train": "succeeded"})
    prepare, train = first.steps
    assert (prepare.outputs, train.inputs, train.after) == (
        ("dataset:flights@1",),
        ("dataset:flights@1",),
        ("prepare",),
    )

    # Markdown is no code; another writer's version is no input of a step that follows a step.
    write_notebook(project.root / "train.ipynb", "#md # Train, told better", TRAIN)
    again = mlops.pipeline("retrain", workspace=project).run({"month": 2})
    assert states(again) == {"prepare": "reused", "train": "reused"}
    assert [step.run for step in again.steps] == [step.run for step in first.steps]

    other = mlops.pipeline("retrain", workspace=project).run({"month": 3})
    assert states(other) == {"prepare": "succeeded", "train": "succeeded"}
    (project.root / "steps.py").write_text(PREPARE + "    return 1\n")
    changed = mlops.pipeline("retrain", workspace=project).run({"month": 3})
    assert states(changed) == {"prepare": "succeeded", "train": "reused"}, "equal data is the same input"


def test_a_failed_run_goes_on_from_the_failed_step(project: Workspace) -> None:
    write_notebook(project.root / "report.ipynb", "1 + 1")
    (project.root / "mlops.toml").write_text(
        TOML + '[pipelines.retrain.steps.report]\nnotebook = "report.ipynb"\nafter = ["train"]\n'
    )
    failed = finish(project, start(project, month=11))
    assert (failed.status, states(failed)) == (
        "failed",
        {"prepare": "succeeded", "train": "failed", "report": "skipped"},
    )
    assert "too late" in failed.error

    write_notebook(project.root / "train.ipynb", TRAIN.replace("< 9", "< 12"))
    resumed = project.call(service.resume, ShowPipelineRun(run=failed.id))
    assert states(resumed) == {"prepare": "succeeded", "train": "waiting", "report": "waiting"}
    ended = finish(project, resumed)
    assert ended.status == "succeeded"
    assert ended.steps[0].job == failed.steps[0].job
    with pytest.raises(Conflict, match="has succeeded"):
        project.call(service.resume, ShowPipelineRun(run=failed.id))
    with project.catalog.read() as connection:
        told = connection.execute(select(events.c.action).where(events.c.subject == failed.ref).order_by(events.c.seq))
        assert list(told.scalars()) == [
            "pipeline.started",
            "pipeline.finished",
            "pipeline.resumed",
            "pipeline.finished",
        ]


def test_a_cancelled_run_starts_nothing_more(project: Workspace) -> None:
    run = start(project)
    assert advance(project, run.id) == 1
    ended = project.call(service.cancel, ShowPipelineRun(run=run.id))
    assert (ended.status, states(ended)) == ("cancelled", {"prepare": "cancelled", "train": "skipped"})
    assert advance(project, run.id) == 0
    assert len(project.call(jobs.list_jobs, ListJobs())) == 1


def test_what_is_independent_begins_together(ws: Workspace) -> None:
    for name in ("a", "b"):
        write_notebook(ws.root / f"{name}.ipynb", "1")
    flow = mlops.pipeline("both", "a.ipynb", "b.ipynb", workspace=ws)
    run = flow.run(wait=False)
    assert advance(ws, run.id) == 2
    assert advance(ws, run.id) == 0


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("[pipelines.retrain.steps.train]\nnotebok = 'x'", "line 2: unknown key 'notebok'"),
        ("[pipelines.retrain.steps.train]\nnotebook = 'tran.ipynb'", "'train.ipynb'"),
        ("[pipelines.retrain.steps.train]\nfunction = 'steps:prepaer'", "'prepare'"),
        ("[pipelines.retrain.steps.train]\nfunction = 'steps'", "names no function"),
        ("[pipelines.retrain.steps.train]\nnotebook = 'train.ipynb'\nafter = ['prep']", "no step named 'prep'"),
        ("[pipelines.retrain.steps.train]\nparameters = {}", "names no one thing"),
        ("[pipelines.retrian.steps.train]\nnotebook = 'train.ipynb'", "'retrian'"),
    ],
)
def test_a_wrong_declaration_is_refused_with_what_is_near(project: Workspace, lines: str, says: str) -> None:
    (project.root / "mlops.toml").write_text(lines)
    with pytest.raises((InvalidValue, NotFound)) as caught:
        start(project)
    assert says in str(caught.value)
    assert not project.exists() or not list(project.call(jobs.list_jobs, ListJobs()))


def test_an_unknown_or_missing_parameter_is_refused(project: Workspace) -> None:
    with pytest.raises(InvalidValue, match="'month'"):
        start(project, mnth=2)
    (project.root / "steps.py").write_text(PREPARE.replace("month: int = 0", "month: int, year: int"))
    with pytest.raises(InvalidValue, match="needs year"):
        start(project)


def test_a_function_of_a_notebook_runs_from_its_source(ws: Workspace) -> None:
    namespace: dict[str, Any] = {"__name__": "__main__", "mlops": mlops}
    source = "@mlops.step(writes=['numbers'])\ndef make(count: int = 2):\n    print('made', count)\n"
    file = Path(ws.root / "cell.py")
    file.write_text(source)
    exec(compile(source, str(file), "exec"), namespace)
    run = mlops.pipeline("numbers", namespace["make"], workspace=ws).run({"count": 3}, jobs=1)
    assert run.status == "succeeded", run.error
    [step] = run.steps
    output = project_output(ws, step.job)
    assert "made 3" in output


def project_output(ws: Workspace, job: str) -> str:
    from mlops_ext.runs.types import ShowJob

    return (ws.root / ws.call(jobs.show, ShowJob(job=job)).output).read_text()


def test_the_commands_run_tell_and_draw(project: Workspace) -> None:
    def call(*words: str, code: int = 0) -> str:
        command = [sys.executable, "-m", "mlops_ext", "pipeline", *words]
        ended = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False, timeout=120)
        assert ended.returncode == code, ended.stderr
        return ended.stdout

    failed = json.loads(call("run", "retrain", "-p", "month", "10", "--json", code=1))
    assert failed["status"] == "failed"
    assert json.loads(call("status", "--json"))["id"] == failed["id"]
    assert 's0 -->|"dataset:flights"| s1' in call("graph", "retrain", "--format", "mermaid")
    assert "prepare" in call("graph", "retrain")
    assert json.loads(call("graph", "retrain", "--format", "json"))["edges"][0]["through"] == ["dataset:flights"]
