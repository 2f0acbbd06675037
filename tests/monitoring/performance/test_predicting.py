"""Versions are asked for predictions, and what may be kept of them is logged, a share of the rows if so wished."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

import mlops_ext as mlops
from mlops_ext.errors import InvalidValue
from mlops_ext.monitoring.performance.batches import batches
from mlops_ext.monitoring.types import ListBatches

pytestmark = pytest.mark.sqlite
RNG = np.random.default_rng(4)
ROWS = pd.DataFrame({"x": RNG.normal(size=400), "y": RNG.normal(size=400), "flight": [f"f{at}" for at in range(400)]})
FEATURES = ROWS[["x", "y"]]
LATE = (ROWS["x"] + RNG.normal(size=400) > 0).astype(int)


@pytest.fixture
def ws(workspace):
    mlops.register(LogisticRegression().fit(FEATURES, LATE), "late", example=FEATURES.head(), workspace=workspace)
    return workspace


def held(ws, model="late"):
    (batch,) = ws.call(batches, ListBatches(model=model, kind="predictions"))
    return pq.read_table(ws.blob_path(batch.batch)).to_pandas()


def test_predictions_are_those_of_the_model_whatever_holds_the_rows(ws):
    model = mlops.load_model("late", workspace=ws)
    mlops.snapshot(ROWS, "flights", workspace=ws)
    for data in (ROWS, pl.from_pandas(ROWS), "flights@1", {name: ROWS[name] for name in ROWS}):
        said = mlops.predict("late", data, ids="flight", workspace=ws)
        assert said.index.tolist() == ROWS["flight"].tolist()
        assert said["prediction"].tolist() == model.predict(FEATURES).tolist()
        assert said["probability"].tolist() == pytest.approx(model.predict_proba(FEATURES)[:, 1].tolist())
    assert not list(ws.call(batches, ListBatches()))


def test_what_is_logged_is_judged_when_labels_come(ws):
    said = mlops.predict("late", ROWS, log=True, ids="flight", at="2013-02-01", window="w", workspace=ws)
    mlops.log_labels("late", ROWS["flight"], LATE, at="2013-03-01", window="w", workspace=ws)
    report = mlops.performance("late@1", "w", workspace=ws)
    found = {each.name: each.value for each in report.metrics}
    assert found["accuracy"] == pytest.approx((said["prediction"].to_numpy() == LATE.to_numpy()).mean())
    assert list(held(ws)) == ["id", "at", "prediction", "probability", "feature:x", "feature:y"]


def test_only_the_named_columns_are_kept(ws):
    mlops.predict("late", ROWS, log=True, columns=["y", "flight"], workspace=ws)
    assert [name for name in held(ws) if name.startswith("feature:")] == ["feature:y", "feature:flight"]
    with pytest.raises(InvalidValue, match="no column 'z' in the data"):
        mlops.predict("late", ROWS, log=True, columns=["z"], workspace=ws)
    for columns, message in (["z"], "no column 'z' among the features"), ("x", "columns is the text 'x'"):
        with pytest.raises(InvalidValue, match=message):
            mlops.log_predictions("late", FEATURES, LATE, ROWS["flight"], at="2013", columns=columns, workspace=ws)


def test_a_share_of_the_rows_is_kept_the_same_ones_each_time(ws):
    for ref in ("late@1", "late@1"):
        mlops.predict(ref, ROWS, log=True, ids="flight", at="2013-02-01", sample=0.25, workspace=ws)
    kept = held(ws)
    assert 60 < len(kept) < 140
    shifted = mlops.log_predictions(
        "late", None, LATE[::-1], ROWS["flight"][::-1], at="2013-02-02", sample=0.25, window="other", workspace=ws
    )
    other = pq.read_table(ws.blob_path(shifted.batch)).to_pandas()
    assert sorted(other["id"]) == sorted(kept["id"])
    with pytest.raises(InvalidValue, match="sample is 0"):
        mlops.predict("late", ROWS, log=True, sample=0, workspace=ws)


def test_numbers_and_several_classes_are_logged_as_what_they_are(ws):
    numbers = ROWS["x"] * 3 + 1
    mlops.register(LinearRegression().fit(FEATURES, numbers), "minutes", example=FEATURES.head(), workspace=ws)
    assert mlops.predict("minutes", ROWS, log=True, workspace=ws)["prediction"].to_numpy() == pytest.approx(numbers)
    assert held(ws, "minutes")["prediction"].dtype == float
    kinds = pd.cut(ROWS["x"], 3, labels=["early", "even", "late"]).astype(str)
    mlops.register(LogisticRegression().fit(FEATURES, kinds), "kind", example=FEATURES.head(), workspace=ws)
    said = mlops.predict("kind", ROWS, log=True, workspace=ws)
    assert list(said) == ["prediction", "probability:early", "probability:even", "probability:late"]
    assert list(held(ws, "kind"))[2:6] == list(said)


def test_rows_that_the_model_does_not_take_are_refused_and_nothing_is_logged(ws):
    with pytest.raises(InvalidValue):
        mlops.predict("late", ROWS.drop(columns=["y"]), log=True, workspace=ws)
    with pytest.raises(InvalidValue):
        mlops.predict("late", ROWS.assign(x="text"), log=True, workspace=ws)
    assert not list(ws.call(batches, ListBatches()))
