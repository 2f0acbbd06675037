"""A window judged slice by slice, and its way into figures."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import brier_score_loss, f1_score, roc_auc_score

from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.monitoring.dashboard.edge import Dashboard
from mlops_ext.monitoring.performance.edge import estimate, performance
from mlops_ext.monitoring.performance.slices import LEAST_ROWS
from tests.models.support import registered
from tests.monitoring.performance.test_edge import labelled, predicted, scored

pytestmark = pytest.mark.sqlite


@pytest.fixture
def ws(workspace):
    registered(workspace)
    return workspace


def logged(ws, window="2013-02", seed=0):
    """Log a window whose EWR rows are guessed and whose JFK rows are known, with a handful of LGA."""
    frame = scored(900, seed)
    rng = np.random.default_rng(seed)
    frame["origin"] = rng.choice(["EWR", "JFK"], 900)
    frame.loc[: LEAST_ROWS - 2, "origin"] = "LGA"
    guessed = frame["origin"] == "EWR"
    frame.loc[guessed, "label"] = (rng.random(guessed.sum()) < 0.5).astype(float)
    features = pd.DataFrame({"origin": frame["origin"], "temp": rng.normal(size=900)})
    predicted(ws, frame, features=features, window=window)
    labelled(ws, frame, window=window)
    return frame


def values(report, name):
    return {each["name"]: each["value"] for each in report.details["slices"][name]["metrics"]}


def test_each_slice_has_the_metrics_of_its_own_rows(ws):
    frame = logged(ws)
    report = performance("delay@1", "2013-02", slices=["origin"], threshold=0.4, workspace=ws)
    for origin in ("EWR", "JFK"):
        rows = frame[frame["origin"] == origin]
        found = values(report, f"origin={origin}")
        assert report.details["slices"][f"origin={origin}"]["rows"] == len(rows)
        assert found["auc"] == pytest.approx(roc_auc_score(rows["label"], rows["probability"]), abs=1e-12)
        assert found["brier"] == pytest.approx(brier_score_loss(rows["label"], rows["probability"]), abs=1e-12)
        assert found["f1"] == pytest.approx(f1_score(rows["label"], rows["probability"] >= 0.4), abs=1e-12)
    whole = {each.name: each.value for each in report.metrics}
    assert whole["auc"] == pytest.approx(roc_auc_score(frame["label"], frame["probability"]), abs=1e-12)


def test_a_slice_of_a_few_rows_is_counted_and_not_judged(ws):
    logged(ws)
    report = performance("delay@1", "2013-02", slices=["origin"], workspace=ws)
    assert report.details["slices"]["origin=LGA"] == {"rows": LEAST_ROWS - 1, "metrics": []}
    assert Dashboard("delay", workspace=ws).health.slices == ("origin=EWR", "origin=JFK")


@pytest.mark.parametrize(
    ("columns", "error", "words"),
    [
        (["orign"], NotFound, "origin"),
        (["temp"], InvalidValue, "different numbers"),
    ],
)
def test_a_column_that_cannot_slice_is_refused_and_nothing_is_saved(ws, columns, error, words):
    logged(ws)
    with pytest.raises(error) as raised:
        performance("delay@1", "2013-02", slices=columns, workspace=ws)
    assert re.search(words, f"{raised.value} {raised.value.hint}")
    assert Dashboard("delay", workspace=ws).health.windows == ()


@pytest.mark.parametrize("argument", ["metrics", "slices"])
def test_a_text_where_names_belong_is_refused_with_the_list_to_write(argument):
    with pytest.raises(InvalidValue, match=f"{argument} is the text 'origin'") as raised:
        performance("delay@1", "2013-02", **{argument: "origin"})
    assert raised.value.hint == f"Write {argument}=['origin']"


def test_a_metric_is_drawn_by_window_for_the_rows_of_a_slice(ws):
    for seed, window in enumerate(("2013-02", "2013-03")):
        logged(ws, window, seed)
        estimate("delay@1", window, workspace=ws)
    reports = [
        performance("delay@1", "2013-02", slices=["origin"], workspace=ws),
        performance("delay@1", "2013-03", slices=["origin"], workspace=ws),
    ]
    board = Dashboard("delay", workspace=ws)
    drawn = board.figure("metric", metric="auc", slice="origin=EWR")
    lines = [each for each in drawn.data if each.name]
    assert [each.name.partition(",")[0] for each in lines] == ["measured"], "an estimate knows no slices"
    assert list(lines[0].y) == [values(report, "origin=EWR")["auc"] for report in reports]
    assert list(lines[0].y) != list(board.figure("metric", metric="auc").data[1].y)
    with pytest.raises(NotFound, match="judged slice"):
        board.figure("metric", slice="origin=LGA")
