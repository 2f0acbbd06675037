"""How a promotion begins and ends: each step one transaction that looks again and appends one event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, update

from mlops_ext.errors import Conflict
from mlops_ext.models.lookup.references import current_deployment
from mlops_ext.models.promotion.anchoring import anchor_aside
from mlops_ext.models.promotion.cases import Case, still_holds
from mlops_ext.models.promotion.history import Entry, enter, moved, voided
from mlops_ext.models.promotion.requirement import GATE, requirement
from mlops_ext.models.promotion.standing import expire, find_promotion, open_promotion, promotion_record
from mlops_ext.models.promotion.types import GateResult, Promotion, PromotionState
from mlops_ext.models.tables import aliases, models, promotions
from mlops_ext.records import new_id
from mlops_ext.store.catalog import Change
from mlops_ext.workspace import Workspace

__all__ = ["Ask", "begin", "end_without", "facts", "move", "settle"]

EVENTS = {
    "evaluating": "model.promotion_requested",
    "awaiting_approval": "model.approval_requested",
    "refused": "model.promotion_refused",
    "promoted": "model.promoted",
    "failed": "model.promotion_failed",
    "voided": "model.promotion_voided",
}
_ENDED = ("refused", "promoted", "failed", "voided")


@dataclass(frozen=True)
class Ask:
    """What was asked for beside version and goal.

    Attributes
    ----------
    promotion, evaluator : str
        The record that is being evaluated, and who holds it; empty when it is decided at once.
    """

    comment: str
    promotion: str = ""
    evaluator: str = ""
    break_glass: bool = False


def begin(ws: Workspace, case: Case, comment: str) -> Promotion:
    """Record that a promotion is being evaluated, or give the one that is open already."""

    def write(change: Change) -> Promotion:
        row = open_promotion(change, case.model_id, case.version.version, case.goal)
        if row is not None:
            return promotion_record(change, row)
        return _put(change, case, (), Ask(comment), "evaluating")

    return ws.catalog.write(write)


def settle(ws: Workspace, case: Case, gates: tuple[GateResult, ...], ask: Ask) -> Promotion | None:
    """Record what the gates decided and act on it; None when what they were asked about no longer holds.

    Parameters
    ----------
    case : Case
        What the gates were asked about.
    gates : tuple of GateResult
        What they said.
    ask : Ask
        Whose decision it is.

    Raises
    ------
    Conflict
        Somebody else evaluates the record now.
    """

    def write(change: Change) -> Promotion | None:
        if not still_holds(change, case):
            return None
        row = open_promotion(change, case.model_id, case.version.version, case.goal)
        if row is not None and not ask.promotion and not ask.break_glass:
            return promotion_record(change, row)
        return _put(change, case, gates, ask, "promoted" if ask.break_glass else _verdict(gates))

    promotion = ws.catalog.write(write)
    if promotion is not None and promotion.state == "promoted":
        anchor_aside(ws)
    return promotion


def end_without(ws: Workspace, promotion: Promotion, state: PromotionState, error: str) -> Promotion:
    """End a promotion that is being evaluated without a verdict, unless it has ended meanwhile."""

    def write(change: Change) -> Promotion:
        key = (promotions.c.id == promotion.id) & (promotions.c.state == "evaluating")
        ended = {"state": state, "error": error, "ended_at": change.now, "lease_until": None}
        if change.execute(update(promotions).where(key).values(**ended)).rowcount:
            data = {"promotion": promotion.id, "environment": promotion.environment, "error": error}
            change.event(EVENTS[state], f"model:{promotion.model}@{promotion.version}", data)
        return promotion_record(change, find_promotion(change, promotion.id))

    return ws.catalog.write(write)


def move(change: Change, case: Case, gates: tuple[GateResult, ...], promotion: str, comment: str) -> dict[str, Any]:
    """Let the goal serve the version; say for the event what moved and what that voids."""
    version, former = case.version, None if case.champion is None else case.champion.version
    if case.goal in case.policy.policy.guarded_aliases:
        _point(change, case)
    else:
        current = current_deployment(change, case.model_id, case.goal)
        below = None if current is None else int(current.number)
        enter(
            change,
            Entry(
                case.model_id, case.goal, version.version, current, below, "promote", comment,
                gates, case.policy.digest, promotion,
            ),
        )  # fmt: skip
    data = moved(case.goal, former, version.version, comment, f"model:{version.name}@{case.goal}")
    return data | voided(change, case.model_id, case.goal, f"{case.goal} serves version {version.version} now")


def facts(case: Case, gates: Sequence[GateResult], promotion: str) -> dict[str, Any]:
    """Say for an event on what grounds it was decided."""
    return {
        "promotion": promotion,
        "digest": case.version.digest,
        "policy": case.policy.digest,
        "gates": [gate.model_dump(mode="json") for gate in gates],
    }


def _verdict(gates: Sequence[GateResult]) -> PromotionState:
    open_ = [gate for gate in gates if not gate.passed]
    if not open_:
        return "promoted"
    return "awaiting_approval" if all(gate.gate == GATE and gate.pending for gate in open_) else "refused"


def _put(change: Change, case: Case, gates: tuple[GateResult, ...], ask: Ask, state: PromotionState) -> Promotion:
    """Write the record in its new state, do what that means, and append the event."""
    asked = requirement(case.rules) if state == "awaiting_approval" else None
    values = {
        "state": state,
        "digest": case.version.digest,
        "policy_digest": case.policy.digest,
        "champion": None if case.champion is None else case.champion.version,
        "gates": [gate.model_dump(mode="json") for gate in gates],
        "approvals_needed": 0 if asked is None else asked.count,
        "expires_at": None if asked is None else change.now + asked.wait,
        "ended_at": change.now if state in _ENDED else None,
        "lease_until": None,
    }
    promotion, lapsed = _write(change, case, ask, values)
    former = None if case.champion is None else case.champion.version
    data: dict[str, Any] = {
        "environment": case.goal,
        "from": former,
        "to": case.version.version,
        "comment": ask.comment,
    }
    if lapsed:
        data["expired"] = lapsed
    if state == "promoted":
        data |= move(change, case, gates, promotion, ask.comment)
    action = "model.glass_broken" if ask.break_glass else EVENTS[state]
    change.event(action, case.ref, data | facts(case, gates, promotion))
    return promotion_record(change, find_promotion(change, promotion))


def _write(change: Change, case: Case, ask: Ask, values: dict[str, Any]) -> tuple[str, list[str]]:
    """Write the row; give its id, and the ids of former ones that waited too long."""
    if ask.promotion:
        key = (promotions.c.id == ask.promotion) & (promotions.c.evaluator == ask.evaluator)
        held = update(promotions).where(key, promotions.c.state == "evaluating").values(**values)
        if not change.execute(held).rowcount:
            raise Conflict(f"promotion {ask.promotion} is evaluated by another process now", hint="Wait for that one")
        return ask.promotion, []
    same = (promotions.c.model_id == case.model_id, promotions.c.version == case.version.version)
    lapsed = expire(change, *same, promotions.c.environment == case.goal)
    promotion = new_id()
    change.execute(
        insert(promotions).values(
            id=promotion,
            model_id=case.model_id,
            version=case.version.version,
            environment=case.goal,
            comment=ask.comment,
            error="",
            broken_glass=ask.break_glass,
            reviewed_by="",
            review="",
            requested_at=change.now,
            requested_by=change.actor,
            auth=change.auth,
            **values,
        )
    )
    return promotion, lapsed


def _point(change: Change, case: Case) -> None:
    key = (aliases.c.model_id == case.model_id) & (aliases.c.alias == case.goal)
    if not change.execute(update(aliases).where(key).values(version=case.version.version)).rowcount:
        change.execute(insert(aliases).values(model_id=case.model_id, alias=case.goal, version=case.version.version))
    change.execute(update(models).where(models.c.id == case.model_id).values(updated_at=change.now))
