"""What went wrong in a cell, as data: where, which exception, and what caused it."""

from __future__ import annotations

import re
from typing import Any

from mlops_ext.runs.types import RunFault

__all__ = ["fault_of", "said"]

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_LINE = re.compile(r"Cell In\[\d+\], line (\d+)|^----> (\d+) ", re.MULTILINE)
_CHAINED = re.compile(
    r"^(?P<cause>\S+(?:: .*)?)\n\n(?:The above exception was the direct cause|During handling of the above)",
    re.MULTILINE,
)


def fault_of(cell: int, error: Any) -> RunFault:
    """Read what nbclient says of a failed cell.

    Parameters
    ----------
    cell : int
        Its number in the source notebook; 0 for the injected parameters.
    error : CellExecutionError
        With `ename`, `evalue` and `traceback`.
    """
    traceback = _ANSI.sub("", error.traceback)
    line, cause = _LINE.search(traceback), _CHAINED.search(traceback)
    return RunFault(
        cell=cell,
        line=int(line[1] or line[2]) if line else None,
        type=error.ename,
        message=error.evalue,
        cause=cause["cause"] if cause else "",
    )


def said(fault: RunFault) -> str:
    """Say a fault in one line."""
    place = f"cell {fault.cell}" if fault.cell else "the injected parameters"
    line = f", line {fault.line}" if fault.line else ""
    return f"{place}{line}: {fault.type}: {fault.message}"
