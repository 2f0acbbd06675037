"""The process of one attempt on a Dask worker: it executes the notebook, and all that it reads and writes is relayed.

Its task comes as one line on standard input; when that closes, the worker is gone, and so goes this process.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict

from mlops_ext.errors import StoreUnavailable
from mlops_ext.relay import Relayed
from mlops_ext.runs.attempts import processes
from mlops_ext.runs.attempts.child import run_notebook
from mlops_ext.runs.attempts.watch import GAVE_UP, pass_on, watch
from mlops_ext.runs.execution.control import Control
from mlops_ext.runs.execution.live import Piece
from mlops_ext.runs.queue.leases import Lease, Pulse
from mlops_ext.runs.types import Job

__all__ = ["main"]


class RelayedHeart:
    """The heart of an attempt whose queue is elsewhere."""

    def __init__(self, ws: Relayed) -> None:
        self._ws = ws

    def beat(self, run: str, done: int, total: int, renew: bool) -> Pulse:
        """See `Heart`; when nobody relays any more, the job is lost."""
        try:
            told, _ = self._ws.ask("beat", run=run, done=done, total=total, renew=renew)
        except StoreUnavailable:
            return "lost"
        pulse: Pulse = told["pulse"]
        return pulse

    def keep(self, pieces: Sequence[Piece]) -> None:
        """See `Heart`."""
        if pieces:
            self._ws.ask("keep", pieces=[asdict(each) for each in pieces])


def main() -> int:
    """Do the task that stands on standard input."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    processes.adopt_orphans()
    task = json.loads(sys.stdin.readline())
    lease, job = Lease(**task["lease"]), Job.model_validate(task["job"])
    threading.Thread(target=_end_with_worker, args=(lease.token,), daemon=True).start()
    ws, control = Relayed.here(), Control()
    heart = RelayedHeart(ws)
    watcher = watch(heart, lease, control, job.timeout_seconds)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = ws.root.parent / "attempt"
    folder.mkdir()
    try:
        status, error = run_notebook(ws, job, folder, task["secrets"], control)
    finally:
        control.end()
        processes.end_all(lease.token, spare={os.getpid()})
    watcher.join()
    pass_on(heart, control, last=True)
    ws.ask("end", status=status, error=error, run=control.run)
    return 0


def _end_with_worker(token: str) -> None:
    """End all of the attempt when the worker's end of the pipe closes."""
    # Not through sys.stdin, whose lock a thread that waits would hold while the interpreter ends.
    os.read(0, 1)
    processes.end_all(token, spare={os.getpid()})
    os._exit(GAVE_UP)


if __name__ == "__main__":
    sys.exit(main())
