"""A store is filled by MLflow's own client, and what it holds comes over: all of it, once, and verified."""

from __future__ import annotations

import json
import math
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
from mlops_ext.models.importing import runs
from mlops_ext.models.importing.edge import import_mlflow
from mlops_ext.models.importing.types import ImportReport
from mlops_ext.models.loading import sha256_of
from mlops_ext.models.promotion.types import ApplyPolicy, Policy
from mlops_ext.models.types import SetAlias, ShowModel, ShowVersion
from mlops_ext.store.schema import events
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.curation import experiments
from mlops_ext.tracking.curation.types import ChangeExperimentState, CreateExperiment, RenameExperiment
from mlops_ext.tracking.types import ListExperiments, ListMetric, ListRuns, Run, ShowRun
from mlops_ext.workspace import Workspace
from tests.models.importing.conftest import Filled
from tests.models.support import registered

mlflow = pytest.importorskip("mlflow")

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.sqlite]


@pytest.fixture(scope="module")
def brought(filled: Filled, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, ImportReport]]:
    """A workspace into which all has come over, to look at."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLOPS_CATALOG", raising=False)
        ws = Workspace(tmp_path_factory.mktemp("brought"))
        yield ws, import_mlflow(filled.uri, workspace=ws)
        ws.database.close()


def test_runs_come_over_whole(filled: Filled, brought: tuple[Workspace, ImportReport]) -> None:
    workspace, report = brought
    assert report.differences == ()
    assert report.verified
    outer, inner = (_run(workspace, filled.runs[name]) for name in ("outer", "inner"))
    assert outer.experiment == "Shared-delay"
    assert (outer.name, outer.status, inner.parent) == ("outer", "succeeded", outer.id)
    assert {key: json.loads(value) for key, value in outer.parameters.items()} == {"depth": "3", "text": "ä 'quoted'"}
    assert outer.tags["team"] == "ops"
    assert outer.metrics["auc"] == 0.7
    assert math.isnan(outer.metrics["broken"])
    assert outer.metrics["endless"] > 1e308
    points = workspace.call(tracking.metric, ListMetric(run=outer.id, key="auc"))
    assert [(point.step, point.value) for point in points] == [(0, 0.5), (1, 0.9), (2, 0.7)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        theirs = mlflow.MlflowClient(filled.uri).get_run(outer.id)
    assert round(outer.started_at.timestamp() * 1000) == theirs.info.start_time
    assert outer.ended_at is not None
    assert round(outer.ended_at.timestamp() * 1000) == theirs.info.end_time
    assert [(each.name, each.context) for each in outer.datasets] == [("rows", "train")]
    held = {each.path: each.digest for each in (*outer.artifacts, *inner.artifacts)}
    assert workspace.get_blob(held["notes/a.txt"]) == b"hello"
    assert workspace.get_blob(held["big.txt"]) == b"x" * 300_000
    assert f"models/{filled.logged}/MLmodel" in held
    assert json.loads(workspace.get_blob(held[f"models/{filled.logged}.json"]))["name"] == "safe"
    assert _run(workspace, filled.runs["failed"]).status == "failed"
    assert _run(workspace, filled.runs["going_on"]).status == "lost"


def test_what_is_deleted_and_what_is_empty_comes_over(filled: Filled, brought: tuple[Workspace, ImportReport]) -> None:
    workspace, _ = brought
    assert [_run(workspace, filled.runs[name]).state for name in ("outer", "gone", "lost")] == [
        "active", "deleted", "deleted",
    ]  # fmt: skip
    assert {run.name for run in workspace.call(tracking.list_, ListRuns(state="deleted"))} == {"gone", "in the bin"}
    listed = workspace.call(tracking.experiments_, ListExperiments(state="any"))
    assert {each.name: (each.state, each.runs, each.tags.get("team")) for each in listed} == {
        "default": ("active", 0, None),
        "Shared-delay": ("active", 4, "<b>ops</b>"),
        "empty": ("active", 0, None),
        "binned": ("deleted", 1, None),
    }


def test_models_come_over_with_their_numbers(filled: Filled, brought: tuple[Workspace, ImportReport]) -> None:
    workspace, _ = brought
    model = workspace.call(registry.show, ShowModel(model="delay"))
    assert (model.description, model.tags, model.latest) == ("# Delays", {"owner": "ann"}, 2)
    assert model.aliases == {"blessed": 1, "champion": 2}
    assert model.environments == {}
    first = workspace.call(registry.version, ShowVersion(model="delay@1"))
    assert (first.description, first.tags["checked"], first.tags["mlflow.stage"]) == ("the first", "yes", "Production")
    assert (first.run, first.metrics["auc"]) == (filled.runs["outer"], 0.7)
    assert {file.path: file.sha256 for file in first.files} == _theirs(filled.uri, "delay", 1)
    loaded = mlops.load_model("delay@1", workspace=workspace)
    assert type(loaded).__name__ == "LogisticRegression"
    assert np.array_equal(loaded.predict(filled.rows), filled.model.predict(filled.rows))


def test_a_pickled_model_is_kept_and_read_for_who_trusts_it_alone(
    filled: Filled, brought: tuple[Workspace, ImportReport]
) -> None:
    workspace, report = brought
    second = workspace.call(registry.version, ShowVersion(model="delay@2"))
    assert (second.flavor, second.trust) == ("mlflow", ("mlflow.sklearn",))
    assert second.scan is not None
    assert any("delay@2 is kept as MLflow's files" in note for note in report.notes)
    with pytest.raises(UntrustedModel):
        mlops.load_model("delay@2", workspace=workspace)
    loaded = mlops.load_model("delay@2", trust=["mlflow.sklearn"], workspace=workspace)
    assert np.array_equal(loaded.predict(filled.rows), filled.model.predict(filled.rows))


def test_a_second_import_brings_nothing_and_appends_no_event(filled: Filled, workspace: Workspace) -> None:
    import_mlflow(filled.uri, workspace=workspace)
    before = _events(workspace)
    again = import_mlflow(filled.uri, workspace=workspace)
    assert _events(workspace) == before
    assert again.differences == ()
    assert "left_out" in again._repr_html_()
    counts = {each.kind: each for each in again.counts}
    assert (counts["run"].there, counts["run"].imported, counts["run"].known) == (6, 0, 6)
    assert (counts["version"].imported, counts["version"].known, counts["alias"].known) == (0, 2, 2)


def test_a_dry_run_counts_and_makes_no_workspace(filled: Filled, workspace: Workspace) -> None:
    report = import_mlflow(filled.uri, dry_run=True, workspace=workspace)
    assert {each.kind: each.there for each in report.counts}["version"] == 2
    assert all(each.imported == 0 for each in report.counts)
    assert not workspace.exists()


def test_an_import_that_was_broken_off_goes_on_and_fetches_no_file_twice(
    filled: Filled, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("the kernel died")

    with monkeypatch.context() as patch:
        patch.setattr(runs, "_end", broken)
        with pytest.raises(RuntimeError, match="the kernel died"):
            import_mlflow(filled.uri, workspace=workspace)
    assert {run.status for run in workspace.call(tracking.list_, ListRuns())} == {"running"}
    report = import_mlflow(filled.uri, workspace=workspace)
    assert report.differences == ()
    counts = {each.kind: each for each in report.counts}
    assert counts["run"].imported == 6
    assert counts["artifact"].imported + counts["artifact"].known == counts["artifact"].there


def test_a_repeat_finds_what_was_changed_here_or_there(filled: Filled, workspace: Workspace) -> None:
    import_mlflow(filled.uri, workspace=workspace)
    held = {each.path: each.digest for each in _run(workspace, filled.runs["inner"]).artifacts}
    path = workspace.blob_path(held["big.txt"])
    path.chmod(0o600)
    path.write_bytes(b"y" * 300_000)
    client = mlflow.MlflowClient(filled.uri)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        client.log_metric(filled.runs["failed"], "late", 1.0)
    again = import_mlflow(filled.uri, workspace=workspace)
    assert not again.verified
    assert any("big.txt" in each for each in again.differences)
    assert any("1 metrics there and 0 here" in each for each in again.differences)


def test_progress_counts_the_bytes_of_all_files(filled: Filled, workspace: Workspace) -> None:
    told: list[tuple[int, int, str]] = []
    report = import_mlflow(filled.uri, progress=lambda *each: told.append(each), workspace=workspace)
    done, total, what = told[-1]
    assert done == total == report.bytes > 300_000
    assert what == "8 of 8 runs and versions"
    assert [each[0] for each in told] == sorted(each[0] for each in told)
    assert import_mlflow(filled.uri, dry_run=True, workspace=workspace).bytes == 0


def test_a_renamed_experiment_is_known_and_a_deleted_namesake_is_left_alone(
    filled: Filled, workspace: Workspace
) -> None:
    workspace.call(experiments.create, CreateExperiment(experiment="empty"))
    workspace.call(experiments.delete_, ChangeExperimentState(experiment="empty"))
    first = import_mlflow(filled.uri, workspace=workspace)
    assert any(each.there == "experiment empty" and each.here != "experiment empty" for each in first.renamed)
    workspace.call(experiments.rename, RenameExperiment(experiment="Shared-delay", to="delays"))
    again = import_mlflow(filled.uri, workspace=workspace)
    assert again.differences == ()
    assert {each.kind: each.imported for each in again.counts}["experiment"] == 0
    names = {each.name for each in workspace.call(tracking.experiments_, ListExperiments(state="any"))}
    assert {"delays", "empty", "binned", "default"} < names
    assert "Shared-delay" not in names


def test_a_guarded_alias_is_not_taken_over(filled: Filled, workspace: Workspace) -> None:
    workspace.call(registry.apply_policy, ApplyPolicy(policy=Policy(guarded_aliases=("blessed",))))
    report = import_mlflow(filled.uri, workspace=workspace)
    assert workspace.call(registry.show, ShowModel(model="delay")).aliases == {"champion": 2}
    assert [each for each in report.differences if "blessed" in each and "guarded by policy" in each]
    assert not report.verified


def test_a_model_that_is_here_keeps_what_it_has(filled: Filled, workspace: Workspace) -> None:
    own = registered(workspace, "delay", b"own")
    workspace.call(registry.alias, SetAlias(model="delay@1", alias="champion"))
    report = import_mlflow(filled.uri, workspace=workspace)
    assert [(each.there, each.here) for each in report.renamed if "version" in each.there] == [
        ("model version delay@1", "model version delay@2"),
        ("model version delay@2", "model version delay@3"),
    ]
    assert workspace.call(registry.version, ShowVersion(model="delay@1")).digest == own.digest
    aliases = workspace.call(registry.show, ShowModel(model="delay")).aliases
    assert aliases == {"blessed": 2, "champion": 1}
    assert any("alias champion" in each for each in report.differences)


@pytest.mark.parametrize("uri", ["sqlite:///missing.db", "missing-folder", "sqlite:///other.db", "other"])
def test_a_store_that_is_not_there_is_not_made(uri: str, workspace: Workspace) -> None:
    Path("other.db").write_bytes(b"")
    Path("other").mkdir()
    with pytest.raises(InvalidValue, match="no MLflow store"):
        import_mlflow(uri, workspace=workspace)
    assert not Path("missing.db").exists()
    assert (Path("other.db").read_bytes(), list(Path("other").iterdir())) == (b"", [])


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
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        folder = Path(mlflow.artifacts.download_artifacts(f"models:/{model}/{version}", tracking_uri=server))
    (folder / "registered_model_meta").unlink()  # the client writes it where it downloads to
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in folder.rglob("*") if path.is_file()}
