"""From a drifted window to a run that retrains: everything by itself, each step once."""

from __future__ import annotations

import pytest

import mlops_ext as mlops
from mlops_ext.monitoring.alerts import service as alerting
from mlops_ext.monitoring.alerts.channels import title_of
from mlops_ext.monitoring.alerts.delivery import deliver
from mlops_ext.monitoring.alerts.types import ListAlerts, ResolveAlert
from mlops_ext.monitoring.monitors import service
from mlops_ext.monitoring.monitors.types import ListMonitorWindows
from mlops_ext.runs import service as jobs
from mlops_ext.runs.schedules.tick import tick
from mlops_ext.runs.types import ListJobs
from mlops_ext.workspace import Workspace
from tests.models.support import registered
from tests.monitoring.monitors.support import frame, let_end
from tests.runs.writing import write_notebook
from tests.support.listener import listening

TOML = """
[[alerts.channels]]
name = "ops"
kind = "webhook"
url_env = "OPS_URL"
plain_http = ["127.0.0.1"]

[[alerts.channels]]
name = "others"
kind = "webhook"
url_env = "OTHERS_URL"
plain_http = ["127.0.0.1"]

[monitors.live]
reference = "flights@1"
model = "delay@1"
columns = ["x", "c"]
channels = ["ops"]
retrain = "train.ipynb"
parameters = { window = "{window}", first = "{details.columns}" }
"""


@pytest.fixture
def declared(workspace: Workspace) -> Workspace:
    mlops.snapshot(frame(2000, 1), "flights", workspace=workspace)
    registered(workspace, "delay")
    (workspace.root / "mlops.toml").write_text(TOML, encoding="utf-8")
    write_notebook(workspace.root / "train.ipynb", ("window: str = ''\nfirst: list = []", "parameters"))
    return Workspace(workspace.root)


def test_a_tick_takes_a_window_all_the_way_to_its_retraining_once(declared):
    ws = declared
    assert tick(ws).changed == ("live",)
    mlops.observe("live", frame(2000, 2, shift=1.0), workspace=ws)
    assert tick(ws).judged == 0
    let_end(ws)
    done = tick(ws, notices=False)
    assert (done.judged, done.triggered, done.troubles) == (1, 1, ())
    assert tick(ws, notices=False).triggered == 0
    (alert,) = ws.call(alerting.alerts, ListAlerts())
    (window,) = ws.call(service.windows, ListMonitorWindows(monitor="live"))
    assert (alert.model, alert.channels, alert.report) == ("delay@1", ("ops",), window.report)
    assert title_of(alert, "raised") == f"[warning] drift of delay@1 on {window.window}"
    (job,) = ws.call(jobs.list_jobs, ListJobs())
    assert (job.trigger, job.parameters) == (alert.ref, {"window": window.window, "first": ["x"]})


@pytest.mark.sqlite
def test_later_windows_join_the_alert_and_start_nothing_until_it_is_resolved(declared):
    ws = declared
    tick(ws, notices=False)
    mlops.monitor("more", reference="flights@1", window="500 rows", retrain="train.ipynb", workspace=ws)

    def drifts():
        mlops.observe("more", frame(600, 2, shift=1.0), workspace=ws)
        return tick(ws, notices=False).triggered

    assert [drifts(), drifts()] == [1, 0]
    (alert,) = ws.call(alerting.alerts, ListAlerts())
    assert alert.windows == ("000001", "000002")
    ws.call(alerting.resolve, ResolveAlert(alert=alert.id))
    (ws.root / "mlops.toml").write_text(TOML.replace("[[alerts", '[alerts]\ncool_down = "0s"\n\n[[alerts', 1))
    ws = Workspace(ws.root)
    assert drifts() == 1


@pytest.mark.sqlite
def test_only_the_channels_that_a_monitor_names_are_told(declared, monkeypatch):
    ws = declared
    with listening() as ops, listening() as others:
        monkeypatch.setenv("OPS_URL", ops.url)
        monkeypatch.setenv("OTHERS_URL", others.url)
        tick(ws, notices=False)
        mlops.observe("live", frame(2000, 2, shift=1.0), workspace=ws)
        let_end(ws)
        tick(ws, notices=False)
        assert deliver(ws) == 1
    assert len(ops.kept) == 1
    assert others.kept == []
