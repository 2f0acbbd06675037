"""Why an environment serves what it serves: the decision and its grounds, also after a rollback."""

from __future__ import annotations

import pytest

from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.models.promotion import edge as promoting
from mlops_ext.models.promotion.types import GateRule
from mlops_ext.models.types import EnvironmentLock, Field_, Signature
from mlops_ext.store.catalog import Actor
from mlops_ext.workspace import Workspace
from tests.models.support import applied, promoted, registered, rolled_back


def lock(version: str) -> EnvironmentLock:
    return EnvironmentLock(python="3.11", platform="x", packages={"scikit-learn": version})


def test_why_tells_gates_approvers_origin_and_what_changed(workspace: Workspace) -> None:
    alice, bob, carol = (workspace.acting_as(Actor(name)) for name in ("alice", "bob", "carol"))
    old = Signature(inputs=(Field_(name="a", type="int64"),))
    registered(alice, metrics={"auc": 0.6}, inputs=("dataset:flights@1",), lock=lock("1.5"), signature=old)
    promoted(workspace, "delay@1")
    new = Signature(inputs=(Field_(name="a", type="float64"),))
    registered(
        alice, content=b"two", metrics={"auc": 0.7}, inputs=("dataset:flights@2",), lock=lock("1.6"), signature=new,
        run="a" * 32, parameters={"depth": "3"},
    )  # fmt: skip
    applied(workspace, production=(GateRule(gate="yes"), GateRule(gate="approvals")))
    promotion = promoted(bob, "delay@2", comment="better")
    promoting.approve(promotion, comment="seen", workspace=carol)
    told = promoting.why("delay@production", workspace=workspace)
    assert (told.version, told.previous, told.promotion) == (2, 1, promotion.id)
    assert (told.requested_by, told.by, told.registered_by, told.comment) == ("bob", "carol", "alice", "better")
    assert [(gate.gate, gate.passed) for gate in told.gates] == [("yes", True), ("approvals", True)]
    assert [(each.by, each.comment) for each in told.approvals] == [("carol", "seen")]
    assert (told.run, told.data, told.advisory) == ("a" * 32, ("dataset:flights@2",), True)
    changed = {(each.about, each.before, each.after) for each in told.changes}
    assert changed >= {("metric", "0.6", "0.7"), ("parameter", "", "3"), ("package", "1.5", "1.6")}
    assert {each.about for each in told.changes} >= {"signature", "input"}


def test_after_a_rollback_why_tells_who_rolled_back_and_what_had_let_the_version_in(workspace: Workspace) -> None:
    for content in (b"one", b"two"):
        registered(workspace, content=content)
    applied(workspace, production=(GateRule(gate="yes"),))
    first = promoted(workspace, "delay@1")
    promoted(workspace, "delay@2")
    rolled_back(workspace.acting_as(Actor("night")))
    told = promoting.why("delay@production", workspace=workspace)
    assert (told.version, told.action, told.by, told.promotion) == (1, "rollback", "night", first.id)
    assert [gate.gate for gate in told.gates] == ["yes"]


def test_why_is_asked_of_a_place_that_serves(workspace: Workspace) -> None:
    registered(workspace)
    with pytest.raises(InvalidValue, match="names no environment"):
        promoting.why("delay@1", workspace=workspace)
    with pytest.raises(NotFound, match="nothing of model 'delay' is deployed"):
        promoting.why("delay@production", workspace=workspace)


def test_a_deleted_version_is_not_rolled_back_to(workspace: Workspace) -> None:
    from mlops_ext.errors import Conflict
    from mlops_ext.rooms import OPERATIONS

    for content in (b"one", b"two"):
        registered(workspace, content=content)
        promoted(workspace, "delay")
    delete = OPERATIONS["models.delete"]
    workspace.call(delete, delete.request(model="delay@1"))
    with pytest.raises(Conflict, match="is deleted"):
        rolled_back(workspace)
