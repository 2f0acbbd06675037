"""What a fitted model tells of its features is stored with the version, shown in its card, and ranks drift."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import mlops_ext as mlops
from mlops_ext.errors import InvalidValue
from mlops_ext.governance.evidence.card import show as card
from mlops_ext.governance.evidence.pages import markdown_of
from mlops_ext.governance.evidence.types import ShowCard
from mlops_ext.models import service
from mlops_ext.models.signatures.importance import importance_of
from mlops_ext.models.types import ShowVersion, Signature
from mlops_ext.workspace import Workspace

pytestmark = pytest.mark.sqlite
NUMBERS = np.random.default_rng(0).normal(size=(300, 2))
ROWS = pd.DataFrame({"strong": NUMBERS[:, 0], "weak": NUMBERS[:, 1] * 1000, "place": ["a", "b", "c"] * 100})
TRUTH = (NUMBERS[:, 0] + NUMBERS[:, 1] / 10 > 0).astype(int)


def test_a_forest_tells_and_what_it_told_is_stored(workspace: Workspace) -> None:
    forest = RandomForestClassifier(20, random_state=0).fit(ROWS[["weak", "strong"]], TRUTH)
    made = mlops.register(forest, "delay", workspace=workspace)
    held = workspace.call(service.version, ShowVersion(model="delay@1")).importance
    assert held == pytest.approx(dict(zip(["weak", "strong"], forest.feature_importances_, strict=True)))
    assert list(held) == ["strong", "weak"]
    assert made.importance == held
    page = markdown_of(workspace.call(card, ShowCard(model="delay@1")))
    assert f"| strong | {held['strong']:.3f} |" in page


def test_columns_made_of_one_feature_count_as_that_feature() -> None:
    before = make_column_transformer((OneHotEncoder(), ["place"]), (StandardScaler(), ["weak", "strong"]))
    model = make_pipeline(before, LogisticRegression()).fit(ROWS, TRUTH)
    places = np.abs(model[-1].coef_[0])
    expected = {"place": places[:3].sum(), "weak": places[3], "strong": places[4]}
    told = importance_of(model, Signature())
    assert told == pytest.approx({name: value / places.sum() for name, value in expected.items()})


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression().fit(ROWS[["strong", "weak"]], TRUTH),  # its weights depend on units
        RandomForestClassifier(2).fit(NUMBERS, TRUTH),  # its features have no names
        lambda rows: rows,
    ],
)
def test_what_does_not_tell_is_not_made_up(model: Any) -> None:
    assert importance_of(model, Signature()) == {}


def test_drift_of_a_model_is_ranked_by_what_it_told_and_what_is_given_goes_first(workspace: Workspace) -> None:
    forest = RandomForestClassifier(20, random_state=0).fit(ROWS[["weak", "strong"]], TRUTH)
    mlops.register(forest, "delay", workspace=workspace)
    moved = ROWS.assign(weak=ROWS["weak"] + 5000, strong=ROWS["strong"] + 1)
    plain = mlops.drift(ROWS, moved, workspace=workspace)
    ranked = mlops.drift(ROWS, moved, model="delay@1", workspace=workspace)
    given = mlops.drift(ROWS, moved, model="delay@1", importance={"weak": 1.0}, workspace=workspace)
    assert [each.columns[0] for each in (plain, ranked, given)] == ["weak", "strong", "weak"]
    assert mlops.drift(ROWS, moved, model="other@1", workspace=workspace).columns[0] == "weak"


def test_own_shares_are_kept_and_wrong_ones_refused(workspace: Workspace) -> None:
    model = LogisticRegression().fit(NUMBERS, TRUTH)
    made = mlops.register(model, "delay", importance={"x": 0.7, "y": 0.3}, workspace=workspace)
    assert made.importance == {"x": 0.7, "y": 0.3}
    with pytest.raises(InvalidValue, match="the importance of 'x' is -1"):
        mlops.register(model, "other", importance={"x": -1.0}, workspace=workspace)
