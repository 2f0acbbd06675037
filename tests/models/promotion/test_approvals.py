"""Approvals: who may say yes, what an approval is bound to, and what ends the waiting."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from mlops_ext.errors import CheckRefused, Conflict, Forbidden, InvalidValue, MlopsError
from mlops_ext.models import service
from mlops_ext.models.promotion import edge as promoting
from mlops_ext.models.promotion import requirement, standing
from mlops_ext.models.promotion.types import GateRule, ListPromotions, Promotion, ShowPromotion
from mlops_ext.models.types import ChangeState, DeleteTag, Describe, SetTags, ShowModel
from mlops_ext.records import now
from mlops_ext.store.catalog import Actor
from mlops_ext.store.schema import event_data
from mlops_ext.store.trail import decoded
from mlops_ext.workspace import Workspace
from tests.models.support import actions, applied, promoted, registered, rolled_back


def asked(ws: Workspace, count: int = 2, **options: Any) -> Promotion:
    """Let alice register, bob ask for production, where policy wants approvals."""
    applied(ws, production=(GateRule(gate="yes"), GateRule(gate="approvals", options={"count": count} | options)))
    registered(by(ws, "alice"))
    return promoted(by(ws, "bob"), "delay", comment="ready")


def by(ws: Workspace, name: str, auth: str = "os_user") -> Workspace:
    return ws.acting_as(Actor(name, auth))


def approved(ws: Workspace, name: str, promotion: Promotion | str, auth: str = "os_user") -> Promotion:
    return promoting.approve(promotion, comment=f"{name} agrees", workspace=by(ws, name, auth))


def shown(ws: Workspace, promotion: Promotion) -> Promotion:
    return ws.call(service.show_promotion, ShowPromotion(promotion=promotion.id))


def serving(ws: Workspace) -> int | None:
    return ws.call(service.show, ShowModel(model="delay")).environments.get("production")


def last_data(ws: Workspace) -> dict:
    with ws.catalog.read() as connection:
        query = select(event_data.c.data).order_by(event_data.c.seq.desc()).limit(1)
        return decoded(connection.execute(query).scalar_one())


def test_a_promotion_waits_for_its_approvals_and_the_last_one_promotes(workspace: Workspace) -> None:
    promotion = asked(workspace)
    assert (promotion.state, promotion.approvals_needed, serving(workspace)) == ("awaiting_approval", 2, None)
    assert promotion.expires_at is not None
    assert promotion.expires_at - promotion.requested_at == timedelta(days=7)
    first = approved(workspace, "carol", promotion)
    assert (first.state, serving(workspace)) == ("awaiting_approval", None)
    assert [gate.value for gate in first.gates] == [None, "1"]
    second = approved(workspace, "dave", promotion)
    assert (second.state, serving(workspace)) == ("promoted", 1)
    assert all(gate.passed for gate in second.gates)
    assert [(each.by, each.decision) for each in second.approvals] == [("carol", "approved"), ("dave", "approved")]
    assert {(each.digest, each.policy) for each in second.approvals} == {(promotion.digest, promotion.policy)}
    assert actions(workspace)[2:] == ["model.approval_requested", "model.promotion_approved", "model.promoted"]
    assert last_data(workspace)["requested_by"] == "bob"
    assert [each["by"] for each in last_data(workspace)["approvals"]] == ["carol", "dave"]


def test_approving_twice_counts_once(workspace: Workspace) -> None:
    promotion = asked(workspace)
    approved(workspace, "carol", promotion)
    before = actions(workspace)
    assert approved(workspace, "carol", promotion).state == "awaiting_approval"
    assert actions(workspace) == before


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("name", "auth", "said"),
    [
        ("bob", "os_user", "asked for this promotion"),
        ("bob", "jupyterhub", "asked for this promotion"),
        ("alice", "os_user", "made delay@1"),
        ("anonymous", "jupyter_token", "names nobody"),
        ("carol", "asserted", "does not count"),
    ],
)
def test_neither_requester_nor_author_nor_nobody_may_approve(
    workspace: Workspace, name: str, auth: str, said: str
) -> None:
    promotion = asked(workspace, 1)
    before = actions(workspace)
    with pytest.raises(Forbidden, match=said):
        approved(workspace, name, promotion, auth)
    assert (shown(workspace, promotion), actions(workspace), serving(workspace)) == (
        promotion.model_copy(update={"note": ""}), before, None,
    )  # fmt: skip


def test_policy_says_which_logins_count(workspace: Workspace) -> None:
    promotion = asked(workspace, 1, auth=["jupyterhub"])
    with pytest.raises(Forbidden, match="Policy counts jupyterhub"):
        approved(workspace, "carol", promotion)
    assert approved(workspace, "carol", promotion, "jupyterhub").state == "promoted"


def test_without_an_enforcing_server_approvals_are_shown_as_advisory(workspace: Workspace) -> None:
    promotion = asked(workspace, 1)
    assert promotion.advisory
    assert "advisory" in promotion._repr_html_()
    assert approved(workspace, "carol", promotion).advisory


def test_a_rejection_needs_a_reason_and_ends_it(workspace: Workspace) -> None:
    promotion = asked(workspace)
    with pytest.raises((InvalidValue, ValueError)):
        promoting.reject(promotion, comment="", workspace=by(workspace, "carol"))
    approved(workspace, "carol", promotion)
    ended = promoting.reject(promotion, comment="the data leaks", workspace=by(workspace, "carol"))
    assert ended.state == "rejected"
    assert [(each.by, each.decision, each.comment) for each in ended.approvals] == [
        ("carol", "rejected", "the data leaks")
    ]
    with pytest.raises(Conflict, match="it is rejected"):
        approved(workspace, "dave", promotion)
    assert serving(workspace) is None


def test_an_expired_promotion_cannot_be_approved_and_is_asked_for_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    promotion = asked(workspace, 1, expires_days=0.5)
    later = now() + timedelta(days=0.5)
    with monkeypatch.context() as clock:
        clock.setattr(standing, "now", lambda: later)
        assert shown(workspace, promotion).state == "expired"
        expired = workspace.call(service.promotions, ListPromotions(state="expired"))
        assert [each.id for each in expired] == [promotion.id]
        with pytest.raises(Conflict, match="it is expired") as refusal:
            approved(workspace, "carol", promotion)
    assert "mlops promote delay@1 --to production" in refusal.value.hint
    assert (actions(workspace)[-1], serving(workspace)) == ("model.promotion_expired", None)
    again = promoted(by(workspace, "bob"), "delay")
    assert again.id != promotion.id
    assert approved(workspace, "carol", again).state == "promoted"


def test_asking_again_for_what_waits_gives_what_waits(workspace: Workspace) -> None:
    promotion = asked(workspace)
    before = actions(workspace)
    assert promoted(by(workspace, "eve"), "delay").id == promotion.id
    assert actions(workspace) == before


def test_a_policy_applied_anew_voids_what_waits(workspace: Workspace) -> None:
    promotion = asked(workspace)
    approved(workspace, "carol", promotion)
    applied(workspace, production=(GateRule(gate="approvals", options={"count": 2}),))
    assert last_data(workspace)["voided"] == [promotion.id]
    after = shown(workspace, promotion)
    assert (after.state, after.error) == ("voided", "another policy is in force")
    with pytest.raises(Conflict, match="another policy is in force"):
        approved(workspace, "dave", promotion)
    assert serving(workspace) is None
    fresh = promoted(by(workspace, "bob"), "delay")
    assert (fresh.state, fresh.approvals) == ("awaiting_approval", ())


@pytest.mark.sqlite
@pytest.mark.parametrize("about", ["delay@1", "delay"])
@pytest.mark.parametrize("how", ["tagged", "untagged", "described", "archived"])
def test_a_version_or_model_that_changes_voids_what_waits(workspace: Workspace, how: str, about: str) -> None:
    applied(workspace, production=(GateRule(gate="approvals", options={"count": 2}),))
    for content in (b"one", b"two"):
        registered(by(workspace, "alice"), content=content)
    for ref in ("delay", "delay@1"):
        workspace.call(service.tag, SetTags(model=ref, tags={"card.risks": "none"}))
    waiting, other = (promoted(by(workspace, "bob"), ref) for ref in ("delay@1", "delay@2"))
    approved(workspace, "carol", waiting)
    changes: dict[str, Callable[[], object]] = {
        "tagged": lambda: workspace.call(service.tag, SetTags(model=about, tags={"card.risks": "many"})),
        "untagged": lambda: workspace.call(service.untag, DeleteTag(model=about, key="card.risks")),
        "described": lambda: workspace.call(service.describe, Describe(model=about, description="other")),
        "archived": lambda: workspace.call(service.archive, ChangeState(model=about)),
    }
    changes[how]()
    lost = {waiting.id} if "@" in about else {waiting.id, other.id}
    assert actions(workspace)[-1] == f"model.{how}"
    assert set(last_data(workspace)["voided"]) == lost
    if how == "archived":
        workspace.call(service.restore, ChangeState(model=about))
    after = shown(workspace, waiting)
    assert (after.state, after.error) == ("voided", f"{about} was {how}")
    with pytest.raises(Conflict, match=f"{about} was {how}"):
        approved(workspace, "dave", waiting)
    assert shown(workspace, other).state == ("voided" if other.id in lost else "awaiting_approval")
    assert serving(workspace) is None


def test_a_change_that_changes_nothing_voids_nothing(workspace: Workspace) -> None:
    promotion = asked(workspace, 1)
    workspace.call(service.describe, Describe(model="delay@1", description=""))
    assert approved(workspace, "carol", promotion).state == "promoted"


@pytest.mark.sqlite
@pytest.mark.parametrize("door", ["promotion", "rollback", "glass"])
def test_a_champion_that_changes_voids_what_waits(workspace: Workspace, door: str) -> None:
    for number in (1, 2, 3):
        registered(by(workspace, "alice"), content=bytes([number]))
    for number in (1, 2):
        promoted(workspace, f"delay@{number}")
    applied(workspace, production=(GateRule(gate="approvals"),))
    waiting, other = (promoted(by(workspace, "bob"), ref) for ref in ("delay@3", "delay@1"))
    if door == "promotion":
        approved(workspace, "carol", other)
    elif door == "rollback":
        rolled_back(workspace)
    else:
        promoting.promote("delay@1", "production", comment="fire", break_glass=True, workspace=workspace)
    assert serving(workspace) == 1
    assert waiting.id in last_data(workspace)["voided"]
    assert shown(workspace, waiting).state == "voided"
    with pytest.raises(Conflict, match="voided"):
        approved(workspace, "carol", waiting)


def test_gates_that_refuse_ask_nobody_for_approval(workspace: Workspace) -> None:
    applied(workspace, production=(GateRule(gate="no"), GateRule(gate="approvals")))
    registered(workspace)
    with pytest.raises(CheckRefused) as refusal:
        promoted(workspace, "delay")
    assert "approval" not in refusal.value.message
    (promotion,) = workspace.call(service.promotions, ListPromotions(model="delay"))
    assert (promotion.state, promotion.approvals_needed) == ("refused", 0)


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "options", [{"count": 0}, {"count": True}, {"count": "2"}, {"auth": ["moon"]}, {"auth": []}, {"expires_days": 0}]
)
def test_wrong_options_of_the_gate_refuse(workspace: Workspace, options: dict) -> None:
    with pytest.raises(CheckRefused, match="approvals"):
        asked(workspace, **{"count": 1, **options})


def test_a_promotion_is_named_by_its_first_digits_or_by_where_it_waits(workspace: Workspace) -> None:
    promotion = asked(workspace, 3)
    assert approved(workspace, "carol", promotion.id[:20]).id == promotion.id
    assert approved(workspace, "dave", "delay@production").id == promotion.id
    for wrong in ("delay@staging", "0" * 32, "moon", "delay@3"):
        with pytest.raises(MlopsError):
            approved(workspace, "erin", wrong)


def test_two_last_approvals_at_once_promote_once(workspace: Workspace, install: Callable[..., None]) -> None:
    promotion = asked(workspace, 2)

    def approve(name: str) -> str:
        try:
            return approved(Workspace(workspace.root), name, promotion).state
        except Conflict:
            return "late"

    with ThreadPoolExecutor(4) as pool:
        said = sorted(pool.map(approve, ["carol", "dave", "erin", "frank"]))
    assert said == ["awaiting_approval", "late", "late", "promoted"]
    assert actions(workspace).count("model.promoted") == 1


def test_the_days_of_the_requirement_are_read_as_given() -> None:
    asked = requirement.requirement((GateRule(gate="approvals", options={"count": 3, "expires_days": 1.5}),))
    assert (asked.count, asked.wait) == (3, timedelta(days=1.5))
    assert requirement.requirement(()).count == 0
