"""A real MLflow server is filled by MLflow's own client, and what it holds comes over: all of it, once, and verified."""

from __future__ import annotations

import json
import math
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select

import mlops_ext as mlops
from mlops_ext.errors import InvalidValue, StoreUnavailable
from mlops_ext.models import service as registry
from mlops_ext.models.flavors import UntrustedModel
from mlops_ext.models.importing.edge import import_mlflow
from mlops_ext.models.loading import sha256_of
from mlops_ext.models.promotion.types import ApplyPolicy, Policy
from mlops_ext.models.types import SetAlias, ShowModel, ShowVersion
from mlops_ext.store.schema import events
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import ListMetric, ListRuns, Run, ShowRun
from mlops_ext.workspace import Workspace
from tests.models.support import registered

mlflow = pytest.importorskip("mlflow")
pytest.importorskip("mlflow.server", reason="the server needs the package mlflow, not mlflow-skinny")

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder / "art")]
    quiet = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=quiet, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(f"{url}/health", process, folder / "log")
        yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="module")
def filled(server: str) -> dict[str, Any]:
    """What the client of MLflow put into the server."""
    from sklearn.linear_model import LogisticRegression

    mlflow.set_tracking_uri(server)
    mlflow.set_registry_uri(server)
    client = mlflow.MlflowClient()
    rows = np.linspace(0, 1, 40).reshape(20, 2)
    model = LogisticRegression().fit(rows, rows[:, 0] > 0.5)
    mlflow.set_experiment("/Shared/delay")
    with mlflow.start_run(run_name="outer") as outer:
        mlflow.log_params({"depth": 3, "text": "ä 'quoted'"})
        mlflow.set_tag("team", "ops")
        for step, value in enumerate([0.5, 0.9, 0.7]):
            mlflow.log_metric("auc", value, step=step)
        mlflow.log_metric("broken", math.nan, step=-1)
        mlflow.log_metric("endless", math.inf)
        mlflow.log_text("hello", "notes/a.txt")
        mlflow.log_input(mlflow.data.from_numpy(rows, name="rows"), context="train")
        with mlflow.start_run(run_name="inner", nested=True) as inner:
            mlflow.log_text("x" * 300_000, "big.txt")
        known: dict[str, Any] = {"pip_requirements": ["scikit-learn"], "registered_model_name": "delay"}
        safe = mlflow.sklearn.log_model(model, name="safe", serialization_format="skops", **known)
        mlflow.sklearn.log_model(model, name="pickled", serialization_format="cloudpickle", **known)
    failed = client.create_run(outer.info.experiment_id, run_name="failed")
    client.set_terminated(failed.info.run_id, "FAILED")
    going_on = client.create_run(outer.info.experiment_id, run_name="going on")
    gone = client.create_run(outer.info.experiment_id)
    client.delete_run(gone.info.run_id)
    client.update_registered_model("delay", "# Delays")
    client.set_registered_model_tag("delay", "owner", "ann")
    client.update_model_version("delay", "1", "the first")
    client.set_model_version_tag("delay", "1", "checked", "yes")
    client.transition_model_version_stage("delay", "1", "Production")
    client.set_registered_model_alias("delay", "champion", "2")
    client.set_registered_model_alias("delay", "blessed", "1")
    ids = {"outer": outer, "inner": inner, "failed": failed, "going_on": going_on}
    return {name: run.info.run_id for name, run in ids.items()} | {
        "model": model,
        "rows": rows,
        "logged": safe.model_id,
    }


def test_runs_come_over_whole(server: str, filled: dict[str, Any], workspace: Workspace) -> None:
    report = import_mlflow(server, workspace=workspace)
    assert report.differences == ()
    assert report.verified
    outer, inner = (_run(workspace, filled[name]) for name in ("outer", "inner"))
    assert outer.experiment == "Shared-delay"
    assert (outer.name, outer.status, inner.parent) == ("outer", "succeeded", outer.id)
    assert {key: json.loads(value) for key, value in outer.parameters.items()} == {"depth": "3", "text": "ä 'quoted'"}
    assert outer.tags["team"] == "ops"
    assert outer.metrics["auc"] == 0.7
    assert math.isnan(outer.metrics["broken"])
    assert outer.metrics["endless"] > 1e308
    points = workspace.call(tracking.metric, ListMetric(run=outer.id, key="auc"))
    assert [(point.step, point.value) for point in points] == [(0, 0.5), (1, 0.9), (2, 0.7)]
    theirs = mlflow.MlflowClient(server).get_run(outer.id)
    assert round(outer.started_at.timestamp() * 1000) == theirs.info.start_time
    assert outer.ended_at is not None
    assert round(outer.ended_at.timestamp() * 1000) == theirs.info.end_time
    assert [(each.name, each.context) for each in outer.datasets] == [("rows", "train")]
    held = {each.path: each.digest for each in (*outer.artifacts, *inner.artifacts)}
    assert workspace.get_blob(held["notes/a.txt"]) == b"hello"
    assert workspace.get_blob(held["big.txt"]) == b"x" * 300_000
    assert f"models/{filled['logged']}/MLmodel" in held
    assert json.loads(workspace.get_blob(held[f"models/{filled['logged']}.json"]))["name"] == "safe"
    assert _run(workspace, filled["failed"]).status == "failed"
    assert _run(workspace, filled["going_on"]).status == "lost"
    assert any("1 deleted runs" in note for note in report.notes)


