"""Which dataset versions this process has read or made, in order; models learn their data from it."""

from __future__ import annotations

import os
import threading
from contextvars import ContextVar

__all__ = ["current_run", "remember", "set_run", "used"]

_used: dict[str, None] = {}
_lock = threading.Lock()
_run: ContextVar[str] = ContextVar("mlops_run", default="")


def remember(ref: str) -> None:
    """Note that a version was read or made, such as `flights@2`; the latest use counts."""
    with _lock:
        _used.pop(ref, None)
        _used[ref] = None


def used() -> tuple[str, ...]:
    """Give the versions of this process, the latest used last.

    Examples
    --------
    >>> remember("flights@2")
    >>> "flights@2" in used()
    True
    """
    with _lock:
        return tuple(_used)


def set_run(run: str) -> None:
    """Say which run is under way; empty when none is."""
    _run.set(run)


def current_run() -> str:
    """Give the id of the run under way: the one that was set, else MLOPS_RUN."""
    return _run.get() or os.environ.get("MLOPS_RUN", "")
