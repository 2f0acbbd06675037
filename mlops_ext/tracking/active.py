"""The run that this process logs to, opened at the first log and closed when the process ends.

A run belongs to the process that opened it, which keeps its lease while it lives. It is closed by
`end_run`, else when the kernel or script exits (failed when the last cell or the script raised),
else by its lease. A run named by MLOPS_RUN belongs to who set the variable: it is logged to, but
neither started nor ended here. A forked child logs to its parent's run and does not own it.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

from mlops_ext.datasets import used
from mlops_ext.errors import Conflict, MlopsError
from mlops_ext.tracking import listing, origin, service
from mlops_ext.tracking.service import RunEnded
from mlops_ext.tracking.types import FinishRun, LogRun, Run, RunStatus, ShowRun, StartRun
from mlops_ext.tracking.values import to_json
from mlops_ext.workspace import Workspace

__all__ = ["ActiveRun", "current", "end", "ensure", "start"]

LEASE_SECONDS = 120.0
_log = logging.getLogger("mlops_ext.tracking")


class ActiveRun:
    """A run under way, as the process that logs to it holds it.

    As a context manager it ends the run: as failed when the block raises.

    Attributes
    ----------
    id : str
        Id of the run.
    owned : bool
        Whether this process keeps it alive and ends it.
    lazy : bool
        Whether it opened by itself.
    """

    def __init__(self, ws: Workspace, run: str, *, owned: bool) -> None:
        self.ws = ws
        self.id = run
        self.owned = owned
        self.lazy = False
        self.ended = False
        self._noted: set[str] = set()

    @property
    def ref(self) -> str:
        """`run:ID`."""
        return f"run:{self.id}"

    @property
    def record(self) -> Run:
        """The run as it stands in the workspace."""
        return self.ws.call(service.show, ShowRun(run=self.id))

    @property
    def parameters(self) -> dict[str, str]:
        """Each parameter as JSON text."""
        return self.record.parameters

    @property
    def metrics(self) -> dict[str, float]:
        """The latest point of each metric."""
        return self.record.metrics

    def log(self, **entries: Any) -> None:
        """Log to the run; the arguments are the fields of `LogRun`.

        Raises
        ------
        RunEnded
            It was ended meanwhile, or counted as lost.
        """
        try:
            self.ws.call(service.log, LogRun(run=self.id, **entries))
        except RunEnded:
            self.ended = True
            raise

    def note_inputs(self) -> None:
        """Link every dataset version that this process has read or made since the last time."""
        new = [ref for ref in used.used(self.ws.root) if ref not in self._noted]
        if new:
            self.log(inputs=tuple(f"dataset:{ref}" for ref in new))
            self._noted.update(new)

    def finish(self, status: RunStatus = "succeeded", error: str = "") -> Run:
        """End the run, unless it belongs to another process."""
        _process.forget(self)
        if not self.ended:
            self.note_inputs()
        if self.ended or not self.owned:
            return self.record
        self.ended = True
        return self.ws.call(service.finish, FinishRun(run=self.id, status=status, error=error))

    def __enter__(self) -> ActiveRun:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, KeyboardInterrupt):
            self.finish("cancelled", "interrupted")
        else:
            failure = failure_of(error)
            self.finish("failed" if failure else "succeeded", failure)

    def __repr__(self) -> str:
        return f"ActiveRun({self.id!r})"


class _Process:
    """The runs of this process: one a workspace that all threads share, and nested ones a thread each."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.roots: dict[Path, ActiveRun] = {}
        self.nested = threading.local()
        self.owned: dict[str, ActiveRun] = {}
        self.stop = threading.Event()
        self.heart: threading.Thread | None = None
        self.watched: Any = None
        self.last_error = ""

    @property
    def stack(self) -> list[ActiveRun]:
        """The nested runs of this thread."""
        held: list[ActiveRun] = self.nested.__dict__.setdefault("stack", [])
        return held

    def current(self, ws: Workspace) -> ActiveRun | None:
        """Give the innermost run of this thread, else the one that all threads share."""
        here = next((run for run in reversed(self.stack) if run.ws.root == ws.root), None)
        return here or self.roots.get(ws.root)

    def adopt(self, run: ActiveRun) -> ActiveRun:
        """Take a run in: as the shared one when there is none, else as nested."""
        root = self.roots.get(run.ws.root)
        if root is None or root.ended:
            self.roots[run.ws.root] = run
        else:
            self.stack.append(run)
        if run.owned:
            self.owned[run.id] = run
            self._keep_alive()
        self._watch()
        used.set_run(run.id)
        return run

    def forget(self, run: ActiveRun) -> None:
        """Let a run go; the one around it is current again."""
        with self.lock:
            self.owned.pop(run.id, None)
            if run in self.stack:
                self.stack.remove(run)
            if self.roots.get(run.ws.root) is run:
                del self.roots[run.ws.root]
            around = self.current(run.ws)
            used.set_run(around.id if around else "")

    def disown(self) -> None:
        """After a fork, in the child: every run stays the parent's."""
        for run in (*self.roots.values(), *self.owned.values(), *self.stack):
            run.owned = False
        self.lock = threading.RLock()
        self.owned = {}
        self.stop = threading.Event()
        self.heart = None

    def close(self) -> None:
        """At the exit of the process: end what it owns, the innermost first."""
        self.stop.set()
        error = self.last_error if self.watched is not None else _script_error()
        for run in reversed(list(self.owned.values())):
            try:
                run.finish("failed" if error else "succeeded", error)
            except MlopsError as refusal:
                _log.warning("run %s could not be ended: %s", run.id, refusal)

    def _keep_alive(self) -> None:
        if self.heart is None:
            atexit.register(self.close)
            self.heart = threading.Thread(target=_beat, args=(self.stop,), name="mlops-lease", daemon=True)
            self.heart.start()

    def _watch(self) -> None:
        running = origin.shell()
        if running is not None and self.watched is not running:
            running.events.register("post_run_cell", _after_cell)
            self.watched = running


