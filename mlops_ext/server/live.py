"""Live notices: every new event of the trail goes out on the server's event stream, whoever caused it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mlops_ext.errors import MlopsError, StoreUnavailable

if TYPE_CHECKING:
    from mlops_ext.server.host import Host
    from mlops_ext.workspace import Workspace

__all__ = ["INTERVAL", "MOST", "SCHEMA_ID", "Watch", "notices"]

SCHEMA_ID = "https://schemas.mlops-ext.dev/change/v1"
INTERVAL = 0.25
"""Seconds between two looks at the head of the trail."""
PAUSE = 5.0
"""Seconds after the store could not be read."""
MOST = 50
"""Notices of one look; more are told as one that says: anything may have changed."""

log = logging.getLogger("mlops_ext.server")
Notice = dict[str, Any]


class Watch:
    """Looks at the head of the trail and emits what is new, always on the loop's thread.

    It begins with the first request to our routes, so that a server nobody uses us on stays as it
    was. It asks no route, so that it never counts as activity.

    Parameters
    ----------
    host : Host
        The server's workspace and threads.
    emit : callable
        Takes one notice.
    """

    def __init__(self, host: Host, emit: Callable[[Notice], None]) -> None:
        self._host = host
        self._emit = emit
        self._task: asyncio.Task[None] | None = None
        self._seq: int | None = None

    def start(self) -> None:
        """Begin, once; call it on the loop."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._look())

    def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()

    async def _look(self) -> None:
        well = True
        while True:
            try:
                self._seq, new = await self._host.run(self._new)
            except MlopsError as error:
                if well:
                    log.warning("live notices pause: %s", error)
                well = False
                await asyncio.sleep(PAUSE)
                continue
            well = True
            for notice in new:
                self._emit(notice)
            await asyncio.sleep(INTERVAL)

    def _new(self) -> tuple[int, list[Notice]]:
        seq, new = notices(self._host.workspace, self._seq)
        if new:
            self._host.follow({notice["action"] for notice in new})
        return seq, new


def notices(ws: Workspace, after: int | None) -> tuple[int, list[Notice]]:
    """Give the newest event's number and a notice for each event after `after`, oldest first.

    Parameters
    ----------
    ws : Workspace
        Where to look.
    after : int or None
        The number seen last; None at the first look, which only takes the number.

    Raises
    ------
    StoreUnavailable
    """
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return _read(ws, after)
    except SQLAlchemyError as error:
        raise StoreUnavailable(f"the trail cannot be read: {error}", hint="Run: mlops doctor") from error


def _read(ws: Workspace, after: int | None) -> tuple[int, list[Notice]]:
    from sqlalchemy import select

    from mlops_ext.store.schema import chain_head, events

    with ws.catalog.read() as connection:
        head = connection.execute(select(chain_head.c.seq)).scalar_one_or_none() or 0
        if after is None or head == after:
            return head, []
        if head < after:  # another store took this one's place
            return head, [_anything(head)]
        query = select(events.c.seq, events.c.action, events.c.subject).where(events.c.seq > after)
        rows = connection.execute(query.order_by(events.c.seq.desc()).limit(MOST)).all()
    told = [
        {"kind": row.subject.partition(":")[0], "subject": row.subject, "action": row.action, "seq": row.seq}
        for row in reversed(rows)
    ]
    return head, told if head - after <= MOST else [_anything(told[0]["seq"]), *told[1:]]


def _anything(seq: int) -> Notice:
    return {"kind": "", "subject": "", "action": "", "seq": seq}
