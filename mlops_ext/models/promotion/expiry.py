"""Writing down which promotions waited too long for approval, each in its own event."""

from __future__ import annotations

from functools import partial

from sqlalchemy import select

from mlops_ext.models.promotion.standing import expire, in_state
from mlops_ext.models.tables import models, promotions
from mlops_ext.store.catalog import Change
from mlops_ext.workspace import Workspace

__all__ = ["expire_due"]


def expire_due(ws: Workspace) -> list[str]:
    """End every promotion whose time to be approved is over; give their ids."""
    late = select(promotions.c.id).where(promotions.c.state == "awaiting_approval", in_state("expired"))
    with ws.catalog.read() as connection:
        ids = list(connection.execute(late.order_by(promotions.c.id)).scalars())
    return [promotion for promotion in ids if ws.catalog.write(partial(_expire, promotion))]


def _expire(promotion: str, change: Change) -> bool:
    """Expire one, unless somebody has ended it meanwhile."""
    if not expire(change, promotions.c.id == promotion):
        return False
    named = select(models.c.name, promotions.c.version, promotions.c.environment, promotions.c.digest)
    joined = named.join(promotions, promotions.c.model_id == models.c.id).where(promotions.c.id == promotion)
    row = change.execute(joined).one()
    data = {"promotion": promotion, "environment": row.environment, "digest": row.digest}
    change.event("model.promotion_expired", f"model:{row.name}@{row.version}", data)
    return True
