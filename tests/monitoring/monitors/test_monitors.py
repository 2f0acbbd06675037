"""Monitors: declared, run when something is due, and heard when a column drifts."""

from __future__ import annotations

import pytest
from sqlalchemy import select

import mlops_ext as mlops
from mlops_ext.errors import Conflict, InvalidValue, NotFound
from mlops_ext.monitoring.alerts import service as alerting
from mlops_ext.monitoring.alerts.types import ListAlerts
from mlops_ext.monitoring.monitors import service
from mlops_ext.monitoring.monitors.declared import apply_declared
from mlops_ext.monitoring.monitors.running import run_due
from mlops_ext.monitoring.monitors.types import ListMonitors, ListMonitorWindows, ShowMonitor
from mlops_ext.monitoring.service import show as show_report
from mlops_ext.monitoring.types import ShowReport
from mlops_ext.store.schema import event_data, events
from mlops_ext.store.trail import decoded
from mlops_ext.workspace import Workspace
from tests.monitoring.monitors.support import event_count, frame


def watched(workspace, **settings):
    mlops.snapshot(frame(2000, 1), "flights", workspace=workspace)
    return mlops.monitor("arrivals", reference="flights@1", data="flights", workspace=workspace, **settings)


def windows(workspace, name="arrivals"):
    return list(workspace.call(service.windows, ListMonitorWindows(monitor=name)))


def alerts(workspace):
    return list(workspace.call(alerting.alerts, ListAlerts()))


def test_a_new_version_is_judged_once_and_a_drifted_one_is_heard(workspace):
    monitor = watched(workspace)
    assert (monitor.watches, monitor.reference) == ("dataset", "dataset:flights@1")
    assert run_due(workspace) == 0, "what was there when it was declared is no news"
    mlops.snapshot(frame(2000, 2), "flights", workspace=workspace)
    mlops.snapshot(frame(2000, 3, shift=1.0), "flights", workspace=workspace)
    assert run_due(workspace) == 2
    before = event_count(workspace)
    assert run_due(workspace) == 0
    assert event_count(workspace) == before
    newest, earlier = windows(workspace)
    assert (earlier.window, earlier.status, earlier.alert) == ("flights@2", "no_drift", "")
    assert (newest.window, newest.status, newest.drifted) == ("flights@3", "drift", ("x",))
    (alert,) = alerts(workspace)
    assert (alert.id, alert.monitor, alert.kind, alert.model) == (newest.alert, "arrivals", "drift", "")
    assert alert.message.startswith("x (PSI ")
    assert "drifted in flights@3 against flights@1; what it costs a model is not known, since" in alert.message
    report = workspace.call(show_report, ShowReport(report=newest.report))
    assert (report.reference, report.current) == ("dataset:flights@1", "dataset:flights@3")
    assert report.verdict.alpha == pytest.approx(0.05 / 52)
    assert "of 0.05 in any 52 windows" in report.verdict.method


@pytest.mark.sqlite
def test_the_loop_is_one_lineage(workspace):
    watched(workspace)
    mlops.snapshot(frame(2000, 3, shift=1.0), "flights", workspace=workspace)
    run_due(workspace)
    with workspace.catalog.read() as connection:
        query = select(events.c.action, event_data.c.data).join(event_data, event_data.c.seq == events.c.seq)
        told = {row.action: decoded(row.data) for row in connection.execute(query.order_by(events.c.seq))}
    report = told["report.saved"]
    assert report["inputs"] == ["monitor:arrivals", "dataset:flights@1", "dataset:flights@2"]
    assert told["alert.raised"]["inputs"] == report["outputs"]
    assert told["monitor.added"]["inputs"] == ["dataset:flights@1"]


@pytest.mark.sqlite
def test_every_window_gets_its_share_of_the_promise_and_no_more(workspace):
    watched(workspace, alpha=0.04, windows=4)
    for seed in range(2, 8):
        mlops.snapshot(frame(300, seed), "flights", workspace=workspace)
    assert run_due(workspace) == 6
    assert [each.level for each in windows(workspace)] == [pytest.approx(0.01)] * 6
    assert mlops.run_monitor("arrivals", window="flights@7", workspace=workspace).windows[0].level == pytest.approx(
        0.01
    )


@pytest.mark.sqlite
def test_a_column_that_is_gone_has_drifted_and_one_that_is_not_watched_has_not(workspace):
    watched(workspace, columns=["x", "k"])
    mlops.snapshot(frame(2000, 2).drop(columns=["k", "c"]), "flights", workspace=workspace)
    run_due(workspace)
    assert windows(workspace)[0].drifted == ("k",)


@pytest.mark.sqlite
def test_a_window_that_cannot_be_judged_is_heard_too(workspace):
    watched(workspace, numeric=["x"])
    mlops.snapshot(frame(50, 2).assign(x="text"), "flights", workspace=workspace)
    assert run_due(workspace) == 1
    (window,) = windows(workspace)
    assert (window.state, window.status) == ("failed", "")
    assert "holds no numbers" in window.error
    (alert,) = alerts(workspace)
    assert alert.kind == "data_quality"
    assert workspace.call(service.show, ShowMonitor(monitor="arrivals")).last_status == "failed"
    assert run_due(workspace) == 0


