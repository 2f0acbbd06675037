"""Runs that open by themselves in a real kernel, and who closes them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from mlops_ext.tracking import service
from mlops_ext.tracking.types import FinishRun, ListRuns, Run, StartRun
from mlops_ext.workspace import Workspace
from tests.tracking.kernels import environment, eventually, kernel

pytestmark = pytest.mark.sqlite

sqlite_only = pytest.mark.parametrize("catalog_url", ["sqlite"], indirect=True)


def only_run(workspace: Workspace) -> Run:
    found = workspace.call(service.list_, ListRuns()).items
    assert len(found) == 1
    return found[0]


def test_the_exit_of_a_kernel_closes_its_run_as_succeeded(workspace: Workspace) -> None:
    with kernel(JPY_SESSION_NAME=str(workspace.root / "work" / "train.ipynb")) as cells:
        cells.run("import mlops_ext as mlops")
        assert workspace.call(service.list_, ListRuns()).items == ()
        assert cells.run("mlops.log_metric('auc', 0.7)")["status"] == "ok"
        assert only_run(workspace).status == "running"
        assert cells.run("1/0")["status"] == "error"
        assert cells.run("mlops.log_metric('auc', 0.8, step=1)")["status"] == "ok"
    run = only_run(workspace)
    assert (run.status, run.error) == ("succeeded", "")
    assert run.metrics == {"auc": 0.8}
    assert run.notebook == "work/train.ipynb"


def test_a_kernel_whose_last_cell_failed_closes_its_run_as_failed(workspace: Workspace) -> None:
    with kernel() as cells:
        cells.run("import mlops_ext as mlops; mlops.log_param('lr', 0.1)")
        cells.run("raise ValueError('too few rows')")
    run = only_run(workspace)
    assert (run.status, run.error) == ("failed", "ValueError: too few rows")
    assert run.parameters == {"lr": "0.1"}


@sqlite_only
def test_leaving_with_status_zero_is_no_failure(workspace: Workspace) -> None:
    with kernel() as cells:
        cells.run("import mlops_ext as mlops, sys; mlops.log_param('lr', 0.1)")
        cells.run("sys.exit(0)")
    assert only_run(workspace).status == "succeeded"


def test_a_killed_kernel_leaves_its_run_lost_after_the_lease(workspace: Workspace) -> None:
    with kernel() as cells:
        cells.run("import mlops_ext.tracking.active as active; active.LEASE_SECONDS = 1.0")
        cells.run("import mlops_ext as mlops, os; mlops.log_metric('auc', 0.7)")
        first = only_run(workspace)
        lease = first.started_at.timestamp() + 1.5
        # The heartbeat keeps it beyond its first lease.
        eventually(lambda: __import__("time").time() > lease)
        assert only_run(workspace).status == "running"
        os.kill(cells.manager.provisioner.pid, signal.SIGKILL)
        eventually(lambda: only_run(workspace).status == "lost")
    assert service.expire(workspace) == [first.id]
    assert service.expire(workspace) == []
    assert only_run(workspace).status == "lost"


@sqlite_only
def test_after_end_run_the_next_log_opens_another_run(workspace: Workspace) -> None:
    with kernel() as cells:
        cells.run("import mlops_ext as mlops; mlops.log_param('lr', 1)")
        cells.run("mlops.end_run()")
        cells.run("mlops.log_param('lr', 2)")
        assert [run.status for run in workspace.call(service.list_, ListRuns())] == ["running", "succeeded"]
    assert [run.parameters["lr"] for run in workspace.call(service.list_, ListRuns())] == ["2", "1"]


def test_a_run_given_by_the_environment_is_neither_started_nor_ended_here(workspace: Workspace) -> None:
    given = workspace.call(service.start, StartRun(name="job"))
    with kernel(MLOPS_RUN=given.id) as cells:
        cells.run("import mlops_ext as mlops; mlops.log_metric('auc', 0.6)")
        cells.run("mlops.end_run()")
        cells.run("mlops.log_metric('f1', 0.5)")
    run = only_run(workspace)
    assert (run.id, run.status, run.metrics) == (given.id, "running", {"auc": 0.6, "f1": 0.5})
    workspace.call(service.finish, FinishRun(run=run.id))


@sqlite_only
def test_a_forked_child_logs_to_the_run_and_leaves_it_open(workspace: Workspace) -> None:
    code = """
import os, sys
import mlops_ext as mlops
mlops.log_param("parent", 1)
child = os.fork()
if child == 0:
    mlops.log_param("child", 2)
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
assert mlops.active_run().status == "running"
"""
    subprocess.run([sys.executable, "-c", code], check=True, env=environment(), timeout=60)
    run = only_run(workspace)
    assert (run.status, run.parameters) == ("succeeded", {"child": "2", "parent": "1"})


@sqlite_only
@pytest.mark.parametrize(
    ("ending", "status"), [("1/0", "failed"), ("pass", "succeeded"), ("raise SystemExit", "succeeded")]
)
def test_a_script_closes_its_run_as_it_ends(workspace: Workspace, ending: str, status: str) -> None:
    code = f"import mlops_ext as mlops\nmlops.log_param('lr', 1)\n{ending}"
    subprocess.run([sys.executable, "-c", code], check=False, env=environment(), timeout=60, capture_output=True)
    assert only_run(workspace).status == status


def papermill(workspace: Workspace, cells: list[nbformat.NotebookNode], *options: str) -> int:
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, Path("train.ipynb"))
    command = [sys.executable, "-m", "papermill", "train.ipynb", "out.ipynb", "--no-progress-bar", *options]
    return subprocess.run(command, check=False, env=environment(), timeout=120, capture_output=True).returncode


@sqlite_only
def test_plain_papermill_records_the_run_and_what_it_injected(workspace: Workspace) -> None:
    declared = nbformat.v4.new_code_cell("# Parameters\nmonth: int = 1\nseed = 13\nlayers = []\nlimit = 0.0")
    declared.metadata["tags"] = ["parameters"]
    used = nbformat.v4.new_code_cell("import mlops_ext as mlops\nmlops.log_metric('month', month)")
    options = ["-p", "month", "2", "-p", "limit", "inf", "-y", "{layers: [3, 2.5], name: 'it''s', rate: .nan}"]
    assert papermill(workspace, [declared, used], *options) == 0
    run = only_run(workspace)
    assert run.status == "succeeded"
    assert run.metrics == {"month": 2.0}
    assert run.parameters == {
        "month": "2", "limit": '"Infinity"', "layers": "[3, 2.5]", "name": '"it\'s"', "rate": '"NaN"',
    }  # fmt: skip
    assert run.notebook == "train.ipynb"


@sqlite_only
def test_a_notebook_that_fails_under_plain_papermill_leaves_a_failed_run(workspace: Workspace) -> None:
    cells = [
        "import mlops_ext as mlops\nmlops.log_param('lr', 1)",
        "raise RuntimeError('no data')",
        "mlops.log_param('x', 1)",
    ]
    assert papermill(workspace, [nbformat.v4.new_code_cell(source) for source in cells]) == 1
    run = only_run(workspace)
    assert (run.status, run.error, run.parameters) == ("failed", "RuntimeError: no data", {"lr": "1"})
