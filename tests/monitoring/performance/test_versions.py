"""Two versions scored on the same rows: the metrics are scikit-learn's, the intervals those of paired resampling."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    brier_score_loss,
    log_loss,
    mean_absolute_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)
from sklearn.tree import DecisionTreeClassifier

import mlops_ext as mlops
from mlops_ext.datasets.used import used
from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.monitoring.performance.versions import compare
from mlops_ext.workspace import Workspace

ROWS = 600


@pytest.fixture
def catalog_url() -> str:
    """What is tried here is no business of the database: SQLite alone."""
    return ""


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, 2))
    amount = 3 * x[:, 0] - x[:, 1] + rng.normal(size=ROWS) + 1000
    return pd.DataFrame(
        {
            "x": x[:, 0],
            "y": x[:, 1],
            "amount": amount,
            "late": (amount > 1000).astype(int),
            "size": np.digitize(amount, [998, 1002]),
            "word": np.where(amount > 1000, "yes", "no"),
            "at": pd.date_range("2013-01-01", periods=ROWS, freq="h", tz="UTC"),
        }
    )


def made(ws: Workspace, frame: pd.DataFrame, target: str, *models: Any) -> list[Any]:
    mlops.snapshot(frame, "flights", workspace=ws)
    fitted = [model.fit(frame[["x", "y"]], frame[target]) for model in models]
    for model in fitted:
        mlops.register(model, "delay", example=frame[["x", "y"]], inputs=[], workspace=ws, new=True)
    return fitted


def values(found: Any) -> dict[str, tuple[float, float]]:
    return {each.metric: (each.before, each.after) for each in found.scores}


@pytest.mark.sqlite
@pytest.mark.parametrize("target", ["late", "word"])
def test_classifiers_are_scored_as_scikit_learn_does(workspace: Workspace, frame: pd.DataFrame, target: str) -> None:
    fitted = made(workspace, frame, target, DummyClassifier(), LogisticRegression())
    found = compare("delay@1", "delay@2", on="flights", target=target, workspace=workspace)
    truth = (frame[target] == frame[target].max()).to_numpy()
    for position, model in enumerate(fitted):
        given = model.predict_proba(frame[["x", "y"]])[:, 1]
        said = model.predict(frame[["x", "y"]])
        expected = {
            "auc": roc_auc_score(truth, given),
            "brier": brier_score_loss(truth, given),
            "log_loss": log_loss(truth, given),
            "accuracy": accuracy_score(frame[target], said),
        }
        for name, value in expected.items():
            assert values(found)[name][position] == pytest.approx(value, abs=1e-9)
    auc = next(each for each in found.scores if each.metric == "auc")
    assert auc.difference == pytest.approx(auc.after - auc.before)
    assert auc.low < auc.difference < auc.high
    assert (auc.better, found.dataset) == ("after", "dataset:flights@1")
    assert {each.better for each in found.scores if each.metric in ("brier", "log_loss")} == {"after"}
    assert compare("delay@2", "delay@1", on="flights", target=target, workspace=workspace).scores[0].better == "before"  # fmt: skip


@pytest.mark.sqlite
def test_regressors_are_scored_as_scikit_learn_does(workspace: Workspace, frame: pd.DataFrame) -> None:
    frame.loc[5, "amount"] = np.nan
    kept = frame.dropna()
    mlops.snapshot(frame, "flights", workspace=workspace)
    fitted = [
        LinearRegression().fit(kept[["x", "y"]], kept["amount"]),
        LinearRegression().fit(kept[["x"]], kept["amount"]),
    ]
    for model, columns in zip(fitted, (["x", "y"], ["x"]), strict=True):
        mlops.register(model, "cost", example=kept[columns], inputs=[], workspace=workspace)
    found = compare("cost@1", "cost@2", on="flights@1", target="amount", at="at", workspace=workspace)
    for position, columns in enumerate((["x", "y"], ["x"])):
        said = fitted[position].predict(kept[columns])
        expected = {
            "rmse": root_mean_squared_error(kept["amount"], said),
            "mae": mean_absolute_error(kept["amount"], said),
            "r2": r2_score(kept["amount"], said),
        }
        assert {name: pair[position] for name, pair in values(found).items()} == pytest.approx(expected, abs=1e-9)
    assert {each.better for each in found.scores} == {"before"}


@pytest.mark.sqlite
def test_intervals_are_those_of_days_resampled_together(workspace: Workspace, frame: pd.DataFrame) -> None:
    first, second = made(
        workspace, frame, "size", DecisionTreeClassifier(max_depth=1), DecisionTreeClassifier(max_depth=4)
    )
    found = compare("delay@1", "delay@2", on="flights", target="size", at="at", draws=100, seed=7, workspace=workspace)  # fmt: skip
    hits = [(each.predict(frame[["x", "y"]]) == frame["size"]).to_numpy(dtype=float) for each in (first, second)]
    days = frame["at"].dt.floor("D").astype(str).to_numpy()
    groups = [np.flatnonzero(days == day) for day in sorted(set(days))]
    picks = np.random.default_rng(7).integers(0, len(groups), size=(100, len(groups)))
    drawn = []
    for pick in picks:
        rows = np.concatenate([groups[each] for each in pick])
        drawn.append(hits[1][rows].mean() - hits[0][rows].mean())
    accuracy = next(each for each in found.scores if each.metric == "accuracy")
    assert [accuracy.low, accuracy.high] == pytest.approx(list(np.quantile(drawn, [0.025, 0.975])), abs=1e-9)
    assert {each.metric for each in found.scores} == {"accuracy", "log_loss"}


@pytest.mark.sqlite
def test_a_version_compared_with_itself_is_neither_better(workspace: Workspace, frame: pd.DataFrame) -> None:
    made(workspace, frame, "late", LogisticRegression())
    found = compare("delay@1", "delay@latest", on="flights", target="late", workspace=workspace)
    assert {(each.difference, each.better) for each in found.scores} == {(0.0, "neither")}
    assert found.differences == ()


@pytest.mark.sqlite
def test_reading_to_compare_makes_no_input_of_the_next_model(workspace: Workspace, frame: pd.DataFrame) -> None:
    made(workspace, frame, "late", LogisticRegression())
    mlops.snapshot(frame.head(50), "judged", workspace=Workspace(workspace.root))
    before = used(workspace.root)
    mlops.load("flights", workspace=workspace)
    after = used(workspace.root)
    compare("delay@1", "delay@1", on="judged", target="late", workspace=workspace)
    assert used(workspace.root) == after
    assert set(before) == set(after)


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("asked", "kind", "said"),
    [
        ({"target": ""}, InvalidValue, "no target is named"),
        ({"target": "lat"}, InvalidValue, "no column 'lat'"),
        ({"target": "late", "at": "when"}, InvalidValue, "no column 'when'"),
        ({"target": "late", "on": "flihgts"}, NotFound, "Did you mean 'flights'"),
        ({"target": "late", "on": "narrow"}, InvalidValue, "lacks y, which delay@1 takes"),
    ],
)
def test_what_cannot_be_scored_is_said(
    workspace: Workspace, frame: pd.DataFrame, asked: dict[str, str], kind: type[Exception], said: str
) -> None:
    made(workspace, frame, "late", LogisticRegression())
    mlops.snapshot(frame[["x", "late"]], "narrow", workspace=workspace)
    with pytest.raises(kind, match=said):
        compare("delay@1", "delay@1", **{"on": "flights", "workspace": workspace, **asked})


@pytest.mark.sqlite
def test_a_classifier_and_a_regressor_are_not_scored_together(workspace: Workspace, frame: pd.DataFrame) -> None:
    made(workspace, frame, "late", LogisticRegression(), LinearRegression())
    with pytest.raises(InvalidValue, match="one version classifies"):
        compare("delay@1", "delay@2", on="flights", target="late", workspace=workspace)


@pytest.mark.sqlite
def test_without_a_dataset_only_the_records_are_compared(workspace: Workspace, frame: pd.DataFrame) -> None:
    made(workspace, frame, "late", LogisticRegression(C=1.0), LogisticRegression(C=0.1))
    found = compare("delay@1", "delay@2", workspace=workspace)
    assert (found.dataset, found.scores) == ("", ())
    assert [each.about for each in found.differences if each.about == "file"] == ["file"]
