"""What an execution is told while it runs, and what it tells: stop, progress, output, the run's id."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

from mlops_ext.runs.execution.live import Live

__all__ = ["Control", "Reason"]

Reason = Literal["", "cancelled", "timed_out", "lost"]


class Control:
    """Shared by the thread that watches a job and the one that executes its cells.

    Attributes
    ----------
    reason : str
        Why to stop; empty while nobody wants that.
    run : str
        Id of the tracked run, once it has begun.
    done, total : int
        Code cells that have ended, and all.
    closing : bool
        Whether no cell will run any more, and the kernel is on its way out.
    live : Live or None
        Where what the cells put out goes, when somebody may follow it.
    """

    def __init__(self) -> None:
        self.reason: Reason = ""
        self.run = ""
        self.done = 0
        self.total = 0
        self.closing = False
        self.live: Live | None = None
        self._ended = threading.Event()
        self._manager: Any = None

    def attend(self, manager: Any) -> None:
        """Name the kernel's manager, so that a stop can interrupt the kernel."""
        self._manager = manager

    def end(self) -> None:
        """Say that the execution has ended."""
        self._ended.set()

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until the execution has ended; tell whether it has."""
        return self._ended.wait(seconds)

    @property
    def ended(self) -> bool:
        """Whether the execution has ended."""
        return self._ended.is_set()

    def stop(self, reason: Reason, kill: Callable[[], object], grace: float) -> None:
        """Interrupt the cell, once more after half of `grace` seconds, and kill after the whole.

        A kernel between two cells ignores an interrupt, so one alone might be lost; one that is about to answer a
        first interrupt gives no answer after a second.
        """
        self.reason = self.reason or reason
        until = time.monotonic() + grace
        while time.monotonic() < until:
            if not self.closing:
                self._interrupt()
            if self._ended.wait(grace / 2):
                return
        kill()

    def _interrupt(self) -> None:
        provisioner = getattr(self._manager, "provisioner", None)
        group = getattr(provisioner, "pgid", None)
        if not group:
            return
        try:
            os.killpg(group, signal.SIGINT)
        except ProcessLookupError:
            return
