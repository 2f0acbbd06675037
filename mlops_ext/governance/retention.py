"""How long events keep their data, and erasing it on record: the chain holds, since it has the digests only.

What an event says lies beside it. Erasing deletes that row and the references that were read from
it; the event itself, its digest and its place stay, and one further event lists what was erased.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, delete, select

from mlops_ext.errors import CheckRefused, InvalidValue, NotFound
from mlops_ext.governance.evidence.profiles import read_profile
from mlops_ext.governance.types import EraseData, Erasure, Retain, Retention
from mlops_ext.models.types import NoRequest
from mlops_ext.operations import operation
from mlops_ext.store import trail
from mlops_ext.store.catalog import Change
from mlops_ext.store.schema import event_data, event_refs, events
from mlops_ext.store.sweeping import sweep
from mlops_ext.store.verification import ERASED
from mlops_ext.workspace import Workspace

__all__ = ["current_retention", "erase", "retain", "show"]

RETAINED = "audit.retention_set"
_KEPT = "audit."


@operation("audit.retention", "GET /audit/retention")
def show(ws: Workspace, request: NoRequest) -> Retention:  # noqa: ARG001
    """Show how long the data of events must be kept, and by which profile."""
    with ws.catalog.read() as connection:
        return current_retention(connection)


@operation("audit.retain", "PUT /audit/retention", writes=True)
def retain(ws: Workspace, request: Retain) -> Retention:
    """Set by a profile how long the data of events must be kept; it is recorded in the trail."""
    profile = read_profile(request.profile)

    def change_retention(change: Change) -> Retention:
        current = current_retention(change)
        if (current.profile, current.days) == (profile.name, profile.retention_days):
            return current
        data = {"profile": profile.name, "days": profile.retention_days, "former": current.profile}
        change.event(RETAINED, "workspace", data)
        return Retention(profile=profile.name, days=profile.retention_days, set_at=change.now, set_by=change.actor)

    return ws.catalog.write(change_retention)


@operation("audit.erase", "POST /audit/erasures", writes=True)
def erase(ws: Workspace, request: EraseData) -> Erasure:
    """Erase the data of events, such as personal data that must go; the chain stays whole and tells of it.

    Data that the retention profile asks to keep is refused, and what tells of erasures is never erased. The bytes leave
    the catalog's files as well; copies outside, such as backups, keep them. A repetition sweeps again.
    """
    seqs = sorted(set(request.seqs))

    def remove(change: Change) -> Erasure:
        query = select(
            events.c.seq, events.c.time, events.c.action, events.c.data_digest, event_data.c.seq.label("has")
        )
        joined = query.join(event_data, event_data.c.seq == events.c.seq, isouter=True)
        rows = {row.seq: row for row in change.execute(joined.where(events.c.seq.in_(seqs)))}
        for seq in seqs:
            if seq not in rows:
                raise NotFound(f"no event {seq}", hint="See: mlops audit log")
        held = current_retention(change)
        limit = change.now - timedelta(days=held.days)
        for row in rows.values():
            if row.action.startswith(_KEPT):
                raise InvalidValue(f"event {row.seq} is {row.action!r}", hint="What tells of erasures is never erased")
            if row.time > limit:
                raise CheckRefused(
                    f"event {row.seq} of {row.time:%Y-%m-%d} must be kept {held.days} days by profile {held.profile!r}",
                    hint="Wait, or set another profile: mlops audit retain --profile NAME",
                )
        gone = tuple(seq for seq in seqs if rows[seq].has is not None)
        already = tuple(seq for seq in seqs if rows[seq].has is None)
        if gone:
            change.execute(delete(event_data).where(event_data.c.seq.in_(gone)))
            change.execute(delete(event_refs).where(event_refs.c.seq.in_(gone), event_refs.c.role != "subject"))
            digests = {str(seq): rows[seq].data_digest for seq in gone}
            change.event(ERASED, "workspace", {"erased": digests, "reason": request.reason})
        return Erasure(erased=gone, already=already, reason=request.reason)

    erasure = ws.catalog.write(remove)
    if seqs:
        sweep(ws.database, event_data, event_refs)
    return erasure


def current_retention(reader: Connection | Change) -> Retention:
    """Give what the trail says last; without a word there is no duty to keep."""
    joined = select(events.c.time, events.c.actor, event_data.c.data).join(
        event_data, event_data.c.seq == events.c.seq, isouter=True
    )
    newest = joined.where(events.c.action == RETAINED).order_by(events.c.seq.desc()).limit(1)
    row = reader.execute(newest).one_or_none()
    if row is None:
        return Retention(profile="none", days=0)
    told = trail.decoded(row.data)
    return Retention(profile=told["profile"], days=told["days"], set_at=row.time, set_by=row.actor)
