"""A bar for long work, on stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

    from mlops_ext.cli.session import Session

__all__ = ["Cells"]


class Cells:
    """Shows how many cells of a notebook have run.

    Parameters
    ----------
    session : Session
        Whose stderr; a quiet one shows nothing.
    name : str
        What runs.
    """

    def __init__(self, session: Session, name: str) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        hidden = session.quiet or not session.messages.is_terminal
        self._progress = Progress(*columns, console=session.messages, transient=True, disable=hidden)
        self._task = self._progress.add_task(name, total=None)

    def __enter__(self) -> Cells:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def update(self, done: int, total: int, _seconds: float) -> Any:
        """Move the bar."""
        self._progress.update(self._task, completed=done, total=total)
