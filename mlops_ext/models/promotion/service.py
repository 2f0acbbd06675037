"""Promotion: which version an environment or a guarded alias serves, decided by the gates of the applied policy."""

from __future__ import annotations

from mlops_ext.errors import CheckRefused, Conflict
from mlops_ext.models.lookup.references import Reader, current_deployment, find_model
from mlops_ext.models.promotion import evaluation
from mlops_ext.models.promotion.cases import Case, case_in, checked_comment
from mlops_ext.models.promotion.gates import evaluate, is_heavy
from mlops_ext.models.promotion.policy import difference
from mlops_ext.models.promotion.requirement import GATE
from mlops_ext.models.promotion.settlement import Ask, begin, settle
from mlops_ext.models.promotion.standing import (
    find_promotion,
    in_state,
    open_promotion,
    promotion_record,
    promotion_rows,
)
from mlops_ext.models.promotion.types import (
    BreakGlass,
    CheckGates,
    GateResult,
    GateResults,
    ListPromotions,
    Promote,
    Promotion,
    ShowPromotion,
)
from mlops_ext.models.tables import promotions
from mlops_ext.operations import operation
from mlops_ext.records import Page
from mlops_ext.refs import Ref
from mlops_ext.store.search import paged
from mlops_ext.workspace import Workspace

__all__ = ["break_glass", "check", "list_promotions", "promote", "refusal", "show_promotion"]

TRIES = 5


@operation("models.check", "GET /model-versions/{model}/gates", command="check")
def check(ws: Workspace, request: CheckGates) -> GateResults:
    """Ask the gates of an environment about a version, without promoting it; heavy ones are left pending."""
    return evaluation.ask_all(ws, request.model, request.to, heavy=False)


@operation("models.promote", "POST /model-versions/{model}/promotions", command="promote", writes=True)
def promote(ws: Workspace, request: Promote) -> Promotion:
    """Ask an environment's gates and let it serve a version when they pass; the record tells how far that is.

    Gates that load a model or run a notebook are asked in a process of their own; until they have
    answered, the record is `evaluating`. A promotion that is open already is given, not made again.
    """
    comment = checked_comment(request.comment)
    with ws.catalog.read() as connection:
        case = case_in(connection, request.model, request.to)
    promotion = _promoted(ws, case, comment)
    return promotion.model_copy(update={"note": difference(ws.settings, case.policy)})


@operation("models.break_glass", "POST /model-versions/{model}/broken-glass", writes=True)
def break_glass(ws: Workspace, request: BreakGlass) -> Promotion:
    """Let an environment serve a version although its gates refuse; somebody else owes that a review.

    Gates that answer at once are asked and their answers kept; nobody waits for the others.
    """
    comment = checked_comment(request.comment)
    for _ in range(TRIES):
        with ws.catalog.read() as connection:
            case = case_in(connection, request.model, request.to)
            if case.served:
                return _serving(connection, case)
        gates = evaluate(ws, case.version, case.champion, case.goal, case.rules, heavy=False)
        promotion = settle(ws, case, gates, Ask(comment, break_glass=True))
        if promotion is not None:
            return promotion
    raise _restless(case)


@operation("models.promotions", "GET /promotions", command="promotions list")
def list_promotions(ws: Workspace, request: ListPromotions) -> Page[Promotion]:
    """List promotions, newest first: asked for by whom, how far, and what the gates said."""
    with ws.catalog.read() as connection:
        query = promotion_rows()
        if request.model:
            model = find_model(connection, Ref.parse(request.model, kind="model").name)
            query = query.where(promotions.c.model_id == model.id)
        if request.environment:
            query = query.where(promotions.c.environment == request.environment)
        if request.state is not None:
            query = query.where(in_state(request.state))
        return paged(
            connection,
            query,
            (promotions.c.id,),
            request.limit,
            request.cursor,
            lambda row: promotion_record(connection, row),
            descending=True,
        )


@operation("models.promotion", "GET /promotions/{promotion}", command="promotions show")
def show_promotion(ws: Workspace, request: ShowPromotion) -> Promotion:
    """Show a promotion: each gate with value, bound and verdict, and who approved."""
    with ws.catalog.read() as connection:
        return promotion_record(connection, find_promotion(connection, request.promotion))


def refusal(promotion: Promotion) -> CheckRefused:
    """Make the error that tells of a refusal, and of what would make the gates pass."""
    failed = [gate for gate in promotion.gates if not gate.passed and not (gate.pending and gate.gate == GATE)]
    reasons = "; ".join(f"{gate.gate}: {gate.message}" for gate in failed)
    hint = "It passes when " + ", and ".join(_remedy(gate) for gate in failed)
    asked = f"{promotion.model}@{promotion.version} may not go to {promotion.environment}"
    return CheckRefused(f"{asked}: {reasons}", hint=f"{hint}. {promotion.note}" if promotion.note else hint)


def _promoted(ws: Workspace, case: Case, comment: str) -> Promotion:
    for _ in range(TRIES):
        with ws.catalog.read() as connection:
            if case.served:
                return _serving(connection, case)
            row = open_promotion(connection, case.model_id, case.version.version, case.goal)
            found = None if row is None else promotion_record(connection, row)
        if found is None and any(is_heavy(rule) for rule in case.rules):
            found = begin(ws, case, comment)
        if found is not None:
            return evaluation.take_up(ws, found) if found.state == "evaluating" else found
        gates = evaluate(ws, case.version, case.champion, case.goal, case.rules)
        promotion = settle(ws, case, gates, Ask(comment))
        if promotion is not None:
            return promotion
        # Policy or champion changed while the gates were asked: their answers were for another question.
        with ws.catalog.read() as connection:
            case = case_in(connection, case.version.ref, case.goal)
    raise _restless(case)


def _serving(reader: Reader, case: Case) -> Promotion:
    """Give the promotion that led to what the goal serves."""
    query = promotion_rows().where(
        promotions.c.model_id == case.model_id,
        promotions.c.version == case.version.version,
        promotions.c.environment == case.goal,
        promotions.c.state == "promoted",
    )
    row = reader.execute(query.order_by(promotions.c.id.desc()).limit(1)).one_or_none()
    if row is not None:
        return promotion_record(reader, row)
    row = current_deployment(reader, case.model_id, case.goal)
    if row is None:
        raise Conflict(f"{case.goal} points at {case.version.ref} already", hint="There is nothing to do")

    return Promotion(
        id="",
        state="promoted",
        model=case.version.name,
        version=case.version.version,
        environment=case.goal,
        previous=row.previous,
        digest=case.version.digest,
        policy=row.policy_digest,
        gates=row.gates,
        comment=row.comment,
        requested_by=row.created_by,
        requested_at=row.created_at,
        ended_at=row.created_at,
    )


def _restless(case: Case) -> Conflict:
    return Conflict(
        f"{case.goal} of model {case.version.name!r} keeps changing while its gates are asked",
        hint="Agree who promotes, then try again",
    )


def _remedy(gate: GateResult) -> str:
    if gate.value is not None and gate.bound is not None:
        return f"{gate.about or gate.gate} is {gate.bound} (it is {_short(gate.value)})"
    return f"the gate {gate.gate} says yes"


def _short(value: float | str) -> str:
    return f"{value:.6g}" if isinstance(value, float) else value
