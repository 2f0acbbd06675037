"""Notices reach their channels: signed, once, again after a failure, and with no secret in sight."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest
from sqlalchemy import update

from mlops_ext.errors import InvalidValue
from mlops_ext.monitoring.alerts import notices, service
from mlops_ext.monitoring.alerts.channels import body_of, send, title_of
from mlops_ext.monitoring.alerts.delivery import MOST_ATTEMPTS, deliver
from mlops_ext.monitoring.alerts.tables import notices as notices_table
from mlops_ext.monitoring.alerts.types import ListNotices, ResolveAlert
from mlops_ext.posting import PostFailed, check_url, sign
from mlops_ext.records import now
from mlops_ext.settings import Channel
from tests.models.support import registered
from tests.monitoring.alerts.test_service import raised
from tests.support.listener import listening

TOML = """
[[alerts.channels]]
name = "ops"
kind = "webhook"
url_env = "OPS_URL"
secret_env = "OPS_SECRET"
plain_http = ["127.0.0.1"]

[[alerts.channels]]
name = "night"
kind = "webhook"
url_env = "NIGHT_URL"
severity = "critical"
plain_http = ["127.0.0.1"]
"""


@pytest.fixture
def listener():
    with listening() as server:
        yield server


@pytest.fixture
def ws(workspace, listener, monkeypatch):
    registered(workspace)
    (workspace.root / "mlops.toml").write_text(TOML)
    monkeypatch.setenv("OPS_URL", f"{listener.url}/ops?token=hidden")
    monkeypatch.setenv("OPS_SECRET", "s3cret")
    monkeypatch.setenv("NIGHT_URL", f"{listener.url}/night")
    return workspace


def noticed(ws, alert):
    return list(reversed(ws.call(notices.list_, ListNotices(alert=alert.id)).items))


def make_due(ws):
    ws.catalog.measure(lambda change: change.execute(update(notices_table).values(due_at=0.0)))


def test_each_channel_hears_what_is_bad_enough_for_it_once(ws, listener):
    alert = raised(ws, severity="warning")
    assert deliver(ws) == 1
    assert deliver(ws) == 0
    assert [path for path, _ in listener.kept] == ["/ops?token=hidden"]
    body = json.loads(listener.kept[0][1])
    assert (body["type"], body["alert"]["id"], body["alert"]["model"]) == ("alert.raised", alert.id, "delay@1")
    raised(ws, "2013-03", severity="critical")
    assert deliver(ws) == 1
    assert sorted(path for path, _ in listener.kept[1:]) == ["/night", "/ops?token=hidden"]
    ws.call(service.resolve, ResolveAlert(alert=alert.id))
    deliver(ws)
    assert json.loads(listener.kept[-1][1])["type"] == "alert.resolved"
    assert [(each.reason, each.state, each.told) for each in noticed(ws, alert)] == [
        ("raised", "sent", ("ops",)),
        ("worse", "sent", ("ops", "night")),
        ("resolved", "sent", ("ops", "night")),
    ]


@pytest.mark.sqlite
def test_a_webhook_is_signed_so_that_the_receiver_can_tell(ws, listener):
    alert = raised(ws)
    deliver(ws)
    headers = {name.lower(): value for name, value in listener.headers[0].items()}
    assert headers["webhook-id"] == noticed(ws, alert)[0].id
    body = listener.kept[0][1].decode()
    assert headers["webhook-signature"] == sign("s3cret", headers["webhook-id"], headers["webhook-timestamp"], body)
    assert headers["content-type"] == "application/json"


def test_what_a_channel_does_not_take_is_sent_again_there_alone_and_given_up_in_the_end(ws, listener):
    alert = raised(ws, severity="critical")
    listener.answers = [500, 201]
    assert deliver(ws) == 0
    held = noticed(ws, alert)[0]
    assert (held.state, held.told, held.attempts) == ("pending", ("night",), 1)
    assert "answered 500" in held.error
    assert "hidden" not in held.error
    assert deliver(ws) == 0, "it is not due yet"
    assert len(listener.kept) == 2
    for _ in range(MOST_ATTEMPTS - 1):
        make_due(ws)
        listener.answers = [500]
        deliver(ws)
    ended = noticed(ws, alert)[0]
    assert (ended.state, ended.attempts) == ("failed", MOST_ATTEMPTS)
    make_due(ws)
    assert deliver(ws) == 0
    assert [path for path, _ in listener.kept].count("/night") == 1


def test_of_many_senders_one_sends(ws, listener):
    raised(ws)
    barrier = threading.Barrier(4)

    def work():
        barrier.wait()
        deliver(ws)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(listener.kept) == 1


@pytest.mark.sqlite
def test_old_news_is_not_sent_when_a_channel_is_added(ws, listener):
    raised(ws)
    past = now() - timedelta(days=2)
    ws.catalog.measure(lambda change: change.execute(update(notices_table).values(created_at=past)))
    assert deliver(ws) == 0
    assert listener.kept == []


@pytest.mark.sqlite
def test_a_channel_without_its_variable_says_which(ws, monkeypatch):
    monkeypatch.delenv("OPS_URL")
    alert = raised(ws)
    assert deliver(ws) == 0
    assert "OPS_URL" in noticed(ws, alert)[0].error


@pytest.mark.sqlite
def test_apprise_carries_title_and_text(ws, listener, monkeypatch):
    pytest.importorskip("apprise")
    alert = raised(ws, message="auc fell to <0.6>")
    monkeypatch.setenv("CHAT", listener.url.replace("http://", "json://") + "/chat")
    send(Channel(name="chat", url_env="CHAT"), alert, "raised", "n1")
    told = json.loads(listener.kept[0][1])
    assert told["title"] == title_of(alert, "raised") == "[warning] performance loss of delay@1 on 2013-02"
    assert told["message"] == body_of(alert)
    assert "auc fell to <0.6>" in told["message"]
    monkeypatch.setenv("CHAT", "nonsense://")
    with pytest.raises(InvalidValue, match="CHAT"):
        send(Channel(name="chat", url_env="CHAT"), alert, "raised", "n1")
    listener.answers = [500]
    monkeypatch.setenv("CHAT", listener.url.replace("http://", "json://") + "/chat")
    with pytest.raises(PostFailed):
        send(Channel(name="chat", url_env="CHAT"), alert, "raised", "n1")


@pytest.mark.fast
@pytest.mark.parametrize("url", ["http://example.org/x", "file:///etc/passwd", "https://", "nonsense"])
def test_only_https_is_posted_to_unless_a_host_is_allowed(url):
    with pytest.raises(InvalidValue, match="https"):
        check_url(url, "the channel ops")
    assert check_url("http://127.0.0.1:1/x", "it", ("127.0.0.1",)) == "http://127.0.0.1:1/x"
