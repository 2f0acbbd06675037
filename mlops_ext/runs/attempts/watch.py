"""Watching over a job from inside its own process: signs of life, output, cancellation, timeout, a lost lease."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from mlops_ext.errors import MlopsError
from mlops_ext.runs.attempts import processes
from mlops_ext.runs.execution.control import Control, Reason
from mlops_ext.runs.execution.live import Piece
from mlops_ext.runs.queue import leases
from mlops_ext.runs.queue import output as outputs
from mlops_ext.workspace import Workspace

__all__ = ["GAVE_UP", "GRACE_SECONDS", "Heart", "OwnHeart", "pass_on", "watch"]

GRACE_SECONDS = 5.0
GAVE_UP = 70
_LISTEN_SECONDS = 0.25
_PROGRESS_SECONDS = 1.0
_OUTPUT_SECONDS = 0.5
_CLOSE_SECONDS = 30.0
log = logging.getLogger("mlops_ext.runs")


class Heart(Protocol):
    """How an attempt gives signs of life and hears what is wanted, wherever the queue is."""

    def beat(self, run: str, done: int, total: int, renew: bool) -> leases.Pulse:
        """Give a sign of life, in writing with `renew`; raise an error when it does not get through."""
        ...

    def keep(self, pieces: Sequence[Piece]) -> None:
        """Pass on what the cells have put out."""
        ...


@dataclass(frozen=True)
class OwnHeart:
    """The heart of an attempt that reaches the catalog itself."""

    ws: Workspace
    lease: leases.Lease

    def beat(self, run: str, done: int, total: int, renew: bool) -> leases.Pulse:
        """See `Heart`."""
        return leases.beat(self.ws, self.lease, run=run, done=done, total=total, renew=renew)

    def keep(self, pieces: Sequence[Piece]) -> None:
        """See `Heart`."""
        outputs.keep(self.ws, self.lease, pieces)


def watch(heart: Heart, lease: leases.Lease, control: Control, timeout: float | None) -> threading.Thread:
    """Start the thread that watches until the execution has ended.

    Parameters
    ----------
    heart : Heart
        How signs of life reach the queue.
    lease : Lease
        It is renewed at a third of its length, and at progress.
    timeout : float or None
        Seconds from now after which the job is stopped.
    """
    watcher = _Watcher(heart, lease, control, timeout)
    thread = threading.Thread(target=watcher.run, name="mlops-watch", daemon=True)
    thread.start()
    return thread


def pass_on(heart: Heart, control: Control, *, last: bool = False) -> None:
    """Store what the cells have put out, for whoever follows the job; the notebook has it in any case.

    Parameters
    ----------
    last : bool
        Whether nothing more will come.
    """
    if control.live is None:
        return
    try:
        heart.keep(control.live.drain(last))
    except MlopsError as trouble:
        log.warning("what was printed could not be passed on: %s", trouble)


class _Watcher:
    def __init__(self, heart: Heart, lease: leases.Lease, control: Control, timeout: float | None) -> None:
        self.heart = heart
        self.lease = lease
        self.control = control
        self.deadline = time.monotonic() + timeout if timeout else None
        self.renewed = time.monotonic()
        self.passed_on = 0.0
        self.written: tuple[str, int, int] = ("", 0, 0)

    def run(self) -> None:
        while not self.control.ended:
            reason = self._heard()
            if reason:
                self._stop(reason)
                return
            if time.monotonic() - self.passed_on > _OUTPUT_SECONDS:
                pass_on(self.heart, self.control)
                self.passed_on = time.monotonic()
            self.control.wait(_LISTEN_SECONDS)

    def _heard(self) -> Reason:
        if self.deadline is not None and time.monotonic() > self.deadline:
            return "timed_out"
        control, age = self.control, time.monotonic() - self.renewed
        state = (control.run, control.done, control.total)
        # The run's name goes out at once: who finds this attempt dead ends its run by it.
        news = state[0] != self.written[0] or (state != self.written and age > _PROGRESS_SECONDS)
        renew = news or age > self.lease.seconds / 3
        try:
            pulse = self.heart.beat(*state, renew)
        except MlopsError as trouble:
            log.warning("no sign of life could be given: %s", trouble)
            # Another may take the job over when the lease is out; before that, this attempt must have ended.
            return "lost" if age > self.lease.seconds * 0.75 else ""
        if renew:
            self.renewed, self.written = time.monotonic(), state
        return {"go on": "", "cancel": "cancelled", "lost": "lost"}[pulse]  # type: ignore[return-value]

    def _stop(self, reason: Reason) -> None:
        """Interrupt, then kill; if the process does not come to its end even so, end it as a whole."""
        self.control.stop(reason, self._kill, 0.0 if reason == "lost" else GRACE_SECONDS)
        until = time.monotonic() + _CLOSE_SECONDS
        while time.monotonic() < until:
            time.sleep(_LISTEN_SECONDS)
            if self.control.ended:
                return
        os._exit(GAVE_UP)

    def _kill(self) -> int:
        return processes.end_all(self.lease.token, spare={os.getpid()})
