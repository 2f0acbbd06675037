"""Memory: limits that hold, and no word of its want without evidence."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from mlops_ext.runs import edge
from mlops_ext.runs.execution import memory
from mlops_ext.runs.execution.memory import Memory
from mlops_ext.tracking.types import Run
from mlops_ext.workspace import Workspace
from tests.runs.writing import write_notebook

TAKE = "import subprocess, sys\nkept = bytearray({} * 2**20)"


@pytest.fixture
def cgroups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make what looks like a delegated cgroup of version 2."""
    root = tmp_path / "cgroup"
    (root / "app" / "own").mkdir(parents=True)
    (root / "cgroup.controllers").write_text("cpu memory")
    (root / "app" / "cgroup.subtree_control").write_text("memory")
    (root / "app" / "own" / "cgroup.subtree_control").write_text("")
    (tmp_path / "membership").write_text("0::/app/own\n")
    monkeypatch.setattr(memory, "_CGROUPS", root)
    monkeypatch.setattr(memory, "_MEMBERSHIP", tmp_path / "membership")
    monkeypatch.setattr(memory, "_SYSTEM_LOG", tmp_path / "kmsg")
    return root


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of a process is Linux's")
def test_a_cell_that_takes_more_than_it_may_fails_and_the_limit_is_named(ws: Workspace) -> None:
    write_notebook(ws.root / "nb" / "it.ipynb", TAKE.format(100), TAKE.format(2000), "1")
    run = edge.run("nb/it.ipynb", memory="1GiB", workspace=ws)
    assert isinstance(run, Run)
    assert (run.status, [cell.status for cell in run.cells]) == ("failed", ["ok", "failed", "not_run"])
    assert "cell 2, line 2: MemoryError" in run.error
    assert run.error.endswith("the limit is 1GiB of memory")


@pytest.mark.fast
def test_where_a_cgroup_can_be_made_the_kernel_is_put_into_it(cgroups: Path) -> None:
    held = Memory("2GiB", "job.1")
    assert held.hold(4711) == ""
    group = cgroups / "app" / "mlops-job.1"
    assert (group / "memory.max").read_text() == str(2 * 2**30)
    assert (group / "cgroup.procs").read_text() == "4711"
    assert held.evidence(4711) == ""
    (group / "memory.events").write_text("low 0\nhigh 0\nmax 9\noom 1\noom_kill 1\n")
    assert held.evidence(4711) == ("out of memory: the system counts a process killed for reaching the limit of 2GiB")


@pytest.mark.fast
def test_without_a_limit_only_a_kill_since_the_beginning_counts(cgroups: Path) -> None:
    events = cgroups / "app" / "own" / "memory.events"
    events.write_text("oom_kill 3\n")
    held = Memory("", "job.1")
    held.hold(4711)
    assert held.evidence(4711) == ""
    events.write_text("oom_kill 4\n")
    assert held.evidence(4711).startswith("out of memory: ")


@pytest.mark.fast
@pytest.mark.parametrize(
    ("pid", "seconds", "counts"), [(4711, 10**9, True), (471, 10**9, False), (4711, -(10**9), False)]
)
def test_the_log_of_the_system_counts_for_this_process_and_this_run(
    cgroups: Path, pid: int, seconds: int, counts: bool
) -> None:
    held = Memory("", "job.1")
    stamp = int((held._began + seconds) * 1e6)
    (cgroups.parent / "kmsg").write_text(f"3,1,{stamp},-;Out of memory: Killed process 4711 (python) total-vm:1kB\n")
    assert bool(held.evidence(pid)) is counts


@pytest.mark.fast
def test_a_process_without_a_limit_is_left_alone(cgroups: Path) -> None:
    assert Memory("", "job.1").hold(os.getpid()) == ""
    assert not (cgroups / "app" / "mlops-job.1").exists()
