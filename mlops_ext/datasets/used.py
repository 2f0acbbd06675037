"""Which dataset versions this process has read or made, in order; models learn their data from it."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from mlops_ext.errors import InvalidValue
from mlops_ext.refs import Latest, Number, Ref

__all__ = [
    "LOCKED", "NOTES", "PINS", "current_run", "note", "pin_again", "pinned", "remember", "set_run", "unnoticed", "used",
]  # fmt: skip

PINS = "MLOPS_PINS"
"""A variable with the version that loading by a bare name gives, as JSON; of models the key is `model:NAME`."""

LOCKED = "MLOPS_LOCKED"
"""A variable that is set where loading by a bare name that has no such version is refused."""

NOTES = "MLOPS_NOTES"
"""A variable with a file in which what is read and made is noted, for the run that this process belongs to."""

log = logging.getLogger("mlops_ext.datasets")


class _Record:
    """What this process did; a thread's own run hides the one that all threads share."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.refs: dict[tuple[str, Path | None], None] = {}
        self.shared_run = ""
        self.thread = threading.local()
        self.made: set[str] = set()


_record = _Record()


def remember(ref: str, root: Path | None = None, *, made: bool = False) -> None:
    """Note that a version was read or made, such as `flights@2`; the latest use counts.

    Parameters
    ----------
    ref : str
        `name@version`.
    root : Path, optional
        The workspace's folder.
    made : bool
        It was made, or would have been, were it not there already.
    """
    note(f"dataset:{ref}", made=made)
    if getattr(_record.thread, "unnoticed", False):
        return
    with _record.lock:
        _record.refs.pop((ref, root), None)
        _record.refs[ref, root] = None


def note(ref: str, *, made: bool = False) -> None:
    """Tell whoever runs this process that something was read or made, such as `model:delay@3`."""
    if made:
        _record.made.add(ref.partition("@")[0])
        pin_again(ref)
    path = os.environ.get(NOTES)
    if not path or getattr(_record.thread, "unnoticed", False):
        return
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{'out' if made else 'in'} {ref}\n")
    except OSError as error:
        log.warning("what was used could not be noted: %s", error)


def pin_again(ref: str) -> None:
    """Let what a pinned run has made itself be what it loads from now on, as it was the first time."""
    pins = json.loads(os.environ.get(PINS) or "{}")
    made = Ref.parse(ref)
    key = made.name if made.kind == "dataset" else f"model:{made.name}"
    if key in pins and isinstance(made.selector, Number):
        os.environ[PINS] = json.dumps(pins | {key: made.selector.number})


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


def pinned(text: str, kind: Literal["dataset", "model"] = "dataset") -> str:
    """Give a reference the version that this process is pinned to, when it asks for the latest.

    Parameters
    ----------
    text : str
        `flights`, `flights@latest`; any other is given as it is.

    Raises
    ------
    InvalidValue
        The run is locked, and neither the lock nor the run itself gives that name a version.
    """
    pins = json.loads(os.environ.get(PINS) or "{}")
    locked = bool(os.environ.get(LOCKED))
    if not pins and not locked:
        return text
    ref = Ref.parse(text)
    if not isinstance(ref.selector, Latest):
        return text
    key = ref.name if kind == "dataset" else f"model:{ref.name}"
    if key in pins:
        return f"{ref.name}@{pins[key]}"
    if locked and f"{kind}:{ref.name}" not in _record.made:
        raise InvalidValue(
            f"the run is locked, and mlops.lock does not name {kind}:{ref.name}", hint="Run: mlops lock, and commit it"
        )
    return text


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
