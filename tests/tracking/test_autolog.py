"""Autolog records what a fit was, and changes nothing of it; scikit-learn's own metrics are the oracle."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, mean_squared_error, roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mlops_ext.tracking import autolog as module
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
    [run] = runs(ws)
    assert run.metrics["best_cv_score"] == search.best_score_
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

    monkeypatch.setattr(module.active, "ensure", broken)
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


def test_without_scores_the_data_are_not_predicted(ws: Workspace) -> None:
    autolog(scores=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Ridge().fit([[1.0], [2.0]], [1.0, 2.0])
    assert set(runs(ws)[0].metrics) == {"fit_seconds"}
