"""Running a version again: for real from an interactive kernel and from a job, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mlops_ext.datasets.edge import snapshot
from mlops_ext.errors import InvalidValue, StoreUnavailable
from mlops_ext.models import service as registry
from mlops_ext.models.types import Execution, ModelVersion, ShowVersion
from mlops_ext.runs import edge
from mlops_ext.runs.rerun import Rerun, rerun
from mlops_ext.runs.types import Job
from mlops_ext.tracking import active
from mlops_ext.tracking.types import Run
from mlops_ext.workspace import Workspace
from tests.models.support import registered
from tests.runs.writing import write_notebook
from tests.tracking.kernels import kernel

pytestmark = pytest.mark.usefixtures("shared_parents")
LOAD = "import mlops_ext as mlops\nrows = mlops.load('numbers')"
REGISTER = "mlops.register(lambda x: x + shift, 'sum', metrics={'rows': float(len(rows)), 'shift': float(shift)})"


@pytest.fixture(autouse=True)
def _no_run_left(ws: Workspace) -> Iterator[None]:
    yield
    active.end(ws, "succeeded")


def version_of(ws: Workspace, ref: str) -> ModelVersion:
    return ws.call(registry.version, ShowVersion(model=ref))


def test_an_interactive_version_is_run_again_on_the_data_of_its_run(ws: Workspace) -> None:
    snapshot(pd.DataFrame({"x": [1, 2]}), "numbers", workspace=ws)
    cells = (LOAD, "shift = 1", "shift = 2", REGISTER)
    path = write_notebook(ws.root / "nb" / "train.ipynb", *cells)
    with kernel(JPY_SESSION_NAME=str(path)) as driven:
        for source in (cells[0], cells[2], cells[1], "1 / 0", cells[3]):
            driven.run(source)
    first = version_of(ws, "sum@1")
    assert first.execution is not None
    assert first.execution.kind == "interactive"
    assert first.inputs == ("dataset:numbers@1",)
    snapshot(pd.DataFrame({"x": [1, 2, 3]}), "numbers", workspace=ws)
    done = rerun("sum@1", workspace=ws)
    assert isinstance(done, Rerun)
    assert (done.of, done.model, done.pinned) == ("sum@1", "sum@2", ("numbers@1",))
    assert done.execution == Execution(kind="clean")
    assert [(each.name, each.before, each.after) for each in done.metrics] == [("rows", 2.0, 2.0), ("shift", 1.0, 1.0)]
    second = version_of(ws, "sum")
    assert second.inputs == ("dataset:numbers@1",)
    assert second.seconds is not None
    assert second.seconds > 0
    fresh = rerun("sum@1", latest_data=True, workspace=ws)
    assert isinstance(fresh, Rerun)
    assert fresh.metrics[0].after == 3.0


def test_a_jobs_version_is_run_again_with_its_parameters(ws: Workspace) -> None:
    snapshot(pd.DataFrame({"x": [1]}), "numbers", workspace=ws)
    write_notebook(ws.root / "nb" / "train.ipynb", ("shift: int = 1", "parameters"), LOAD, REGISTER)
    edge.run("nb/train.ipynb", parameters={"shift": 5}, workspace=ws)
    (ws.root / "nb" / "train.ipynb").unlink()
    first = version_of(ws, "sum@1")
    assert first.execution == Execution(kind="clean")
    job = rerun(first, wait=False, workspace=ws)
    assert isinstance(job, Job)
    assert (job.status, job.parameters, job.trigger) == ("queued", {"shift": 5}, "model:sum@1")
    done = rerun(first, workspace=ws)
    assert isinstance(done, Rerun)
    assert (done.model, done.same_content) == ("sum@1", True), "equal, and from a whole run already"
    assert [each.after for each in done.metrics] == [1.0, 5.0]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"execution": Execution(kind="script")}, "a script registered it"),
        ({"execution": None}, "was imported"),
        ({"notebook": b"{}"}, "is no notebook"),
    ],
)
def test_what_cannot_be_run_again_is_refused(ws: Workspace, fields: dict[str, Any], says: str) -> None:
    if "notebook" in fields:
        fields = {**fields, "notebook": ws.put_blob(fields["notebook"])}
    version = registered(ws, **fields)
    with pytest.raises(InvalidValue, match=says) as refusal:
        rerun(version, workspace=ws)
    assert refusal.value.hint


def test_a_missing_notebook_is_named(ws: Workspace) -> None:
    content = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}).encode()
    version = registered(ws, notebook=ws.put_blob(content))
    path = Path(ws.blob_path(str(version.notebook)))
    path.chmod(0o600)
    path.unlink()
    with pytest.raises(StoreUnavailable, match="the notebook of delay@1 cannot be read"):
        rerun(version, workspace=ws)


def test_a_secret_in_the_code_runs_and_is_stored_with_nothing_but_the_job(
    ws: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    code = "password = 'hunter-22'\nprint(f'as {password}')\nassert len(password) == 9"
    write_notebook(ws.root / "nb" / "train.ipynb", "import mlops_ext as mlops; rows, shift = [], 1", code, REGISTER)
    run = edge.run("nb/train.ipynb", workspace=ws)
    assert isinstance(run, Run)
    assert run.status == "succeeded"
    assert "train.ipynb holds password in cell 2, line 1" in capsys.readouterr().err
    version = version_of(ws, "sum")
    for digest in (run.output, run.source, version.notebook):
        assert b"hunter-22" not in ws.get_blob(str(digest))
    assert "password in cell 2, line 1" in run.tags["warning"]
    assert [each.where for each in version.masked] == ["cell 2, line 1"]
    with pytest.raises(InvalidValue, match="without the secrets in cell 2, line 1"):
        rerun(version, workspace=ws)
