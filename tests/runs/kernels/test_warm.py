"""Kernels forked from a warm parent behave as if started, and nothing of them is left."""

from __future__ import annotations

import json
import os
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from mlops_ext.runs import edge, service
from mlops_ext.runs.attempts.attempt import stores_of
from mlops_ext.runs.attempts.rehearsal import rehearse
from mlops_ext.runs.ci.running import CiOptions, check_notebooks
from mlops_ext.runs.kernels import parent
from mlops_ext.runs.kernels.imports import imports_of
from mlops_ext.runs.kernels.warm import Parents
from mlops_ext.runs.notebooks.files import Cell
from mlops_ext.runs.queue.worker import Worker
from mlops_ext.runs.types import Job, ListJobs, ShowJob, SubmitJob
from mlops_ext.workspace import Workspace
from tests.runs.leftovers import left_over, new_mark, sleeper
from tests.runs.writing import write_notebook

linux = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")
PROBE = """
import json, os, random, signal, sys, threading
import numpy as np
found = {
    "forked": "parent.py" in open("/proc/self/cmdline").read(), "cwd": os.getcwd(), "random": random.random(),
    "numpy": np.random.random(), "run": os.environ["MLOPS_RUN"], "attempt": os.environ["MLOPS_ATTEMPT"],
    "session": os.getsid(0) == os.getpid(), "path": [p for p in sys.path if "mlops_ext/runs" in p],
    "interrupt": signal.getsignal(signal.SIGINT) is signal.default_int_handler, "pid": os.getpid(),
    "stdin": os.readlink("/proc/self/fd/0"), "sum": float((np.ones((300, 300)) @ np.ones((300, 300))).sum()),

}
json.dump(found, open(f"probe-{os.getpid()}.json", "w"))
left_open = open("left-open.txt", "a")
left_open.write("kept ")
import atexit
atexit.register(lambda: open("at-exit.txt", "a").write("x"))
""".strip()


def work(ws: Workspace, *queued: Job) -> list[Job]:
    Worker(ws, 2).run(until_idle=True)
    return [ws.call(service.show, ShowJob(job=job.id)) for job in queued]


def probes(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob("probe-*.json"))]


@linux
def test_forked_kernels_differ_where_they_must_and_leave_nothing(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ws.root / "nb").mkdir(exist_ok=True)
    mark = new_mark()
    # Warm parents and what they fork inherit it.
    monkeypatch.setenv("MLOPS_TEST_MARK", mark)
    write_notebook(ws.root / "nb" / "it.ipynb", PROBE)
    write_notebook(
        ws.root / "nb" / "orphan.ipynb",
        f"{sleeper(mark)}\nopen('/proc/self/environ').read().index('{mark}')\nimport os; os._exit(3)",
    )
    queued = [edge.queue("nb/it.ipynb", workspace=ws) for _ in range(3)]
    queued.append(edge.queue("nb/orphan.ipynb", workspace=ws))
    *same, died = work(ws, *queued)
    assert [job.status for job in same] == ["succeeded"] * 3, same[0].error
    assert (died.status, "exited with code 3" in died.error) == ("kernel_died", True), died.error
    found = probes(ws.root / "nb")
    for name in ("random", "numpy", "run", "attempt", "pid"):
        assert len({each[name] for each in found}) == 3, name
    assert {(each["forked"], each["cwd"], each["session"], each["interrupt"]) for each in found} == {
        (True, str(ws.root / "nb"), True, True)
    }
    assert {(tuple(each["path"]), each["stdin"], each["sum"]) for each in found} == {((), "/dev/null", 300.0**3)}
    assert (ws.root / "nb" / "left-open.txt").read_text() == "kept " * 3, "a file left open is written"
    assert (ws.root / "nb" / "at-exit.txt").read_text() == "xxx"
    monkeypatch.delenv("MLOPS_TEST_MARK")
    assert left_over(mark) == []
    assert not list((ws.home / "jobs").iterdir())


