"""What cells print, in bounded memory: the notebook keeps the head and the tail, a file aside the whole."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import IO, Any

from nbformat.v4 import new_output

__all__ = ["Streams"]

HEAD = TAIL = 256 * 1024
"""Characters kept at the beginning and at the end of one stream of one cell."""
_REFRESH = 64 * 1024
_LARGEST_LOG = 256 * 2**20


class Streams:
    """The stream outputs of a notebook while it runs.

    Parameters
    ----------
    folder : Path or None
        Where the whole of a stream goes that is too long for the notebook; None keeps no more than head and tail.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._open: dict[int, _Stream] = {}
        self._labels: dict[int, str] = {}

    def name(self, cell: int, label: str) -> None:
        """Name a cell's place as the reader knows it, such as `cell-3`."""
        self._labels[cell] = label

    def add(self, outs: list[Any], name: str, text: str, cell: int) -> None:
        """Take what a cell printed.

        Parameters
        ----------
        outs : list
            The cell's outputs; a stream follows its predecessor of the same name in one output.
        name : str
            stdout or stderr.
        cell : int
            Place of the cell in the notebook.
        """
        stream = self._open.get(cell)
        if stream is None or not outs or outs[-1] is not stream.output or stream.output.name != name:
            self.settle(cell)
            output = new_output("stream", name=name, text="")  # type: ignore[no-untyped-call]
            outs.append(output)
            stream = self._open[cell] = _Stream(output, self._log_of(cell, name))
        stream.add(text)

    def settle(self, cell: int) -> None:
        """Write into the notebook what has come so far of a cell."""
        stream = self._open.pop(cell, None)
        if stream is not None:
            stream.close()

    def _log_of(self, cell: int, name: str) -> Path | None:
        return None if self._folder is None else self._folder / f"{self._labels.get(cell, cell)}-{name}.txt"

    def refresh(self) -> None:
        """Bring the outputs of the cells under way up to date, for who saves the notebook."""
        for stream in self._open.values():
            stream.show()


class _Stream:
    def __init__(self, output: Any, path: Path | None) -> None:
        self.output = output
        self._path = path
        self._log: IO[str] | None = None
        self._head: list[str] = []
        self._tail: deque[str] = deque()
        self._sizes = [0, 0]
        self._total = self._logged = self._unshown = 0

    def add(self, text: str) -> None:
        self._total += len(text)
        self._unshown += len(text)
        room = HEAD - self._sizes[0]
        if room > 0:
            self._head.append(text[:room])
            self._sizes[0] += len(self._head[-1])
            text = text[room:]
        if text:
            self._tail.append(text)
            self._sizes[1] += len(text)
            self._spill()
        if self._unshown > _REFRESH:
            self.show()

    def show(self) -> None:
        """Put the text into the notebook's output."""
        self._unshown = 0
        self.output.text = "".join(self._head) + self._left_out() + "".join(self._tail)[-TAIL:]

    def close(self) -> None:
        self.show()
        if self._missing > 0:
            self._note("".join(self._tail))
        if self._log is not None:
            self._log.close()

    def _spill(self) -> None:
        """Let the oldest of the tail go once it is no longer shown; into the log, when there is one."""
        while self._sizes[1] - len(self._tail[0]) >= TAIL:
            oldest = self._tail.popleft()
            self._sizes[1] -= len(oldest)
            self._note(oldest)

    def _note(self, text: str) -> None:
        if self._path is None or self._logged >= _LARGEST_LOG:
            return
        if self._log is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._log = self._path.open("a", encoding="utf-8")
            self._log.write("".join(self._head))
        self._log.write(text)
        self._logged += len(text)

    @property
    def _missing(self) -> int:
        """How many characters are not shown."""
        return self._total - self._sizes[0] - min(self._sizes[1], TAIL)

    def _left_out(self) -> str:
        if self._missing <= 0:
            return ""
        where = f"; the whole is in {self._path.name}" if self._path is not None else ""
        return f"\n… {self._missing} characters are left out here{where} …\n"
