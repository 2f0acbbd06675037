"""What CI knows of notebooks that ran as checks."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from mlops_ext.records import Record
from mlops_ext.runs.types import RunFault
from mlops_ext.tracking.types import CellState

__all__ = ["Baseline", "CheckedNotebook", "CiResult", "Expectation", "MetricRow"]


class MetricRow(Record):
    """One metric beside what the baseline had."""

    shown: ClassVar[tuple[str, ...]] = ("name", "before", "after", "difference")
    name: str
    before: float | None = None
    after: float | None = None
    difference: float | None = None

    def summary(self) -> str:
        """Write it in a cell of a table."""
        moved = "" if self.difference is None else f" ({self.difference:+.6g})"
        return f"{self.name}={'—' if self.after is None else f'{self.after:.6g}'}{moved}"


class Baseline(Record):
    """The run that a notebook is compared with, or why there is none."""

    run: str = ""
    commit: str = ""
    """The commit at which that run was made."""
    behind: int = 0
    """How many commits it lies before the one that was asked for."""
    message: str = ""


class CheckedNotebook(Record):
    """How one notebook ended."""

    shown: ClassVar[tuple[str, ...]] = ("notebook", "status", "seconds", "run", "metrics")
    notebook: str
    status: str
    exit_code: int
    error: RunFault | None = None
    cells: tuple[CellState, ...] = ()
    sources: tuple[str, ...] = Field(default=(), exclude=True)
    """The code cells, secrets masked."""
    parameters: dict[str, Any] = Field(default={})
    metrics: tuple[MetricRow, ...] = ()
    figures: tuple[str, ...] = ()
    """Files below the folder of artifacts."""
    output: str = ""
    job: str = ""
    run: str = ""
    baseline: Baseline | None = None
    started: str = ""
    seconds: float = 0.0

    @property
    def ref(self) -> str:
        """`run:ID`, or the notebook's path where it was not started."""
        return f"run:{self.run}" if self.run else self.notebook


class Expectation(Record):
    """One --expect, and whether it held."""

    shown: ClassVar[tuple[str, ...]] = ("expected", "notebook", "value", "passed", "message")
    expected: str
    notebook: str = ""
    value: float | None = None
    passed: bool
    message: str


class CiResult(Record):
    """All notebooks of one call."""

    tables: ClassVar[tuple[str, ...]] = ("notebooks", "expectations")
    passed: bool
    exit_code: int
    notebooks: tuple[CheckedNotebook, ...]
    expectations: tuple[Expectation, ...] = ()
    seconds: float
    files: tuple[str, ...] = ()
    """What was written: JUnit, report, the folder of artifacts."""
