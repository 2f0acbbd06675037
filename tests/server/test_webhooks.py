"""Webhooks through a real server: to users only, signed on top, and what is due starts by itself."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import update

import mlops_ext as mlops
from mlops_ext.runs import service as jobs
from mlops_ext.runs.schedules.tables import schedules
from mlops_ext.runs.schedules.webhooks import sign
from mlops_ext.runs.types import ListJobs
from mlops_ext.server.host import Host
from mlops_ext.server.scheduler import Scheduler
from mlops_ext.workspace import Workspace
from tests.runs.writing import write_notebook
from tests.server.conftest import Answer, Ask

SECRET = "a secret of some length"


def headers(body: str, id_: str = "m1") -> dict[str, str]:
    moment = str(int(time.time()))
    return {
        "webhook-id": id_,
        "webhook-timestamp": moment,
        "webhook-signature": sign(SECRET, id_, moment, body),
        "Content-Type": "application/json",
    }


def test_a_signed_message_is_taken_once_from_users_only(
    ask: Ask, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLOPS_SECRET_WEBHOOK_SHOP", SECRET)
    (folder / "mlops.toml").write_text('[[webhooks]]\nname = "shop"\n')
    body = '{"table": "orders"}'

    def post(given: dict[str, str], method: str = "POST") -> Answer:
        text = body.encode() if method == "POST" else None
        return ask(method, "shop", text, root="mlops-ext/webhooks/", headers=given, request_timeout=120)

    assert post(headers("another body")).code == 403
    taken = post(headers(body))
    assert (taken.code, taken.json["webhook"], taken.json["id"]) == (201, "shop", "m1")
    assert post(headers(body)).code == 409
    unsigned = post({"Content-Type": "application/json"})
    assert (unsigned.code, unsigned.json["code"]) == (400, "invalid_value")
    assert post({**headers(body, "m2"), "Authorization": "token wrong"}).code == 403
    assert post({}, "GET").code == 405


def test_the_server_starts_what_is_due_and_asks_for_a_worker(workspace: Workspace) -> None:
    write_notebook(workspace.root / "train.ipynb", "1")
    mlops.schedule("hourly", "train.ipynb", cron="0 * * * *", workspace=workspace)
    past = datetime(2026, 1, 1, tzinfo=timezone.utc)
    moments = {"since": past, "next_at": past + timedelta(hours=1)}
    workspace.catalog.measure(lambda change: change.execute(update(schedules).values(**moments)) and None)
    asked: list[str] = []

    class Keeper:
        def ensure(self) -> None:
            asked.append("worker")

    host = Host(workspace.root, 1, 1024, 1024)
    host.__dict__["workers"] = Keeper()
    scheduler = Scheduler(host)
    for _ in range(2):
        scheduler.look()
    host.close()
    assert asked == ["worker"]
    assert len(workspace.call(jobs.list_jobs, ListJobs())) == 1
