"""The worker: it claims jobs, lets each run in a process of its own, and sees that every one comes to an end."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from sqlalchemy.exc import SQLAlchemyError

from mlops_ext.errors import InvalidValue, MlopsError, NotFound
from mlops_ext.records import new_id
from mlops_ext.runs.attempts.attempt import Attempt, handed_down
from mlops_ext.runs.attempts.requirements import check_requirements
from mlops_ext.runs.kernels.warm import Parents
from mlops_ext.runs.queue import leases, limits, recovery
from mlops_ext.runs.queue.output import Follower
from mlops_ext.runs.schedules.tick import Ticker
from mlops_ext.runs.types import Job, OutputPiece
from mlops_ext.workspace import Workspace

__all__ = ["Listener", "Place", "Progress", "Running", "Worker"]

Progress = Callable[[int, int, float], None]
"""Called with the cells that have ended, all cells, and the seconds since the start."""

Listener = Callable[[Sequence[OutputPiece]], None]
"""Called with what the cells have put out since the last time."""


class Running(Protocol):
    """An attempt under way."""

    def poll(self) -> bool:
        """Tell whether it has ended, and see to what that leaves to be done."""
        ...


class Place(Protocol):
    """Where attempts run, when that is not this machine."""

    def start(self, ws: Workspace, claim: leases.Claim, secrets: Mapping[str, Any]) -> Running:
        """Begin an attempt at a claimed job."""
        ...


_QUICK_SECONDS = 0.05
_LISTEN_SECONDS = 0.25
_RECOVER_SECONDS = 5.0
_TROUBLE_SECONDS = 2.0
log = logging.getLogger("mlops_ext.runs")


class Worker:
    """Works on the queue of one workspace.

    Parameters
    ----------
    ws : Workspace
        Whose jobs.
    jobs : int
        How many run at once.
    poll_seconds : float
        How often an idle worker looks for jobs and for events that queue some.
    lease_seconds : float
        How long a job may give no sign of life.
    secrets : mapping, optional
        Values of secret parameters of the jobs that this worker runs; they are stored nowhere.
    parents : Parents, optional
        Warm parents that somebody else keeps; without them `run_job` starts cold.
    place : Place, optional
        Where attempts run; processes of this machine when left out.

    Examples
    --------
    >>> Worker(ws, jobs=2).run(until_idle=True)     # doctest: +SKIP
    """

    def __init__(
        self,
        ws: Workspace,
        jobs: int = 1,
        *,
        poll_seconds: float = 0.5,
        lease_seconds: float = leases.LEASE_SECONDS,
        secrets: Mapping[str, Any] | None = None,
        parents: Parents | None = None,
        place: Place | None = None,
    ) -> None:
        if jobs < 1:
            raise InvalidValue(f"a worker cannot run {jobs} jobs at once", hint="Give at least 1")
        check_requirements()
        self.ws = ws
        self.name = f"{leases.this_host()}:{os.getpid()}:{new_id()[-8:]}"
        self.limit = jobs
        self.poll_seconds = poll_seconds
        self.lease_seconds = lease_seconds
        self.secrets = dict(secrets or {})
        self.running: list[Running] = []
        self.place = place
        self.ticker = Ticker(ws)
        self.parents = parents
        self._stopping = False
        self._recovered = 0.0
        self._looked = 0.0

    def run(self, until_idle: bool = False) -> int:
        """Work until `stop` is called, or until nothing is left to do.

        Parameters
        ----------
        until_idle : bool
            Return when no job is queued or running here and no event is waiting to queue one.

        Returns
        -------
        int
            How many attempts were run.
        """
        with self._forking():
            return self._work(until_idle)

    def run_triggered(self, trigger: str, unfinished: Callable[[], bool]) -> None:
        """Run the queued jobs that one thing asked for, and wait for those that another worker runs.

        Parameters
        ----------
        trigger : str
            Its reference.
        unfinished : callable
            Tells whether there is more to wait for; called when one has ended, and now and then.
        """
        looked = 0.0
        with self._forking():
            while True:
                ended = self._reap()
                begun = self._fill(trigger)
                if ended or (not self.running and time.monotonic() - looked > self.poll_seconds):
                    looked = time.monotonic()
                    if not unfinished() and not self.running:
                        return
                self._recover()
                if not begun:
                    time.sleep(_QUICK_SECONDS)

    @contextmanager
    def _forking(self) -> Iterator[None]:
        """Keep warm parents as long as the block lasts; what runs elsewhere needs none here."""
        if self.place is not None:
            yield
            return
        with Parents.kept(handed_down()) as parents:
            self.parents = parents
            try:
                yield
            finally:
                self.parents = None

    def _work(self, until_idle: bool) -> int:
        done = 0
        while not self._stopping:
            try:
                ended, begun = self.step()
            except (MlopsError, SQLAlchemyError, OSError) as trouble:
                log.warning("the worker goes on after: %s", trouble)
                time.sleep(_TROUBLE_SECONDS)
                continue
            done += ended
            if until_idle and not (ended or begun or self.running or leases.any_queued(self.ws)):
                return done
            time.sleep(_QUICK_SECONDS if self.running else 0.0 if ended or begun else self.poll_seconds)
        # Processes here outlive a worker; what runs elsewhere is answered by it to the end.
        while self.place is not None and self.running:
            done += self._reap()
            time.sleep(_QUICK_SECONDS)
        return done

    def stop(self) -> None:
        """Take no more jobs; those under way come to their end by themselves."""
        self._stopping = True

    def step(self) -> tuple[int, int]:
        """Do all that is due now; give how many attempts ended and how many began."""
        ended = self._reap()
        self._recover()
        waited = time.monotonic() - self._looked
        if len(self.running) >= self.limit or (self.running and not ended and waited < self.poll_seconds):
            return ended, 0
        self._looked = time.monotonic()
        self.ticker.look()
        return ended, self._fill()

    def run_job(self, job: str, on_progress: Progress | None = None, on_output: Listener | None = None) -> Job:
        """Run one queued job, or wait for it when another has claimed it; give it when it has ended.

        Parameters
        ----------
        job : str
            Id of the job.
        on_progress : callable, optional
            Told of every cell that ends.
        on_output : callable, optional
            Told what the cells put out.
        """
        began, shown = time.monotonic(), -1
        follower = Follower(self.ws, job)
        listened, waits = 0.0, ""
        while True:
            if not self.running:
                self._begin(job)
            self._reap()
            row = leases.read(self.ws, job)
            if row is None:
                raise NotFound(f"no job {job!r}", hint="List them: mlops jobs list")
            if row.status == "queued" and not self.running:
                waits = self._waits(job, waits)
            if on_progress is not None and row.cells_done != shown:
                shown = row.cells_done
                on_progress(row.cells_done, row.cells_total, time.monotonic() - began)
            over = row.status in leases.ENDED and not self.running
            if on_output is not None and (over or time.monotonic() - listened > _LISTEN_SECONDS):
                listened = time.monotonic()
                if pieces := follower.new():
                    on_output(pieces)
            if over:
                return leases.job_of(row)
            if not self.running:
                self._recover()
            time.sleep(_QUICK_SECONDS)

    def _waits(self, job: str, told: str) -> str:
        """Say once which limit a job waits for."""
        reason = limits.why_it_waits(self.ws, job)
        if reason and not told:
            log.warning("%s waits: %s", job, reason)
        return told or reason

    def _recover(self) -> None:
        if time.monotonic() - self._recovered > _RECOVER_SECONDS:
            recovery.recover(self.ws)
            self._recovered = time.monotonic()

    def _begin(self, job: str = "", trigger: str = "") -> int:
        claimed = leases.claim(self.ws, self.name, job=job, trigger=trigger, seconds=self.lease_seconds)
        if claimed is None:
            return 0
        try:
            self.running.append(self._start(claimed))
        except OSError as trouble:
            leases.end(self.ws, claimed.lease, "failed", error=f"the run could not be started: {trouble}")
        return 1

    def _fill(self, trigger: str = "") -> int:
        """Begin as many jobs as may run here, while one is queued; give how many."""
        begun = 0
        for _ in range(self.limit - len(self.running)):
            if not self._begin(trigger=trigger):
                break
            begun += 1
        return begun

    def _start(self, claimed: leases.Claim) -> Running:
        if self.place is not None:
            return self.place.start(self.ws, claimed, self.secrets)
        return Attempt(self.ws, claimed, self.secrets, self.parents)

    def _reap(self) -> int:
        ended = [execution for execution in self.running if execution.poll()]
        self.running = [execution for execution in self.running if execution not in ended]
        return len(ended)
