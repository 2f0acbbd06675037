"""Models logged under a run, as MLflow 3 keeps them: registered twice, once, never; each comes over with its own numbers."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from mlops_ext.models import service as registry
from mlops_ext.models.importing.edge import import_mlflow
from mlops_ext.models.types import ModelVersion, ShowModel, ShowVersion
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import ShowRun
from mlops_ext.workspace import Workspace

mlflow = pytest.importorskip("mlflow")

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.sqlite]


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    uri = (tmp_path / "mlruns").as_uri()
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    return mlflow.MlflowClient(uri, uri)


def test_each_logged_model_comes_with_its_own_numbers_and_versions(
    client: Any, workspace: Workspace, tmp_path: Path
) -> None:
    run = client.create_run("0", run_name="two").info.run_id
    client.log_param(run, "depth", "3")
    client.log_metric(run, "auc", 0.5, step=9)
    client.log_metric(run, "seconds", 7.0)
    linear, forest = (_logged(client, tmp_path, name, run, {"kind": name}) for name in ("linear", "forest"))
    for model, value in ((linear, 0.8), (forest, 0.9)):
        client.log_metric(run, "auc", value - 0.1, step=1, model_id=model)
        client.log_metric(run, "auc", value, step=2, model_id=model)
    loose, kept = (_logged(client, tmp_path, name, None, {}) for name in ("loose", "kept"))
    client.create_registered_model("delay")
    for model in (linear, linear, forest):
        client.create_model_version("delay", f"models:/{model}", run)
    client.create_registered_model("kept")
    client.create_model_version("kept", f"models:/{kept}")
    client.set_registered_model_alias("delay", "champion", "2")
    client.set_terminated(run)

    report = import_mlflow(client.tracking_uri, workspace=workspace)
    assert report.differences == (
        f"logged model {loose}: no run made it and no version holds it; register it in MLflow to keep it",
    )
    first, second, third = (_version(workspace, f"delay@{number}") for number in (1, 2, 3))
    assert [each.metrics for each in (first, second, third)] == [
        {"auc": 0.8, "seconds": 7.0}, {"auc": 0.8, "seconds": 7.0}, {"auc": 0.9, "seconds": 7.0},
    ]  # fmt: skip
    assert third.parameters == {"depth": '"3"', "kind": '"forest"'}
    assert first.digest == second.digest != third.digest
    assert {each.run for each in (first, second, third)} == {run}
    assert workspace.call(registry.show, ShowModel(model="delay")).aliases == {"champion": 2}
    assert [each.path for each in _version(workspace, "kept@1").files] == ["MLmodel"]
    held = {each.path: each.digest for each in workspace.call(tracking.show, ShowRun(run=run)).artifacts}
    assert set(held) == {f"models/{model}{end}" for model in (linear, forest) for end in (".json", "/MLmodel")}
    told = json.loads(workspace.get_blob(held[f"models/{forest}.json"]))
    assert sorted((key, float(value), step) for key, value, step, _ in told["metrics"])[-1] == ("auc", 0.9, 2)

    again = import_mlflow(client.tracking_uri, workspace=workspace)
    assert again.differences == report.differences
    assert all(each.imported == 0 for each in again.counts)
    counts = {each.kind: each for each in again.counts}
    assert (counts["logged_model"].there, counts["logged_model"].known, counts["version"].known) == (3, 2, 4)
    assert workspace.call(registry.show, ShowModel(model="delay")).latest == 3


def test_a_version_whose_files_cannot_be_had_is_named_and_the_others_come(
    client: Any, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.store.artifact import local_artifact_repo

    client.create_registered_model("delay")
    for name in ("locked", "open"):
        client.create_model_version("delay", f"models:/{_logged(client, tmp_path, name, None, {})}")
    locked = client.get_model_version_download_uri("delay", "1")
    listed = local_artifact_repo.LocalArtifactRepository.list_artifacts

    class NoCredentials(Exception):
        """What a library of an object store raises."""

    def refused(self: Any, path: str | None = None) -> Any:
        if self.artifact_uri == locked:
            raise NoCredentials("Unable to locate credentials")
        return listed(self, path)

    monkeypatch.setattr(local_artifact_repo.LocalArtifactRepository, "list_artifacts", refused)
    report = import_mlflow(client.tracking_uri, workspace=workspace)
    (told,) = report.differences
    assert told.startswith("model version delay@1: MLflow at ")
    assert told.endswith("NoCredentials: Unable to locate credentials")
    assert _version(workspace, "delay@2").files
    shown = io.StringIO()
    Console(file=shown, width=2000).print(report)
    assert told in shown.getvalue()
    assert "Unable to locate credentials</td>" in report._repr_html_()


def _logged(client: Any, tmp_path: Path, name: str, run: str | None, params: dict[str, str]) -> str:
    model = client.create_logged_model("0", name=name, source_run_id=run, params=params)
    folder = tmp_path / name
    folder.mkdir()
    (folder / "MLmodel").write_text(f"model_id: {model.model_id}\nflavors: {{}}\n", encoding="utf-8")
    client.log_model_artifacts(model.model_id, str(folder))
    client.finalize_logged_model(model.model_id, "READY")
    return str(model.model_id)


def _version(ws: Workspace, ref: str) -> ModelVersion:
    return ws.call(registry.version, ShowVersion(model=ref))
