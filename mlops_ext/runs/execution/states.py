"""The output notebook while it grows: true cell states, rare and atomic saves, no secrets."""

from __future__ import annotations

import logging
import os
import re
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from papermill.engines import NotebookExecutionManager
from papermill.iorw import write_ipynb

from mlops_ext.models.types import MaskedSecret
from mlops_ext.runs.execution.streams import Streams
from mlops_ext.runs.notebooks import formats
from mlops_ext.runs.notebooks.secrecy import MASK, mask_notebook, said
from mlops_ext.tracking.types import CellState

__all__ = ["INJECTED", "NotebookStates", "is_injected", "write_atomically"]

INJECTED = "injected-parameters"
_EVERY = 1.0
_SHARE = 20.0
State = Literal["ok", "failed", "interrupted", "not_run"]
log = logging.getLogger("mlops_ext.runs")


class NotebookStates(NotebookExecutionManager):  # type: ignore[misc]
    """papermill's manager, which calls a cell completed only when it has run.

    Parameters
    ----------
    nb : NotebookNode
        The notebook with its parameters injected.
    secrets : mapping
        Parameters whose values are masked in every saved copy.
    streams : Streams, optional
        Where what the cells print goes.
    """

    def __init__(self, nb: Any, secrets: Mapping[str, Any], streams: Streams | None = None, **options: Any) -> None:
        super().__init__(nb, **options)
        self.nb: Any = nb
        self.secrets = dict(secrets)
        self.warnings: list[str] = []
        self.completed = ""
        """The closed notebook as it is kept."""
        self.found: tuple[MaskedSecret, ...] = ()
        self.streams = streams or Streams()
        self._numbers: dict[bool, dict[int, int]] = {}
        self._states: dict[int, tuple[State, float]] = {}
        self._began: tuple[int, float] | None = None
        self._next_save = 0.0

    def cell_start(self, cell: Any, cell_index: int = 0, **options: Any) -> None:
        """Mark a cell as running."""
        self._began = (cell_index, time.monotonic())
        super().cell_start(cell, cell_index, **options)

    def cell_end(self, cell: Any, index: int, state: State) -> None:
        """Mark how a cell ended.

        Parameters
        ----------
        index : int
            Its place among all cells, from 0.
        state : str
            ok, failed or interrupted.
        """
        self.streams.settle(index)
        began = self._began[1] if self._began else time.monotonic()
        self._began = None
        self._states[index] = (state, time.monotonic() - began)
        if state != "ok":
            self.cell_exception(cell, cell_index=index)
        self.cell_complete(cell, cell_index=index)

    def running(self) -> int | None:
        """Give the place of the cell that has begun and not ended."""
        return self._began[0] if self._began else None

    def save(self, **_options: Any) -> None:
        """Write the notebook, unless it was written a moment ago; a slow disk is asked less often."""
        if not self.output_path or time.monotonic() < self._next_save:
            return
        began = time.monotonic()
        try:
            self._write(self.text())
        except OSError as error:
            log.warning("could not save %s: %s", self.output_path, error)
        self._next_save = time.monotonic() + max(_EVERY, _SHARE * (time.monotonic() - began))

    def close(self) -> None:
        """Close the notebook, and warn of the secrets that it is kept without, beside those that are parameters."""
        self.end_time = self.now()
        self.nb.metadata.papermill["end_time"] = self.end_time.isoformat()
        self.nb.metadata.papermill["duration"] = (self.end_time - self.start_time).total_seconds()
        self.cleanup_pbar()
        if self.warnings:
            self.nb.metadata["mlops"]["warnings"] = self.warnings
        self.completed = self.text()
        if self.found:
            self.warnings.append(said(self.found))
            self.nb.metadata["mlops"]["warnings"] = self.warnings
            self.completed = self.text()

    def notebook_complete(self, **_options: Any) -> None:
        """Write the closed notebook for the last time; cells that never ran stay pending."""
        if self.secrets or self.found:
            self.nb = formats.parse(self.completed)
        if self.output_path:
            self._write(self.completed)

    def text(self) -> str:
        """Give the notebook as JSON without secrets."""
        self.streams.refresh()
        injected = [cell for cell in self.nb.cells if is_injected(cell)]
        sources = [cell.source for cell in injected]
        for cell in injected:
            cell.source = _without(cell.source, self.secrets)
        text = formats.write(self.nb)
        for cell, source in zip(injected, sources, strict=True):
            cell.source = source
        text, self.found = mask_notebook(text, self.secrets)
        return text

    def states(self, count_injected: bool) -> tuple[CellState, ...]:
        """Give what became of each code cell of the source notebook.

        Parameters
        ----------
        count_injected : bool
            The source had an injected cell of its own, in whose place the new one stands.
        """
        result = []
        for number, place in enumerate(self._places(count_injected), 1):
            state, seconds = self._states.get(place, ("not_run", None))
            result.append(CellState(cell=number, status=state, seconds=seconds))
        return tuple(result)

    def number(self, place: int, count_injected: bool) -> int:
        """Give a cell's number in the source notebook; 0 for the injected one."""
        if count_injected not in self._numbers:
            places = self._places(count_injected)
            self._numbers[count_injected] = {each: number for number, each in enumerate(places, 1)}
        return self._numbers[count_injected].get(place, 0)

    def _places(self, count_injected: bool) -> list[int]:
        """Give the places of the source's code cells."""
        return [
            place
            for place, cell in enumerate(self.nb.cells)
            if cell.cell_type == "code" and (count_injected or not is_injected(cell))
        ]

    def _write(self, text: str) -> None:
        if "://" in str(self.output_path) or self.output_path == "-":
            write_ipynb(formats.parse(text), self.output_path)
        else:
            write_atomically(Path(self.output_path), text.encode())


def is_injected(cell: Any) -> bool:
    """Tell whether papermill put a cell there, with the parameters."""
    return INJECTED in cell.metadata.get("tags", [])


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that nobody ever reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem[:40]}-", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())  # noqa: PTH101
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _without(source: str, secrets: Mapping[str, Any]) -> str:
    for name in secrets:
        source = re.sub(rf"(?m)^{re.escape(name)} = .*$", f"{name} = {MASK!r}", source)
    return source
