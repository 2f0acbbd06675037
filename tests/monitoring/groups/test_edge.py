"""Bias, worst slices and attribution of logged windows."""

from __future__ import annotations

import fairlearn.metrics
import numpy as np
import pandas as pd
import pytest

import mlops_ext as mlops
from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.monitoring import service
from mlops_ext.monitoring.types import ShowReport
from tests.models.support import actions, registered

pytestmark = pytest.mark.sqlite

ROWS = 3000


def window(ws, name, *, seed=0, bad=0.0, features=True):
    """Log a window in which flights of B6 from JFK are predicted worse by `bad`."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "origin": rng.choice(["EWR", "JFK", "LGA"], ROWS, p=[0.5, 0.495, 0.005]),
            "carrier": rng.choice(["AA", "B6"], ROWS),
            "temp": rng.normal(10, 8, ROWS),
        }
    )
    truth = rng.random(ROWS)
    label = (rng.random(ROWS) < truth).astype(float)
    hit = ((frame["origin"] == "JFK") & (frame["carrier"] == "B6")).to_numpy()
    probability = np.where(hit & (rng.random(ROWS) < bad), 1 - truth, truth)
    ids = [f"{name}{number}" for number in range(ROWS)]
    at = pd.date_range("2013-02-01", periods=28, tz="UTC")[np.arange(ROWS) % 28]
    given = frame if features else None
    mlops.log_predictions(
        "delay@1", given, probability >= 0.5, ids, at=at, probability=probability, window=name, workspace=ws
    )
    mlops.log_labels("delay@1", ids, label, at=at, window=name, workspace=ws)
    return frame.assign(id=ids, label=label, said=(probability >= 0.5).astype(int), probability=probability)


@pytest.fixture
def ws(workspace):
    registered(workspace)
    return workspace


def test_bias_is_that_of_fairlearn_with_intervals_and_is_kept(ws):
    rows = window(ws, "feb")
    found = mlops.bias("delay@1", "feb", ["origin", "carrier"], workspace=ws)
    big = rows[rows["origin"] != "LGA"]
    told = {(each.by, each.measure): each.value for each in found.disparities}
    for measure in ("demographic_parity_difference", "equalized_odds_difference", "equal_opportunity_ratio"):
        wanted = getattr(fairlearn.metrics, measure)(big["label"], big["said"], sensitive_features=big["origin"])
        value = told["origin", measure]
        assert value.value == pytest.approx(wanted, abs=1e-12)
        assert value.low <= value.high
    assert found.suppressed[0] == f"origin: LGA (n={(rows['origin'] == 'LGA').sum()})"
    pairs = [each.group for each in found.groups if each.by == "origin & carrier"]
    assert pairs == ["EWR & AA", "EWR & B6", "JFK & AA", "JFK & B6"]
    jfk = next(each for each in found.groups if each.group == "JFK")
    assert jfk.accuracy.low < jfk.accuracy.value < jfk.accuracy.high
    kept = ws.call(service.show, ShowReport(report=found.report))
    assert (kept.kind, kept.label_coverage) == ("bias", 1.0)
    assert len(kept.details["groups"]) == len(found.groups)
    assert "demographic_parity_difference[origin]" in {each.name for each in kept.metrics}
    assert "JFK &amp; AA" in found._repr_html_()
    assert len(found.df) == len(found.groups)


def test_groups_that_the_model_must_not_see_are_joined_by_id(ws):
    rows = window(ws, "feb", features=False)
    sex = pd.DataFrame({"id": rows["id"], "sex": np.where(np.arange(ROWS) % 3 == 0, "f", "m")})
    found = mlops.bias("delay@1", "feb", "sex", groups=sex, save=False, workspace=ws)
    assert {each.group: each.rows for each in found.groups} == {"f": 1000, "m": 2000}
    assert found.report == ""
    with pytest.raises(InvalidValue, match="twice"):
        mlops.bias("delay@1", "feb", "sex", groups=pd.concat([sex, sex]), workspace=ws)
    with pytest.raises(NotFound, match="'age'"):
        mlops.bias("delay@1", "feb", "age", groups=sex, workspace=ws)
    missing = mlops.bias("delay@1", "feb", "sex", groups=sex.iloc[:1500], save=False, workspace=ws)
    assert {each.group for each in missing.groups} == {"f", "m", "(missing)"}


def test_a_single_group_has_nothing_to_be_compared_with(ws):
    window(ws, "feb")
    with pytest.raises(InvalidValue, match="at least 5000 rows"):
        mlops.bias("delay@1", "feb", "carrier", least=5000, workspace=ws)


def test_the_slice_that_is_predicted_badly_is_found_and_moved_the_loss(ws):
    window(ws, "feb", seed=1)
    window(ws, "mar", seed=2, bad=0.9)
    worst = mlops.worst_slices("delay@1", "mar", workspace=ws)
    assert worst.slices[0].slice == "origin=JFK and carrier=B6"
    assert (worst.metric, worst.slices[0].elsewhere.low > 0) == ("log_loss", True)
    moved = mlops.attribute("delay@1", "feb", "mar", columns=["carrier"], workspace=ws)
    assert moved.moved[0].slice == "carrier=B6"
    assert moved.moved[0].within > 10 * abs(moved.moved[0].composition)
    assert sum(each.contribution.value for each in moved.moved) == pytest.approx(moved.change.value)
    assert actions(ws).count("report.saved") == 2
    brier = mlops.attribute("delay@1", "feb", "mar", metric="brier", save=False, workspace=ws)
    assert brier.change.value > 0
    assert actions(ws).count("report.saved") == 2


def test_columns_that_a_dataset_hides_name_no_group(workspace):
    mlops.snapshot(pd.DataFrame({"carrier": ["AA"], "origin": ["JFK"]}), "flights", workspace=workspace)
    mlops.classify("flights", {"carrier": "pii"}, workspace=workspace)
    registered(workspace, inputs=("dataset:flights@1",))
    rows = window(workspace, "feb")
    with pytest.raises(InvalidValue, match="'carrier' are pii"):
        mlops.bias("delay@1", "feb", "carrier", workspace=workspace)
    with pytest.raises(InvalidValue, match="'carrier' are pii"):
        mlops.worst_slices("delay@1", "feb", columns=["carrier"], workspace=workspace)
    worst = mlops.worst_slices("delay@1", "feb", save=False, workspace=workspace)
    assert "carrier" not in worst.model_dump_json()
    coarse = rows[["id"]].assign(carrier=np.where(rows["carrier"] == "AA", "large", "small"))
    found = mlops.bias("delay@1", "feb", "carrier", groups=coarse, save=False, workspace=workspace)
    assert {each.group for each in found.groups} == {"large", "small"}


def test_what_is_not_there_is_named(ws):
    window(ws, "feb", features=False)
    with pytest.raises(NotFound, match="no features are logged"):
        mlops.worst_slices("delay@1", "feb", workspace=ws)
    with pytest.raises(NotFound, match="no predictions of 'may'"):
        mlops.worst_slices("delay@1", "may", workspace=ws)
    window(ws, "mar")
    with pytest.raises(NotFound) as refused:
        mlops.worst_slices("delay@1", "mar", columns=["carier"], workspace=ws)
    assert "carrier" in refused.value.hint
    with pytest.raises(InvalidValue, match="brie"):
        mlops.worst_slices("delay@1", "mar", metric="brie", workspace=ws)
