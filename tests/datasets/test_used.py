"""What a process remembers of the data it used, and of the run under way."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from mlops_ext.datasets import used


@pytest.fixture(autouse=True)
def no_run(monkeypatch):
    monkeypatch.delenv("MLOPS_RUN", raising=False)
    yield
    used.set_run("")


def in_thread(function):
    found = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


def test_the_latest_use_stands_last():
    for ref in ("p@1", "q@1", "p@1"):
        used.remember(ref, Path("/used/here"))
    used.remember("r@1", Path("/used/there"))
    assert used.used(Path("/used/here")) == ("q@1", "p@1")
    assert used.used()[-3:] == ("q@1", "p@1", "r@1")


def test_other_threads_see_the_run_of_the_process():
    used.set_run("shared")
    assert in_thread(used.current_run) == "shared"


def test_a_run_of_a_thread_is_its_own():
    used.set_run("shared")

    def nested():
        used.set_run("nested")
        return used.current_run()

    assert in_thread(nested) == "nested"
    assert used.current_run() == "shared"


def test_a_run_in_the_environment_counts_when_none_was_set(monkeypatch):
    monkeypatch.setenv("MLOPS_RUN", "outer")
    assert used.current_run() == "outer"
    used.set_run("inner")
    assert used.current_run() == "inner"
