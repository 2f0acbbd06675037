"""The cells that ran in this kernel, in order: what IPython keeps, and which cell of the notebook each was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlops_ext.tracking import origin

__all__ = ["Ran", "ran", "watch"]


@dataclass(frozen=True)
class Ran:
    """One cell as it ran.

    Attributes
    ----------
    count : int
        Its execution count: the number in `[3]`.
    source : str
        As it was typed, magics included.
    cell : str
        The front end's id of the cell; empty when the front end sent none, or nobody looked yet.
    failed : bool
        Whether it is known to have raised.
    """

    count: int
    source: str
    cell: str = ""
    failed: bool = False


class _Seen:
    """What the kernel's events told since this package was imported."""

    def __init__(self) -> None:
        self.watched: Any = None
        self.cells: dict[int, str] = {}
        self.failed: set[int] = set()


_seen = _Seen()


def watch() -> None:
    """Note from now on which cell each execution is of, and whether it fails; nothing outside of IPython."""
    running = origin.shell()
    if running is None or _seen.watched is running:
        return
    _seen.watched = running
    running.events.register("pre_run_cell", _before)
    running.events.register("post_run_cell", _after)
    # The event of the cell that imports this package is over.
    request = getattr(running, "parent_header", None) or {}
    cell = (request.get("metadata") or {}).get("cellId")
    if cell:
        _seen.cells[len(running.history_manager.input_hist_raw) - 1] = str(cell)


def ran() -> tuple[Ran, ...]:
    """Give the cells that ran in this kernel, the running one last; empty outside of IPython."""
    running = origin.shell()
    if running is None:
        return ()
    manager = running.history_manager
    # From IPython 9 on it keeps what was raised, also before this package was imported.
    failed = {*_seen.failed, *getattr(manager, "exceptions", ())}
    return tuple(
        Ran(count, source, _seen.cells.get(count, ""), count in failed)
        for count, source in enumerate(manager.input_hist_raw)
        if count and source.strip()
    )


def _before(info: Any) -> None:
    cell = getattr(info, "cell_id", None)
    if info.store_history and cell:
        # Releases of IPython differ in when they count on; the history takes the source in a moment.
        _seen.cells[len(_seen.watched.history_manager.input_hist_raw)] = str(cell)


def _after(result: Any) -> None:
    if result.execution_count is not None and not result.success:
        _seen.failed.add(result.execution_count)
