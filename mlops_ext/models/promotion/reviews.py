"""Reviews: what a broken glass owes, and who looked at it afterwards."""

from __future__ import annotations

from sqlalchemy import update

from mlops_ext.errors import Conflict, Forbidden
from mlops_ext.models.promotion.approvals import refuse_nobody
from mlops_ext.models.promotion.cases import checked_comment
from mlops_ext.models.promotion.standing import find_promotion, promotion_record, promotion_rows
from mlops_ext.models.promotion.types import ListReviews, Promotion, Review
from mlops_ext.models.tables import promotions
from mlops_ext.operations import operation
from mlops_ext.records import Page
from mlops_ext.store.catalog import Change
from mlops_ext.store.search import paged
from mlops_ext.workspace import Workspace

__all__ = ["list_reviews", "review"]


@operation("models.reviews", "GET /reviews", command="reviews")
def list_reviews(ws: Workspace, request: ListReviews) -> Page[Promotion]:
    """List the promotions that went past their gates and that nobody has reviewed yet."""
    with ws.catalog.read() as connection:
        held = promotions.c.reviewed_at.is_not(None)
        return paged(
            connection,
            promotion_rows().where(promotions.c.broken_glass, held if request.done else ~held),
            (promotions.c.id,),
            request.limit,
            request.cursor,
            lambda row: promotion_record(connection, row),
            descending=True,
        )


@operation("models.review", "POST /promotions/{promotion}/reviews", command="review", writes=True)
def review(ws: Workspace, request: Review) -> Promotion:
    """Say what the review of a promotion that went past its gates has found; not who broke the glass."""
    comment = checked_comment(request.comment)

    def write(change: Change) -> Promotion:
        row = find_promotion(change, request.promotion)
        if not row.broken_glass:
            raise Conflict(f"promotion {row.id} went through its gates", hint="See what is due: mlops reviews")
        if row.reviewed_at is not None:
            raise Conflict(f"promotion {row.id} was reviewed by {row.reviewed_by}", hint="There is nothing to do")
        refuse_nobody(change, "review")
        if row.requested_by == change.actor:
            raise Forbidden(f"{change.actor!r} broke the glass and cannot review it", hint="Somebody else must")
        held = {"reviewed_at": change.now, "reviewed_by": change.actor, "review": comment}
        change.execute(update(promotions).where(promotions.c.id == row.id).values(**held))
        data = {"promotion": row.id, "environment": row.environment, "comment": comment}
        change.event("model.broken_glass_reviewed", f"model:{row.name}@{row.version}", data)
        return promotion_record(change, find_promotion(change, row.id))

    return ws.catalog.write(write)