@pytest.mark.sqlite
def test_a_paused_monitor_judges_nothing_and_catches_up(workspace):
    watched(workspace)
    workspace.call(service.pause, ShowMonitor(monitor="arrivals"))
    mlops.snapshot(frame(500, 2), "flights", workspace=workspace)
    assert run_due(workspace) == 0
    with pytest.raises(InvalidValue, match="is paused"):
        mlops.run_monitor("arrivals", workspace=workspace)
    assert not workspace.call(service.resume, ShowMonitor(monitor="arrivals")).paused
    assert run_due(workspace) == 1


@pytest.mark.sqlite
def test_by_the_clock_the_latest_version_is_judged(workspace):
    watched(workspace, cron="* * * * *")
    mlops.snapshot(frame(500, 2), "flights", workspace=workspace)
    assert run_due(workspace) == 0
    fall_due(workspace)
    assert run_due(workspace) == 1
    assert workspace.call(service.show, ShowMonitor(monitor="arrivals")).next > windows(workspace)[0].judged_at
    assert run_due(workspace) == 0


def fall_due(workspace):
    from datetime import timedelta

    from sqlalchemy import update

    from mlops_ext.monitoring.monitors.tables import monitors

    workspace.catalog.measure(
        lambda change: change.execute(update(monitors).values(next_at=change.now - timedelta(minutes=1)))
    )


def test_what_is_declared_in_the_file_is_what_is_watched(workspace):
    mlops.snapshot(frame(500, 1), "flights", workspace=workspace)
    mlops.monitor("mine", reference="flights", workspace=workspace)
    text = '[monitors.arrivals]\nreference = "flights@1"\ndata = "flights"\ncolumns = ["x"]\n'
    (workspace.root / "mlops.toml").write_text(text, encoding="utf-8")
    ws = Workspace(workspace.root)
    assert apply_declared(ws) == ["arrivals"]
    assert apply_declared(ws) == []
    with pytest.raises(Conflict, match=r"mlops.toml declares the monitor"):
        mlops.monitor("arrivals", reference="flights@1", workspace=ws)
    (workspace.root / "mlops.toml").write_text(text.replace('["x"]', '["x", "c"]'), encoding="utf-8")
    assert apply_declared(Workspace(workspace.root)) == ["arrivals"]
    (workspace.root / "mlops.toml").write_text("", encoding="utf-8")
    assert apply_declared(Workspace(workspace.root)) == ["arrivals"]
    assert [each.name for each in ws.call(service.list_, ListMonitors())] == ["mine"]


@pytest.mark.sqlite
def test_a_faulty_declaration_names_its_line(workspace):
    path = workspace.root / "mlops.toml"
    for text, message in (
        ('[monitors.a]\nreferense = "x"\n', r"line 2: unknown key 'referense' of a monitor"),
        ("[monitors.a]\nalpha = 2\n", r"line 2: alpha: input should be less than 1"),
        ("[monitors]\na = 1\n", r"line 2: 'a' of monitors is no section"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InvalidValue, match=message):
            apply_declared(Workspace(workspace.root))


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"reference": "flihgts"}, NotFound, "flihgts"),
        ({"reference": ""}, InvalidValue, "no reference to compare with"),
        ({"columns": ["q"]}, InvalidValue, "no column 'q' in flights@1"),
        ({"columns": "x"}, InvalidValue, "columns is the text 'x'"),
        ({"window": "1 row"}, InvalidValue, "shows no drift"),
        ({"window": "soon"}, InvalidValue, "no length of time"),
        ({"cron": "every day"}, InvalidValue, "cron expression"),
        ({"channels": ["ops"]}, NotFound, "no channel 'ops'"),
        ({"predictions": True}, InvalidValue, "predictions of no model"),
        ({"statistics": ["kss"]}, InvalidValue, "no statistic 'kss'"),
        ({"categorical": ["x"], "numeric": ["x"]}, InvalidValue, "categorical and numeric"),
    ],
)
def test_a_monitor_is_checked_when_it_is_declared(workspace, settings, error, message):
    ws = workspace
    mlops.snapshot(frame(10, 1), "flights", workspace=ws)
    with pytest.raises(error, match=message):
        mlops.monitor("m", **{"reference": "flights@1", **settings}, workspace=ws)
    with pytest.raises(NotFound):
        ws.call(service.show, ShowMonitor(monitor="m"))


@pytest.mark.sqlite
def test_another_promise_starts_its_account_anew_and_another_column_does_not(workspace):
    watched(workspace, windows=2)
    mlops.snapshot(frame(300, 2), "flights", workspace=workspace)
    run_due(workspace)

    def spent():
        return service.find(workspace, "arrivals").spending["spent"]

    about = {"reference": "flights@1", "data": "flights", "workspace": workspace}
    mlops.monitor("arrivals", **about, windows=2, columns=["x"])
    assert list(spent()) == ["flights@2"]
    mlops.monitor("arrivals", **about, windows=3)
    assert spent() == {}


def test_a_removed_monitor_is_gone_and_its_reports_stay(workspace):
    watched(workspace)
    mlops.snapshot(frame(500, 2), "flights", workspace=workspace)
    run_due(workspace)
    report = windows(workspace)[0].report
    workspace.call(service.remove, ShowMonitor(monitor="arrivals"))
    with pytest.raises(NotFound):
        windows(workspace)
    assert workspace.call(show_report, ShowReport(report=report)).window == "flights@2"
