"""Mutes: for a while nobody is told of a model's alerts; each is recorded all the same."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from mlops_ext.durations import duration_of
from mlops_ext.errors import InvalidValue
from mlops_ext.monitoring.alerts.tables import alerts, mutes
from mlops_ext.monitoring.alerts.types import ListMutes, Mute, MuteAlerts, Unmute
from mlops_ext.monitoring.service import model_name, model_ref
from mlops_ext.operations import operation
from mlops_ext.records import Page, new_id, now
from mlops_ext.refs import Ref
from mlops_ext.store.catalog import Change
from mlops_ext.store.search import paged
from mlops_ext.workspace import Workspace

__all__ = ["list_", "mute", "unmute"]


@operation("monitoring.mute", "POST /models/{model}/mutes", command="alerts mute", writes=True)
def mute(ws: Workspace, request: MuteAlerts) -> Mute:
    """Tell nobody of a model's alerts for a while; those that are open become muted."""
    lasting = duration_of(request.lasting, "lasting")
    if lasting.total_seconds() <= 0:
        raise InvalidValue(f"a mute of {request.lasting!r} would be over", hint="Write it as 8h or 2d")
    name, made = model_name(model_ref(ws, request.model)), new_id()

    def write(change: Change) -> Mute:
        muted = Mute(
            id=made,
            model=name,
            monitor=request.monitor,
            until=change.now + lasting,
            comment=request.comment,
            created_at=change.now,
            created_by=change.actor,
        )
        change.execute(insert(mutes).values(**muted.model_dump(exclude={"model"}), model_name=name))
        open_ = (alerts.c.model_name == name) & (alerts.c.state == "open")
        if request.monitor:
            open_ &= alerts.c.monitor == request.monitor
        change.execute(update(alerts).where(open_).values(state="muted"))
        told = muted.model_dump(mode="json", include={"monitor", "until", "comment"})
        change.event("alerts.muted", muted.ref, {**told, "inputs": [f"model:{name}"], "outputs": []})
        return muted

    return ws.catalog.write(write)


@operation("monitoring.unmute", "DELETE /mutes/{mute}", command="alerts unmute", writes=True)
def unmute(ws: Workspace, request: Unmute) -> Page[Mute]:
    """Take a mute away, and give those that are left; one that is over or gone changes nothing."""
    wanted = request.mute.removeprefix("mute:")

    def write(change: Change) -> None:
        row = change.execute(select(mutes).where(mutes.c.id == wanted)).one_or_none()
        if row is None:
            return
        change.execute(delete(mutes).where(mutes.c.id == wanted))
        data = {"monitor": row.monitor, "inputs": [f"model:{row.model_name}"], "outputs": []}
        change.event("alerts.unmuted", f"mute:{wanted}", data)

    ws.catalog.write(write)
    return list_(ws, ListMutes())


@operation("monitoring.mutes", "GET /mutes", command="alerts mutes")
def list_(ws: Workspace, request: ListMutes) -> Page[Mute]:
    """List the mutes that hold, the newest first."""
    query = select(mutes).where(mutes.c.until > now())
    if request.model:
        query = query.where(mutes.c.model_name == Ref.parse(request.model, "model").name)
    with ws.catalog.read() as connection:
        return paged(connection, query, (mutes.c.id,), request.limit, request.cursor, _mute, descending=True)


def _mute(row: Row[Any]) -> Mute:
    values = dict(row._mapping)
    return Mute(model=values.pop("model_name"), **values)
