"""Monitors of data quality and of performance: declared, run, heard, and held to what they were told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

import mlops_ext as mlops
from mlops_ext.errors import InvalidValue
from mlops_ext.monitoring.monitors import service
from mlops_ext.monitoring.monitors.declared import apply_declared
from mlops_ext.monitoring.monitors.running import run_due
from mlops_ext.monitoring.monitors.types import ShowMonitor
from mlops_ext.monitoring.service import show as show_report
from mlops_ext.monitoring.types import ShowReport
from mlops_ext.workspace import Workspace
from tests.models.support import registered
from tests.monitoring.monitors.support import event_count, frame
from tests.monitoring.monitors.test_monitors import alerts, windows

pytestmark = pytest.mark.sqlite
DAYS = pd.date_range("2013-02-01", periods=14, tz="UTC")


def keyed(rows, seed, **changes):
    return frame(rows, seed).assign(**{"id": np.arange(rows), **changes})


def log(ws, window, seed, *, labels=True, wrong=False, rows=600):
    """Log predictions whose probabilities are right, or the wrong way round."""
    rng = np.random.default_rng(seed)
    probability = rng.random(rows)
    label = (rng.random(rows) < (1 - probability if wrong else probability)).astype(float)
    ids, at = [f"{window}-{i}" for i in range(rows)], DAYS[np.arange(rows) % len(DAYS)]
    given = {"at": at, "window": window, "workspace": ws}
    mlops.log_predictions("delay@1", None, probability >= 0.5, ids, probability=probability, **given)
    if labels:
        mlops.log_labels("delay@1", ids, label, **given)
    return ids, at, label, probability


def test_a_version_whose_data_is_faulty_is_heard_and_a_usual_one_is_not(workspace):
    mlops.snapshot(keyed(1000, 1), "flights", workspace=workspace)
    mlops.monitor("rows", kind="quality", reference="flights@1", data="flights", keys=["id"], workspace=workspace)
    mlops.snapshot(keyed(1000, 2), "flights", workspace=workspace)
    mlops.snapshot(keyed(1000, 3, id=0, c="q"), "flights", workspace=workspace)
    assert run_due(workspace) == 2
    newest, earlier = windows(workspace, "rows")
    assert (earlier.status, earlier.drifted, earlier.alert) == ("passed", (), "")
    assert (newest.status, set(newest.drifted)) == ("failed", {"id", "c"})
    assert newest.level == pytest.approx(0.05 / 52)
    (alert,) = alerts(workspace)
    assert (alert.id, alert.kind, alert.monitor) == (newest.alert, "data_quality", "rows")
    assert "999 rows repeat id (duplicate_keys)" in alert.message
    report = workspace.call(show_report, ShowReport(report=newest.report))
    assert (report.kind, report.reference, report.current) == ("quality", "dataset:flights@1", "dataset:flights@3")
    before = event_count(workspace)
    assert run_due(workspace) == 0
    assert event_count(workspace) == before


def test_a_season_is_compared_with_the_same_season(workspace):
    from tests.monitoring.drift.test_references import year

    mlops.snapshot(year(4000), "weather", workspace=workspace)
    watch = {"reference": "weather@1", "data": "weather", "columns": ["x"], "workspace": workspace}
    mlops.monitor("plain", **watch)
    mlops.monitor("same", season="month", at="at", **watch)
    mlops.snapshot(year(500, 1, "2013-07-01", 31), "weather", workspace=workspace)
    assert run_due(workspace) == 2
    assert [windows(workspace, name)[0].status for name in ("plain", "same")] == ["drift", "no_drift"]


def test_only_the_columns_that_are_named_are_looked_at_also_in_a_stream(workspace):
    mlops.snapshot(frame(1000, 1), "flights", workspace=workspace)
    mlops.monitor("rows", kind="quality", reference="flights@1", columns=["x", "k"], workspace=workspace)
    rows = frame(800, 2).assign(m=np.nan, k=99)
    mlops.observe("rows", rows, workspace=workspace)
    (judged,) = mlops.run_monitor("rows", close=True, workspace=workspace).windows
    assert (judged.status, judged.drifted, judged.rows) == ("failed", ("k",), 800)


def test_a_metric_is_measured_when_labels_come_and_heard_when_it_is_lost(workspace):
    registered(workspace, "delay")
    log(workspace, "2013-02", 1)
    mlops.performance("delay@1", "2013-02", workspace=workspace)
    mlops.monitor("auc", kind="performance", model="delay@1", against="2013-02", workspace=workspace)
    assert workspace.call(service.show, ShowMonitor(monitor="auc")).watches == "predictions"
    ids, at, label, probability = log(workspace, "2013-03", 2, labels=False, wrong=True)
    judged = {each.window: each for each in mlops.run_monitor("auc", workspace=workspace).windows}
    assert {name: each.status for name, each in judged.items()} == {"2013-02": "held", "2013-03": "held"}
    assert judged["2013-03"].level is None
    before = event_count(workspace)
    assert mlops.run_monitor("auc", workspace=workspace).judged == 0
    assert event_count(workspace) == before
    mlops.log_labels("delay@1", ids, label, at=at, window="2013-03", workspace=workspace)
    (again,) = mlops.run_monitor("auc", workspace=workspace).windows
    assert (again.window, again.status, again.drifted) == ("2013-03", "lost", ("auc",))
    (alert,) = alerts(workspace)
    assert (alert.kind, alert.severity, alert.model) == ("performance_loss", "critical", "delay@1")
    report = workspace.call(show_report, ShowReport(report=again.report))
    measured = {each.name: each.value for each in report.metrics}
    assert measured["auc"] == pytest.approx(roc_auc_score(label, probability), abs=1e-12)
    assert alert.report == report.id


def test_an_estimate_that_leaves_the_limit_is_a_warning_and_no_labels_are_no_alarm(workspace):
    registered(workspace, "delay")
    rng = np.random.default_rng(0)
    near = 0.5 + 0.01 * rng.random(400)
    given = {"at": DAYS[np.arange(400) % 14], "window": "2013-05", "workspace": workspace}
    mlops.log_predictions("delay@1", None, near >= 0.5, [f"n{i}" for i in range(400)], probability=near, **given)
    mlops.log_predictions("delay@1", None, near >= 0.5, [f"m{i}" for i in range(400)], **{**given, "window": "2013-06"})
    mlops.monitor("auc", kind="performance", model="delay@1", limit=0.7, workspace=workspace)
    judged = {each.window: each.status for each in mlops.run_monitor("auc", workspace=workspace).windows}
    assert judged == {"2013-05": "lost", "2013-06": "unlabelled"}
    (alert,) = alerts(workspace)
    assert (alert.kind, alert.severity, alert.window) == ("estimated_impact", "warning", "2013-05")


def test_every_kind_is_declared_in_the_file(workspace):
    registered(workspace, "delay")
    mlops.snapshot(keyed(100, 1), "flights", workspace=workspace)
    text = (
        '[monitors.rows]\nkind = "quality"\nreference = "flights@1"\ndata = "flights"\nkeys = ["id"]\n'
        '[monitors.auc]\nkind = "performance"\nmodel = "delay@1"\nlimit = 0.7\n'
    )
    (workspace.root / "mlops.toml").write_text(text, encoding="utf-8")
    ws = Workspace(workspace.root)
    assert apply_declared(ws) == ["rows", "auc"]
    assert apply_declared(ws) == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "drift", "keys": ["id"]}, "keys is for monitors of quality"),
        ({"season": "month"}, "season is 'month' and at is ''"),
        ({"kind": "quality", "limit": 0.7}, "limit is for monitors of performance"),
        ({"kind": "quality", "keys": ["q"]}, "no column 'q' in flights@1"),
        ({"kind": "quality", "keys": "id"}, "keys is the text 'id'"),
        ({"kind": "quality", "max_age": "soon"}, "max_age"),
        ({"kind": "performance", "limit": 0.7}, "performance of no model's predictions"),
        ({"kind": "performance", "model": "delay@1"}, "held to nothing"),
    ],
)
def test_what_a_kind_does_not_know_is_refused(workspace, settings, message):
    registered(workspace, "delay")
    mlops.snapshot(keyed(10, 1), "flights", workspace=workspace)
    with pytest.raises(InvalidValue, match=message):
        mlops.monitor("m", **{"reference": "flights@1", **settings}, workspace=workspace)


def drifting(ws, window, seed, shift, *, near):
    """Log predictions with a feature; probabilities near one half cannot tell the classes."""
    rng = np.random.default_rng(seed)
    probability = 0.5 + 0.02 * (rng.random(500) - 0.5) if near else rng.random(500)
    given = {"at": DAYS[np.arange(500) % 14], "window": window, "workspace": ws, "probability": probability}
    ids = [f"{window}-{i}" for i in range(500)]
    mlops.log_predictions(
        "delay@1", pd.DataFrame({"x": rng.normal(size=500) + shift}), probability >= 0.5, ids, **given
    )


def test_drift_is_as_loud_as_what_it_costs_the_model(workspace):
    registered(workspace, "delay")
    mlops.snapshot(frame(2000, 9), "flights", workspace=workspace)
    drifting(workspace, "a", 1, 0.0, near=False)
    watch = {
        "reference": "flights@1",
        "model": "delay@1",
        "predictions": True,
        "columns": ["x"],
        "workspace": workspace,
    }
    mlops.monitor("free", **watch)
    mlops.monitor("fixed", severity="critical", **watch)
    for name in ("free", "fixed"):
        assert mlops.run_monitor(name, workspace=workspace).windows[0].status == "no_drift"
    drifting(workspace, "b", 2, 1.0, near=False)
    mlops.run_monitor("free", window="b", workspace=workspace)
    (quiet,) = alerts(workspace)
    assert (quiet.severity, quiet.details["impact"]["by"]) == ("info", "estimated")
    assert "auc of delay@1 is estimated at" in quiet.message
    assert "not beyond" in quiet.message
    drifting(workspace, "c", 3, 1.0, near=True)
    mlops.run_monitor("free", window="c", workspace=workspace)
    (loud,) = alerts(workspace)
    assert (loud.id, loud.severity) == (quiet.id, "warning")
    assert loud.details["impact"]["value"] < loud.details["impact"]["limit"]
    mlops.run_monitor("fixed", window="c", workspace=workspace)
    assert {each.severity for each in alerts(workspace)} == {"warning", "critical"}


@pytest.mark.parametrize(("weight", "severity"), [(0.05, "info"), (0.5, "warning")])
def test_without_predictions_the_importance_of_what_drifted_decides(workspace, weight, severity):
    mlops.snapshot(frame(1000, 1), "flights", workspace=workspace)
    importance = {"x": weight, "k": 1 - weight}
    mlops.monitor("m", reference="flights@1", data="flights", importance=importance, workspace=workspace)
    mlops.snapshot(frame(1000, 2, shift=1.0), "flights", workspace=workspace)
    run_due(workspace)
    (alert,) = alerts(workspace)
    assert (alert.severity, alert.details["impact"]["share"]) == (severity, weight)
    assert alert.message.endswith(f"{weight:.0%} of the importance drifted")


def test_an_alert_whose_cost_is_not_known_says_why_and_what_would_tell_it(workspace):
    registered(workspace, "delay")
    mlops.snapshot(frame(1000, 1), "flights", workspace=workspace)
    data = {"reference": "flights@1", "data": "flights", "columns": ["x"], "workspace": workspace}
    mlops.monitor("nameless", **data)
    mlops.monitor("of_model", model="delay@1", **data)
    mlops.snapshot(frame(1000, 2, shift=1.0), "flights", workspace=workspace)
    run_due(workspace)
    give = "or give the monitor importance={column: weight}"
    costs = {alert.monitor: alert.message.partition("what it costs ")[2] for alert in alerts(workspace)}
    assert costs["nameless"] == (
        f"a model is not known, since the monitor names no model: name one with logged predictions, {give}"
    )
    assert costs["of_model"] == (
        "delay@1 is not known, since no predictions of it are logged: "
        f"log them with log_predictions(…, probability=), {give}"
    )
    drifting(workspace, "a", 3, 1.0, near=False)
    mlops.snapshot(frame(1000, 4, shift=2.0), "flights", workspace=workspace)
    run_due(workspace)
    (told,) = (alert.message for alert in alerts(workspace) if alert.monitor == "of_model")
    assert f"the monitor watches data, not the logged predictions: watch those with predictions=True, {give}" in told
    mlops.monitor("live", reference="flights@1", model="delay@1", predictions=True, columns=["x"], workspace=workspace)
    mlops.run_monitor("live", workspace=workspace)
    (alert,) = (alert for alert in alerts(workspace) if alert.monitor == "live")
    assert "no other window tells what delay@1 did before: log one with labels" in alert.message
    assert (alert.severity, alert.details["impact"]["by"]) == ("warning", "unknown")
