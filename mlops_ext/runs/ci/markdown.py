"""The Markdown of `mlops ci run --report`: what a reviewer wants to see of notebooks that ran, secrets masked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from mlops_ext.runs.ci.types import CheckedNotebook, CiResult, MetricRow
from mlops_ext.runs.notebooks.secrecy import mask_text

__all__ = ["code", "report", "table"]

_SIGNS = {"succeeded": "✅", "failed": "❌", "rejected": "🚫", "timed_out": "⏱️", "kernel_died": "💀", "cancelled": "⏹️"}
_MOST_LINES = 40


def report(result: CiResult, figures_at: str = "") -> str:
    """Write the result as Markdown.

    Parameters
    ----------
    figures_at : str
        Path of the folder of artifacts as seen from the report.
    """
    ran = len(result.notebooks)
    good = sum(each.exit_code == 0 for each in result.notebooks)
    lines = [f"## {'✅' if result.passed else '❌'} {good} of {ran} notebooks ran to their end", ""]
    rows = [
        [f"{_SIGNS.get(each.status, '❔')} {each.status}", each.notebook, f"{each.seconds:.1f} s", each.run]
        for each in result.notebooks
    ]
    lines += [*table(["", "notebook", "time", "run"], rows), ""]
    if result.expectations:
        rows = [["✅" if e.passed else "❌", e.expected, e.message] for e in result.expectations]
        lines += ["### Expectations", "", *table(["", "expected", "found"], rows), ""]
    for notebook in result.notebooks:
        lines += _notebook(notebook, figures_at)
    return mask_text("\n".join(lines).rstrip() + "\n", {})


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Write a table; what would break it is written otherwise."""
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return lines + ["| " + " | ".join(_cell(text) for text in row) + " |" for row in rows]


def code(source: str, language: str = "python") -> list[str]:
    """Write code in a fence that nothing in it closes."""
    fence = "```"
    while fence in source:
        fence += "`"
    lines = source.splitlines()
    more = [f"# … {len(lines) - _MOST_LINES} more lines"] if len(lines) > _MOST_LINES else []
    return [f"{fence}{language}", *lines[:_MOST_LINES], *more, fence]


def _notebook(notebook: CheckedNotebook, figures_at: str) -> Iterator[str]:
    yield f"### {notebook.notebook}"
    yield ""
    if notebook.error is not None:
        yield from _fault(notebook)
    if notebook.parameters:
        rows = [[name, _json(value)] for name, value in notebook.parameters.items()]
        yield from [*table(["parameter", "value"], rows), ""]
    if notebook.metrics:
        yield from [*_metrics(notebook.metrics), ""]
    if notebook.baseline is not None:
        found = notebook.baseline
        behind = f", {found.behind} commits before it" if found.behind else ""
        yield (
            f"Baseline: run {found.run} at {found.commit[:9]}{behind}."
            if found.run
            else f"No baseline: {found.message}."
        )
        yield ""
    for figure in notebook.figures:
        yield f"![{figure}](<{figures_at + '/' if figures_at else ''}{figure}>)"
        yield ""


def _fault(notebook: CheckedNotebook) -> Iterator[str]:
    fault = notebook.error
    if fault is None:
        return
    line = f", line {fault.line}" if fault.line else ""
    where = f"Cell {fault.cell}{line}: " if fault.cell else ""
    yield f"**{where}{_cell(fault.type)}: {_cell(fault.message)}**"
    yield ""
    if fault.cause:
        yield from [f"Caused by {_cell(fault.cause)}", ""]
    if 0 < fault.cell <= len(notebook.sources):
        yield from [*code(notebook.sources[fault.cell - 1]), ""]


def _metrics(rows: Sequence[MetricRow]) -> list[str]:
    if all(row.before is None for row in rows):
        return table(["metric", "value"], [[row.name, _number(row.after)] for row in rows])
    cells = [[row.name, _number(row.before), _number(row.after), _number(row.difference, "+")] for row in rows]
    return table(["metric", "baseline", "now", "difference"], cells)


def _number(value: float | None, sign: str = "") -> str:
    return "—" if value is None else f"{value:{sign}.6g}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;").replace("`", "ˋ")
