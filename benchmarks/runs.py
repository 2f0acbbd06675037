"""What running notebooks costs beside their cells: python -m benchmarks.runs

Twenty short scikit-learn runs by one worker, against the same cells executed in one process (their own CPU) and
against papermill's command, one process a run. CPU seconds of all processes of each side count, kernels and warm
parents included, and all sides find bytecode, as in an environment that was used before. Then one trivial notebook
in a worker that is warm, two hundred cells, and how long fifty jobs take to be cancelled: queued ones, and running
ones until the last of their processes is gone.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.frame import Report, Size, run
from mlops_ext.runs import edge, service
from mlops_ext.runs.attempts.attempt import handed_down
from mlops_ext.runs.kernels.warm import Parents
from mlops_ext.runs.queue.worker import Worker
from mlops_ext.runs.types import CancelJobs, Job, ShowJob
from mlops_ext.workspace import Workspace

RUNS = 20
JOBS = 50
CELLS_BOUND, PAPERMILL_BOUND, TRIVIAL_BOUND, CELL_BOUND, CANCEL_BOUND = 2.5, 20.0, 0.5, 10.0, 5.0
IMPORTS = """import numpy as np, pandas as pd
from sklearn.linear_model import Ridge
from sklearn.ensemble import RandomForestRegressor"""
CELLS = (
    """rng = np.random.default_rng(0)
X = pd.DataFrame(rng.normal(size=(2000, 10)), columns=list('abcdefghij'))
y = X.sum(axis=1) + rng.normal(size=2000)""",
    "ridge = Ridge(alpha=alpha).fit(X, y)\nforest = RandomForestRegressor(20, random_state=0).fit(X, y)",
    "print(ridge.score(X, y), forest.score(X, y))",
)


def write(path: Path, *sources: str) -> None:
    """Write a notebook whose first cell holds the parameters."""
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [
        {
            "id": f"c{number}",
            "cell_type": "code",
            "metadata": {"tags": ["parameters"] if not number else []},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate(sources)
    ]
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": spec}, "cells": cells}
    path.write_text(json.dumps(content), encoding="utf-8")


def cpu_of(work: Callable[[], object]) -> float:
    """Give the CPU seconds of the processes that a piece of work starts and waits for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def cells_alone() -> float:
    """Give the CPU seconds of the cells of all runs, their imports done."""
    program = (
        f"import time\n{IMPORTS}\ncells = compile({chr(10).join(CELLS)!r}, 'cells', 'exec')\n"
        "exec(cells, {**globals(), 'alpha': 1.0, 'print': lambda *_: None})\nbegan = time.process_time()\n"
        f"for alpha in range({RUNS}):\n    exec(cells, {{**globals(), 'alpha': alpha, 'print': lambda *_: None}})\n"
        "print(time.process_time() - began)"
    )
    done = subprocess.run([sys.executable, "-c", program], env=handed_down(), capture_output=True, check=True)
    return float(done.stdout)


def by_worker(ws: Workspace) -> None:
    """Run all that is queued by `mlops worker`."""
    command = [sys.executable, "-m", "mlops_ext.cli.main", "--workspace", str(ws.root), "worker", "--jobs", "2"]
    subprocess.run([*command, "--until-idle"], check=True, capture_output=True)


def by_papermill(folder: Path, runs: int) -> None:
    """Run the notebook by papermill's command, one after the other."""
    for number in range(runs):
        command = [sys.executable, "-m", "papermill", "sk.ipynb", f"out-{number}.ipynb", "-p", "alpha", str(number)]
        subprocess.run(command, check=True, capture_output=True, cwd=folder, env=handed_down())


def seconds_of(ws: Workspace, notebook: str, parents: Parents | None) -> float:
    """Give the wall seconds from the claim of a queued notebook to its end."""
    job = edge.queue(notebook, workspace=ws)
    worker = Worker(ws)
    worker.parents = parents
    began = time.perf_counter()
    ended = worker.run_job(job.id)
    if ended.status != "succeeded":
        raise RuntimeError(f"{notebook}: {ended.error}")
    return time.perf_counter() - began


