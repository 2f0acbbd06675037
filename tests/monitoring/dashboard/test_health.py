"""Whether a model is all right, read off its alerts and reports; and the figures of both."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import mlops_ext as mlops
from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.monitoring import service
from mlops_ext.monitoring.alerts import service as alerting
from mlops_ext.monitoring.alerts.types import AcknowledgeAlert, RaiseAlert, ResolveAlert
from mlops_ext.monitoring.dashboard.drawing import figure
from mlops_ext.monitoring.dashboard.health import health
from mlops_ext.monitoring.dashboard.reading import window_order
from mlops_ext.monitoring.dashboard.types import DrawFigure, ShowHealth
from mlops_ext.monitoring.types import MetricEstimate, SaveReport
from tests.models.support import registered


@pytest.fixture
def ws(workspace):
    registered(workspace)
    return workspace


def judged(ws, window, value, kind="performance", **fields):
    said = "measured" if kind == "performance" else "estimated"
    metrics = (MetricEstimate(name="auc", value=value, low=value - 0.01, high=value + 0.01, kind=said),)
    return ws.call(
        service.report, SaveReport(kind=kind, model="delay@1", window=window, status=said, metrics=metrics, **fields)
    )


def drifted(ws, window, shift, seed=0):
    rng = np.random.default_rng(seed)
    before = pd.DataFrame({"temp": rng.normal(size=800), "wind": rng.normal(size=800)})
    after = pd.DataFrame({"temp": rng.normal(size=800) + shift, "wind": rng.normal(size=800)})
    return mlops.drift(before, after, window=window, model="delay@1", save=True, workspace=ws)


def raised(ws, window, kind="performance_loss", **fields):
    values = {"monitor": "auc-loss", "model": "delay@1", "kind": kind, "window": window, "message": f"low in {window}"}
    return ws.call(alerting.raise_alert, RaiseAlert(**values | fields))


def shown(ws, **fields):
    return ws.call(health, ShowHealth(model="delay", **fields))


@pytest.mark.sqlite
def test_a_model_without_reports_is_unknown_and_told_how_to_begin(ws):
    found = shown(ws)
    assert (found.status, found.since, found.windows) == ("unknown", "", ())
    assert "log_predictions" in found.todo[0]
    with pytest.raises(NotFound):
        ws.call(health, ShowHealth(model="nobody"))


@pytest.mark.sqlite
def test_drift_alone_is_shown_and_leaves_a_model_healthy(ws):
    judged(ws, "week 9", 0.74)
    drifted(ws, "week 9", 2.0)
    judged(ws, "week 10", 0.75, label_coverage=0.9)
    drifted(ws, "week 10", 2.0, seed=1)
    found = shown(ws)
    assert (found.status, found.since) == ("healthy", "")
    assert [each.window for each in found.windows] == ["week 9", "week 10"], "numbers are ordered by value"
    assert [(each.column, each.since) for each in found.moved] == [("temp", "week 9")]
    assert found.windows[1].columns[0] == "temp"
    assert [each.drifted for each in found.windows] == [1, 1]
    assert found.summary() == "delay is all right; AUC measured at 0.750 in week 10; moved: temp"


@pytest.mark.sqlite
def test_a_slice_that_moved_alone_is_told_and_one_that_moved_with_its_column_is_not(ws):
    rng = np.random.default_rng(0)
    sides = [pd.DataFrame({"temp": rng.normal(size=3000), "wind": rng.normal(size=3000)}) for _ in range(2)]
    for side in sides:
        side["origin"] = ["EWR", *["JFK"] * 19] * 150
    sides[1]["temp"] += 2.0
    sides[1].loc[sides[1]["origin"] == "EWR", "wind"] += 2.0
    mlops.drift(*sides, slices=["origin"], window="2013-02", model="delay@1", save=True, workspace=ws)
    found = shown(ws)
    assert {each.column for each in found.moved} == {"temp", "wind [origin=EWR]"}
    (window,) = found.windows
    assert (window.drifted, set(window.columns)) == (1, {"temp", "wind", "origin"})
    assert window.pictured["temp"] == ("origin=JFK", "origin=EWR")
    assert window.pictured["origin"] == ()


def test_an_alert_says_since_when_and_what_to_do_until_it_is_resolved(ws):
    for window, value in (("2013-02", 0.74), ("2013-03", 0.61), ("2013-04", 0.60)):
        judged(ws, window, value)
    judged(ws, "2013-05", 0.65, kind="estimate")
    raised(ws, "2013-03", kind="estimated_impact", monitor="auc-estimate")
    assert shown(ws).status == "at_risk"
    lost = raised(ws, "2013-03")
    raised(ws, "2013-04")
    mlops.promote("delay@1", to="production", workspace=ws)
    found = shown(ws)
    assert (found.status, found.since, found.serving) == ("degraded", "2013-03", "delay@1")
    assert found.alerts[0] == "low in 2013-04"
    assert f"mlops alerts acknowledge {lost.id}" in " ".join(found.todo)
    assert "mlops rollback delay@production" in " ".join(found.todo)
    assert "2013-05 is waiting" in " ".join(found.todo), "an estimate waits for its labels"
    ws.call(alerting.acknowledge, AcknowledgeAlert(alert=lost.id))
    assert shown(ws).status == "degraded", "somebody cares; it is not over"
    for each in ws.call(alerting.alerts, alerting.ListAlerts(model="delay")):
        ws.call(alerting.resolve, ResolveAlert(alert=each.id))
    assert shown(ws).status == "healthy"


@pytest.mark.sqlite
def test_what_was_measured_outranks_the_estimate_and_the_newest_report_counts(ws):
    judged(ws, "2013-02", 0.80, kind="estimate")
    judged(ws, "2013-02", 0.60)
    judged(ws, "2013-02", 0.70)
    (window,) = shown(ws).windows
    assert (window.value, window.kind) == (0.70, "measured")
    assert shown(ws, metric="f1").windows[0].value is None


def test_only_the_newest_windows_are_shown_when_there_are_many(ws):
    for number in range(1, 13):
        judged(ws, f"w{number}", 0.7)
    assert [each.window for each in shown(ws, most=3).windows] == ["w10", "w11", "w12"]


def test_windows_of_any_names_have_an_order():
    names = ["", "2013", "2013-02", "week 9", "week 10", "ä"]
    assert window_order(reversed(names)) == names


def draw(ws, kind, **fields):
    return ws.call(figure, DrawFigure(model="delay", figure=kind, **fields))


@pytest.mark.sqlite
def test_figures_hold_the_numbers_of_the_reports_and_no_rows(ws):
    judged(ws, "2013-02", 0.74)
    judged(ws, "2013-03", 0.61)
    judged(ws, "2013-04", 0.70, kind="estimate")
    report = drifted(ws, "2013-03", 2.0)
    drawn = draw(ws, "metric", metric="auc")
    assert drawn.figure["layout"]["xaxis"]["categoryarray"] == ["2013-02", "2013-03", "2013-04"]
    lone = next(trace for trace in drawn.figure["data"] if trace.get("name") == "estimated, 95% interval")
    assert lone["error_y"]["array"] == pytest.approx([0.01]), "a lone point shows its interval too"
    line = next(trace for trace in drawn.figure["data"] if trace.get("name") == "measured, 95% interval")
    assert (line["x"], line["y"]) == (["2013-02", "2013-03"], [0.74, 0.61])
    assert drawn.caption == "AUC of delay in 3 windows; estimated at 0.700 in the newest"
    column = draw(ws, "column", column="temp", window="2013-03")
    reference, current = column.figure["data"]
    assert math.fsum(reference["y"]) == pytest.approx(1)
    assert current["y"] == list(report.comparison.histograms["temp"].current)
    heat = draw(ws, "drift").figure["data"][0]
    assert heat["y"][-1] == "temp", "the strongest on top"


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("kind", "fields", "error", "said"),
    [
        ("drift", {}, NotFound, "mlops.drift"),
        ("gain", {}, NotFound, "compare_window"),
        ("metric", {"metric": "aux"}, NotFound, "auc"),
        ("reliability", {"window": "2013-02"}, NotFound, "probabilities"),
    ],
)
def test_a_figure_that_cannot_be_drawn_says_what_is_missing(ws, kind, fields, error, said):
    judged(ws, "2013-02", 0.74)
    with pytest.raises(error) as caught:
        draw(ws, kind, **fields)
    assert said in f"{caught.value} {caught.value.hint}"


@pytest.mark.sqlite
def test_a_window_without_a_report_names_those_with_one(ws):
    drifted(ws, "2013-03", 2.0)
    with pytest.raises(InvalidValue, match="2013-04") as caught:
        draw(ws, "column", column="temp", window="2013-04")
    assert "2013-03" in caught.value.hint


@pytest.mark.sqlite
def test_an_alert_that_only_informs_does_not_put_a_model_at_risk(ws):
    judged(ws, "2013-02", 0.7)
    raised(ws, "2013-02", kind="drift", severity="info")
    assert (shown(ws).status, shown(ws).since) == ("healthy", "")
    raised(ws, "2013-03", kind="drift", monitor="other")
    assert (shown(ws).status, shown(ws).since) == ("at_risk", "2013-03")
