"""What the handlers share: the workspace of this server, its threads, and the router; made at the first request."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mlops_ext.discovery import find_root, git_root

if TYPE_CHECKING:
    from mlops_ext.server.routes import Router
    from mlops_ext.server.workers import WorkerKeeper
    from mlops_ext.workspace import Workspace

__all__ = ["VARIABLE", "Host"]

T = TypeVar("T")
VARIABLE = "MLOPS_WORKSPACE"


class Host:
    """One server's workspace and threads.

    Parameters
    ----------
    root_dir : Path
        The server's root folder, from which the workspace is looked for.
    threads : int
        How many operations run at once.
    max_body, max_blob : int
        The largest JSON body and the largest blob, bytes.
    """

    def __init__(self, root_dir: Path, threads: int, max_body: int, max_blob: int) -> None:
        self.root_dir = root_dir
        self.max_body = max_body
        self.max_blob = max_blob
        self.on_use: Callable[[], None] = _nothing
        self._threads = threads
        self._given = False
        self._closed = False

    def hand_over(self) -> None:
        """Tell the kernels which workspace is the server's, unless the user did; a thread may ask after the end."""
        root = self.root_dir.resolve()
        if VARIABLE not in os.environ and not self._closed:
            os.environ[VARIABLE] = str(find_root(root) or git_root(root) or root)
            self._given = True

    @cached_property
    def workspace(self) -> Workspace:
        """The workspace; call it in a thread."""
        from mlops_ext.workspace import Workspace

        self.hand_over()
        found = Workspace.find()
        found.served = self.root_dir
        return found

    @cached_property
    def router(self) -> Router:
        """The routes of all operations; call it in a thread."""
        from mlops_ext.rooms import OPERATIONS
        from mlops_ext.server.routes import Router

        return Router(OPERATIONS.values())

    @cached_property
    def workers(self) -> WorkerKeeper:
        """Who runs the queued jobs; call it in a thread."""
        from mlops_ext.server.workers import WorkerKeeper

        return WorkerKeeper(self.workspace.root)

    def follow(self, actions: Collection[str]) -> None:
        """See to it that a worker looks for what these events set off; call it in a thread.

        Parameters
        ----------
        actions : collection of str
            Of the new events; an empty one stands for any.
        """
        from mlops_ext.settings import read_settings

        # Read anew: a trigger may have been written since the server started.
        triggers = read_settings(self.workspace.root).triggers
        if any("" in actions or trigger.on in actions for trigger in triggers):
            self.workers.ensure()

    @cached_property
    def pool(self) -> ThreadPoolExecutor:
        """The threads that operations run in."""
        return ThreadPoolExecutor(self._threads, thread_name_prefix="mlops-ext")

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Do something away from the loop."""
        return await asyncio.get_running_loop().run_in_executor(self.pool, work, *arguments)

    def close(self) -> None:
        """Let go of the threads and take back what kernels were told."""
        self._closed = True
        self.pool.shutdown(wait=False, cancel_futures=True)
        if self._given:
            os.environ.pop(VARIABLE, None)


def _nothing() -> None:
    """Until somebody wants to know."""