_process = _Process()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_process.disown)


def current(ws: Workspace) -> ActiveRun | None:
    """Give the run that this process logs to, or None; opens nothing."""
    with _process.lock:
        run = _process.current(ws)
        if run is not None and not run.ended:
            return run
        given = os.environ.get("MLOPS_RUN", "")
        if run is None and given:
            return _process.adopt(ActiveRun(ws, given.removeprefix("run:"), owned=False))
        return None


def ensure(ws: Workspace) -> ActiveRun:
    """Give the run that this process logs to, opened now when there is none.

    Parameters
    ----------
    ws : Workspace
        Where the run is kept.
    """
    with _process.lock:
        run = current(ws)
        if run is not None:
            return run
        ended = _process.current(ws)
        if ended is not None:
            sys.stderr.write(f"mlops: run {ended.id} was ended meanwhile; this goes to a new one\n")
            _process.forget(ended)
        run = start(ws)
        run.lazy = True
        return run


def start(ws: Workspace, *, name: str = "", experiment: str = "", tags: dict[str, str] | None = None) -> ActiveRun:
    """Open a run of this process; nested in the current one when there is one."""
    with _process.lock:
        around = current(ws)
        experiment = experiment or (around.record.experiment if around else listing.DEFAULT_EXPERIMENT)
        request = StartRun(
            name=name,
            experiment=experiment,
            notebook=origin.notebook_name(ws.root),
            git_commit=origin.git_commit(ws.root),
            parent=around.id if around else "",
            tags=tags or {},
            lease_seconds=LEASE_SECONDS,
        )
        run = ActiveRun(ws, ws.call(service.start, request).id, owned=True)
        _process.adopt(run)
    injected = {} if around else origin.injected_parameters()
    if injected:
        run.log(parameters={key: to_json(value) for key, value in injected.items()})
    return run


def end(ws: Workspace, status: RunStatus, error: str = "") -> Run | None:
    """End the current run, if there is one, and give it."""
    run = current(ws)
    return run.finish(status, error) if run else None


def failure_of(error: BaseException | None) -> str:
    """Write an exception as its last line in a traceback; empty for none and for a clean `sys.exit()`."""
    if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
        return ""
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _after_cell(result: Any) -> None:
    """After each cell of the kernel: remember how it went, and what data it used."""
    if result.info is not None and not result.info.store_history:
        return
    _process.last_error = failure_of(result.error_before_exec or result.error_in_exec)
    for run in list(_process.roots.values()):
        try:
            if not run.ended:
                run.note_inputs()
        except MlopsError as trouble:
            _log.warning("the inputs of run %s were not kept: %s", run.id, trouble)


def _script_error() -> str:
    """Tell what ended a script, when it was an exception."""
    return failure_of(getattr(sys, "last_exc", None) or getattr(sys, "last_value", None))


def _beat(stop: threading.Event) -> None:
    """Renew the leases until the process ends; a run that was ended elsewhere is let go."""
    while not stop.wait(LEASE_SECONDS / 4):
        for run in list(_process.owned.values()):
            try:
                run.log()
            except Conflict:
                _process.owned.pop(run.id, None)
            except MlopsError as trouble:
                _log.warning("the lease of run %s was not renewed: %s", run.id, trouble)
