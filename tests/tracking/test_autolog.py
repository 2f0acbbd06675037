"""Autolog records what a fit was, and changes nothing of it; scikit-learn's own metrics are the oracle."""

from __future__ import annotations

import pickle
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, mean_squared_error, roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mlops_ext.tracking import edge, service
from mlops_ext.tracking.autolog import autolog
from mlops_ext.tracking.types import ListRuns
from mlops_ext.workspace import Workspace


@pytest.fixture
def ws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLOPS_WORKSPACE", str(tmp_path))
    monkeypatch.delenv("MLOPS_CATALOG", raising=False)
    autolog()
    yield (ws := Workspace(tmp_path))
    autolog(disable=True)
    edge.end_run(workspace=ws)


def runs(ws: Workspace) -> list[Any]:
    return list(ws.call(service.list_, ListRuns()))


CANCER = load_breast_cancer(return_X_y=True)


def test_a_fit_logs_parameters_time_and_scores(ws: Workspace) -> None:
    x, y = CANCER
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.5)).fit(x, y)
    [run] = runs(ws)
    assert run.parameters["logisticregression__C"] == "0.5"
    assert run.parameters["estimator"] == '"Pipeline"'
    probability = model.predict_proba(x)
    assert run.metrics["training_auc"] == pytest.approx(roc_auc_score(y, probability[:, 1]), abs=1e-12)
    assert run.metrics["training_log_loss"] == pytest.approx(log_loss(y, probability), abs=1e-12)
    assert run.metrics["fit_seconds"] > 0
    assert run.tags["autolog"] == "Pipeline"


def test_a_regressor_has_its_own_scores(ws: Workspace) -> None:
    x, y = load_diabetes(return_X_y=True)
    model = Ridge().fit(x, y)
    assert runs(ws)[0].metrics["training_rmse"] == pytest.approx(mean_squared_error(y, model.predict(x)) ** 0.5)


@pytest.mark.parametrize("jobs", [None, 2])
def test_what_a_forest_fits_inside_is_not_logged(ws: Workspace, jobs: int | None) -> None:
    x, y = CANCER
    RandomForestClassifier(n_estimators=5, n_jobs=jobs, random_state=0).fit(x, y)
    assert [run.tags["autolog"] for run in runs(ws)] == ["RandomForestClassifier"]


def test_another_fit_with_other_parameters_gets_a_run_inside(ws: Workspace) -> None:
    x, y = CANCER
    for strength in (1.0, 2.0, 1.0):
        Ridge(alpha=strength).fit(x, y)
    inner, outer = runs(ws)
    assert (outer.parameters["alpha"], inner.parameters["alpha"], inner.parent) == ("1.0", "2.0", outer.id)
    assert (inner.status, outer.status) == ("succeeded", "running")


def test_a_search_logs_its_best_and_its_candidates(ws: Workspace) -> None:
    x, y = CANCER
    search = GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__C": [0.1, 1.0]}, cv=3
    )
    search.fit(x, y)
    *candidates, run = runs(ws)
    assert run.metrics["best_cv_score"] == search.best_score_
    first = next(each for each in candidates if each.name == "candidate 1")
    assert (first.parent, first.status) == (run.id, "succeeded")
    assert first.parameters["logisticregression__C"] == str(search.best_params_["logisticregression__C"])
    assert first.metrics["mean_test_score"] == search.best_score_
    assert len(candidates) == 2
    assert run.parameters["best_logisticregression__C"] == str(search.best_params_["logisticregression__C"])
    table = ws.get_blob(run.artifacts[0].digest).decode()
    assert (run.artifacts[0].path, len(table.strip().splitlines())) == ("candidates.csv", 3)


def test_results_are_the_same_bytes_with_and_without(ws: Workspace) -> None:
    x, y = CANCER

    def trained() -> bytes:
        return pickle.dumps(RandomForestClassifier(n_estimators=7, random_state=3).fit(x, y))

    with_log = trained()
    autolog(disable=True)
    assert trained() == with_log
    assert len(runs(ws)) == 1


def test_exceptions_of_a_fit_are_its_own_and_log_nothing(ws: Workspace) -> None:
    with pytest.raises(ValueError, match="NaN"):
        Ridge().fit([[np.nan]], [1.0])
    assert not ws.exists()


