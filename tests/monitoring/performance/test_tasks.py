"""Numbers, several classes and metrics of one's own, judged as scikit-learn does on the window and on resampled days."""

from __future__ import annotations

import math
from functools import cache
from importlib.metadata import EntryPoint, EntryPoints

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes, load_digits
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    log_loss,
    mean_absolute_error,
    mean_squared_error,
    median_absolute_error,
    r2_score,
)

from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.monitoring.alerts.bands import band_of, loss_alert
from mlops_ext.monitoring.figures import reliability_curve
from mlops_ext.monitoring.groups.edge import bias
from mlops_ext.monitoring.performance import edge
from mlops_ext.monitoring.performance.blocks import day_weights
from mlops_ext.monitoring.performance.classes import Classified
from mlops_ext.monitoring.performance.measure import Bootstrap, measure
from mlops_ext.monitoring.performance.regression import Predicted
from tests.models.support import registered

DAYS = pd.date_range("2013-02-01", periods=9, tz="UTC")


def sklearn_errors(label, predicted):
    return {
        "rmse": math.sqrt(mean_squared_error(label, predicted)),
        "mae": mean_absolute_error(label, predicted),
        "r2": r2_score(label, predicted),
        "median_error": median_absolute_error(label, predicted),
    }


def sklearn_classes(label, predicted, probability=None, classes=None):
    found = {"macro_f1": f1_score(label, predicted, average="macro"), "accuracy": accuracy_score(label, predicted)}
    if probability is None:
        return found
    confidence = probability[np.arange(len(label)), np.searchsorted(classes, predicted)]
    bins = np.clip(np.ceil(confidence * 15).astype(int), 1, 15)
    gaps = [abs(((label == predicted) - confidence)[bins == each].sum()) for each in range(1, 16)]
    return {**found, "log_loss": log_loss(label, probability, labels=classes), "ece": sum(gaps) / len(label)}


@cache
def digits():
    data, label = load_digits(return_X_y=True)
    data = data / 16
    model = LogisticRegression(max_iter=400).fit(data[:900, 20:40], label[:900])
    return label[900:], model.predict(data[900:, 20:40]), model.predict_proba(data[900:, 20:40]), model.classes_


def diabetes():
    data, label = load_diabetes(return_X_y=True)
    return label[200:], Ridge().fit(data[:200], label[:200]).predict(data[200:])


def values(found):
    return {each.name: each.value for each in found.metrics}


def resampled(judged, days, of):
    """The percentile interval of a metric that scikit-learn computes on each draw's rows."""
    found = []
    for weight in day_weights(days, 50, 2013):
        rows = np.repeat(np.arange(len(judged.day)), weight[judged.day].astype(int))
        found.append(of(rows))
    return np.quantile(found, [0.025, 0.975])


@pytest.mark.fast
def test_errors_and_their_intervals_are_those_of_sklearn():
    label, predicted = diabetes()
    judged = Predicted(np.arange(len(label)) % 9, label, predicted)
    found = measure(judged, Bootstrap(draws=50))
    assert values(found) == pytest.approx(sklearn_errors(label, predicted), rel=1e-12)
    for each in found.metrics:
        expected = resampled(judged, 9, lambda rows, name=each.name: sklearn_errors(label[rows], predicted[rows])[name])
        assert (each.low, each.high) == pytest.approx(tuple(expected), rel=1e-9), each.name
    assert found.details["task"] == "regression"
    assert found.details["errors"]["50%"] == pytest.approx(np.median(predicted - label))


@pytest.mark.fast
@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5), st.integers(0, 3)), min_size=2, max_size=30))
def test_small_windows_of_numbers_are_right_too(rows):
    label, predicted = (np.array([row[at] for row in rows], dtype=float) for at in (0, 1))
    found = values(measure(Predicted(np.unique([row[2] for row in rows], return_inverse=True)[1], label, predicted)))
    expected = sklearn_errors(label, predicted)
    if len(set(label)) == 1:
        assert math.isnan(found.pop("r2"))
        expected.pop("r2")
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.fast
def test_classes_and_their_intervals_are_those_of_sklearn():
    label, predicted, probability, classes = digits()
    names = tuple(map(str, classes))
    judged = Classified(np.arange(len(label)) % 9, label.astype(str), predicted.astype(str), probability, names)
    found = measure(judged, Bootstrap(draws=50))
    assert values(found) == pytest.approx(sklearn_classes(label, predicted, probability, classes), rel=1e-9)
    for each in found.metrics:
        if each.name == "ece":
            continue

        def on(rows, name=each.name):
            return sklearn_classes(label[rows], predicted[rows], probability[rows], classes)[name]

        assert (each.low, each.high) == pytest.approx(tuple(resampled(judged, 9, on)), rel=1e-9), each.name


@pytest.mark.fast
def test_what_is_mistaken_for_what_stands_in_the_report():
    label, predicted, _, _ = digits()
    judged = Classified(np.zeros(len(label), np.int64), label.astype(str), predicted.astype(str))
    details = measure(judged).details
    matrix = confusion_matrix(label, predicted)
    np.fill_diagonal(matrix, 0)
    first = details["confusions"][0]
    assert first["rows"] == matrix.max() == matrix[int(first["label"]), int(first["predicted"])]
    assert details["classes"]["3"] == (label == 3).sum()
    assert "ece" not in details
    assert values(measure(judged)) == pytest.approx(sklearn_classes(label, predicted))


@pytest.fixture
def ws(workspace):
    registered(workspace)
    registered(workspace, content=b"two")
    return workspace


