"""From logged predictions to judged windows, and drift of stored datasets."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from mlops_ext.datasets.edge import snapshot
from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.monitoring import service
from mlops_ext.monitoring.drift.edge import drift
from mlops_ext.monitoring.performance import edge
from mlops_ext.monitoring.types import ShowReport
from tests.models.support import actions, registered

pytestmark = pytest.mark.sqlite

DAYS = pd.date_range("2013-02-01", periods=14, tz="UTC")


def scored(rows=700, seed=0):
    rng = np.random.default_rng(seed)
    probability = rng.random(rows)
    return pd.DataFrame(
        {
            "id": [f"f{i}" for i in range(rows)],
            "at": DAYS[np.arange(rows) % len(DAYS)],
            "probability": probability,
            "label": (rng.random(rows) < probability).astype(float),
        }
    )


def predicted(ws, frame, ref="delay@1", window="2013-02", **fields):
    values = {"probability": frame["probability"], "features": None} | fields
    return edge.log_predictions(
        ref,
        values.pop("features"),
        frame["probability"] >= 0.5,
        frame["id"],
        at=frame["at"],
        window=window,
        workspace=ws,
        **values,
    )


def labelled(ws, frame, ref="delay@1", window="2013-02", **fields):
    values = {"at": frame["at"] + pd.Timedelta(days=30)} | fields
    return edge.log_labels(ref, frame["id"], frame["label"], window=window, workspace=ws, **values)


def metrics(report):
    return {each.name: each for each in report.metrics}


@pytest.fixture
def ws(workspace):
    registered(workspace)
    registered(workspace, content=b"two")
    return workspace


def test_a_window_is_judged_from_what_was_logged(ws):
    frame = scored()
    predicted(ws, frame)
    labelled(ws, frame)
    report = edge.performance("delay@1", "2013-02", workspace=ws)
    found = metrics(report)
    assert found["auc"].value == pytest.approx(roc_auc_score(frame["label"], frame["probability"]), rel=1e-12)
    assert found["brier"].value == pytest.approx(brier_score_loss(frame["label"], frame["probability"]), rel=1e-12)
    assert found["auc"].low < found["auc"].value < found["auc"].high
    assert (report.kind, report.model, report.label_coverage) == ("performance", "delay@1", 1.0)
    assert report.details["bootstrap"]["days"] == 14
    assert ws.call(service.show, ShowReport(report=report.id)).metrics == report.metrics


def test_late_and_partial_labels_count_as_coverage(ws):
    frame = scored()
    predicted(ws, frame)
    labelled(ws, frame[:200])
    labelled(ws, frame[200:350], window="")
    report = edge.performance("delay@1", "2013-02", workspace=ws)
    assert report.label_coverage == 0.5
    assert metrics(report)["auc"].value == pytest.approx(
        roc_auc_score(frame["label"][:350], frame["probability"][:350])
    )


def test_the_last_label_by_time_wins_and_strangers_are_counted(ws):
    frame = scored()
    predicted(ws, frame)
    labelled(ws, frame, at=pd.Timestamp("2013-03-01"))
    labelled(ws, frame.assign(label=1 - frame["label"]), at=pd.Timestamp("2013-02-20"))
    labelled(ws, pd.DataFrame({"id": ["stranger"], "label": [1.0], "at": DAYS[:1]}))
    report = edge.performance("delay@1", "2013-02", workspace=ws)
    assert metrics(report)["auc"].value == pytest.approx(roc_auc_score(frame["label"], frame["probability"]))
    assert report.details["counts"] == {
        "predictions": 700, "repeated_predictions": 0, "labels": 700, "repeated_labels": 700, "unknown_labels": 1,
    }  # fmt: skip


def test_labels_count_for_every_version_of_the_model(ws):
    frame = scored()
    predicted(ws, frame, ref="delay@2")
    labelled(ws, frame, ref="delay@1")
    assert edge.performance("delay@2", "2013-02", workspace=ws).label_coverage == 1


def test_logging_the_same_rows_again_changes_nothing(ws):
    frame = scored()
    before = len(actions(ws)) + 1
    assert predicted(ws, frame).new
    assert not predicted(ws, frame).new
    assert len(actions(ws)) == before
    assert predicted(ws, frame, window="2013-03").new


def test_features_are_kept_beside_the_predictions(ws):
    import pyarrow.parquet as pq

    frame = scored(5)
    batch = predicted(ws, frame, features=frame[["probability"]].assign(origin="JFK"))
    table = pq.read_table(ws.blob_path(batch.batch))
    assert table.column_names == ["id", "at", "prediction", "probability", "feature:probability", "feature:origin"]


def test_whole_numbers_and_polars_columns_are_logged_too(ws):
    frame = pl.DataFrame({"id": [1, 2, 3, 4], "p": [0.1, 0.9, 0.4, 0.6], "y": [0, 1, 0, 1]})
    edge.log_predictions(
        "delay@1",
        None,
        (frame["p"] > 0.5),
        frame["id"],
        probability=frame["p"],
        at="2013-02-01",
        window="w",
        workspace=ws,
    )
    edge.log_labels("delay@1", [1, 2, 3, 4], frame["y"], at="2013-02-02", window="w", workspace=ws)
    assert metrics(edge.performance("delay@1", "w", workspace=ws))["auc"].value == 1


def test_without_probabilities_only_decisions_are_judged(ws):
    frame = scored()
    predicted(ws, frame, probability=None)
    labelled(ws, frame)
    report = edge.performance("delay@1", "2013-02", workspace=ws)
    assert set(metrics(report)) == {"f1", "accuracy"}
    with pytest.raises(InvalidValue, match="no probabilities"):
        edge.estimate("delay@1", "2013-02", workspace=ws)


def test_an_estimate_comes_before_labels_and_its_error_after(ws):
    frame = scored(3000)
    predicted(ws, frame)
    told = edge.estimate("delay@1", "2013-02", workspace=ws)
    assert told.kind == "estimate"
    assert {each.kind for each in told.metrics} == {"estimated"}
    assert told.details["calibration"] == "none"
    labelled(ws, frame)
    shown = edge.performance("delay@1", "2013-02", workspace=ws)
    error = shown.details["estimate"]["error"]
    assert error["auc"] == pytest.approx(metrics(told)["auc"].value - metrics(shown)["auc"].value)
    assert abs(error["auc"]) < 0.03


def test_an_estimate_can_be_calibrated_on_labelled_windows(ws):
    earlier, later = scored(3000, seed=1), scored(3000, seed=2)
    for frame, window in ((earlier, "2013-01"), (later, "2013-02")):
        shown = frame.assign(probability=frame["probability"] ** 3)
        predicted(ws, shown, window=window)
    labelled(ws, earlier, window="2013-01")
    truth = brier_score_loss(later["label"], later["probability"] ** 3)
    plain = metrics(edge.estimate("delay@1", "2013-02", workspace=ws))["brier"].value
    calibrated = edge.estimate("delay@1", "2013-02", calibrate_on=["2013-01"], workspace=ws)
    assert abs(metrics(calibrated)["brier"].value - truth) < 0.01 < abs(plain - truth)
    assert (calibrated.details["calibration"], calibrated.details["calibration_rows"]) == ("isotonic", 3000)


def test_a_challenger_is_compared_on_the_rows_that_both_predicted(ws):
    frame = scored(1400)
    predicted(ws, frame.assign(probability=np.random.default_rng(3).random(1400)))
    predicted(ws, frame[100:].sample(frac=1, random_state=0), ref="delay@2")
    labelled(ws, frame[:1300])
    report = edge.compare_window("delay@1", "delay@2", "2013-02", workspace=ws)
    assert (report.status, report.model, report.reference) == ("better", "delay@2", "model:delay@1")
    assert report.details["rows"] == 1200
    gain = metrics(report)["auc"]
    assert gain.kind == "difference"
    assert gain.value == pytest.approx(
        report.details["values"]["auc"]["challenger"] - report.details["values"]["auc"]["champion"]
    )
    assert report.details["values"]["auc"]["challenger"] == pytest.approx(
        roc_auc_score(frame["label"][100:1300], frame["probability"][100:1300])
    )
    assert metrics(report)["brier"].high < 0


def test_nothing_logged_is_said_in_one_sentence(ws):
    with pytest.raises(NotFound, match=r"delay@1 has no predictions of '2013-02'"):
        edge.performance("delay@1", "2013-02", workspace=ws)
    predicted(ws, scored())
    with pytest.raises(NotFound, match=r"no labels of '2013-02' for delay@1"):
        edge.performance("delay@1", "2013-02", workspace=ws)
    predicted(ws, scored().assign(id=lambda frame: "other-" + frame["id"]), ref="delay@2")
    with pytest.raises(NotFound, match="predicted by both"):
        edge.compare_window("delay@1", "delay@2", "2013-02", workspace=ws)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"ids": [0.5]}, "floating-point"),
        ({"ids": [None]}, "ids are of type null"),
        ({"ids": ["a", None], "prediction": [1, 1]}, "1 ids are missing"),
        ({"prediction": [2], "task": "binary"}, "a prediction is 2"),
        ({"prediction": [2], "probability": [0.5]}, "a prediction is 2"),
        ({"prediction": ["late"], "task": "binary"}, "a prediction is 'late'"),
        ({"prediction": [None]}, "a prediction is None"),
        ({"prediction": [float("nan")]}, "a prediction is None"),
        ({"prediction": [float("inf")]}, "a prediction is inf"),
        ({"prediction": [[1]]}, "the predictions are of type list"),
        ({"task": "multi"}, "no task 'multi'"),
        ({"task": "multiclass", "probability": [0.5]}, "one probability a row for several classes"),
        ({"task": "regression", "probability": [0.5]}, "probabilities of a regression"),
        ({"probability": np.array([[0.5, 0.5]])}, "probabilities of 2 classes, and 0 names"),
        ({"prediction": [1, 0]}, "1 ids, but 2 values of prediction"),
        ({"probability": [1.5]}, "a probability is 1.5"),
        ({"probability": [float("nan")]}, "a probability is nan"),
        ({"at": "yesterday week"}, "holds no times"),
        ({"at": [None]}, "times are missing"),
    ],
)
def test_what_cannot_be_joined_or_judged_is_refused(tmp_path, fields, message):
    from mlops_ext.monitoring.performance.predictions import prediction_table

    values = {"ids": ["a"], "prediction": [1], "probability": None, "at": "2013-02-01", "features": None} | fields
    with pytest.raises(InvalidValue, match=message):
        prediction_table(**values)


def test_drift_takes_dataset_references_and_is_stored(ws):
    rng = np.random.default_rng(0)
    snapshot(pd.DataFrame({"x": rng.normal(size=800)}), "numbers", workspace=ws)
    snapshot(pd.DataFrame({"x": rng.normal(1, 1, 800)}), "numbers", workspace=ws)
    report = drift("numbers@1", "numbers", model="delay@1", save=True, workspace=ws)
    assert report.columns == ("x",)
    stored = ws.call(service.show, ShowReport(report=report.saved.id))
    assert (stored.reference, stored.current, stored.window) == ("dataset:numbers@1", "dataset:numbers@2", "numbers@2")
    assert (stored.status, stored.verdict.columns, stored.model) == ("drift", ("x",), "delay@1")
    assert len(stored.details["histograms"]["x"]["reference"]) == 24


def test_drift_of_frames_needs_no_workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert not drift({"x": [1.0] * 30}, {"x": [1.0] * 30}).drifted
    assert list(tmp_path.iterdir()) == []
