"""Runs on Dask workers that share nothing with the workspace but the scheduler: results, cancelling, lost workers."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

from mlops_ext.datasets.edge import snapshot
from mlops_ext.errors import InvalidValue, StoreUnavailable
from mlops_ext.models import service as registry
from mlops_ext.models.types import ShowVersion
from mlops_ext.runs import edge, service
from mlops_ext.runs.remote.cluster import cluster_at
from mlops_ext.runs.types import CancelJob, Job, ShowJob
from mlops_ext.tracking.types import Run
from mlops_ext.workspace import Workspace
from tests.runs.writing import write_notebook

distributed = pytest.importorskip("distributed")
WAIT = 400.0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Two workers, each a process with folders of its own, that know nothing of the workspace."""
    alone = tmp_path_factory.mktemp("workers")
    before = {name: os.environ.pop(name, None) for name in ("MLOPS_WORKSPACE", "MLOPS_CATALOG")}
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        local_directory=str(alone),
        dashboard_address=None,
        host="127.0.0.1",
    ) as made:
        os.environ.update({name: value for name, value in before.items() if value})
        yield made


@pytest.fixture
def url(cluster: Any) -> str:
    return str(cluster.scheduler_address).replace("tcp://", "dask://")


def run_on(url: str, job: Job, ws: Workspace) -> Job:
    with cluster_at(url) as place:
        return edge.run_job(job, workspace=ws, place=place)


def started(ws: Workspace, job: str, mark: Path) -> None:
    """Wait until the notebook has made a file."""
    until = time.monotonic() + WAIT
    while not mark.exists():
        assert time.monotonic() < until, ws.call(service.show, ShowJob(job=job))
        threading.Event().wait(0.05)


def test_a_run_reads_and_writes_the_workspace_from_a_worker_without_its_disk(ws: Workspace, url: str) -> None:
    snapshot(pd.DataFrame({"x": [1, 2, 3]}), "numbers", workspace=ws)
    (ws.root / "nb" / "factor.py").write_text("FACTOR = 2\n", encoding="utf-8")
    code = (
        "import os\nfrom pathlib import Path\nimport mlops_ext as mlops\nfrom factor import FACTOR\n"
        "rows = mlops.load('numbers')\nprint('here', Path.cwd())\n"
        "mlops.log_metric('sum', float(rows['x'].sum()) * FACTOR * times)\n"
        "mlops.register(lambda x: x, 'same', metrics={'rows': float(len(rows))})\n"
        "assert not Path(os.environ['MLOPS_WORKSPACE'], '.mlops', 'catalog.db').exists()"
    )
    write_notebook(ws.root / "nb" / "train.ipynb", ("times: int = 1", "parameters"), code)
    run = edge.run("nb/train.ipynb", "out.ipynb", {"times": 7}, on=url, workspace=ws)
    assert isinstance(run, Run)
    assert (run.status, run.metrics) == ("succeeded", {"sum": 84.0}), run
    assert run.inputs == ("dataset:numbers@1",)
    version = ws.call(registry.version, ShowVersion(model="same"))
    assert (version.run, version.metrics) == (run.id, {"rows": 3.0, "sum": 84.0})
    executed = (ws.root / "out.ipynb").read_text(encoding="utf-8")
    assert "here" in executed
    assert f"here {ws.root}" not in executed, "it worked in a folder of its own"
    failed = write_notebook(ws.root / "nb" / "bad.ipynb", "1 / 0")
    bad = edge.run(failed, on=url, workspace=ws)
    assert isinstance(bad, Run)
    assert (bad.status, "ZeroDivisionError" in bad.error) == ("failed", True)


def test_a_running_job_is_cancelled_and_leaves_no_process(ws: Workspace, url: str, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    code = f"import os, time\nopen({str(mark)!r}, 'w').write(str(os.getpid()))\nwhile True:\n    time.sleep(0.1)"
    write_notebook(ws.root / "nb" / "long.ipynb", code)
    job = edge.queue("nb/long.ipynb", workspace=ws)
    ended: list[Job] = []
    thread = threading.Thread(target=lambda: ended.append(run_on(url, job, ws)))
    thread.start()
    started(ws, job.id, mark)
    ws.call(service.cancel, CancelJob(job=job.id))
    thread.join(WAIT)
    assert [each.status for each in ended] == ["cancelled"]
    assert not psutil.pid_exists(int(mark.read_text())), "the kernel on the worker has ended"


def test_a_killed_worker_loses_one_attempt_and_the_policy_gives_another(
    ws: Workspace, url: str, cluster: Any, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    code = (
        f"import os, time\nfrom pathlib import Path\nmark = Path({str(mark)!r})\n"
        "if not mark.exists():\n    mark.write_text(str(os.getpid()))\n    time.sleep(600)\nprint('second')"
    )
    write_notebook(ws.root / "nb" / "twice.ipynb", code)
    job = edge.queue("nb/twice.ipynb", workspace=ws, retries=1)
    ended: list[Job] = []
    thread = threading.Thread(target=lambda: ended.append(run_on(url, job, ws)))
    thread.start()
    started(ws, job.id, mark)
    kernel = psutil.Process(int(mark.read_text()))
    workers = {each.process.pid for each in cluster.workers.values()}
    [worker] = [each.pid for each in kernel.parents() if each.pid in workers]
    os.kill(worker, signal.SIGKILL)
    thread.join(WAIT)
    assert [(each.status, each.attempt) for each in ended] == [("succeeded", 2)]
    assert not kernel.is_running(), "what the dead worker had started is gone"


@pytest.mark.parametrize(
    ("url", "says"),
    [("dask://nowhere", "names no cluster"), ("tcp://host:1", "names no cluster"), ("dask://h:x", "names no cluster")],
)
def test_a_wrong_url_is_said_to_be_so(ws: Workspace, url: str, says: str) -> None:
    write_notebook(ws.root / "nb" / "one.ipynb", "1")
    with pytest.raises(InvalidValue, match=says):
        edge.run("nb/one.ipynb", on=url, workspace=ws)


def test_a_scheduler_without_workers_and_none_at_all_are_told_apart(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlops_ext.runs.remote.cluster._CONNECT_SECONDS", 1)
    write_notebook(ws.root / "nb" / "one.ipynb", "1")
    with pytest.raises(StoreUnavailable, match=r"no Dask scheduler answers at dask://127\.0\.0\.1:9"):
        edge.run("nb/one.ipynb", on="dask://127.0.0.1:9", workspace=ws)
    with distributed.LocalCluster(
        n_workers=0, processes=False, dashboard_address=None, host="127.0.0.1", protocol="tcp"
    ) as empty:
        where = str(empty.scheduler_address).replace("tcp://", "dask://")
        with pytest.raises(StoreUnavailable, match="has no workers"):
            edge.run("nb/one.ipynb", on=where, workspace=ws)
