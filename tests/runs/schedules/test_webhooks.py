"""Webhooks: what is signed becomes an event once, and all else is refused."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from sqlalchemy import select

from mlops_ext.errors import Conflict, Forbidden, InvalidValue, NotFound
from mlops_ext.posting import sign
from mlops_ext.runs import service as jobs
from mlops_ext.runs import triggers
from mlops_ext.runs.schedules.types import Delivery, ReceiveWebhook
from mlops_ext.runs.schedules.webhooks import receive
from mlops_ext.runs.types import ListJobs
from mlops_ext.store.schema import event_data
from mlops_ext.workspace import Workspace
from tests.runs.writing import write_notebook

pytestmark = pytest.mark.fast
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SETTINGS = """
[[webhooks]]
name = "shop"

[[triggers]]
on = "webhook.received"
webhook = "shop"
notebook = "train.ipynb"
parameters = { table = "{payload.table}" }
"""


@pytest.fixture
def ws(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("MLOPS_SECRET_WEBHOOK_SHOP", SECRET)
    (workspace.root / "mlops.toml").write_text(SETTINGS)
    write_notebook(workspace.root / "train.ipynb", ("table = ''", "parameters"))
    return Workspace(workspace.root)


def send(ws: Workspace, signed: str = '{"table": "orders"}', id_: str = "m1", late: int = 0, **other: str) -> Delivery:
    timestamp = str(int(time.time()) - late)
    message = {"id": id_, "timestamp": timestamp, "signature": sign(SECRET, id_, timestamp, signed), "body": signed}
    return ws.call(receive, ReceiveWebhook(**{"webhook": "shop", **message, **other}))


def test_a_signed_message_starts_what_waits_for_it(ws: Workspace) -> None:
    assert send(ws).ref == "webhook:shop"
    assert triggers.fire(ws) == 1
    [job] = ws.call(jobs.list_jobs, ListJobs())
    assert (job.trigger, job.parameters) == ("webhook:shop", {"table": "orders"})


def test_a_replay_is_refused_and_starts_nothing(ws: Workspace) -> None:
    send(ws)
    with pytest.raises(Conflict, match="taken already"):
        send(ws)
    assert triggers.fire(ws) == 1


def test_one_of_several_signatures_is_enough(ws: Workspace) -> None:
    timestamp = str(int(time.time()))
    right = sign(SECRET, "m1", timestamp, "{}")
    send(ws, "{}", timestamp=timestamp, signature=f"v1,AAAA v2,x {right}")


@pytest.mark.parametrize("late", [301, -301])
def test_a_message_of_another_time_is_refused(ws: Workspace, late: int) -> None:
    with pytest.raises(Forbidden, match="time"):
        send(ws, late=late)


@pytest.mark.parametrize(
    "change", [{"body": '{"table": "users"}'}, {"id": "m2"}, {"signature": "v1,AAAA"}, {"signature": "ü"}]
)
def test_what_was_changed_on_its_way_is_refused(ws: Workspace, change: dict[str, str]) -> None:
    with pytest.raises(Forbidden, match="signature"):
        send(ws, **change)
    assert not ws.exists()


def test_without_a_secret_nothing_is_taken(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLOPS_SECRET_WEBHOOK_SHOP")
    with pytest.raises(Forbidden, match="Set MLOPS_SECRET_WEBHOOK_SHOP"):
        send(ws)


def test_an_unknown_name_and_a_body_that_is_no_object_are_refused(ws: Workspace) -> None:
    with pytest.raises(NotFound, match="shop"):
        send(ws, webhook="shpo")
    with pytest.raises(InvalidValue, match="list"):
        send(ws, "[1]")


def test_secrets_are_not_on_the_trail(ws: Workspace) -> None:
    send(ws, '{"api_key": "hunter22hunter22", "note": "postgresql://me:hunter22@host/db", "table": "t"}')
    with ws.catalog.read() as connection:
        stored = " ".join(str(each) for each in connection.execute(select(event_data.c.data)).scalars())
    assert "hunter22" not in stored
    assert SECRET not in stored
    assert ws.database.path is None or SECRET.encode() not in Path(ws.database.path).read_bytes()
