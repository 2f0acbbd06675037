"""The server ticks: what falls due while JupyterLab runs starts by itself, and finds a worker."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from mlops_ext.discovery import find_root
from mlops_ext.errors import MlopsError

if TYPE_CHECKING:
    from mlops_ext.runs.schedules.tick import Ticker
    from mlops_ext.server.host import Host

__all__ = ["INTERVAL", "Scheduler"]

INTERVAL = 1.0
"""Seconds between two looks at what is due."""
DELAY = 5.0
"""Seconds after the server's start, so that it is not slowed down."""
PAUSE = 30.0
"""Seconds after the store could not be used."""

log = logging.getLogger("mlops_ext.server")


class Scheduler:
    """Ticks away from the loop, from the server's start on where there is a workspace, else from the first request on.

    Parameters
    ----------
    host : Host
        The server's workspace, threads and workers.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._task: asyncio.Task[None] | None = None
        self._ticker: Ticker | None = None

    def start_where_used(self) -> None:
        """Begin when the server starts in a workspace; call it on the loop."""
        if find_root(self._host.root_dir.resolve()) is not None:
            self.start()

    def start(self) -> None:
        """Begin, once; call it on the loop."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._go_on())

    def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()

    async def _go_on(self) -> None:
        await asyncio.sleep(DELAY)
        while True:
            try:
                await self._host.run(self.look)
            except MlopsError as error:
                log.warning("nothing starts by itself for a while: %s", error)
                await asyncio.sleep(PAUSE)
            await asyncio.sleep(INTERVAL)

    def look(self) -> None:
        """Do what is due and let a worker run it; call it in a thread."""
        from sqlalchemy.exc import SQLAlchemyError

        from mlops_ext.errors import StoreUnavailable
        from mlops_ext.runs.schedules.tick import Ticker

        self._ticker = self._ticker or Ticker(self._host.workspace)
        try:
            queued = self._ticker.look()
        except SQLAlchemyError as error:
            raise StoreUnavailable(f"what is due cannot be read: {error}", hint="Run: mlops doctor") from error
        if queued:
            self._host.workers.ensure()