def cancelled(ws: Workspace, made: list[Job]) -> float:
    """Cancel jobs and give the seconds until all have ended and nothing is left of them."""
    began = time.perf_counter()
    ws.call(service.cancel_many, CancelJobs(jobs=tuple(job.id for job in made)))
    while any(ws.call(service.show, ShowJob(job=job.id)).status != "cancelled" for job in made):
        time.sleep(0.02)
    while any((ws.home / "jobs").glob("*")):
        time.sleep(0.02)
    return time.perf_counter() - began


def cancel_many(report: Report) -> None:
    """Measure what cancelling fifty jobs takes."""
    with tempfile.TemporaryDirectory() as name:
        ws = Workspace(Path(name))
        os.chdir(name)
        write(ws.root / "long.ipynb", "n: int = 0", "import time; open(f'on-{n}', 'w').close(); time.sleep(600)")
        queued = [edge.queue("long.ipynb", workspace=ws) for _ in range(JOBS)]
        report.add(Size(f"{JOBS} queued jobs cancelled", cancelled(ws, queued), "s", CANCEL_BOUND))
        running = [edge.queue("long.ipynb", parameters={"n": number}, workspace=ws) for number in range(JOBS)]
        command = [sys.executable, "-m", "mlops_ext.cli.main", "--workspace", name, "worker", "--jobs", str(JOBS)]
        worker = subprocess.Popen([*command, "--until-idle"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while len(list(ws.root.glob("on-*"))) < JOBS:
            time.sleep(0.1)
        report.add(Size(f"{JOBS} running jobs cancelled", cancelled(ws, running), "s", CANCEL_BOUND))
        worker.wait()


def keep_bytecode(folder: str) -> None:
    """Let all processes share compiled modules: compiling scikit-learn takes longer than importing it."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = folder


def measure(report: Report, rounds: int) -> None:
    """Measure all."""
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as bytecode:
        keep_bytecode(bytecode)
        ws = Workspace(Path(name))
        os.chdir(name)
        write(ws.root / "sk.ipynb", "alpha: float = 1.0", IMPORTS, *CELLS)
        write(ws.root / "trivial.ipynb", "month: int = 1", "print(month)")
        write(ws.root / "long.ipynb", "month: int = 1", *[f"x = {number}" for number in range(199)])
        edge.queue("sk.ipynb", workspace=ws)
        by_worker(ws)
        by_papermill(ws.root, 1)
        alone = cells_alone()
        for number in range(RUNS):
            edge.queue("sk.ipynb", parameters={"alpha": float(number)}, workspace=ws)
        ours = cpu_of(lambda: by_worker(ws))
        # Whatever else the machine does changes what a second of CPU gives.
        alone = (alone + cells_alone()) / 2
        theirs = cpu_of(lambda: by_papermill(ws.root, max(2, rounds))) * RUNS / max(2, rounds)
        report.add(Size(f"CPU of the cells of {RUNS} runs", alone, "s"))
        report.add(Size(f"CPU of {RUNS} runs by a worker, over the cells", ours / alone, "times", CELLS_BOUND))
        report.add(Size(f"CPU of {RUNS} runs by a worker, of papermill's", ours / theirs * 100, "%", PAPERMILL_BOUND))
        parents = Parents(handed_down())
        try:
            seconds_of(ws, "trivial.ipynb", parents)
            trivial = min(seconds_of(ws, "trivial.ipynb", parents) for _ in range(max(3, rounds)))
            long = min(seconds_of(ws, "long.ipynb", parents) for _ in range(max(3, rounds)))
        finally:
            parents.close()
        report.add(Size("a trivial notebook in a warm worker", trivial, "s", TRIVIAL_BOUND))
        report.add(Size("each of 200 cells beyond that", (long - trivial) / 198 * 1e3, "ms", CELL_BOUND))
    cancel_many(report)


if __name__ == "__main__":
    run("runs", measure, rounds=4)
