"""`mlops ci report` and `mlops ci init`: what changed against the base, and the workflow that posts it."""

from __future__ import annotations

import shlex
from pathlib import Path

import pandas as pd
import pytest
import yaml
from sklearn.linear_model import LogisticRegression

import mlops_ext as mlops
from mlops_ext.errors import Conflict, InvalidValue
from mlops_ext.models.promotion.policy import apply, read_policy
from mlops_ext.models.promotion.types import ApplyPolicy, Policy
from mlops_ext.runs.ci.changes import changed_cells, changed_lock
from mlops_ext.runs.ci.lock import lock, update
from mlops_ext.runs.ci.report import MARKER, Decision, write_report
from mlops_ext.runs.ci.workflow import WORKFLOW, write_workflow
from mlops_ext.settings import read_settings
from mlops_ext.workspace import Workspace
from tests.runs.ci.test_run import git
from tests.runs.writing import write_notebook

LOAD = "import mlops_ext as mlops\nmlops.load('flights')"


def frame(rows: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": range(rows),
            "x": [number % 7 for number in range(rows)],
            "y": [number % 7 > 3 for number in range(rows)],
            "seen": pd.date_range("2024-01-01", periods=rows, tz="UTC"),
        }
    )


@pytest.fixture
def branch(ws: Workspace) -> Workspace:
    """A branch on which a cell, the data and the model are not those of main."""
    git(ws.root, "init", "-b", "main")
    mlops.snapshot(frame(70), "flights", workspace=ws)
    write_notebook(ws.root / "train.ipynb", "#md # One", LOAD, "1 + 1", "old = 1")
    lock(ws)
    git(ws.root, "add", "train.ipynb", "mlops.lock")
    git(ws.root, "commit", "-m", "one")
    git(ws.root, "checkout", "-b", "better")
    mlops.snapshot(frame(210), "flights", workspace=ws)
    write_notebook(ws.root / "train.ipynb", "#md # Two", LOAD, "api_key = 'hunter22hunter22'", "1 + 1")
    update(ws)
    return ws


def test_cells_and_lines_that_changed_are_told_and_markdown_is_not(branch: Workspace) -> None:
    commit = git(branch.root, "rev-parse", "main")
    told = [(each.change, each.before, each.after) for each in changed_cells(branch.root, commit)]
    assert told == [("added", 0, 2), ("removed", 3, 0)]
    [line] = changed_lock(branch.root, commit)
    assert (line.name, line.before, line.after) == ("dataset:flights", 1, 2)


def test_the_comment_holds_what_a_decision_needs(branch: Workspace) -> None:
    rows = frame(210)
    good = LogisticRegression().fit(rows[["x"]], rows["y"])
    bad = LogisticRegression().fit(rows[["x"]], ~rows["y"])
    mlops.register(bad, "delay", example=rows[["x"]], metrics={"auc": 0.1}, params={"c": 1}, workspace=branch)
    mlops.register(good, "delay", example=rows[["x"]], metrics={"auc": 0.9}, params={"c": 2}, workspace=branch)
    (branch.root / "mlops.toml").write_text(
        "[policy]\n[[policy.gates.production]]\ngate = 'metric'\nmetric = 'auc'\nminimum = 0.95\n"
    )
    branch.call(apply, ApplyPolicy(policy=Policy()))
    mlops.promote("delay@1", to="production", workspace=branch)
    branch.call(apply, ApplyPolicy(policy=read_policy(read_settings(branch.root))))
    decision = Decision(model="delay@2", holdout="flights@2", target="y")
    text = write_report(branch, decision)
    assert text.splitlines()[0] == MARKER
    assert "delay@2 is refused by metric; 2 cells and 1 line of the lock changed" in text
    assert "| 2024-02-04 12:00:00 | 2024-04-14 12:00:00 |" in text, "times are written as such"
    assert "| dataset:flights | @1, 70 rows, 4 columns" in text
    assert "| c | 1 | 2 | ≠ |" in text
    assert "Both on dataset:flights@2" in text
    assert "| ❌ | metric | failed |" in text
    assert "140 added, 0 removed" in text
    assert "None on which delay@2 surely does worse" in text
    assert "hunter22" not in text
    assert write_report(branch, decision) == text, "the same again, so that the comment is updated only by news"


@pytest.mark.fast
@pytest.mark.parametrize(
    ("decision", "says"),
    [
        (Decision(model="delay", holdout="flights@2"), "no column of 'flights@2' is named as the truth"),
        (Decision(holdout="flights@2", target="y"), "no model is named"),
        (Decision(model="delay", target="y"), "a column of no dataset"),
        (Decision(model="delay", at="seen"), "a column of no dataset"),
    ],
)
def test_half_a_decision_is_refused(decision: Decision, says: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match=says):
        decision.check()
    with pytest.raises(InvalidValue, match=says):
        write_workflow(tmp_path, decision=decision)


def test_a_holdout_without_truth_is_said_to_be_so(branch: Workspace) -> None:
    rows = frame(210)
    model = LogisticRegression().fit(rows[["x"]], rows["y"])
    mlops.register(model, "delay", example=rows[["x"]], metrics={"auc": 0.9}, workspace=branch)
    mlops.snapshot(rows.assign(y=pd.Series([None] * 210, dtype="boolean")), "blank", workspace=branch)
    text = write_report(branch, Decision(model="delay", holdout="blank@1", target="y"))
    assert "Worst slices: not known: no row of blank@1 has a 'y'" in text


def test_an_unknown_base_is_refused(branch: Workspace) -> None:
    with pytest.raises(InvalidValue, match="git knows no commit"):
        write_report(branch, Decision(base="nowhere"))


def test_the_workflow_is_yaml_that_runs_and_comments(tmp_path: Path) -> None:
    path = write_workflow(tmp_path, "nb/*.ipynb")
    assert path == tmp_path / WORKFLOW
    steps = yaml.safe_load(path.read_text())["jobs"]["notebooks"]["steps"]
    commands = " ".join(step.get("run", "") for step in steps)
    assert "mlops ci run 'nb/*.ipynb' --jobs auto --compare origin/main" in commands
    assert MARKER in commands
    assert write_workflow(tmp_path, "nb/*.ipynb") == path
    assert "mlops ci report --base origin/main --out mlops-comment.md" in commands
    about = Decision(model="delay@latest", holdout="flights test@1", target="late", at="day")
    steps = yaml.safe_load(write_workflow(tmp_path / "b", "a.ipynb", about).read_text())["jobs"]["notebooks"]["steps"]
    [told] = [step["run"] for step in steps if "ci report" in step.get("run", "")]
    words = ["--model", "delay@latest", "--to", "production", "--holdout", "flights test@1", "--target", "late"]
    assert shlex.split(told)[5:-2] == [*words, "--at", "day"]
    path.write_text("name: mine\n")
    with pytest.raises(Conflict):
        write_workflow(tmp_path)
