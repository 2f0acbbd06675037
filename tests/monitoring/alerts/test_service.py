"""What becomes of an alert: it joins what it repeats, is muted, cools down, and never storms."""

from __future__ import annotations

import itertools
import threading
from datetime import timedelta

import pytest
from sqlalchemy import update

from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.monitoring import service as reports
from mlops_ext.monitoring.alerts import mutes, notices, service
from mlops_ext.monitoring.alerts.tables import alerts
from mlops_ext.monitoring.alerts.tables import mutes as mutes_table
from mlops_ext.monitoring.alerts.types import (
    AcknowledgeAlert,
    ListAlerts,
    ListMutes,
    ListNotices,
    MuteAlerts,
    RaiseAlert,
    ResolveAlert,
    ShowAlert,
    Unmute,
)
from mlops_ext.monitoring.types import SaveReport
from mlops_ext.records import now
from mlops_ext.workspace import Workspace
from tests.models.support import actions, registered
from tests.monitoring.test_service import event_of


@pytest.fixture
def ws(workspace):
    registered(workspace)
    return workspace


def raised(ws, window="2013-02", **fields):
    values = {"monitor": "auc-loss", "model": "delay", "kind": "performance_loss", "window": window, "message": "low"}
    return ws.call(service.raise_alert, RaiseAlert(**values | fields))


def aged(ws, alert, hours):
    """Let an alert have been seen some hours ago."""
    past = now() - timedelta(hours=hours)

    def write(change):
        change.execute(update(alerts).where(alerts.c.id == alert.id).values(seen_at=past, created_at=past))
        change.event("test.aged", alert.ref)

    ws.catalog.write(write)


def told(ws, alert):
    return [each.reason for each in reversed(ws.call(notices.list_, ListNotices(alert=alert.id)).items)]


def test_what_repeats_in_later_windows_joins_the_open_alert(ws):
    first = raised(ws, severity="warning")
    joined = raised(ws, "2013-03", message="lower still", severity="critical", details={"month": 3})
    assert joined.id == first.id
    assert (joined.window, joined.windows) == ("2013-03", ("2013-02", "2013-03"))
    assert (joined.severity, joined.message, joined.details) == ("critical", "lower still", {"month": 3})
    assert raised(ws, "2013-02", message="again") == joined == ws.call(service.alert, ShowAlert(alert=first.id))
    assert actions(ws)[1:] == ["alert.raised", "alert.repeated"]
    assert told(ws, first) == ["raised", "worse"]
    assert raised(ws, "2013-04", severity="info").severity == "critical"
    assert told(ws, first) == ["raised", "worse"], "what gets no worse is not told again"


@pytest.mark.sqlite
def test_other_monitors_kinds_and_versions_have_alerts_of_their_own(ws):
    registered(ws, content=b"two")
    found = [
        raised(ws, model="delay@1"),
        raised(ws, model="delay@2"),
        raised(ws, model="delay@1", monitor="brier-loss"),
        raised(ws, model="delay@1", kind="drift"),
    ]
    assert len({each.id for each in found}) == 4


def test_what_was_acknowledged_is_news_again_after_the_cool_down_only(ws):
    first = raised(ws)
    ws.call(service.acknowledge, AcknowledgeAlert(alert=first.id))
    within = raised(ws, "2013-03")
    assert (within.id, within.state) == (first.id, "acknowledged")
    aged(ws, first, hours=2)
    assert raised(ws, "2013-03").id == first.id, "the same window is never news"
    later = raised(ws, "2013-04")
    assert (later.id != first.id, later.state) == (True, "open")


def test_what_was_resolved_opens_again_within_the_cool_down_and_is_told_of_once(ws):
    first = raised(ws)
    done = ws.call(service.resolve, ResolveAlert(alert=first.id, comment="retrained"))
    assert (done.state, done.comment, done.resolved_by) == ("resolved", "retrained", ws.actor.name)
    assert ws.call(service.resolve, ResolveAlert(alert=first.id, comment="other")) == done
    assert ws.call(service.acknowledge, AcknowledgeAlert(alert=first.id)) == done
    again = raised(ws, "2013-03")
    assert (again.id, again.state) == (first.id, "open")
    assert told(ws, first) == ["raised", "resolved"]
    ws.call(service.resolve, ResolveAlert(alert=first.id))
    aged(ws, first, hours=2)
    assert raised(ws, "2013-03").id != first.id


