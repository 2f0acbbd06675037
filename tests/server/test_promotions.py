"""Promotion over HTTP: 202 while a child process asks the gates, and never a gate's code in the server."""

from __future__ import annotations

import os
import pickle
import time
from pathlib import Path

import pandas as pd
import pytest

import mlops_ext as mlops
from mlops_ext.models import service
from mlops_ext.models.promotion.types import ApplyPolicy, GateRule, Policy
from mlops_ext.models.types import Field_, Signature
from mlops_ext.workspace import Workspace
from tests.models.hostile import Calls
from tests.models.support import applied, file_of, registered
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


def test_the_server_unpickles_nothing_whatever_it_is_asked_of_a_version(folder: Path, ask: Ask) -> None:
    """The pickle notes who reads it. Every question about the version is asked; a gate that must read it, reads apart."""
    read = folder / "read"
    body = pickle.dumps(Calls(exec, f"import os; open({str(read)!r}, 'a').write(f'{{os.getpid()}} ')"))
    ws = Workspace(folder)
    frame = pd.DataFrame({"x": [0.0, 1.0] * 30, "late": [0, 1] * 30})
    mlops.snapshot(frame, "flights", workspace=ws)
    version = registered(
        ws,
        files=(file_of(ws, body, "model.pkl"),),
        flavor="callable",
        signature=Signature(inputs=(Field_(name="x", type="float64"),)),
        trust=("builtins.exec",),
        inputs=("dataset:flights@1",),
    )
    options = {"maximum": 1.0, "dataset": "flights@1", "label": "late"}
    rules = {"production": (GateRule(gate="calibration", options=options),)}
    ws.call(service.apply_policy, ApplyPolicy(policy=Policy(gates=rules, trust=version.trust)))
    for asked in (
        "", "/gates?to=production", "/card", "/evidence", "/sbom", "/comparison?other=delay@1",
    ):  # fmt: skip
        assert ask("GET", f"model-versions/delay@1{asked}").code == 200, asked
    assert not read.exists()
    record = ask("POST", "model-versions/delay@1/promotions", {"to": "production"}).json
    limit = time.monotonic() + 120
    while record["state"] == "evaluating" and time.monotonic() < limit:
        record = ask("GET", f"promotions/{record['id']}").json
    assert record["state"] == "refused", record
    assert os.getpid() not in {int(text) for text in read.read_text().split()}
