"""Gates that let a version predict a dataset: fairness against Fairlearn, calibration, baselines, improvement."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

import mlops_ext as mlops
from mlops_ext.errors import CheckRefused, InvalidValue, MlopsError
from mlops_ext.governance import gates
from mlops_ext.models.promotion.gates import GateContext
from mlops_ext.models.promotion.types import GateResult, GateRule, Promotion
from mlops_ext.models.types import ModelVersion
from mlops_ext.workspace import Workspace
from tests.models.support import actions, applied, promoted

pytestmark = pytest.mark.sqlite

DATA = {"dataset": "people@1", "label": "late"}


def people(rows: int = 400, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    a, b = random.normal(size=(2, rows))
    late = (a * b + random.normal(scale=0.4, size=rows) > 0).astype(float)
    group = np.where(a > 0, "north", "south")
    group[:5] = "isles"
    return pd.DataFrame(
        {"a": a, "b": b, "late": late, "group": group, "at": pd.date_range("2013", periods=rows, freq="2h")}
    )


@pytest.fixture
def forest(workspace: Workspace) -> ModelVersion:
    mlops.snapshot(people(), "people")
    train = people(seed=1)
    model = RandomForestClassifier(50, max_depth=6, random_state=0).fit(train[["a", "b"]], train["late"])
    return mlops.register(model, "delay", example=train[["a", "b"]], inputs=[])


def ask(
    gate: Any, ws: Workspace, version: ModelVersion, champion: ModelVersion | None = None, **options: Any
) -> GateResult:
    return gate(ws, GateContext(version, champion, "production", DATA | options))


def test_fairness_tells_every_group_and_leaves_out_small_ones(workspace: Workspace, forest: ModelVersion) -> None:
    result = ask(gates.fairness, workspace, forest, sensitive="group", maximum=1.0)
    frame = people()
    said = mlops.load_model("delay").predict_proba(frame[["a", "b"]])[:, 1] >= 0.5
    shares = [said[frame["group"] == name].mean() for name in ("north", "south")]
    assert result.value == pytest.approx(abs(shares[0] - shares[1]))
    assert result.passed
    assert "isles (n=5)" in result.message
    assert not ask(gates.fairness, workspace, forest, sensitive="group", maximum=0.0).passed
    ratio = ask(gates.fairness, workspace, forest, sensitive="group", metric="demographic_parity_ratio", minimum=0.99)
    assert ratio.value == pytest.approx(min(shares) / max(shares))
    assert not ratio.passed
    with pytest.raises(InvalidValue, match="1 groups of at least 200 rows"):
        ask(gates.fairness, workspace, forest, sensitive="group", maximum=0.5, least_rows=200)
    with pytest.raises(InvalidValue, match="minimum is not given"):
        ask(gates.fairness, workspace, forest, sensitive="group", metric="equalized_odds_ratio", maximum=0.5)


def test_calibration_is_the_expected_calibration_error(workspace: Workspace, forest: ModelVersion) -> None:
    frame = people()
    score = mlops.load_model("delay").predict_proba(frame[["a", "b"]])[:, 1]
    bins = np.clip(np.ceil(score * 15).astype(int) - 1, 0, 14)
    expected = sum(abs((frame["late"] - score)[bins == each].sum()) for each in range(15)) / len(frame)
    result = ask(gates.calibration, workspace, forest, maximum=0.5)
    assert result.value == pytest.approx(expected)
    assert result.passed
    assert not ask(gates.calibration, workspace, forest, maximum=expected * 0.99).passed


def test_a_forest_beats_the_baselines_and_a_linear_model_does_not(workspace: Workspace, forest: ModelVersion) -> None:
    result = ask(gates.baselines, workspace, forest)
    assert result.passed, result.message
    assert "over a dummy" in result.message
    train = people(seed=1)
    line = LogisticRegression().fit(train[["a", "b"]], train["late"])
    poor = mlops.register(line, "delay", example=train[["a", "b"]], inputs=[])
    assert not ask(gates.baselines, workspace, poor).passed
    assert not ask(gates.baselines, workspace, forest, minimum=0.6).passed


@pytest.mark.parametrize("at", [None, "at"])
def test_improvement_scores_both_on_the_named_dataset(
    workspace: Workspace, forest: ModelVersion, at: str | None
) -> None:
    train = people(seed=1)
    dummy = mlops.register(
        DummyClassifier().fit(train[["a", "b"]], train["late"]), "delay", example=train[["a", "b"]], inputs=[]
    )
    more = {"at": at} if at else {}
    better = ask(gates.improvement, workspace, forest, dummy, metric="auc", **more)
    assert better.passed
    from sklearn.metrics import roc_auc_score

    frame = people()
    auc = roc_auc_score(frame["late"], mlops.load_model("delay@1").predict_proba(frame[["a", "b"]])[:, 1])
    assert better.value == pytest.approx(auc - 0.5)
    worse = ask(gates.improvement, workspace, dummy, forest, metric="auc", **more)
    assert (worse.passed, worse.value) == (False, pytest.approx(0.5 - auc))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"label": "moon"}, "no column 'moon'"),
        ({"label": "a"}, "is not 0 and 1"),
        ({"at": "moon"}, "no column 'moon'"),
        ({"dataset": "moon"}, "moon"),
        ({"maximum": None}, "maximum is not given"),
    ],
)
def test_wrong_options_are_said(workspace: Workspace, forest: ModelVersion, options: dict, said: str) -> None:
    with pytest.raises(MlopsError, match=said):
        ask(gates.calibration, workspace, forest, **({"maximum": 0.5} | options))


def test_a_promotion_asks_them_in_a_process_of_its_own(workspace: Workspace, forest: ModelVersion) -> None:
    strict = GateRule(gate="calibration", options=DATA | {"maximum": 0.0})
    applied(workspace, production=(strict, GateRule(gate="baselines", options=DATA)))
    with pytest.raises(CheckRefused, match="calibration error is") as refusal:
        promoted(workspace, "delay")
    assert "calibration is at most 0" in refusal.value.hint
    applied(workspace, production=(GateRule(gate="baselines", options=DATA),))
    promotion: Promotion = promoted(workspace, "delay")
    assert promotion.state == "promoted"
    assert actions(workspace)[-2:] == ["model.promotion_requested", "model.promoted"]
