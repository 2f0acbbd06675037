"""Streams: each batch counts once whoever sends it, windows close by themselves, and large ones become sketches."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sqlalchemy import func, select

import mlops_ext as mlops
from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.monitoring.monitors import observing, parts, service
from mlops_ext.monitoring.monitors.running import run_due
from mlops_ext.monitoring.monitors.tables import observed_batches, observed_parts
from mlops_ext.monitoring.monitors.types import ListMonitorWindows, Observe, ShowMonitor
from mlops_ext.monitoring.service import show as show_report
from mlops_ext.monitoring.types import ShowReport
from mlops_ext.store.schema import blob_owners
from mlops_ext.workspace import Workspace
from tests.monitoring.monitors.support import event_count, frame, let_end, stream


def windows(workspace, name="live"):
    return list(workspace.call(service.windows, ListMonitorWindows(monitor=name)))


def count(workspace, table):
    with workspace.catalog.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def statistics_of(workspace, window):
    report = workspace.call(show_report, ShowReport(report=window.report))
    return {(row.column, row.statistic): (row.value, row.p_value) for row in report.rows}


@pytest.mark.sqlite
def test_a_window_of_batches_is_what_its_rows_together_are(workspace):
    stream(workspace)
    whole = frame(3000, 7, shift=0.4)
    before = event_count(workspace)
    for at in range(0, 3000, 250):
        told = mlops.observe("live", whole[at : at + 250], batch=f"b{at}", workspace=workspace)
        assert (told.new, told.kept, told.window_rows) == (True, True, at + 250)
    assert event_count(workspace) == before, "what is observed appends no event"
    assert run_due(workspace) == 0, "the window is open"
    let_end(workspace)
    assert run_due(workspace) == 1
    (window,) = windows(workspace)
    assert (window.rows, window.exact, window.status, window.drifted) == (3000, True, "drift", ("x",))
    direct = mlops.drift("flights@1", whole, alpha=0.05 / 52, workspace=workspace)
    expected = {(row.column, row.statistic): (row.value, row.p_value) for row in direct.comparison.rows}
    assert statistics_of(workspace, window) == expected
    assert count(workspace, observed_parts) == 0
    with workspace.catalog.read() as connection:
        owners = connection.execute(select(blob_owners.c.owner)).scalars().all()
    assert not [owner for owner in owners if owner.startswith("observed:")]


def test_the_same_batch_again_changes_nothing(workspace):
    stream(workspace)
    first = mlops.observe("live", frame(100, 2), batch="b1", workspace=workspace)
    again = mlops.observe("live", frame(500, 3), batch="b1", workspace=workspace)
    assert (first.new, again.new, again.rows, again.window_rows) == (True, False, 100, 100)
    mlops.observe("live", frame(100, 2), workspace=workspace)
    assert mlops.observe("live", frame(100, 2), workspace=workspace).window_rows == 300


def test_two_observers_at_once_lose_nothing_and_count_nothing_twice(workspace, monkeypatch):
    monkeypatch.setattr(parts, "FOLD", 4)
    stream(workspace)
    batches = [frame(20, seed) for seed in range(30)]
    faults = []

    def send(order):
        ws = Workspace(workspace.root)
        try:
            for at in order:
                mlops.observe("live", batches[at], batch=f"b{at}", workspace=ws)
        except Exception as error:  # noqa: BLE001
            faults.append(error)

    senders = [threading.Thread(target=send, args=(order,)) for order in (range(30), range(29, -1, -1))]
    for each in senders:
        each.start()
    for each in senders:
        each.join()
    assert faults == []
    assert count(workspace, observed_batches) == 30
    assert count(workspace, observed_parts) < 12
    let_end(workspace)
    run_due(workspace)
    (window,) = windows(workspace)
    assert window.rows == 600
    direct = mlops.drift("flights@1", pd.concat(batches), workspace=workspace)
    expected = {(row.column, row.statistic): (row.value, row.p_value) for row in direct.comparison.rows}
    found = statistics_of(workspace, window)
    assert found.keys() == expected.keys()
    for key, (value, p_value) in expected.items():
        assert found[key] == (pytest.approx(value, rel=1e-12), p_value), key


@pytest.mark.sqlite
def test_a_large_window_is_a_sketch_whose_statistics_keep_their_error(workspace, monkeypatch):
    monkeypatch.setattr(parts, "FOLD", 4)
    stream(workspace, exact_rows=1000)
    whole = frame(40_000, 7, shift=0.5)
    for at in range(0, 40_000, 4000):
        mlops.observe("live", whole[at : at + 4000], batch=f"b{at}", workspace=workspace)
    let_end(workspace)
    run_due(workspace)
    (window,) = windows(workspace)
    assert (window.rows, window.exact, window.drifted) == (40_000, False, ("x",))
    direct = mlops.drift("flights@1", whole, workspace=workspace)
    expected = {(row.column, row.statistic): row for row in direct.comparison.rows}
    for (column, statistic), (value, _) in statistics_of(workspace, window).items():
        row = expected[column, statistic]
        slack = 1e-3 if statistic in ("ks", "js", "hellinger", "tvd", "linf") and column != "c" else 1e-9
        if statistic in ("psi", "psi_na", "w1", "w1_norm") and column != "c":
            slack = 5e-3
        assert value == pytest.approx(row.value, abs=slack), (column, statistic)


@pytest.mark.sqlite
def test_windows_of_time_follow_the_rows_and_late_ones_are_counted(workspace):
    stream(workspace, window="1h", grace="0s")
    moment = datetime(2013, 3, 14, 15, 30, tzinfo=timezone.utc)
    mlops.observe("live", frame(200, 2), batch="a", at=moment, workspace=workspace)
    mlops.observe("live", frame(200, 3), batch="b", at=moment + timedelta(hours=1), workspace=workspace)
    assert run_due(workspace) == 2
    assert [each.window for each in windows(workspace)] == ["2013-03-14T16:00Z", "2013-03-14T15:00Z"]
    late = mlops.observe("live", frame(50, 4), batch="c", at=moment, workspace=workspace)
    assert (late.kept, late.window_rows) == (False, 200)
    assert not mlops.observe("live", frame(50, 4), batch="c", at=moment, workspace=workspace).new
    assert windows(workspace)[1].late_rows == 50


@pytest.mark.sqlite
def test_windows_of_rows_are_judged_when_they_are_full(workspace):
    stream(workspace, window="300 rows")
    for seed in range(5):
        mlops.observe("live", frame(150, seed), workspace=workspace)
    assert run_due(workspace) == 2
    assert [(each.window, each.rows, each.state) for each in windows(workspace)] == [
        ("000003", 150, "open"),
        ("000002", 300, "judged"),
        ("000001", 300, "judged"),
    ]
    told = mlops.run_monitor("live", close=True, workspace=workspace)
    assert (told.judged, told.waiting) == (1, 0)


def test_a_judge_that_was_lost_is_followed_by_another_at_the_same_level(workspace, monkeypatch):
    from mlops_ext.monitoring.monitors import judging

    stream(workspace)
    mlops.observe("live", frame(300, 2), workspace=workspace)
    let_end(workspace)

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(judging, "look", die)
        with pytest.raises(KeyboardInterrupt):
            run_due(workspace)
    assert run_due(workspace) == 0, "its lease holds"
    monkeypatch.setattr(judging, "LEASE", timedelta(0))
    from sqlalchemy import update

    from mlops_ext.monitoring.monitors.tables import monitor_windows

    past = update(monitor_windows).values(lease_until=datetime(2013, 1, 1, tzinfo=timezone.utc))
    workspace.catalog.measure(lambda change: change.execute(past))
    assert run_due(workspace) == 1
    assert windows(workspace)[0].level == pytest.approx(0.05 / 52)
    assert len(service.find(workspace, "live").spending["spent"]) == 1


@pytest.mark.sqlite
def test_rows_come_as_records_too_and_other_columns_are_left(workspace):
    stream(workspace, columns=["x", "c"])
    request = Observe(monitor="live", batch="r", rows=({"x": 1.5, "c": "a", "secret": "s"}, {"x": None, "q": 1}))
    assert workspace.call(observing.observe, request).window_rows == 2
    with workspace.catalog.read() as connection:
        content = connection.execute(select(observed_parts.c.content)).scalar_one()
    table = pa.ipc.open_file(str(workspace.blob_path(content))).read_all()
    assert table.to_pydict() == {"x": [1.5, None], "c": ["a", None]}


@pytest.mark.sqlite
def test_what_cannot_be_observed_is_said(workspace):
    stream(workspace)
    mlops.monitor("arrivals", reference="flights@1", data="flights", workspace=workspace)
    for call, error, message in (
        (lambda: mlops.observe("lvie", frame(1, 1), workspace=workspace), NotFound, "Did you mean 'live'"),
        (lambda: mlops.observe("arrivals", frame(1, 1), workspace=workspace), InvalidValue, "watches the dataset"),
        (lambda: mlops.observe("live", {"q": [1]}, workspace=workspace), InvalidValue, "no column of the batch"),
        (lambda: mlops.observe("live", {"x": []}, workspace=workspace), InvalidValue, "without rows"),
        (lambda: workspace.call(observing.observe, Observe(monitor="live")), InvalidValue, "of neither rows"),
    ):
        with pytest.raises(error, match=message):
            call()


@pytest.mark.sqlite
def test_a_paused_stream_keeps_nothing_and_says_so(workspace):
    stream(workspace)
    workspace.call(service.pause, ShowMonitor(monitor="live"))
    told = mlops.observe("live", frame(10, 1), batch="a", workspace=workspace)
    assert (told.new, told.kept) == (False, False)
    workspace.call(service.resume, ShowMonitor(monitor="live"))
    assert mlops.observe("live", frame(10, 1), batch="a", workspace=workspace).new


@pytest.mark.sqlite
def test_a_column_that_changes_its_type_within_a_window_is_seen_and_stops_nothing(workspace):
    stream(workspace, columns=["x", "k"])
    mlops.observe("live", {"x": [1.0, 2.0], "k": [2**60, 1]}, workspace=workspace)
    mlops.observe("live", {"x": ["one"], "k": [0.5]}, workspace=workspace)
    let_end(workspace)
    run_due(workspace)
    (window,) = windows(workspace)
    assert (window.state, window.drifted) == ("judged", ("x",))


@pytest.mark.sqlite
def test_small_batches_are_folded_so_that_few_parts_are_left(workspace, monkeypatch):
    monkeypatch.setattr(parts, "FOLD", 4)
    stream(workspace)
    for seed in range(21):
        mlops.observe("live", frame(5, seed), workspace=workspace)
    with workspace.catalog.read() as connection:
        found = connection.execute(select(observed_parts.c.level, observed_parts.c.rows)).all()
    assert sorted((row.level, row.rows) for row in found) == [(0, 5), (1, 20), (2, 80)]


@pytest.mark.sqlite
def test_ids_of_batches_are_forgotten_a_week_after_their_window(workspace, monkeypatch):
    from mlops_ext.monitoring.monitors import running

    stream(workspace)
    mlops.observe("live", frame(50, 1), batch="old", workspace=workspace)
    monkeypatch.setattr(running, "KEPT", timedelta(0))
    run_due(workspace)
    assert count(workspace, observed_batches) == 1, "its window is open"
    let_end(workspace)
    run_due(workspace)
    assert count(workspace, observed_batches) == 0


@pytest.mark.sqlite
def test_the_features_of_logged_predictions_are_watched_window_by_window(workspace):
    from tests.models.support import registered

    mlops.snapshot(frame(1000, 1), "flights", workspace=workspace)
    registered(workspace, "delay")

    def log(window, seed, shift=0.0):
        rows = frame(1000, seed, shift)
        ids = [f"{window}-{seed}-{at}" for at in range(len(rows))]
        mlops.log_predictions(
            "delay@1", rows, np.zeros(len(rows)), ids, at="2013-03-01", window=window, workspace=workspace
        )

    mlops.monitor("features", reference="flights@1", model="delay@1", predictions=True, workspace=workspace)
    log("2013-03", 2)
    log("2013-04", 3, shift=1.0)
    judged = mlops.run_monitor("features", workspace=workspace).windows
    assert [(each.window, each.status, each.drifted) for each in judged] == [
        ("2013-03", "no_drift", ()),
        ("2013-04", "drift", ("x",)),
    ]
    assert mlops.run_monitor("features", workspace=workspace).judged == 0
    log("2013-03", 4)
    (again,) = mlops.run_monitor("features", workspace=workspace).windows
    assert (again.window, again.rows) == ("2013-03", 2000)
    assert len(service.find(workspace, "features").spending["spent"]) == 3, "another look costs another level"