def logged(ws, label, predicted, ref="delay@1", window="2013-02", **settings):
    ids = [f"i{at}" for at in range(len(label))]
    at = DAYS[np.arange(len(label)) % len(DAYS)]
    edge.log_predictions(
        ref, settings.pop("features", None), predicted, ids, at=at, window=window, workspace=ws, **settings
    )
    edge.log_labels("delay@1", ids, label, at=at[-1], window=window, workspace=ws)


@pytest.mark.sqlite
def test_a_logged_regression_is_judged_as_one(ws):
    label, predicted = diabetes()
    logged(ws, label, predicted)
    report = edge.performance("delay@1", "2013-02", workspace=ws)
    assert values(report) == pytest.approx(sklearn_errors(label, predicted), rel=1e-9)
    worse = edge.performance("delay@1", "2013-02", workspace=ws)
    assert loss_alert(worse, report, metric="rmse") is None
    assert band_of(report, "rmse").limit == {each.name: each.high for each in report.metrics}["rmse"]
    with pytest.raises(InvalidValue, match="not 0 or 1"):
        bias("delay@1", "2013-02", by=["x"], workspace=ws)


@pytest.mark.sqlite
def test_logged_classes_are_judged_as_such_and_their_calibration_is_drawn(ws):
    label, predicted, probability, classes = digits()
    logged(ws, label, predicted, probability=probability, classes=classes)
    report = edge.performance("delay@1", "2013-02", workspace=ws)
    assert values(report) == pytest.approx(sklearn_classes(label, predicted, probability, classes), rel=1e-9)
    assert sum(report.details["reliability"]["rows"]) == len(label)
    assert reliability_curve([report]).data
    assert report.details["task"] == "multiclass"


@pytest.mark.sqlite
def test_whole_numbers_are_classes_when_that_is_said(ws):
    label, predicted, _, _ = digits()
    logged(ws, label, predicted, task="multiclass")
    logged(ws, label, predicted, ref="delay@2")
    for ref, task in (("delay@1", ""), ("delay@2", "multiclass")):
        report = edge.performance(ref, "2013-02", task=task, workspace=ws)
        assert values(report) == pytest.approx(sklearn_classes(label, predicted))
    assert "rmse" in values(edge.performance("delay@2", "2013-02", workspace=ws))


@pytest.mark.sqlite
def test_challengers_of_a_regression_are_compared_by_its_errors(ws):
    label, predicted = diabetes()
    logged(ws, label, predicted)
    logged(ws, label, predicted + 40, ref="delay@2")
    report = edge.compare_window("delay@1", "delay@2", "2013-02", workspace=ws)
    assert (report.status, report.details["metric"]) == ("worse", "rmse")
    assert edge.compare_window("delay@2", "delay@1", "2013-02", metric="r2", workspace=ws).status == "better"


def cost(rows):
    """Late arrivals that nobody foresaw cost more."""
    return float((rows["label"] - rows["prediction"]).clip(lower=0).mean() * rows["feature:weight"].mean())


@pytest.mark.sqlite
def test_a_metric_of_ones_own_has_an_interval_a_band_and_a_comparison(ws, monkeypatch):
    label, predicted = diabetes()
    features = pd.DataFrame({"weight": np.linspace(1, 2, len(label))})
    logged(ws, label, predicted, features=features)
    logged(ws, label, predicted + 40, ref="delay@2", features=features)
    report = edge.performance("delay@1", "2013-02", metrics=[cost], draws=30, workspace=ws)
    (found,) = (each for each in report.metrics if each.name == "cost")
    assert found.value == pytest.approx(np.clip(label - predicted, 0, None).mean() * 1.5)
    assert found.low < found.value < found.high
    with pytest.raises(InvalidValue, match="which way 'cost' is better"):
        band_of(report, "cost")
    with pytest.raises(InvalidValue, match="no metric 'cost' of both whose better side is known"):
        edge.compare_window("delay@1", "delay@2", "2013-02", metric=cost, draws=10, workspace=ws)
    monkeypatch.setattr(cost, "better", "lower", raising=False)
    assert edge.compare_window("delay@1", "delay@2", "2013-02", metric=cost, draws=30, workspace=ws).status == "better"
    report = edge.performance("delay@1", "2013-02", metrics=[cost], draws=30, workspace=ws)
    assert band_of(report, "cost").higher is False


@pytest.mark.sqlite
def test_metrics_by_name_come_from_installed_packages(ws, monkeypatch):
    from mlops_ext.models import plugins

    label, predicted = diabetes()
    logged(ws, label, predicted)
    with pytest.raises(NotFound, match="the metric 'cost' is not installed"):
        edge.performance("delay@1", "2013-02", metrics=["cost"], workspace=ws)
    point = EntryPoint("mean_error", f"{__name__}:mean_error", "mlops_ext.metrics")
    points = EntryPoints([point])
    monkeypatch.setattr(plugins, "_points", lambda group: points)
    report = edge.performance("delay@1", "2013-02", metrics=["mean_error"], draws=5, workspace=ws)
    assert values(report)["mean_error"] == pytest.approx((predicted - label).mean())


def mean_error(rows):
    return (rows["prediction"] - rows["label"]).mean()


@pytest.mark.sqlite
def test_a_metric_that_is_no_number_or_takes_a_name_is_refused(ws):
    logged(ws, *diabetes())

    def rmse(rows):
        return 0.0

    def words(rows):
        return "bad"

    for metric, message in ((rmse, "a metric 'rmse' is there already"), (words, "the metric 'words' gave 'bad'")):
        with pytest.raises(InvalidValue, match=message):
            edge.performance("delay@1", "2013-02", metrics=[metric], workspace=ws)
