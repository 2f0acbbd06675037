"""Promotion over HTTP: 202 while a child process asks the gates, and never a gate's code in the server."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mlops_ext.models.promotion.types import GateRule
from mlops_ext.workspace import Workspace
from tests.models.support import applied, registered
from tests.runs.writing import write_notebook
from tests.server.conftest import Ask

pytest.importorskip("papermill")


def test_a_heavy_gate_is_answered_202_and_decided_by_another_process(folder: Path, ask: Ask) -> None:
    ws = Workspace(folder)
    registered(ws)
    write_notebook(folder / "check.ipynb", "import os; open('pid', 'w').write(str(os.getppid()))")
    applied(ws, production=(GateRule(gate="notebook", options={"notebook": "check.ipynb"}),))
    body = {"to": "production", "comment": "over HTTP"}
    asked = ask("POST", "model-versions/delay@1/promotions", body)
    assert (asked.code, asked.json["state"]) == (202, "evaluating")
    pending = ask("GET", "model-versions/delay@1/gates?to=production").json
    assert (pending["passed"], pending["gates"][0]["pending"]) == (False, True)
    record, limit = asked.json, time.monotonic() + 120
    while record["state"] == "evaluating" and time.monotonic() < limit:
        record = ask("GET", f"promotions/{record['id']}").json
    assert record["state"] == "promoted", record
    assert record["gates"][0]["passed"]
    again = ask("POST", "model-versions/delay@1/promotions", body)
    assert (again.code, again.json["id"]) == (200, record["id"])


def test_a_refusal_is_a_record_and_nobody_anonymous_approves(folder: Path, ask: Ask) -> None:
    ws = Workspace(folder)
    registered(ws, metrics={"auc": 0.5})
    applied(
        ws,
        staging=(GateRule(gate="metric", options={"metric": "auc", "minimum": 0.6}),),
        production=(GateRule(gate="approvals"),),
    )
    refused = ask("POST", "model-versions/delay@1/promotions", {"to": "staging"})
    assert (refused.code, refused.json["state"]) == (200, "refused")
    waiting = ask("POST", "model-versions/delay@1/promotions", {"to": "production"}).json
    assert (waiting["state"], waiting["advisory"]) == ("awaiting_approval", True)
    said = ask("POST", f"promotions/{waiting['id']}/approvals", {})
    assert said.code == 403
    assert ask("POST", f"promotions/{waiting['id']}/rejections", {"comment": "no"}).json["state"] == "rejected"
