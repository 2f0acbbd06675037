"""Which reports a dashboard is made of, of each kind and window the newest, and their slices."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import func, select

from mlops_ext.monitoring.service import report_of
from mlops_ext.monitoring.tables import reports
from mlops_ext.monitoring.types import MetricEstimate, Report, ReportKind
from mlops_ext.refs import Ref
from mlops_ext.workspace import Workspace

__all__ = ["name_of", "newest_reports", "of_slice", "slices_in", "window_order"]

_NUMBER = re.compile(r"(\d+)")


def newest_reports(ws: Workspace, model: str, kind: ReportKind, most: int) -> list[Report]:
    """Give the newest report of each window, whole, in the order of the windows' names; the last `most` windows.

    Of comparisons the newest of each challenger in each window.

    Parameters
    ----------
    model : str
        Name of the model; the reports of all its versions count.
    kind : str
        Which reports.
    most : int
        How many windows.
    """
    here = (reports.c.model_name == model) & (reports.c.kind == kind)
    group = (reports.c.window, reports.c.model) if kind == "comparison" else (reports.c.window,)
    newest = select(reports.c.window, func.max(reports.c.id).label("id")).where(here).group_by(*group)
    with ws.catalog.read() as connection:
        found = [(row.window, row.id) for row in connection.execute(newest).all()]
        windows = window_order({window for window, _ in found})[-most:]
        wanted = [made for window, made in found if window in windows]
        rows = connection.execute(select(reports).where(reports.c.id.in_(wanted))).all()
    return sorted(map(report_of, rows), key=lambda report: (windows.index(report.window), report.id))


def window_order(windows: Iterable[str]) -> list[str]:
    """Order windows by name, numbers in them by value: `week 9` before `week 10`."""
    return sorted(
        windows, key=lambda name: [(int(part), "") if part.isdigit() else (-1, part) for part in _NUMBER.split(name)]
    )


def name_of(text: str) -> str:
    """Give the name of the model that a reference is about."""
    return Ref.parse(text, "model").name


def slices_in(reports: Sequence[Report]) -> tuple[str, ...]:
    """Give the names of the slices that were judged in any of some reports."""
    judged = (name for each in reports for name, found in _slices(each).items() if found["metrics"])
    return tuple(dict.fromkeys(judged))


def of_slice(report: Report, name: str) -> Report:
    """Give a report with the metrics of one of its slices, or of none where it was not judged."""
    found = _slices(report).get(name, {"metrics": []})
    metrics = tuple(MetricEstimate.model_validate(each) for each in found["metrics"])
    return report.model_copy(update={"metrics": metrics})


def _slices(report: Report) -> dict[str, dict[str, Any]]:
    return dict(report.details.get("slices", {})) if report.kind == "performance" else {}