def test_trouble_with_logging_is_a_warning_and_the_model_is_fitted(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr("mlops_ext.tracking.active.ensure", broken)
    with pytest.warns(UserWarning, match="not logged: OSError: the disk is gone"):
        model = Ridge().fit([[1.0], [2.0]], [1.0, 2.0])
    assert model.coef_.shape == (1,)


def test_estimators_that_are_made_later_are_logged_and_stay_what_they_were(ws: Workspace) -> None:
    class Majority(ClassifierMixin, BaseEstimator):
        def __init__(self, tie: int = 0) -> None:
            self.tie = tie

        def fit(self, X: Any, y: Any) -> Majority:  # noqa: N803 - as scikit-learn has it
            self.classes_ = np.unique(y)
            self.most_ = np.bincount(y).argmax()
            return self

        def predict(self, X: Any) -> Any:  # noqa: N803
            return np.full(len(X), self.most_)

    clone(Majority(tie=1)).fit([[1], [2], [3]], np.array([0, 1, 1]))
    [run] = runs(ws)
    assert (run.parameters["tie"], run.metrics["training_accuracy"]) == ("1", pytest.approx(2 / 3))


def test_what_prepares_data_is_logged_with_the_pipeline_alone(ws: Workspace) -> None:
    x, y = CANCER
    scaled = StandardScaler().fit_transform(StandardScaler().fit(x).transform(x))
    LogisticRegression(C=0.5).fit(scaled, y)
    cross_val_score(LogisticRegression(), scaled, y, cv=3)
    [run] = runs(ws)
    assert (run.parameters["estimator"], run.parameters["C"]) == ('"LogisticRegression"', "0.5")


def test_fit_predict_and_fit_transform_are_fits_too_and_count_once(ws: Workspace) -> None:
    x, _ = CANCER
    labels = KMeans(n_clusters=2, n_init=1, random_state=0).fit_predict(x)
    assert set(labels) == {0, 1}
    assert [run.tags["autolog"] for run in runs(ws)] == ["KMeans"]
    PCA(n_components=2).fit_transform(x)
    assert [run.tags["autolog"] for run in runs(ws)] == ["PCA", "KMeans"]


def test_a_class_of_the_notebook_is_pickled_and_needs_nothing_of_ours(ws: Workspace, tmp_path: Path) -> None:
    code = (
        "import cloudpickle, sys, mlops_ext as mlops\n"
        "mlops.autolog()\n"
        "from sklearn.base import BaseEstimator, ClassifierMixin\n"
        "class Constant(ClassifierMixin, BaseEstimator):\n"
        "    def fit(self, X, y):\n"
        "        self.classes_ = sorted(set(y)); return self\n"
        "    def predict(self, X):\n"
        "        return [self.classes_[0]] * len(X)\n"
        "open('model', 'wb').write(cloudpickle.dumps(Constant().fit([[1], [2]], [0, 1])))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, timeout=120)
    load = (
        "import sys; sys.modules['mlops_ext'] = None\n"
        "import pickle; model = pickle.load(open('model', 'rb'))\n"
        "assert model.fit([[1]], [3]).predict([[1]]) == [3]\n"
    )
    subprocess.run([sys.executable, "-c", load], check=True, cwd=tmp_path, timeout=120)
    assert len(runs(ws)) == 1


def test_what_cannot_be_scored_is_logged_without_scores(ws: Workspace) -> None:
    class Mute(ClassifierMixin, BaseEstimator):
        def fit(self, X: Any, y: Any) -> Mute:  # noqa: N803
            return self

        def predict(self, X: Any) -> Any:  # noqa: N803
            raise NotImplementedError("later")

    with pytest.warns(UserWarning, match="no training scores: NotImplementedError: later"):
        Mute().fit([[1], [2]], np.array([0, 1]))
    assert runs(ws)[0].parameters["estimator"] == '"Mute"'


def test_without_scores_the_data_are_not_predicted(ws: Workspace) -> None:
    autolog(scores=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Ridge().fit([[1.0], [2.0]], [1.0, 2.0])
    assert set(runs(ws)[0].metrics) == {"fit_seconds"}
