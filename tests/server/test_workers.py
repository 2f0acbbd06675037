"""A worker on demand: one at a time, and one more for who asks while it runs."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from mlops_ext.server.host import Host
from mlops_ext.server.workers import WorkerKeeper
from tests.server.conftest import Ask


def test_who_asks_while_one_runs_gets_one_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, alive, most, go = [], 0, 0, threading.Event()

    def work(self: WorkerKeeper) -> None:
        nonlocal alive, most
        alive += 1
        most = max(most, alive)
        runs.append(1)
        go.wait(10)
        alive -= 1

    monkeypatch.setattr(WorkerKeeper, "_run", work)
    keeper = WorkerKeeper(tmp_path)
    keeper.ensure()
    while not runs:
        time.sleep(0.01)
    for _ in range(5):
        keeper.ensure()
    go.set()
    deadline = time.monotonic() + 10
    while keeper._thread is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (len(runs), most) == (2, 1)
    keeper.ensure()
    while len(runs) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(runs) == 3


def test_a_submitted_job_asks_for_a_worker_and_others_do_not(
    ask: Ask, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import nbformat

    asked: list[Any] = []

    def ensure(keeper: WorkerKeeper) -> None:
        asked.append(keeper)

    monkeypatch.setattr(WorkerKeeper, "ensure", ensure)
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("1")], metadata={"kernelspec": {"name": "python3", "display_name": "p"}}
    )
    nbformat.write(notebook, folder / "a.ipynb")
    ask("POST", "runs", {})
    assert ask("POST", "jobs", {"notebook": "nowhere.ipynb"}).code in (400, 404)
    assert not asked
    submitted = ask("POST", "jobs", {"notebook": "a.ipynb"})
    assert submitted.code == 200, submitted.body
    assert len(asked) == 1


def test_an_event_that_a_trigger_waits_for_asks_for_a_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[WorkerKeeper] = []

    def ensure(keeper: WorkerKeeper) -> None:
        asked.append(keeper)

    monkeypatch.setattr(WorkerKeeper, "ensure", ensure)
    monkeypatch.setenv("MLOPS_WORKSPACE", str(tmp_path))
    (tmp_path / "mlops.toml").write_text('version = 1\n\n[[triggers]]\non = "alert.raised"\nnotebook = "train.ipynb"\n')
    host = Host(tmp_path, threads=1, max_body=1, max_blob=1)
    host.follow({"model.registered", "run.ended"})
    assert not asked
    host.follow({"run.ended", "alert.raised"})
    host.follow({""})
    assert len(asked) == 2