@linux
def test_a_worker_with_more_than_a_thousand_open_files_forks_too(ws: Workspace) -> None:
    write_notebook(ws.root / "nb" / "it.ipynb", PROBE)
    queued = edge.queue("nb/it.ipynb", workspace=ws)
    with ExitStack() as stack:
        while stack.enter_context(Path(os.devnull).open()).fileno() <= 1023:
            pass
        [ended] = work(ws, queued)
    assert ended.status == "succeeded", ended.error
    assert [each["forked"] for each in probes(ws.root / "nb")] == [True]


@linux
def test_a_module_of_the_notebooks_own_and_a_cold_job_start_cold(ws: Workspace) -> None:
    (ws.root / "nb").mkdir(exist_ok=True)
    write_notebook(ws.root / "nb" / "it.ipynb", PROBE)
    cold = ws.call(service.submit, SubmitJob(notebook="nb/it.ipynb", cold=True))
    (ws.root / "nb" / "joblib.py").write_text("OWN = 1")
    write_notebook(ws.root / "nb" / "own.ipynb", "import joblib\nassert joblib.OWN == 1")
    own = edge.queue("nb/own.ipynb", workspace=ws)
    ended = work(ws, cold, own)
    assert [job.status for job in ended] == ["succeeded"] * 2, [job.error for job in ended]
    assert [each["forked"] for each in probes(ws.root / "nb")] == [False]


def test_a_rehearsal_passes_through_and_touches_no_other_workspace(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notebook(ws.root / "it.ipynb", "1")
    job = edge.queue("it.ipynb", workspace=ws)
    # Whatever the environment names: the rehearsal brings its own.
    named = {"MLOPS_CATALOG": f"sqlite:///{ws.home / 'catalog.db'}", "MLOPS_WORKSPACE": str(ws.root), **stores_of(ws)}
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    rehearse()
    assert [each.id for each in ws.call(service.list_jobs, ListJobs()).items] == [job.id]
    assert ws.call(service.show, ShowJob(job=job.id)).status == "queued"


@pytest.mark.fast
def test_a_kernel_that_ends_waits_for_the_thread_that_answers_while_its_output_still_goes() -> None:
    class Answering(threading.Thread):
        def __init__(self) -> None:
            super().__init__(name="Control", daemon=True)
            self.asked = threading.Event()

        def run(self) -> None:
            self.asked.wait()

        def stop(self) -> None:
            self.asked.set()

    thread = Answering()
    thread.start()
    parent._end_control()
    assert not thread.is_alive()


@pytest.mark.fast
@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (["import numpy as np, torch\nfrom pandas import DataFrame"], ("numpy", "pandas")),
        (["from . import x\nfrom sklearn.svm import SVC", "import scipy.stats"], ("scipy.stats", "sklearn.svm")),
        (["import os\nos.environ['OMP_NUM_THREADS'] = '1'", "import numpy"], ()),
        (["%pip install pandas", "import pandas"], ()),
        (["import pandas", "import sys; sys.path.insert(0, 'lib')", "import scipy"], ("pandas",)),
        (["%matplotlib inline\nimport numpy", "this is no Python"], ("numpy",)),
        (["def late():\n    import pandas"], ()),
    ],
)
def test_the_import_set_ends_where_the_stage_is_set(sources: list[str], expected: tuple[str, ...]) -> None:
    assert imports_of([Cell(source, ()) for source in sources]) == expected


@linux
def test_checked_notebooks_with_equal_imports_share_one_warm_parent(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    start = Parents._start

    def noted(self: Parents, python: str, task: dict[str, Any]) -> Any:
        started.append(task["modules"])
        return start(self, python, task)

    monkeypatch.setattr(Parents, "_start", noted)
    paths = [write_notebook(ws.root / f"{name}.ipynb", "import json") for name in "abc"]
    checked = check_notebooks(ws, paths, CiOptions(jobs=3))
    assert [each.status for each in checked.notebooks] == ["succeeded"] * 3
    assert sorted(started) == [["ipykernel.kernelapp", "ipykernel.zmqshell"], ["mlops_ext.runs.attempts.child"]]