def test_models_come_over_with_their_numbers(server: str, filled: dict[str, Any], workspace: Workspace) -> None:
    import_mlflow(server, workspace=workspace)
    model = workspace.call(registry.show, ShowModel(model="delay"))
    assert (model.description, model.tags, model.latest) == ("# Delays", {"owner": "ann"}, 2)
    assert model.aliases == {"blessed": 1, "champion": 2}
    assert model.environments == {}
    first = workspace.call(registry.version, ShowVersion(model="delay@1"))
    assert (first.description, first.tags["checked"], first.tags["mlflow.stage"]) == ("the first", "yes", "Production")
    assert (first.run, first.metrics["auc"]) == (filled["outer"], 0.7)
    assert {file.path: file.sha256 for file in first.files} == _theirs(server, "delay", 1)
    loaded = mlops.load_model("delay@1", workspace=workspace)
    assert type(loaded).__name__ == "LogisticRegression"
    assert np.array_equal(loaded.predict(filled["rows"]), filled["model"].predict(filled["rows"]))


def test_a_pickled_model_is_kept_and_read_for_who_trusts_it_alone(
    server: str, filled: dict[str, Any], workspace: Workspace
) -> None:
    report = import_mlflow(server, workspace=workspace)
    second = workspace.call(registry.version, ShowVersion(model="delay@2"))
    assert (second.flavor, second.trust) == ("mlflow", ("mlflow.sklearn",))
    assert second.scan is not None
    assert any("delay@2 is kept as MLflow's files" in note for note in report.notes)
    with pytest.raises(UntrustedModel):
        mlops.load_model("delay@2", workspace=workspace)
    loaded = mlops.load_model("delay@2", trust=["mlflow.sklearn"], workspace=workspace)
    assert np.array_equal(loaded.predict(filled["rows"]), filled["model"].predict(filled["rows"]))


def test_a_second_import_brings_nothing_and_appends_no_event(
    server: str, filled: dict[str, Any], workspace: Workspace
) -> None:
    import_mlflow(server, workspace=workspace)
    before = _events(workspace)
    again = import_mlflow(server, workspace=workspace)
    assert _events(workspace) == before
    assert again.differences == ()
    assert "left_out" in again._repr_html_()
    counts = {each.kind: each for each in again.counts}
    assert (counts["run"].there, counts["run"].imported, counts["run"].known) == (4, 0, 4)
    assert (counts["version"].imported, counts["version"].known, counts["alias"].known) == (0, 2, 2)


def test_a_dry_run_counts_and_makes_no_workspace(server: str, filled: dict[str, Any], workspace: Workspace) -> None:
    report = import_mlflow(server, dry_run=True, workspace=workspace)
    assert {each.kind: each.there for each in report.counts}["version"] == 2
    assert all(each.imported == 0 for each in report.counts)
    assert not workspace.exists()


def test_an_import_that_was_killed_goes_on(
    server: str, filled: dict[str, Any], workspace: Workspace, tmp_path: Path
) -> None:
    code = (
        "import os, signal\n"
        "from mlops_ext.models.importing import edge, runs\n"
        "whole = runs._end\n"
        "runs._end = lambda *given: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"edge.import_mlflow({server!r})\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=120)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    assert [run.status for run in workspace.call(tracking.list_, ListRuns())] == ["running"]
    report = import_mlflow(server, workspace=workspace)
    assert report.differences == ()
    assert sorted(run.status for run in workspace.call(tracking.list_, ListRuns())) == [
        "failed", "lost", "succeeded", "succeeded",
    ]  # fmt: skip


def test_a_guarded_alias_is_not_taken_over(server: str, filled: dict[str, Any], workspace: Workspace) -> None:
    workspace.call(registry.apply_policy, ApplyPolicy(policy=Policy(guarded_aliases=("blessed",))))
    report = import_mlflow(server, workspace=workspace)
    assert workspace.call(registry.show, ShowModel(model="delay")).aliases == {"champion": 2}
    assert [each for each in report.differences if "blessed" in each and "guarded by policy" in each]
    assert not report.verified


def test_a_model_that_is_here_keeps_what_it_has(server: str, filled: dict[str, Any], workspace: Workspace) -> None:
    own = registered(workspace, "delay", b"own")
    workspace.call(registry.alias, SetAlias(model="delay@1", alias="champion"))
    report = import_mlflow(server, workspace=workspace)
    assert [(each.there, each.here) for each in report.renamed if "version" in each.there] == [
        ("model version delay@1", "model version delay@2"),
        ("model version delay@2", "model version delay@3"),
    ]
    assert workspace.call(registry.version, ShowVersion(model="delay@1")).digest == own.digest
    aliases = workspace.call(registry.show, ShowModel(model="delay")).aliases
    assert aliases == {"blessed": 2, "champion": 1}
    assert any("alias champion" in each for each in report.differences)


@pytest.mark.parametrize("uri", ["sqlite:///missing.db", "missing-folder"])
def test_a_store_that_is_not_there_is_not_made(uri: str, workspace: Workspace) -> None:
    with pytest.raises(InvalidValue, match="no MLflow store"):
        import_mlflow(uri, workspace=workspace)
    assert not Path("missing.db").exists()


def test_a_server_that_does_not_answer_is_named_at_once(workspace: Workspace) -> None:
    with pytest.raises(StoreUnavailable, match="nothing answers"):
        import_mlflow("http://user:secret@127.0.0.1:9", workspace=workspace)


def _run(ws: Workspace, run: str) -> Run:
    return ws.call(tracking.show, ShowRun(run=run))


def _events(ws: Workspace) -> int:
    with ws.catalog.read() as connection:
        return int(connection.execute(select(func.count()).select_from(events)).scalar_one())


def _theirs(server: str, model: str, version: int) -> dict[str, str]:
    """Hash a version's files as MLflow's own client downloads them."""
    folder = Path(mlflow.artifacts.download_artifacts(f"models:/{model}/{version}", tracking_uri=server))
    (folder / "registered_model_meta").unlink()  # the client writes it where it downloads to
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in folder.rglob("*") if path.is_file()}


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
