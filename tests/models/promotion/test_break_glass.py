"""Break-glass: past the gates with a reason, an event of its own, and a review that somebody else owes."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from mlops_ext.errors import Conflict, Forbidden
from mlops_ext.models import service
from mlops_ext.models.promotion import edge as promoting
from mlops_ext.models.promotion.types import GateRule, ListReviews, Promotion, Review
from mlops_ext.models.types import ShowModel
from mlops_ext.store.catalog import Actor
from mlops_ext.workspace import Workspace
from tests.models.support import actions, applied, promoted, registered


def broken(ws: Workspace, ref: str = "delay", comment: str = "the old one crashes") -> Promotion:
    return promoting.promote(ref, "production", comment=comment, break_glass=True, workspace=ws)


def due(ws: Workspace, done: bool = False) -> list[str]:
    return [each.id for each in ws.call(service.reviews_due, ListReviews(done=done))]


def test_a_broken_glass_promotes_past_its_gates_and_opens_a_review(workspace: Workspace) -> None:
    registered(workspace)
    applied(workspace, production=(GateRule(gate="no"), GateRule(gate="approvals"), GateRule(gate="yes")))
    promotion = broken(workspace)
    assert (promotion.state, promotion.break_glass, promotion.review_due) == ("promoted", True, True)
    assert [gate.verdict for gate in promotion.gates] == ["failed", "pending", "passed"]
    assert workspace.call(service.show, ShowModel(model="delay")).environments == {"production": 1}
    assert actions(workspace)[-1] == "model.glass_broken"
    assert due(workspace) == [promotion.id]


def test_a_heavy_gate_is_not_waited_for(workspace: Workspace, install) -> None:
    def never(ws: Workspace, context: object) -> object:
        raise AssertionError("asked")

    never.heavy = True
    install("never", never)
    registered(workspace)
    applied(workspace, production=(GateRule(gate="never"),))
    assert broken(workspace).gates[0].pending


def test_a_broken_glass_needs_a_reason(workspace: Workspace) -> None:
    registered(workspace)
    with pytest.raises(ValidationError):
        broken(workspace, comment="")
    assert actions(workspace) == ["model.registered"]


def test_breaking_it_for_what_is_served_changes_nothing(workspace: Workspace) -> None:
    registered(workspace)
    first = promoted(workspace, "delay")
    assert broken(workspace).id == first.id
    assert due(workspace) == []


def test_somebody_else_reviews_and_once(workspace: Workspace) -> None:
    registered(workspace)
    promotion = broken(workspace)
    request = Review(promotion=promotion.id, comment="it was right, the gate was stale")
    with pytest.raises(Forbidden, match="broke the glass"):
        workspace.call(service.review, request)
    with pytest.raises(Forbidden, match="names nobody, so it cannot review"):
        workspace.acting_as(Actor("anonymous", "jupyter_token")).call(service.review, request)
    other = workspace.acting_as(Actor("carol"))
    reviewed = other.call(service.review, request)
    assert (reviewed.reviewed_by, reviewed.review, reviewed.review_due) == ("carol", request.comment, False)
    assert (due(workspace), due(workspace, done=True)) == ([], [promotion.id])
    with pytest.raises(Conflict, match="reviewed by carol"):
        other.call(service.review, request)
    assert actions(workspace)[-1] == "model.broken_glass_reviewed"


def test_only_a_broken_glass_is_reviewed(workspace: Workspace) -> None:
    registered(workspace)
    promotion = promoted(workspace, "delay")
    with pytest.raises(Conflict, match="went through its gates"):
        workspace.call(service.review, Review(promotion=promotion.id, comment="fine"))
