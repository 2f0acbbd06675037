"""A bar for long work, on stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from typing_extensions import Self

    from mlops_ext.cli.session import Session
    from mlops_ext.runs.types import OutputPiece

__all__ = ["Bar", "Bytes", "Cells"]


class Bar:
    """Shows how far long work is.

    Parameters
    ----------
    session : Session
        Whose stderr; a quiet one shows nothing.
    name : str
        What is counted.
    total : int, optional
        How many there are; unknown yet when left out.
    """

    def __init__(self, session: Session, name: str, total: int | None = None) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        hidden = session.quiet or not session.messages.is_terminal
        self._progress = Progress(*columns, console=session.messages, transient=True, disable=hidden)
        self._task = self._progress.add_task(name, total=total)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def update(self, done: int, total: int | None = None) -> None:
        """Move the bar."""
        self._progress.update(self._task, completed=done, total=total)


class Bytes(Bar):
    """Shows how many bytes have come, how fast, and what they belong to."""

    def __init__(self, session: Session, name: str) -> None:
        from rich.progress import DownloadColumn, TimeRemainingColumn, TransferSpeedColumn

        super().__init__(session, name)
        first, bar, *_, elapsed = self._progress.columns
        self._progress.columns = (first, bar, DownloadColumn(), TransferSpeedColumn(), elapsed, TimeRemainingColumn())

    def update(self, done: int, total: int | None = None, what: str = "") -> None:
        """Move the bar."""
        self._progress.update(self._task, completed=done, total=total, description=what)


class Cells(Bar):
    """Shows how many cells of a notebook have run, and what they print."""

    def __init__(self, session: Session, name: str) -> None:
        from mlops_ext.runs.following import Lines

        super().__init__(session, name)
        self._session = session
        self._lines = Lines(self._show)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lines.end()
        super().__exit__(kind, error, trace)

    def output(self, pieces: Sequence[OutputPiece]) -> None:
        """Print what the cells put out, of each the first and the last lines."""
        if not self._session.json:
            self._lines.take(pieces)

    def _show(self, cell: int, stream: str, line: str) -> None:
        from rich.text import Text

        style = {"stderr": "yellow", "error": "red", "note": "dim"}.get(stream, "")
        self._session.messages.print(Text.assemble((f"[{cell}] ", "dim"), (line, style)), soft_wrap=True)

    def update(self, done: int, total: int | None = None, _seconds: float = 0.0) -> None:
        """Move the bar."""
        super().update(done, total)
