"""The gate `clean_run`: what it lets pass, what it refuses and offers, and that production asks it by default."""

from __future__ import annotations

from typing import Any

import pytest

from mlops_ext.errors import CheckRefused
from mlops_ext.governance.clean_run import clean_run
from mlops_ext.models import service
from mlops_ext.models.promotion import edge as promoting
from mlops_ext.models.promotion.gates import GateContext
from mlops_ext.models.promotion.types import ApplyPolicy, Policy
from mlops_ext.models.types import Execution, NoRequest
from mlops_ext.workspace import Workspace
from tests.models.support import registered

REASON = "out of order: cell 2 ran after cell 3 ([3] after [2])"
INTERACTIVE = Execution(kind="interactive", reasons=(REASON,))


@pytest.mark.parametrize("catalog_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("execution", "passed", "says"),
    [
        (Execution(kind="clean"), True, "a whole run"),
        (Execution(kind="script"), True, "a committed script"),
        (Execution(kind="script", reasons=("the script train.py is in no git commit",)), False, "commit it"),
        (INTERACTIVE, False, "mlops rerun delay@1"),
        (None, False, "not known"),
    ],
)
def test_only_what_can_be_run_again_passes(
    workspace: Workspace, execution: Execution | None, passed: bool, says: str
) -> None:
    version = registered(workspace, execution=execution)
    result = clean_run(workspace, GateContext(version, None, "production"))
    assert result.passed == passed
    assert says in result.message


def test_production_asks_it_unless_a_policy_says_otherwise(workspace: Workspace) -> None:
    registered(workspace, execution=INTERACTIVE)
    assert promoted(workspace, "staging").version == 1
    with pytest.raises(CheckRefused) as refusal:
        promoted(workspace, "production")
    assert REASON in refusal.value.message
    assert "mlops rerun delay@1" in refusal.value.hint
    again = registered(workspace, execution=Execution(kind="clean"))
    assert again.version == 2, "an equal model from a whole run is worth a version"
    assert registered(workspace, execution=INTERACTIVE).version == 2
    assert promoting.promote("delay@2", to="production", workspace=workspace).version == 2
    workspace.call(service.apply_policy, ApplyPolicy(policy=Policy(gates={})))
    assert workspace.call(service.show_policy, NoRequest()).policy.gates == {}
    assert promoted(workspace, "production").version == 1


def promoted(ws: Workspace, to: str) -> Any:
    return promoting.promote("delay@1", to=to, workspace=ws)
