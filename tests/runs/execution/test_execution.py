"""Real kernels. What cells did is judged by what they wrote to a file, not by what the run says of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import nbformat
import psutil
from sqlalchemy import update

from mlops_ext.records import now
from mlops_ext.runs import edge, service
from mlops_ext.runs.attempts import processes
from mlops_ext.runs.queue.worker import Worker
from mlops_ext.runs.tables import jobs
from mlops_ext.runs.types import CancelJob, Job, ShowJob, SubmitJob
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import ListRuns, Run
from mlops_ext.workspace import Workspace
from tests.runs.leftovers import left_over, new_mark, sleeper
from tests.runs.writing import write_notebook

WROTE = "open('wrote.txt', 'a').write('{} ')"


def run(ws: Workspace, *cells: Any, kernel: str | None = "python3", **options: Any) -> Run:
    write_notebook(ws.root / "nb" / "it.ipynb", *cells, kernel=kernel)
    result = edge.run("nb/it.ipynb", workspace=ws, **options)
    assert isinstance(result, Run)
    return result


def wrote(ws: Workspace) -> list[str]:
    path = ws.root / "nb" / "wrote.txt"
    return path.read_text().split() if path.exists() else []


def states(run: Run) -> list[str]:
    return [cell.status for cell in run.cells]


def wait_until(true: Callable[[], Any], seconds: float = 90) -> Any:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := true():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def test_a_run_records_what_happened(ws: Workspace) -> None:
    seen: list[tuple[int, int]] = []
    done = run(
        ws,
        (
            "from datetime import date\nmonth: int = 1\nrate: float = 0.5\nday: date | None = None\nname: str = ''",
            "parameters",
        ),
        "#md nothing",
        "import json, datetime, os\nassert day == datetime.date(2013, 1, 31)\n"
        + WROTE.replace("'{} '", "f'{month}-{name} '"),
        "import mlops_ext as mlops; mlops.log_metric('auc', 0.75)",
        ("1 / 0", "raises-exception"),
        "await __import__('asyncio').sleep(0)\nimport sys; sys.exit(0)",
        WROTE.format("never"),
        parameters={"month": "2", "day": "2013-01-31", "name": "007"},
        on_progress=lambda cell, total, _seconds: seen.append((cell, total)),
    )
    assert (done.status, done.error) == ("succeeded", "")
    assert wrote(ws) == ["2-007"], "cwd is the notebook's folder, and text stays text"
    assert states(done) == ["ok", "ok", "ok", "ok", "ok", "not_run"]
    assert done.metrics == {"auc": 0.75}
    assert done.parameters == {"month": "2", "rate": "0.5", "day": '"2013-01-31"', "name": '"007"'}
    assert seen[0] == (0, 6)
    assert seen[-1][1] == 6
    job = ws.call(service.show, ShowJob(job=done.job))
    output = ws.root / job.output
    assert output.parent == ws.root / "runs"
    assert output.read_bytes() == ws.get_blob(str(done.output))
    nb = nbformat.read(output, as_version=4)
    nbformat.validate(nb)
    assert [cell.metadata.papermill.status for cell in nb.cells][-1] == "pending", "it never ran"
    assert not list((ws.home / "jobs").iterdir())
    assert [path.name for path in output.parent.iterdir()] == [output.name], "no temporary file is left"


def test_a_failing_cell_is_named_with_its_line(ws: Workspace) -> None:
    done = run(
        ws,
        ("a = 1", "parameters"),
        WROTE.format("one"),
        "x = 1\nraise ValueError('no luck')",
        WROTE.format("two"),
        parameters={"a": 2},
    )
    assert wrote(ws) == ["one"]
    assert done.status == "failed"
    assert done.error == "cell 3, line 2: ValueError: no luck"
    assert states(done) == ["ok", "ok", "failed", "not_run"]


def test_a_kernel_killed_in_a_cell_is_said_to_have_died(ws: Workspace) -> None:
    done = run(ws, WROTE.format("one"), "import os; os.kill(os.getpid(), 9)", WROTE.format("two"), kernel="gone-kernel")
    assert wrote(ws) == ["one"]
    assert (done.status, states(done)) == ("kernel_died", ["ok", "failed", "not_run"])
    assert "cell 2" in done.error
    assert "SIGKILL" in done.error
    assert "gone-kernel" in done.tags["warning"], "another kernel than the one it names was taken"


def test_a_timeout_ends_a_cell_that_resists_and_its_children(ws: Workspace) -> None:
    mark = new_mark()
    resisting = "while True:\n    try:\n        time.sleep(1)\n    except KeyboardInterrupt:\n        pass"
    write_notebook(
        ws.root / "nb" / "it.ipynb", f"{sleeper(mark)}\n" + WROTE.format("one"), f"import time\n{resisting}", "1"
    )
    job = ws.call(service.submit, SubmitJob(notebook="nb/it.ipynb", timeout_seconds=15))
    ended = edge.run_job(job, workspace=ws)
    assert wrote(ws) == ["one"]
    assert ended.status == "timed_out"
    assert left_over(mark) == []
    [record] = ws.call(tracking.list_, ListRuns())
    assert (record.status, states(record)) == ("timed_out", ["ok", "interrupted", "not_run"])


def test_cancelling_interrupts_the_cell_and_leaves_no_process(ws: Workspace) -> None:
    mark = new_mark()
    write_notebook(
        ws.root / "nb" / "it.ipynb", f"{sleeper(mark)}\n" + WROTE.format("one"), "import time; time.sleep(500)", "1"
    )
    job = ws.call(service.submit, SubmitJob(notebook="nb/it.ipynb"))
    ended: list[Job] = []
    thread = threading.Thread(target=lambda: ended.append(edge.run_job(job, workspace=ws)))
    thread.start()
    wait_until(lambda: wrote(ws))
    assert left_over(mark)
    ws.call(service.cancel, CancelJob(job=job.id))
    began = time.monotonic()
    thread.join(60)
    assert time.monotonic() - began < 30
    assert ended[0].status == "cancelled"
    assert left_over(mark) == []
    [record] = ws.call(tracking.list_, ListRuns())
    assert record.status == "cancelled"
    assert states(record)[-1] == "not_run"


WORKER = """
import sys
from mlops_ext.runs.queue.worker import Worker
from mlops_ext.workspace import Workspace
Worker(Workspace.find()).run(until_idle=True)
"""


def start_worker() -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, "-c", WORKER], env=environment)


def test_a_run_outlives_its_worker(ws: Workspace) -> None:
    write_notebook(ws.root / "nb" / "it.ipynb", WROTE.format("one"), "import time; time.sleep(4)", WROTE.format("two"))
    job = ws.call(service.submit, SubmitJob(notebook="nb/it.ipynb", max_attempts=2))
    worker = start_worker()
    wait_until(lambda: wrote(ws))
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    ended = wait_until(lambda: (found := ws.call(service.show, ShowJob(job=job.id))).status != "running" and found)
    assert (ended.status, ended.attempt, wrote(ws)) == ("succeeded", 1, ["one", "two"])


def test_a_run_killed_with_its_worker_is_tried_again_once(ws: Workspace) -> None:
    write_notebook(
        ws.root / "nb" / "it.ipynb",
        WROTE.format("one"),
        "import time; time.sleep(0 if len(open('wrote.txt').read().split()) > 1 else 300)",
    )
    job = ws.call(service.submit, SubmitJob(notebook="nb/it.ipynb", max_attempts=2))
    worker = start_worker()
    wait_until(lambda: wrote(ws) and ws.call(service.show, ShowJob(job=job.id)).run)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    for process in processes.marked(f"{job.id}.1"):
        with suppress(psutil.NoSuchProcess):  # a parent that was killed before may have taken it along
            process.kill()
    past = update(jobs).where(jobs.c.id == job.id).values(lease_until=now())
    ws.catalog.measure(lambda change: change.execute(past))
    Worker(ws).run(until_idle=True)
    ended = ws.call(service.show, ShowJob(job=job.id))
    assert (ended.status, ended.attempt, wrote(ws)) == ("succeeded", 2, ["one", "one"])
    found = list(ws.call(tracking.list_, ListRuns()))
    assert [each.status for each in found] == ["succeeded", "lost"]
    assert found[1].output is not None, "what it had saved is kept"


def test_papermill_itself_runs_with_our_engine(ws: Workspace) -> None:
    write_notebook(ws.root / "nb" / "it.ipynb", ("month = 1", "parameters"), "print(month)", "1 / 0", "2")
    program = (
        "from papermill.engines import papermill_engines as e; from mlops_ext.runs.execution.engine import MlopsEngine;"
        "e.register('mlops', MlopsEngine); from papermill.cli import papermill; papermill()"
    )
    arguments = ["--engine", "mlops", "nb/it.ipynb", "out.ipynb", "-p", "month", "2", "--cwd", "nb"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "ZeroDivisionError" in done.stderr
    [record] = ws.call(tracking.list_, ListRuns())
    assert (record.status, record.parameters, states(record)) == (
        "failed",
        {"month": "2"},
        ["ok", "ok", "failed", "not_run"],
    )
    assert record.output is not None
    assert json.loads((ws.root / "out.ipynb").read_text())["metadata"]["mlops"]["run"] == record.id


def test_a_secret_reaches_the_kernel_and_no_file(ws: Workspace) -> None:
    cells = (('api_key: str = ""', "parameters"), "print(api_key)\nopen('wrote.txt', 'w').write(api_key[::-1])")
    done = run(ws, *cells, parameters={"api_key": "hunter-22"})
    assert wrote(ws) == ["22-retnuh"]
    assert done.parameters == {"api_key": '"***"'}
    files = [path for path in ws.root.rglob("*") if path.is_file()]
    assert [path for path in files if b"hunter-22" in path.read_bytes()] == []


def test_a_secret_that_no_worker_knows_rejects_the_job(ws: Workspace) -> None:
    write_notebook(ws.root / "nb" / "it.ipynb", ('api_key: str = ""', "parameters"), WROTE.format("one"))
    job = ws.call(service.submit, SubmitJob(notebook="nb/it.ipynb", parameters={"api_key": "hunter-22"}))
    Worker(ws).run(until_idle=True)
    ended = ws.call(service.show, ShowJob(job=job.id))
    assert (ended.status, wrote(ws)) == ("rejected", [])
    assert "MLOPS_SECRET_API_KEY" in ended.error
