"""An MLflow store in a folder, filled once by MLflow's own client; `test_peers.py` does so with a database and a server."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

pytest.importorskip("mlflow")


class Filled(NamedTuple):
    """A store and what was put into it."""

    uri: str
    runs: dict[str, str]
    model: Any
    rows: Any
    logged: str


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    folder = tmp_path_factory.mktemp("mlflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        return fill(str(folder / "mlruns"), folder)


def fill(uri: str, folder: Path | None = None) -> Filled:
    """Fill a store by its client: nested and failed runs, what is deleted, what is empty, two versions of a model."""
    import mlflow
    from sklearn.linear_model import LogisticRegression

    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    client = mlflow.MlflowClient(uri, uri)
    where = None if folder is None else (folder / "artifacts").as_uri()
    made = client.create_experiment("/Shared/delay", artifact_location=where, tags={"team": "<b>ops</b>"})
    client.create_experiment("empty")
    binned = client.create_experiment("binned", artifact_location=where)
    lost = client.create_run(binned, run_name="in the bin")
    client.set_terminated(lost.info.run_id)
    client.delete_experiment(binned)
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
        mlflow.log_input(mlflow.data.from_numpy(rows, name="rows"), context="train")  # type: ignore[attr-defined,unused-ignore]
        with mlflow.start_run(run_name="inner", nested=True) as inner:
            mlflow.log_text("x" * 300_000, "big.txt")
        known: dict[str, Any] = {"pip_requirements": ["scikit-learn"], "registered_model_name": "delay"}
        safe = mlflow.sklearn.log_model(model, name="safe", serialization_format="skops", **known)
        mlflow.sklearn.log_model(model, name="pickled", serialization_format="cloudpickle", **known)
    failed, going_on, gone = (client.create_run(made, run_name=name) for name in ("failed", "going on", "gone"))
    client.set_terminated(failed.info.run_id, "FAILED")
    client.log_metric(gone.info.run_id, "auc", 0.1)
    client.set_terminated(gone.info.run_id)
    client.delete_run(gone.info.run_id)
    _curate(client)
    runs = {"outer": outer, "inner": inner, "failed": failed, "going_on": going_on, "gone": gone, "lost": lost}
    ids = {name: run.info.run_id for name, run in runs.items()}
    return Filled(uri, ids, model, rows, safe.model_id)


def _curate(client: Any) -> None:
    client.update_registered_model("delay", "# Delays")
    client.set_registered_model_tag("delay", "owner", "ann")
    client.update_model_version("delay", "1", "the first")
    client.set_model_version_tag("delay", "1", "checked", "yes")
    client.transition_model_version_stage("delay", "1", "Production")
    client.set_registered_model_alias("delay", "champion", "2")
    client.set_registered_model_alias("delay", "blessed", "1")
