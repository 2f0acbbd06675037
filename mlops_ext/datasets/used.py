"""Which dataset versions this process has read or made, in order; models learn their data from it."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlops_ext.refs import Latest, Ref

__all__ = ["PINS", "current_run", "pinned", "remember", "set_run", "unnoticed", "used"]

PINS = "MLOPS_PINS"
"""A variable with the version of each dataset that loading by its bare name gives, as JSON; set for a rerun."""


class _Record:
    """What this process did; a thread's own run hides the one that all threads share."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.refs: dict[tuple[str, Path | None], None] = {}
        self.shared_run = ""
        self.thread = threading.local()


_record = _Record()


def remember(ref: str, root: Path | None = None) -> None:
    """Note that a version was read or made, such as `flights@2`; the latest use counts.

    Parameters
    ----------
    ref : str
        `name@version`.
    root : Path, optional
        The workspace's folder.
    """
    if getattr(_record.thread, "unnoticed", False):
        return
    with _record.lock:
        _record.refs.pop((ref, root), None)
        _record.refs[ref, root] = None


def used(root: Path | None = None) -> tuple[str, ...]:
    """Give the versions of this process, the latest used last.

    Parameters
    ----------
    root : Path, optional
        Only those of the workspace in this folder.

    Examples
    --------
    >>> remember("flights@2")
    >>> "flights@2" in used()
    True
    """
    with _record.lock:
        latest_first = [ref for ref, where in reversed(_record.refs) if root is None or where == root]
    return tuple(reversed(dict.fromkeys(latest_first)))


@contextmanager
def unnoticed() -> Iterator[None]:
    """Let this thread read data to judge by, which no model is made of."""
    before = getattr(_record.thread, "unnoticed", False)
    _record.thread.unnoticed = True
    try:
        yield
    finally:
        _record.thread.unnoticed = before


def pinned(text: str) -> str:
    """Give a reference the version that this process is pinned to, when it asks for the latest.

    Parameters
    ----------
    text : str
        `flights`, `flights@latest`; any other is given as it is.
    """
    pins = json.loads(os.environ.get(PINS) or "{}")
    if not pins:
        return text
    ref = Ref.parse(text)
    return f"{ref.name}@{pins[ref.name]}" if isinstance(ref.selector, Latest) and ref.name in pins else text


def set_run(run: str) -> None:
    """Say which run is under way; empty when none is.

    The main thread speaks for the whole process, another thread for itself.
    """
    _record.thread.run = run
    if threading.current_thread() is threading.main_thread():
        _record.shared_run = run


def current_run() -> str:
    """Give the id of the run under way: this thread's, else the process's, else MLOPS_RUN."""
    return getattr(_record.thread, "run", "") or _record.shared_run or os.environ.get("MLOPS_RUN", "")
