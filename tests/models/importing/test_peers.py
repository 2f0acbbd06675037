"""The same from a database and from a real MLflow server: all of it, once, verified, and on after a kill -9."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops_ext.models.importing.edge import import_mlflow
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import ListRuns
from mlops_ext.workspace import Workspace
from tests.models.importing.conftest import Filled, fill

pytest.importorskip("mlflow.server", reason="the server needs the package mlflow, not mlflow-skinny")

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.deep]


@pytest.fixture(scope="module", params=["server", "database"])
def peer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    folder = tmp_path_factory.mktemp("mlflow")
    if request.param == "database":
        yield fill(f"sqlite:///{folder}/mlflow.db", folder)
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder / "art")]
    quiet = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=quiet, start_new_session=True)
    try:
        _wait(f"http://127.0.0.1:{port}/health", process, folder / "log")
        yield fill(f"http://127.0.0.1:{port}")
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_all_of_it_comes_over_once(peer: Filled, workspace: Workspace) -> None:
    report = import_mlflow(peer.uri, workspace=workspace)
    assert report.differences == ()
    again = import_mlflow(peer.uri, workspace=workspace)
    assert again.verified
    counts = {each.kind: each for each in again.counts}
    assert all(each.imported == 0 for each in counts.values())
    assert (counts["experiment"].known, counts["run"].known, counts["version"].known) == (4, 6, 2)
    assert not Path("mlruns").exists()


def test_an_import_that_was_killed_goes_on(peer: Filled, workspace: Workspace, tmp_path: Path) -> None:
    code = (
        "import os, signal\n"
        "from mlops_ext.models.importing import edge, runs\n"
        "whole = runs._end\n"
        "runs._end = lambda *given: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"edge.import_mlflow({peer.uri!r})\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=120)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    assert [run.status for run in workspace.call(tracking.list_, ListRuns())] == ["running"]
    report = import_mlflow(peer.uri, workspace=workspace)
    assert report.differences == ()
    statuses = [run.status for run in workspace.call(tracking.list_, ListRuns())]
    assert sorted(statuses) == ["failed", "lost", "succeeded", "succeeded"]


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    pytest.fail(log.read_text(errors="replace"))
