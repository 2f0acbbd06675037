"""Gates asked one by one in a process that is killed, with all that it started, when one of them takes too long."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mlops_ext.durations import duration_of
from mlops_ext.errors import RunFailed
from mlops_ext.models.promotion.cases import Case
from mlops_ext.models.promotion.gates import evaluate
from mlops_ext.models.promotion.types import GateResult, GateRule
from mlops_ext.models.types import ModelVersion
from mlops_ext.store.catalog import Actor
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

__all__ = ["ask_apart"]

BEAT_SECONDS = 15.0
_CLOSE_SECONDS = 5.0
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def ask_apart(ws: Workspace, case: Case, alive: Callable[[], object]) -> tuple[GateResult, ...]:
    """Ask the gates of a case; one that gives no answer in the time that [gates] allows counts as failed.

    Call it in a process of its own: whatever that process started is killed at the end.

    Parameters
    ----------
    ws : Workspace
        As the one who promotes sees it.
    case : Case
        What the gates are asked about.
    alive : callable
        Called every few seconds while a gate is at work, also while it holds the interpreter's lock.

    Raises
    ------
    RunFailed
        The process died, as one does that runs out of memory.
    """
    _adopt_orphans()
    results: list[GateResult] = []
    while len(results) < len(case.rules):
        results += _answers(ws, case, case.rules[len(results) :], alive)
    return tuple(results)


def _answers(ws: Workspace, case: Case, rules: Sequence[GateRule], alive: Callable[[], object]) -> list[GateResult]:
    """Ask these gates in a new process; give their answers, up to the first that came too late."""
    import multiprocessing

    timeout = ws.settings.gates.timeout
    seconds = duration_of(timeout, "gates.timeout").total_seconds()
    # No open connection may cross a fork.
    ws.database.close()
    context: Any = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    receiver, sender = context.Pipe(duplex=False)
    about = (ws.actor, case.version, case.champion, case.goal, rules)
    process = context.Process(target=_ask, args=(sender, os.getpid(), *about))
    process.start()
    sender.close()
    found: list[GateResult] = []
    try:
        while len(found) < len(rules):
            if not _heard(receiver, seconds, alive):
                found.append(_late(rules[len(found)].gate, timeout))
                break
            found.append(GateResult.model_validate_json(receiver.recv_bytes()))
        else:
            process.join(_CLOSE_SECONDS)
    except EOFError:
        process.join(_CLOSE_SECONDS)
        name = rules[len(found)].gate
        raise RunFailed(f"the process ended with {process.exitcode} while it asked the gate {name!r}") from None
    finally:
        _end_descendants()
        process.join()
        receiver.close()
    return found


def _ask(
    sender: Connection,
    parent: int,
    actor: Actor,
    version: ModelVersion,
    champion: ModelVersion | None,
    goal: str,
    rules: Sequence[GateRule],
) -> None:
    """Be the process that is asked."""
    _die_with(parent)
    ws = Workspace.find(actor=actor)
    for rule in rules:
        (result,) = evaluate(ws, version, champion, goal, (rule,))
        sender.send_bytes(result.model_dump_json().encode())


def _heard(receiver: Connection, seconds: float, alive: Callable[[], object]) -> bool:
    """Wait for one answer, and tell whether it came in time."""
    until = time.monotonic() + seconds
    while not receiver.poll(max(0.0, min(BEAT_SECONDS, until - time.monotonic()))):
        if time.monotonic() >= until:
            return False
        alive()
    return True


def _late(name: str, timeout: str) -> GateResult:
    message = f"the gate gave no answer within {timeout} and was killed; [gates] timeout in mlops.toml allows more"
    return GateResult(gate=name, passed=False, value="no answer", bound=f"an answer within {timeout}", message=message)


def _adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, so that it is still found; Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _die_with(parent: int) -> None:
    """Let the kernel kill this process when the one that watches over it is killed; Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)


def _end_descendants() -> None:
    """Kill all that this process started, and what that started, until none is left."""
    import psutil  # type: ignore[import-untyped]

    while True:
        left = psutil.Process().children(recursive=True)
        if not left:
            return
        for each in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        # This also reaps them: those that were adopted have nobody else.
        psutil.wait_procs(left, timeout=1)
