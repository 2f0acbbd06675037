"""`--cache`: an earlier run is given when nothing that decides it has changed, and only then."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

import mlops_ext as mlops
from mlops_ext.runs import edge
from mlops_ext.runs.queue import leases
from mlops_ext.runs.types import Job
from mlops_ext.workspace import Workspace
from tests.runs.writing import write_notebook

pytestmark = pytest.mark.usefixtures("shared_parents")
CELLS = (
    ("month: int = 1\napi_key: str = ''", "parameters"),
    "import helper, mlops_ext as mlops",
    "frame = mlops.load('flights'); open('wrote.txt', 'a').write('x ')",
)


@pytest.fixture
def notebook(ws: Workspace) -> Path:
    mlops.snapshot(pd.DataFrame({"a": [1]}), "flights")
    (ws.root / "nb" / "helper.py").write_text("RATE = 1\n")
    return write_notebook(ws.root / "nb" / "it.ipynb", *CELLS)


def ran(ws: Workspace, output: str | None = None, **given: object) -> Job:
    parameters = {"month": 1, "api_key": "hunter-22", **given}
    job = edge.queue("nb/it.ipynb", output, parameters, cache=True, workspace=ws)
    done = edge.run_job(job, parameters, workspace=ws)
    assert done.status == "succeeded", done.error
    return done


def times(ws: Workspace) -> int:
    return len((ws.root / "nb" / "wrote.txt").read_text().split())


def test_the_same_is_run_once_and_said_to_be_reused(
    ws: Workspace, notebook: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = ran(ws)
    assert (first.reused, times(ws)) == ("", 1)
    content = json.loads(notebook.read_text())
    content["cells"].append({"id": "m", "cell_type": "markdown", "metadata": {}, "source": "text decides nothing"})
    notebook.write_text(json.dumps(content))
    again = ran(ws, "again.ipynb", api_key="another-22")
    assert (again.reused, again.run, times(ws)) == (first.run, first.run, 1)
    assert (ws.root / "again.ipynb").read_bytes() == (ws.root / first.output).read_bytes()
    assert f"run {first.run} gave the result" in capsys.readouterr().err
    assert leases.claim(ws, "w") is None, "nothing waits"
    kept = b"".join(path.read_bytes() for path in ws.home.rglob("*") if path.is_file())
    assert b"hunter-22" not in kept
    uncached = edge.run_job(edge.queue("nb/it.ipynb", workspace=ws), workspace=ws)
    assert (uncached.reused, times(ws)) == ("", 2)


@contextmanager
def changed(path: Path, content: str) -> Iterator[None]:
    """Give a file other content for a while."""
    before = path.read_text()
    path.write_text(content)
    yield
    path.write_text(before)


def test_whatever_decides_the_result_makes_it_run_again(ws: Workspace, notebook: Path) -> None:
    def reused(month: int = 1) -> str:
        job = edge.queue("nb/it.ipynb", None, {"month": month, "api_key": "hunter-22"}, cache=True, workspace=ws)
        assert (job.status == "succeeded") == bool(job.reused)
        return job.reused

    first = ran(ws).run
    assert reused() == first
    assert reused(month=2) == ""
    with changed(notebook, notebook.read_text().replace("'x '", "'y '")):
        assert reused() == ""
    with changed(notebook.parent / "helper.py", "RATE = 2\n"):
        assert reused() == ""
    assert reused() == first, "all is as it was"
    mlops.snapshot(pd.DataFrame({"a": [2]}), "flights")
    assert reused() == ""
    mlops.snapshot(pd.DataFrame({"a": [1]}), "flights")
    assert reused() == first, "equal data is the same input"
    assert times(ws) == 1
