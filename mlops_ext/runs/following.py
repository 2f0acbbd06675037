"""Following a run: what its cells put out, cut to what a reader can take, for the terminal and for the notebook."""

from __future__ import annotations

import html
import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlops_ext.runs.types import OutputPiece
    from mlops_ext.workspace import Workspace

__all__ = ["Lines", "View", "following", "plain"]

HEAD, TAIL = 60, 20
"""Lines of one cell that are shown as they come, and that are shown at its end."""
_LONGEST = 2000
_EVERY_SECONDS = 0.5
_CONTROL = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|.)|[\x00-\x08\x0b-\x1f\x7f]")


def plain(line: str) -> str:
    """Give a line as a terminal would end up showing it: no colours, and of a progress bar its last state.

    Examples
    --------
    >>> plain("10 %\\r20 %\\x1b[31m!\\x1b[0m")
    '20 %!'
    """
    last = line.rstrip("\r").rpartition("\r")[2]
    return _CONTROL.sub("", last)[:_LONGEST]


class Lines:
    """Passes lines on as they come, of each cell the first and the last.

    Parameters
    ----------
    show : callable
        Takes a cell's number, the stream and a line.
    """

    def __init__(self, show: Callable[[int, str, str], None]) -> None:
        self._show = show
        self._cell = -1
        self._stream = ""
        self._open = ""
        self._count = 0
        self._tail: deque[tuple[str, str]] = deque(maxlen=TAIL)

    def take(self, pieces: Sequence[OutputPiece]) -> None:
        """Take pieces of output."""
        for piece in pieces:
            if piece.cell != self._cell:
                self.end()
                self._cell = piece.cell
            elif piece.stream != self._stream:
                self._close()
            self._stream = piece.stream
            *whole, self._open = (self._open + piece.text).split("\n")
            self._open = self._open[-_LONGEST:]
            for line in whole:
                self._line(line)

    def end(self) -> None:
        """Show the end of a cell that put out more than was shown."""
        self._close()
        left_out = self._count - HEAD - len(self._tail)
        if left_out > 0:
            self._show(self._cell, "note", f"… {left_out} lines are left out here; the executed notebook has more …")
        for stream, line in self._tail:
            self._show(self._cell, stream, line)
        self._count = 0
        self._tail.clear()

    def _close(self) -> None:
        line, self._open = self._open, ""
        if line:
            self._line(line)

    def _line(self, line: str) -> None:
        self._count += 1
        if self._count <= HEAD:
            self._show(self._cell, self._stream, plain(line))
        else:
            self._tail.append((self._stream, plain(line)))


class View:
    """A display of a notebook that says how far a run is, with the last lines that it put out.

    Parameters
    ----------
    notebook : str
        The path of what is run.
    handle : DisplayHandle
        IPython's; it is updated.
    html_too : bool
        Whether the display may be more than text.
    """

    def __init__(self, notebook: str, handle: Any, *, html_too: bool = True) -> None:
        self._notebook = notebook
        self._handle = handle
        self._html_too = html_too
        self._head = f"{notebook}: waits to begin"
        self._lines: deque[str] = deque(maxlen=TAIL)
        self._open = ""
        self._shown = 0.0
        handle.display(self._bundle(), raw=True)

    def progress(self, done: int, total: int, seconds: float) -> None:
        """Say how many cells have ended."""
        self._head = f"{self._notebook}: {done} of {total} cells, {seconds:.0f} s"
        self._update(done >= total)

    def output(self, pieces: Sequence[OutputPiece]) -> None:
        """Take what the cells put out."""
        *whole, self._open = (self._open + "".join(each.text for each in pieces)).split("\n")
        self._open = self._open[-_LONGEST:]
        self._lines.extend(whole)
        self._update(True)

    def _update(self, now: bool) -> None:
        if now or time.monotonic() - self._shown > _EVERY_SECONDS:
            self._shown = time.monotonic()
            self._handle.update(self._bundle(), raw=True)

    def _bundle(self) -> dict[str, str]:
        lines = [plain(line) for line in [*self._lines, *filter(None, [self._open])]][-TAIL:]
        found = {"text/plain": "\n".join([self._head, *lines])}
        if self._html_too:
            block = f"<pre>{html.escape(chr(10).join(lines))}</pre>" if lines else ""
            found["text/html"] = f"<div>{html.escape(self._head)}</div>{block}"
        return found


def following(notebook: str, ws: Workspace) -> View | None:
    """Open a view in the notebook that this is called from; None elsewhere."""
    import sys

    # Only a kernel that runs has IPython; nothing is imported for who has none.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if getattr(shell, "kernel", None) is None:
        return None
    from IPython.display import DisplayHandle

    return View(notebook, DisplayHandle(), html_too=ws.settings.workspace.display == "rich")  # type: ignore[no-untyped-call]
