"""What drift costs the model, as far as that is known: it decides how loud the alert is, not the statistics alone.

Where the model's predictions of the window are logged, its metric is measured with the labels that there are, else
estimated from the probabilities, and held to an earlier window. Else the importance of what drifted is told, or why the
cost is not known and what would tell it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Row, select

from mlops_ext.errors import MlopsError
from mlops_ext.monitoring.alerts.types import Severity
from mlops_ext.monitoring.service import reports, show, told_by
from mlops_ext.monitoring.tables import logged_batches
from mlops_ext.monitoring.types import ListReports, MetricEstimate, Report, SaveReport, ShowReport
from mlops_ext.records import Record
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from mlops_ext.monitoring.alerts.bands import Band
    from mlops_ext.monitoring.drift.verdict import Decision

__all__ = ["LEAST_SHARE", "METRIC", "Impact", "impact_of"]

METRIC = "auc"
"""What performance is held to when no metric is named."""
LEAST_SHARE = 0.1
"""Drift of columns with less than this share of the importance is told and wakes nobody."""


_GIVE = "give the monitor importance={column: weight}"


class _Unknown(NamedTuple):
    """Why the cost is not known, and what would tell it."""

    why: str
    remedy: str


class Impact(Record):
    """What drift is estimated to cost."""

    severity: Severity
    sentence: str
    by: str
    """`measured`, `estimated`, `importance`, or `unknown`."""
    metric: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    """The worse end of what the metric was before."""
    share: float | None = None
    """Of the importance, that of the columns that drifted."""


def impact_of(ws: Workspace, monitor: Row[Any], window: str, model: str, decisions: Sequence[Decision]) -> Impact:
    """Estimate what the drift of a window costs.

    Parameters
    ----------
    ws : Workspace
        Where.
    monitor : Row
        The monitor; what it, else the model, says of importance counts where nothing is logged.
    window : str
        The window's name.
    model : str
        The version that it concerns, such as `delay@3`; empty for none.
    decisions : sequence of Decision
        Of each column.
    """
    reason: _Unknown | None = None
    if model and monitor.predictions:
        try:
            found = _on_the_metric(ws, model, window)
        except MlopsError as error:
            found = _Unknown(str(error), f"mend that, or {_GIVE}")
        if isinstance(found, Impact):
            return found
        reason = found
    importance = monitor.options["importance"] or (told_by(ws, model) if model else {})
    if importance:
        return _of_importance(importance, decisions)
    why, remedy = reason or _unwatched(ws, model)
    sentence = f"what it costs {model or 'a model'} is not known, since {why}: {remedy}"
    return Impact(severity="warning", by="unknown", sentence=sentence)


def _unwatched(ws: Workspace, model: str) -> _Unknown:
    """Say why no metric tells the cost of a monitor that watches data, not what a model logs."""
    if not model:
        return _Unknown("the monitor names no model", f"name one with logged predictions, or {_GIVE}")
    with ws.catalog.read() as connection:
        here = (logged_batches.c.model == model) & (logged_batches.c.kind == "predictions")
        logged = connection.execute(select(logged_batches.c.id).where(here).limit(1)).first()
    if logged:
        return _Unknown(
            "the monitor watches data, not the logged predictions", f"watch those with predictions=True, or {_GIVE}"
        )
    return _Unknown("no predictions of it are logged", f"log them with log_predictions(…, probability=), or {_GIVE}")


def _on_the_metric(ws: Workspace, model: str, window: str) -> Impact | _Unknown:
    """Hold the window's metric to an earlier one, or say why that cannot be."""
    from mlops_ext.monitoring.alerts.bands import alert_of_loss, band_of

    seen = _judged(ws, model, window)
    if seen is None:
        return _Unknown(f"{window!r} has neither labels nor probabilities", f"log either, or {_GIVE}")
    before = _before(ws, model, window)
    if before is None:
        return _Unknown(f"no other window tells what {model} did before", f"log one with labels, or {_GIVE}")
    shared = [each for each in seen.metrics if any(each.name == other.name for other in before.metrics)]
    metric = next((each for each in shared if each.name == METRIC), shared[0] if shared else None)
    if metric is None:
        return _Unknown(f"{window!r} shares no metric with {before.window!r}", f"log labels of both, or {_GIVE}")
    band = band_of(before, metric.name)
    raised = alert_of_loss("performance_loss" if seen.kind == "performance" else "estimated_impact", seen, band)
    sentence = raised.message if raised is not None else _held(seen, metric, band)
    severity: Severity = raised.severity if raised is not None else "info"
    numbers = {"value": metric.value, "low": metric.low, "high": metric.high, "limit": band.limit}
    return Impact(severity=severity, sentence=sentence, by=metric.kind, metric=metric.name, **numbers)


def _judged(ws: Workspace, model: str, window: str) -> SaveReport | None:
    """Measure with what labels there are, else estimate from probabilities."""
    from mlops_ext.monitoring.performance.reporting import Judging, estimated_window, measured_window
    from mlops_ext.monitoring.performance.windows import joined_window

    _, joined = joined_window(ws, model, window)
    if len(joined.labelled()):
        return measured_window(ws, model, window, Judging())
    return estimated_window(ws, model, window, Judging()) if "probability" in joined.frame else None


def _before(ws: Workspace, model: str, window: str) -> Report | SaveReport | None:
    """Give what was measured last in another window, else what the first logged window shows."""
    page = ws.call(reports, ListReports(model=model, kind="performance", limit=20))
    for each in page.items:
        if each.status == "measured" and each.window != window:
            return ws.call(show, ShowReport(report=each.id))
    batches = logged_batches.c
    here = (batches.model == model) & (batches.kind == "predictions") & batches.window.not_in(["", window])
    with ws.catalog.read() as connection:
        first = connection.execute(select(batches.window).where(here).order_by(batches.id).limit(1)).scalar()
    return _judged(ws, model, first) if first else None


def _held(seen: SaveReport, metric: MetricEstimate, band: Band) -> str:
    number = f"{metric.value:.3f} [{metric.low:.3f}, {metric.high:.3f}]"
    return f"{metric.name} of {seen.model} is {metric.kind} at {number}, not beyond {band.limit:.3f} ({band.sentence})"


def _of_importance(importance: Mapping[str, float], decisions: Sequence[Decision]) -> Impact:
    total = sum(importance.values())
    drifted = sum(importance.get(each.column, 0.0) for each in decisions if each.status == "drift")
    share = drifted / total if total else 0.0
    severity: Severity = "warning" if share >= LEAST_SHARE else "info"
    return Impact(severity=severity, by="importance", share=share, sentence=f"{share:.0%} of the importance drifted")
