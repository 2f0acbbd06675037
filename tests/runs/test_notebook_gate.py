"""The gate `notebook`: a user's notebook decides, in a real kernel."""

from __future__ import annotations

import pytest

from mlops_ext.errors import CheckRefused
from mlops_ext.models.promotion import edge as promoting
from mlops_ext.models.promotion.gates import GateContext
from mlops_ext.models.promotion.types import GateResult, GateRule
from mlops_ext.runs.notebook_gate import notebook
from mlops_ext.workspace import Workspace
from tests.models.support import applied, registered
from tests.runs.writing import write_notebook

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("shared_parents")]

DECLARED = ("model = ''\nleast = 0", "parameters")
ASKED = "open('asked.txt', 'w').write(f'{model} {least}')"


def ask(ws: Workspace, **options: object) -> GateResult:
    return notebook(ws, GateContext(registered(ws), None, "production", {"notebook": "check.ipynb"} | options))


def test_a_notebook_is_handed_what_it_declares_and_passes_when_it_ends_well(workspace: Workspace) -> None:
    write_notebook(workspace.root / "check.ipynb", DECLARED, ASKED)
    result = ask(workspace, parameters={"least": 3})
    assert (result.passed, result.value) == (True, "succeeded")
    assert (workspace.root / "asked.txt").read_text() == "delay@1 3"


def test_a_notebook_that_fails_refuses_with_its_error(workspace: Workspace) -> None:
    write_notebook(workspace.root / "check.ipynb", "assert 1 > 2, 'too slow'")
    result = ask(workspace)
    assert not result.passed
    assert "too slow" in result.message


@pytest.mark.parametrize(("logged", "passed"), [("0.7", True), ("0.5", False), ("float('nan')", False)])
def test_a_metric_that_the_notebook_logs_keeps_within_bounds(workspace: Workspace, logged: str, passed: bool) -> None:
    write_notebook(workspace.root / "check.ipynb", f"import mlops_ext as mlops\nmlops.log_metric('score', {logged})")
    assert ask(workspace, metric="score", minimum=0.6).passed is passed


def test_a_metric_that_is_not_logged_refuses(workspace: Workspace) -> None:
    write_notebook(workspace.root / "check.ipynb", "1")
    assert ask(workspace, metric="score", minimum=0.6).value == "missing"


def test_a_promotion_runs_the_notebook_in_a_process_of_its_own(workspace: Workspace) -> None:
    registered(workspace)
    write_notebook(workspace.root / "check.ipynb", "raise ValueError('never')")
    applied(workspace, production=(GateRule(gate="notebook", options={"notebook": "check.ipynb"}),))
    with pytest.raises(CheckRefused, match="ValueError: never"):
        promoting.promote("delay", "production", workspace=workspace)
