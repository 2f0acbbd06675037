"""Promotion as a shell sees it: every gate shown, and the exit code says how it ended."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlops_ext.workspace import Workspace
from tests.cli.conftest import Run
from tests.models.support import registered

POLICY = """version = 1
[[policy.gates.production]]
gate = "metric"
metric = "auc"
minimum = 0.6
[[policy.gates.staging]]
gate = "approvals"
"""


@pytest.fixture
def project(mlops: Run, folder: Path) -> Path:
    ws = Workspace(folder)
    registered(ws, metrics={"auc": 0.55})
    registered(ws, content=b"two", metrics={"auc": 0.7})
    ws.database.close()
    (folder / "mlops.toml").write_text(POLICY)
    assert mlops("policy", "apply").returncode == 0
    return folder


def test_a_refusal_shows_each_gate_says_what_would_help_and_ends_with_6(mlops: Run, project: Path) -> None:
    refused = mlops("promote", "delay@1", "--to", "production")
    assert refused.returncode == 6
    assert "It passes when auc is at least 0.6 (it is 0.55)" in refused.stderr
    for shown in ("refused", "metric", "failed", "0.55", "at least 0.6"):
        assert shown in refused.stdout
    record = json.loads(mlops("promote", "delay@1", "--to", "production", "--json").stdout)
    assert (record["state"], record["gates"][0]["value"]) == ("refused", 0.55)


def test_a_dry_run_records_nothing(mlops: Run, project: Path) -> None:
    codes = [mlops("promote", f"delay@{each}", "--to", "production", "--dry-run").returncode for each in (1, 2)]
    assert codes == [6, 0]
    assert json.loads(mlops("promotions", "list", "--json").stdout)["items"] == []


def test_what_passes_serves_and_why_tells(mlops: Run, project: Path) -> None:
    assert mlops("promote", "delay@2", "--to", "production", "--comment", "better").returncode == 0
    told = json.loads(mlops("why", "delay@production", "--json").stdout)
    assert (told["version"], told["comment"], told["gates"][0]["passed"]) == (2, "better", True)


def test_what_waits_is_said_to_be_advisory_and_its_author_cannot_approve(mlops: Run, project: Path) -> None:
    waiting = mlops("promote", "delay@2", "--to", "staging")
    assert waiting.returncode == 0
    assert "awaiting_approval" in waiting.stdout
    assert "advisory" in waiting.stdout
    own = mlops("approve", "delay@staging")
    assert own.returncode == 2
    assert "cannot approve" in own.stderr
    assert mlops("reject", "delay@staging").returncode == 2
    assert mlops("reject", "delay@staging", "--comment", "not yet").returncode == 0


def test_break_glass_needs_a_reason_and_owes_a_review(mlops: Run, project: Path) -> None:
    assert mlops("promote", "delay@1", "--to", "production", "--break-glass").returncode == 2
    broken = mlops("promote", "delay@1", "--to", "production", "--break-glass", "--comment", "fire", "--json")
    assert broken.returncode == 0
    due = json.loads(mlops("reviews", "--json").stdout)["items"]
    assert [each["id"] for each in due] == [json.loads(broken.stdout)["id"]]


def test_a_policy_file_is_checked_with_lines_and_beside_the_one_in_force(mlops: Run, project: Path) -> None:
    assert json.loads(mlops("policy", "check", "--json").stdout)["in_force"]
    (project / "mlops.toml").write_text(POLICY + "minimum = 3\n")
    wrong = mlops("policy", "check")
    assert (wrong.returncode, "mlops.toml line 8: " in wrong.stderr) == (2, True)
    (project / "mlops.toml").write_text(POLICY.replace("0.6", "0.5"))
    changed = json.loads(mlops("policy", "check", "--json").stdout)
    assert changed["changes"] == [
        "+ production: metric {'metric': 'auc', 'minimum': 0.5}",
        "- production: metric {'metric': 'auc', 'minimum': 0.6}",
    ]
