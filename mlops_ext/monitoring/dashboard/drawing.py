"""Draws a dashboard's figures from the reports, for whoever shows them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from mlops_ext.errors import InvalidValue, MissingExtra, NotFound
from mlops_ext.models import service as registry
from mlops_ext.models.types import ShowModel
from mlops_ext.monitoring.dashboard.reading import name_of, newest_reports, of_slice, slices_in, window_order
from mlops_ext.monitoring.dashboard.types import DrawFigure, Figure, FigureKind
from mlops_ext.monitoring.types import Report, ReportKind, column_of_slice, metric_name
from mlops_ext.operations import operation
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["NEEDS", "draw", "figure"]

Reports = Mapping[ReportKind, Sequence[Report]]
NEEDS: dict[FigureKind, tuple[ReportKind, ...]] = {
    "metric": ("estimate", "performance"),
    "drift": ("drift",),
    "column": ("drift",),
    "reliability": ("performance",),
    "gain": ("comparison",),
    "together": ("drift",),
}
"""The reports that each figure is made of."""
_DRAWING = threading.Lock()
"""Plotly shares templates between threads without a lock of its own; a page asks for several figures at once."""
_VERBS: dict[ReportKind, str] = {
    "drift": "drift(…, model=…, save=True)",
    "performance": "performance(…)",
    "estimate": "estimate(…)",
    "comparison": "compare_window(…)",
}


@operation("monitoring.figure", "GET /models/{model}/figures/{figure}")
def figure(ws: Workspace, request: DrawFigure) -> Figure:
    """Draw a metric by window, drift by column and window or of all together, one column, calibration, or challengers.

    What comes back is a plotly figure as JSON: bins and numbers, never rows.
    """
    name = ws.call(registry.show, ShowModel(model=name_of(request.model))).name
    found = {kind: newest_reports(ws, name, kind, request.most) for kind in NEEDS[request.figure]}
    drawn, caption = draw(name, found, request)
    return Figure(title=drawn.layout.title.text, caption=caption, figure=json.loads(drawn.to_json()))


def draw(name: str, reports: Reports, request: DrawFigure) -> tuple[go.Figure, str]:
    """Draw a figure from reports that were read, and say in a sentence what it shows.

    Parameters
    ----------
    name : str
        The model's.
    reports : mapping of str to sequence of Report
        Those that `NEEDS` names, in the order of their windows.
    request : DrawFigure
        What to draw.

    Raises
    ------
    MissingExtra
        plotly is not installed.
    NotFound
        There is no report to draw, or no such metric or column.
    InvalidValue
        There is none on that window.
    """
    try:
        # NumPy first: Plotly uses it half loaded, where another thread has just begun to import it.
        import numpy  # noqa: F401
        import plotly  # noqa: F401
    except ImportError as error:
        raise MissingExtra.of("plotly", "monitoring") from error
    found = [report for kind in NEEDS[request.figure] for report in reports[kind]]
    if not found:
        kind = NEEDS[request.figure][-1]
        raise NotFound(f"{name} has no {kind} report", hint=f"Make one first: mlops.{_VERBS[kind]}")
    windows = window_order({report.window for report in found})
    found.sort(key=lambda report: windows.index(report.window))
    with _DRAWING:
        return _DRAWERS[request.figure](name, found, request)


def _metric(name: str, found: Sequence[Report], request: DrawFigure) -> tuple[go.Figure, str]:
    from mlops_ext.monitoring.figures import metric_over_windows

    if request.slice:
        found = _of_slice(found, request.slice)
    metric = _metric_of(found, request.metric)
    values = [each for report in found for each in report.metrics if each.name == metric]
    windows = {report.window for report in found}
    newest = f"{values[-1].kind} at {values[-1].value:.3f} in the newest"
    rows = f" where {request.slice}" if request.slice else ""
    caption = f"{metric_name(metric)} of {name}{rows} in {len(windows)} windows; {newest}"
    return metric_over_windows(found, metric, template=request.template), caption


def _drift(name: str, found: Sequence[Report], request: DrawFigure) -> tuple[go.Figure, str]:
    from mlops_ext.monitoring.figures import psi_over_windows

    newest = found[-1]
    moved = ", ".join(newest.verdict.columns[:5]) if newest.verdict and newest.verdict.columns else "none"
    caption = f"Drift of {name} by column and window; drifted in {newest.window}: {moved}"
    return psi_over_windows(found, template=request.template), caption


def _column(name: str, found: Sequence[Report], request: DrawFigure) -> tuple[go.Figure, str]:
    from mlops_ext.monitoring.figures import column_drift

    report = _of_window(name, found, request.window)
    histograms = report.details.get("histograms", {})
    column = column_of_slice(request.column or next(iter(histograms), ""), request.slice)
    if column not in histograms:
        raise NotFound.of("compared column", column, list(histograms))
    said = {each["column"]: each["reason"] for each in report.details.get("decisions", ())}
    caption = f"{column} in the reference and in {report.window}: {said.get(column, '')}"
    return column_drift(column, histograms[column], template=request.template), caption


def _reliability(name: str, found: Sequence[Report], request: DrawFigure) -> tuple[go.Figure, str]:
    from mlops_ext.monitoring.figures import reliability_curve

    report = _of_window(name, found, request.window)
    caption = f"How often what {report.model} gave a probability came true in {report.window}"
    return reliability_curve([report], template=request.template), caption


def _gain(name: str, found: Sequence[Report], request: DrawFigure) -> tuple[go.Figure, str]:
    from mlops_ext.monitoring.figures import challenger_gain

    metric = _metric_of(found, request.metric)
    caption = f"What {len(found)} challengers of {name} gain in {metric_name(metric)} over the champion"
    return challenger_gain(found, metric, template=request.template), caption


def _together(name: str, found: Sequence[Report], request: DrawFigure) -> tuple[go.Figure, str]:
    from mlops_ext.monitoring.drift.domain import DomainReport
    from mlops_ext.monitoring.figures import told_apart

    asked = [report for report in found if report.details.get("together")]
    if not asked:
        raise NotFound(f"no classifier was asked about {name}", hint="Compare with together=True")
    report = _of_window(name, asked, request.window)
    said = DomainReport.model_validate(report.details["together"]).sentence
    return told_apart(report, template=request.template), f"{report.window}: {said}"


_DRAWERS: dict[FigureKind, Callable[[str, Sequence[Report], DrawFigure], tuple[go.Figure, str]]] = {
    "metric": _metric,
    "drift": _drift,
    "column": _column,
    "reliability": _reliability,
    "gain": _gain,
    "together": _together,
}


def _metric_of(found: Sequence[Report], wanted: str) -> str:
    known = list(dict.fromkeys(each.name for report in found for each in report.metrics))
    if not known or (wanted and wanted not in known):
        raise NotFound.of("metric", wanted, known)
    return wanted or known[0]


def _of_slice(found: Sequence[Report], name: str) -> list[Report]:
    sliced = [of_slice(report, name) for report in found]
    judged = [report for report in sliced if report.metrics]
    if not judged:
        raise NotFound.of("judged slice", name, slices_in(found))
    return judged


def _of_window(name: str, found: Sequence[Report], window: str) -> Report:
    if not window:
        return found[-1]
    for report in found:
        if report.window == window:
            return report
    raise InvalidValue(
        f"{name} has no {found[0].kind} report on the window {window!r}",
        hint=f"Its windows: {', '.join(report.window for report in found)}",
    )
