"""Approvals: who says yes or no to a promotion that waits, bound to one content, one policy and one champion."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, insert, select, update

from mlops_ext.errors import Conflict, Forbidden, MlopsError
from mlops_ext.models.promotion.anchoring import anchor_aside
from mlops_ext.models.promotion.cases import Case, case_in, checked_comment
from mlops_ext.models.promotion.requirement import GATE, Requirement, requirement
from mlops_ext.models.promotion.settlement import facts, move
from mlops_ext.models.promotion.standing import find_promotion, promotion_record, state_of
from mlops_ext.models.promotion.types import Approve, GateResult, Promotion, Reject
from mlops_ext.models.tables import approvals, model_versions, promotions
from mlops_ext.operations import operation
from mlops_ext.store.catalog import Change
from mlops_ext.workspace import Workspace

__all__ = ["ANONYMOUS", "approve", "refuse_nobody", "reject"]

ANONYMOUS = "anonymous"
"""What the Jupyter server calls a person that its shared token does not tell from others."""


@operation("models.approve", "POST /promotions/{promotion}/approvals", command="approve", writes=True)
def approve(ws: Workspace, request: Approve) -> Promotion:
    """Say yes to a promotion that waits; the last approval that policy asks for promotes.

    Neither who asked for it nor who made the version may, and nobody anonymous.
    """
    comment = checked_comment(request.comment)

    def write(change: Change) -> Promotion | MlopsError:
        row = find_promotion(change, request.promotion)
        lapsed = _lapsed(change, row)
        if lapsed is not None:
            return lapsed
        case = case_in(change, f"{row.name}@{row.version}", row.environment)
        asked = requirement(case.rules)
        _refuse_approver(change, row, asked)
        said = list(change.execute(select(approvals.c.by).where(approvals.c.promotion == row.id)).scalars())
        if change.actor in said:
            return promotion_record(change, row)
        _say(change, row, "approved", comment)
        return _approved(change, row, case, asked.answer(len(said) + 1), comment)

    promotion = _outcome(ws.catalog.write(write))
    if promotion.state == "promoted":
        anchor_aside(ws)
    return promotion


@operation("models.reject", "POST /promotions/{promotion}/rejections", command="reject", writes=True)
def reject(ws: Workspace, request: Reject) -> Promotion:
    """Say no to a promotion that waits, and why; it ends there."""
    comment = checked_comment(request.comment)

    def write(change: Change) -> Promotion | MlopsError:
        row = find_promotion(change, request.promotion)
        lapsed = _lapsed(change, row)
        if lapsed is not None:
            return lapsed
        # Who approved first may still think better of it.
        change.execute(approvals.delete().where(approvals.c.promotion == row.id, approvals.c.by == change.actor))
        _say(change, row, "rejected", comment)
        return _end(change, row, "rejected", "model.promotion_rejected", {"comment": comment})

    return _outcome(ws.catalog.write(write))


def refuse_nobody(change: Change, deed: str) -> None:
    """Refuse who is known by a shared token alone: it does not tell one person from another.

    Raises
    ------
    Forbidden
        The one who acts is nobody in particular.
    """
    if change.actor == ANONYMOUS and change.auth == "jupyter_token":
        raise Forbidden(
            f"a shared token names nobody, so it cannot {deed}", hint=f"Log in by name, or {deed} from a terminal"
        )


def _approved(change: Change, row: Row[Any], case: Case, answer: GateResult, comment: str) -> Promotion:
    """Keep the approval; with the last one, let the goal serve the version."""
    gates = tuple(answer if gate["gate"] == GATE else GateResult.model_validate(gate) for gate in row.gates)
    values: dict[str, Any] = {"gates": [gate.model_dump(mode="json") for gate in gates]}
    if answer.passed:
        values |= {"state": "promoted", "ended_at": change.now}
    change.execute(update(promotions).where(promotions.c.id == row.id).values(**values))
    after = promotion_record(change, find_promotion(change, row.id))
    said = [each.model_dump(mode="json") for each in after.approvals]
    data = facts(case, gates, row.id) | {"approvals": said, "requested_by": row.requested_by}
    if answer.passed:
        moved = move(change, case, gates, row.id, row.comment)
        change.event("model.promoted", case.ref, data | moved | {"approval_comment": comment})
    else:
        change.event("model.promotion_approved", case.ref, data | {"environment": case.goal, "comment": comment})
    return after


def _lapsed(change: Change, row: Row[Any]) -> MlopsError | None:
    """Write down that a promotion waits no more, and give the error that says so; None when it does."""
    state = state_of(row)
    if state == "expired" and row.state != "expired":
        _end(change, row, "expired", "model.promotion_expired", {})
    if state == "awaiting_approval":
        reason = _changed(change, row)
        if not reason:
            return None
        _end(change, row, "voided", "model.promotion_voided", {"error": reason})
        state = f"voided: {reason}"
    elif row.error:
        state = f"{state}: {row.error}"
    again = f"Ask again: mlops promote {row.name}@{row.version} --to {row.environment}"
    return Conflict(f"promotion {row.id} waits for nobody: it is {state}", hint=again)


def _changed(change: Change, row: Row[Any]) -> str:
    """Say what a waiting promotion no longer holds for; empty when all is as it was."""
    try:
        case = case_in(change, f"{row.name}@{row.version}", row.environment)
    except MlopsError as error:
        return error.message
    champion = None if case.champion is None else case.champion.version
    if case.version.digest != row.digest:
        return f"{case.version.ref} has another content now"
    if case.policy.digest != row.policy_digest:
        return "another policy is in force"
    return "" if champion == row.champion else f"{row.environment} serves another version"


def _refuse_approver(change: Change, row: Row[Any], asked: Requirement) -> None:
    """Keep duties apart: who asked or made the version, and who is nobody in particular, cannot approve."""
    somebody_else = "Somebody else must: ask a colleague"
    refuse_nobody(change, "approve")
    if change.auth not in asked.auth:
        raise Forbidden(
            f"{change.actor!r} is known by {change.auth}, which does not count for this approval",
            hint=f"Policy counts {', '.join(asked.auth)}",
        )
    if change.actor == row.requested_by:
        raise Forbidden(f"{change.actor!r} asked for this promotion and cannot approve it", hint=somebody_else)
    key = (model_versions.c.model_id == row.model_id) & (model_versions.c.version == row.version)
    if change.actor == change.execute(select(model_versions.c.created_by).where(key)).scalar_one():
        raise Forbidden(f"{change.actor!r} made {row.name}@{row.version} and cannot approve it", hint=somebody_else)


def _say(change: Change, row: Row[Any], decision: str, comment: str) -> None:
    change.execute(
        insert(approvals).values(
            promotion=row.id,
            by=change.actor,
            decision=decision,
            auth=change.auth,
            comment=comment,
            digest=row.digest,
            policy_digest=row.policy_digest,
            at=change.now,
        )
    )


def _end(change: Change, row: Row[Any], state: str, action: str, data: dict[str, Any]) -> Promotion:
    ended = {"state": state, "error": data.get("error", ""), "ended_at": change.now}
    change.execute(update(promotions).where(promotions.c.id == row.id).values(**ended))
    about = {"promotion": row.id, "environment": row.environment, "digest": row.digest, "policy": row.policy_digest}
    change.event(action, f"model:{row.name}@{row.version}", about | data)
    return promotion_record(change, find_promotion(change, row.id))


def _outcome(found: Promotion | MlopsError) -> Promotion:
    if isinstance(found, MlopsError):
        raise found
    return found
