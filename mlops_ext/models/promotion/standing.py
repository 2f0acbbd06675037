"""Promotions in the catalog: found, turned into records, and voided when what they rest on changes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, or_, select, update

from mlops_ext.errors import Conflict, InvalidValue, NotFound
from mlops_ext.models.promotion.types import Approval, Promotion
from mlops_ext.models.tables import approvals, models, promotions
from mlops_ext.records import now
from mlops_ext.refs import Label, Ref
from mlops_ext.store.catalog import Change

__all__ = [
    "expire",
    "find_promotion",
    "in_state",
    "open_promotion",
    "promotion_record",
    "promotion_rows",
    "state_of",
    "void",
]

Reader = Connection | Change

ENFORCING: frozenset[str] = frozenset()
"""Kinds of authentication that only a server that alone holds the catalog gives; this release has no such server."""
_LEAST = 8


def promotion_rows() -> Select[Any]:
    """Select promotions with the names of their models."""
    return select(promotions, models.c.name).join(models, models.c.id == promotions.c.model_id)


def find_promotion(reader: Reader, text: str) -> Row[Any]:
    """Give the promotion of an id, of an id's first digits, or the one that waits at name@environment.

    Raises
    ------
    NotFound, InvalidValue, Conflict
        There is none, the digits fit several, or several wait there.
    """
    rows = reader.execute(promotion_rows().where(_named(text)).limit(2)).all()
    if len(rows) == 1:
        return rows[0]
    if not rows:
        raise NotFound(f"no promotion {text!r}", hint="List them: mlops promotions list")
    if "@" in text:
        raise Conflict(f"several promotions wait for {text}", hint=f"Name one: {rows[0].id} or {rows[1].id}")
    raise InvalidValue(f"{text!r} fits several promotions", hint="Write more of its digits")


def open_promotion(reader: Reader, model_id: str, version: int, goal: str) -> Row[Any] | None:
    """Give the promotion of a version to a goal that is being evaluated or waits for approval."""
    waiting = (promotions.c.state == "awaiting_approval") & (promotions.c.expires_at > now())
    query = promotion_rows().where(
        promotions.c.model_id == model_id,
        promotions.c.version == version,
        promotions.c.environment == goal,
        or_(promotions.c.state == "evaluating", waiting),
    )
    return reader.execute(query.order_by(promotions.c.id.desc()).limit(1)).one_or_none()


def promotion_record(reader: Reader, row: Row[Any]) -> Promotion:
    """Make the record of a promotion, with what was said to it."""
    query = select(approvals).where(approvals.c.promotion == row.id).order_by(approvals.c.at)
    said = tuple(_approval(each) for each in reader.execute(query)) if row.approvals_needed else ()
    auths = {row.auth, *(each.auth for each in said)}
    return Promotion(
        id=row.id,
        state=state_of(row),
        model=row.name,
        version=row.version,
        environment=row.environment,
        previous=row.champion,
        digest=row.digest,
        policy=row.policy_digest,
        gates=row.gates,
        approvals=said,
        approvals_needed=row.approvals_needed,
        advisory=bool(row.approvals_needed) and not auths <= ENFORCING,
        comment=row.comment,
        error=row.error,
        break_glass=row.broken_glass,
        review_due=row.broken_glass and row.reviewed_at is None,
        review=row.review,
        reviewed_by=row.reviewed_by,
        reviewed_at=row.reviewed_at,
        stalled=row.state == "evaluating" and (row.lease_until is None or row.lease_until < now()),
        requested_by=row.requested_by,
        auth=row.auth,
        requested_at=row.requested_at,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
    )


def state_of(row: Row[Any]) -> Any:
    """Give a promotion's state; one whose time is over is expired before anybody has written it down."""
    late = row.state == "awaiting_approval" and row.expires_at <= now()
    return "expired" if late else row.state


def in_state(state: str) -> ColumnElement[bool]:
    """Select the promotions in a state, as `state_of` tells it."""
    late = promotions.c.expires_at <= now()
    if state == "expired":
        return or_(promotions.c.state == "expired", (promotions.c.state == "awaiting_approval") & late)
    if state == "awaiting_approval":
        return (promotions.c.state == "awaiting_approval") & ~late
    return promotions.c.state == state


def expire(change: Change, *those: ColumnElement[bool]) -> list[str]:
    """Write down which promotions have waited too long; give their ids for the event."""
    query = select(promotions.c.id).where(
        promotions.c.state == "awaiting_approval", promotions.c.expires_at <= now(), *those
    )
    ids = list(change.execute(query.order_by(promotions.c.id)).scalars())
    if ids:
        change.execute(update(promotions).where(promotions.c.id.in_(ids)).values(state="expired", ended_at=change.now))
    return ids


def void(change: Change, reason: str, *those: ColumnElement[bool]) -> list[str]:
    """Void the promotions that wait for approval, those whose time is over aside; give their ids for the event.

    Parameters
    ----------
    reason : str
        What changed.
    *those : column expressions
        Which.
    """
    query = select(promotions.c.id).where(in_state("awaiting_approval"), *those).order_by(promotions.c.id)
    ids = list(change.execute(query).scalars())
    if ids:
        changed = update(promotions).where(promotions.c.id.in_(ids))
        change.execute(changed.values(state="voided", error=reason, ended_at=change.now))
    return ids


def _named(text: str) -> ColumnElement[bool]:
    if "@" not in text:
        digits = text.lower()
        if len(digits) < _LEAST or not set(digits) <= set("0123456789abcdef"):
            raise InvalidValue(f"{text!r} is no id of a promotion", hint=f"Write {_LEAST} or more of its digits")
        return (promotions.c.id >= digits) & (promotions.c.id < digits + "g")
    ref = Ref.parse(text, kind="model")
    if not isinstance(ref.selector, Label):
        raise InvalidValue(f"{text!r} names no environment", hint=f"Write {ref.name}@production")
    return (
        (models.c.name == ref.name) & (promotions.c.environment == ref.selector.label) & in_state("awaiting_approval")
    )


def _approval(row: Row[Any]) -> Approval:
    return Approval(
        by=row.by,
        decision=row.decision,
        auth=row.auth,
        comment=row.comment,
        digest=row.digest,
        policy=row.policy_digest,
        at=row.at,
    )