def test_threads_that_raise_the_same_alert_get_one(ws):
    found, barrier, windows = [], threading.Barrier(6), itertools.cycle(["2013-02", "2013-03"])

    def work(window):
        barrier.wait()
        found.append(raised(ws, window).id)

    threads = [threading.Thread(target=work, args=(next(windows),)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(found), len(set(found))) == (6, 1)
    assert (actions(ws).count("alert.raised"), actions(ws).count("alert.repeated")) == (1, 1)


@pytest.mark.sqlite
def test_an_alerts_event_holds_what_a_trigger_needs(ws):
    about = SaveReport(kind="performance", model="delay@1", window="2013-02", status="measured")
    report = ws.call(reports.report, about)
    alert = raised(ws, details={"month": 2}, report=report.ref)
    subject, data = event_of(ws, "alert.raised")
    assert subject == alert.ref
    wanted = {"kind": "performance_loss", "model": "delay@1", "details": {"month": 2}, "report": report.id}
    assert {key: data[key] for key in wanted} == wanted
    assert data["inputs"] == ["model:delay@1", report.ref]


@pytest.mark.sqlite
def test_an_alert_names_a_report_that_exists(ws):
    with pytest.raises(NotFound, match="report"):
        raised(ws, report="abc")


@pytest.mark.sqlite
def test_acknowledging_says_who_and_why_once(ws):
    alert = raised(ws)
    done = ws.call(service.acknowledge, AcknowledgeAlert(alert=alert.ref, comment="storm"))
    again = ws.call(service.acknowledge, AcknowledgeAlert(alert=alert.ref, comment="other"))
    assert done == again == ws.call(service.alert, ShowAlert(alert=alert.id))
    assert (done.state, done.comment, done.acknowledged_by) == ("acknowledged", "storm", ws.actor.name)
    assert actions(ws).count("alert.acknowledged") == 1
    assert ws.call(service.alerts, ListAlerts(state="open")).items == ()
    assert [each.id for each in ws.call(service.alerts, ListAlerts(model="delay")).items] == [alert.id]


@pytest.mark.sqlite
def test_a_mute_quiets_what_is_open_and_what_comes_and_ends(ws):
    first = raised(ws)
    other = raised(ws, monitor="brier-loss")
    mute = ws.call(mutes.mute, MuteAlerts(model="delay", monitor="auc-loss", lasting="8h", comment="known"))
    assert (mute.model, mute.until - mute.created_at) == ("delay", timedelta(hours=8))
    assert ws.call(service.alert, ShowAlert(alert=first.id)).state == "muted"
    assert ws.call(service.alert, ShowAlert(alert=other.id)).state == "open"
    assert raised(ws, "2013-03").state == "muted"
    assert told(ws, first) == ["raised"]
    assert "alert.raised" not in actions(ws)[4:], "no trigger answers what is muted"
    assert ws.call(mutes.list_, ListMutes(model="delay")).items == (mute,)
    assert ws.call(mutes.unmute, Unmute(mute=mute.id)).items == ()
    before = actions(ws)
    ws.call(mutes.unmute, Unmute(mute=mute.id))
    assert actions(ws) == before
    fresh = raised(ws, "2013-04")
    assert (fresh.id != first.id, fresh.state) == (True, "open")


def test_a_mute_that_ran_out_holds_no_more(ws):
    mute = ws.call(mutes.mute, MuteAlerts(model="delay", lasting="1h"))

    def write(change):
        change.execute(update(mutes_table).values(until=now() - timedelta(seconds=1)))
        change.event("test.aged", mute.ref)

    ws.catalog.write(write)
    assert ws.call(mutes.list_, ListMutes()).items == ()
    assert raised(ws).state == "open"


@pytest.mark.sqlite
@pytest.mark.parametrize("lasting", ["0h", "-1d", "soon"])
def test_a_mute_lasts_for_some_time(ws, lasting):
    with pytest.raises(InvalidValue, match=lasting):
        ws.call(mutes.mute, MuteAlerts(model="delay", lasting=lasting))


def test_a_storm_is_recorded_and_told_of_once(ws):
    (ws.root / "mlops.toml").write_text("[alerts]\nmost_per_day = 3\n")
    calm = Workspace(ws.root)
    found = [raised(calm, monitor=f"m{number}") for number in range(6)]
    assert [each.state for each in found] == ["open"] * 3 + ["muted"] * 3
    assert "within a day" in found[3].comment
    assert [told(calm, each) for each in found] == [["raised"]] * 3 + [["storm"], [], []]
    assert actions(calm).count("alert.raised") == 3
