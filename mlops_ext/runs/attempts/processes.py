"""The processes of one attempt: marked by a variable or a name that all of them inherit, found and ended by it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import time
from collections.abc import Collection

import psutil  # type: ignore[import-untyped]

from mlops_ext.runs.kernels.forks import mark_of

__all__ = ["VARIABLE", "adopt_orphans", "end_all", "marked"]

VARIABLE = "MLOPS_ATTEMPT"
_ROUNDS = 50
_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, so that it is still found; Linux only.

    Elsewhere a process that leaves the session, drops its environment and outlives the kernel is not found.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def marked(token: str) -> list[psutil.Process]:
    """Find the processes of an attempt: those with its mark, their descendants, and the members of their sessions.

    A child with a clean environment, and one whose parent has ended, are found as well.
    """
    own = [psutil.Process(pid) for pid in psutil.pids() if _has(pid, token)]
    found = {process.pid: process for process in own}
    for process in own:
        with contextlib.suppress(psutil.Error):
            found.update({child.pid: child for child in process.children(recursive=True)})
    sessions = {pid for pid in found if _session(pid) == pid}
    for pid in psutil.pids():
        if pid not in found and _session(pid) in sessions:
            with contextlib.suppress(psutil.Error):
                found[pid] = psutil.Process(pid)
    return list(found.values())


def end_all(token: str, *, spare: Collection[int] = ()) -> int:
    """Kill every process of an attempt but those to spare, until none is left; give how many there were."""
    killed: set[int] = set()
    for _ in range(_ROUNDS):
        left = [process for process in marked(token) if process.pid not in spare]
        if not left:
            break
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
                killed.add(process.pid)
        time.sleep(0.02)
    return len(killed)


def _has(pid: int, token: str) -> bool:
    try:
        if sys.platform == "linux":
            # As psutil reads it, without the rest that psutil reads of every process.
            environment = _read(f"/proc/{pid}/environ")
            if not environment:
                return False  # a zombie, or the system's own
            marked_so = f"{VARIABLE}={token}".encode() in environment.split(b"\0")
            return marked_so or _read(f"/proc/{pid}/comm").strip() == mark_of(token).encode()
        return bool(psutil.Process(pid).environ().get(VARIABLE) == token)
    except (psutil.Error, OSError):
        return False


def _read(name: str) -> bytes:
    # A path object costs as much as the reading; fifty attempts that end look at all processes each.
    with open(name, "rb") as file:  # noqa: PTH123
        return file.read()


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return -1
