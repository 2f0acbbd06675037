"""Does a window deserve an alert? The model's impact decides, estimated first, measured then; never drift alone.

A band is the interval of the metric on the reference, say a validation split by time, widened by a tolerance. An alert
is due when the whole interval of the window lies beyond the band's worse end, so that noise on neither side raises one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.monitoring.alerts.types import AlertKind, RaiseAlert, Severity
from mlops_ext.monitoring.types import BETTER, MetricEstimate, Report, SaveReport

__all__ = [
    "CRITICAL",
    "Band",
    "alert_of_loss",
    "band_of",
    "impact_alert",
    "is_better_higher",
    "loss_alert",
    "window_alert",
]

CRITICAL = 0.05
"""A measured loss of so much beyond the limit, in the metric's unit, is critical."""


@dataclass(frozen=True)
class Band:
    """How bad a metric may become.

    Attributes
    ----------
    metric : str
        Its name.
    limit : float
        The worse end: the least of a metric that should be high, the most of one that should be low.
    sentence : str
        Where it comes from, with the numbers.
    higher : bool
        Whether more of it is better.
    """

    metric: str
    limit: float
    sentence: str
    higher: bool = True

    def left_by(self, found: MetricEstimate) -> bool:
        """Tell whether a metric, its whole interval included, lies beyond the limit; without an interval, its value."""
        best = found.high if self.higher else found.low
        if math.isnan(best):
            best = found.value
        return best < self.limit if self.higher else best > self.limit


def band_of(reference: Report | SaveReport, metric: str = "auc", tolerance: float = 0.0) -> Band:
    """Take the band from a report on the reference.

    Parameters
    ----------
    reference : Report
        A measured performance gives the worse end of its interval; an estimate gives its value, for what a model
        claims of itself has no noise of labels.
    metric : str
        Which metric.
    tolerance : float
        By how much more it may be worse, in the metric's unit.
    """
    found = _metric(reference, metric)
    sign = 1 if is_better_higher(metric, reference.details) else -1
    edge = found.low if sign == 1 else found.high
    start = found.value if found.kind == "estimated" or math.isnan(edge) else edge
    said = f"{found.value:.3f}" if start == found.value else f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"
    change = f" {'less' if sign == 1 else 'plus'} {tolerance:g}" if tolerance else ""
    sentence = f"{found.kind} {said} on {reference.window}{change}"
    return Band(metric, start - sign * tolerance, sentence, sign == 1)


def is_better_higher(metric: str, details: Mapping[str, Any]) -> bool:
    """Tell which way a metric improves, also one of the user's own, by a report's details."""
    way = {**BETTER, **details.get("better", {})}.get(metric)
    if way is None:
        raise InvalidValue(f"it is not known which way {metric!r} is better", hint="Set the function's `better`")
    return bool(way == "higher")


def impact_alert(
    estimate: Report,
    reference: Report,
    *,
    metric: str = "auc",
    tolerance: float = 0.0,
    monitor: str = "",
    details: Mapping[str, Any] | None = None,
) -> RaiseAlert | None:
    """Ask for an alert when the metric that is estimated without labels leaves the reference's band.

    Parameters
    ----------
    estimate, reference : Report
        Of the window, and of the reference.
    metric : str
        Which metric.
    tolerance : float
        See `band_of`.
    monitor : str
        Name of the monitor; made of metric and kind when left out.
    details : mapping, optional
        Values that a trigger may hand to a notebook.
    """
    band = band_of(reference, metric, tolerance)
    return alert_of_loss("estimated_impact", estimate, band, monitor or f"{metric}-estimate", details)


def loss_alert(
    performance: Report,
    reference: Report,
    *,
    metric: str = "auc",
    tolerance: float = 0.0,
    monitor: str = "",
    details: Mapping[str, Any] | None = None,
) -> RaiseAlert | None:
    """Ask for an alert when the metric that is measured with labels leaves the reference's band.

    Parameters
    ----------
    performance : Report
        Of the window, with labels.
    reference : Report
        Of the reference, or the window's own estimate: then the model did worse than it claimed.
    metric, tolerance, monitor, details
        As for `impact_alert`.
    """
    band = band_of(reference, metric, tolerance)
    return alert_of_loss("performance_loss", performance, band, monitor or f"{metric}-loss", details)


def window_alert(
    reference: Report,
    *,
    estimate: Report | None = None,
    performance: Report | None = None,
    metric: str = "auc",
    tolerance: float = 0.0,
    details: Mapping[str, Any] | None = None,
) -> RaiseAlert | None:
    """Decide on a window with what is known of it: measured when there are labels, else estimated.

    A measured loss outranks what was estimated, both ways: once labels show the metric inside the band, an estimate
    outside it raises nothing.
    """
    if performance is not None:
        return loss_alert(performance, reference, metric=metric, tolerance=tolerance, details=details)
    if estimate is not None:
        return impact_alert(estimate, reference, metric=metric, tolerance=tolerance, details=details)
    return None


def alert_of_loss(
    kind: AlertKind,
    report: Report | SaveReport,
    band: Band,
    monitor: str = "",
    details: Mapping[str, Any] | None = None,
) -> RaiseAlert | None:
    """Ask for an alert when a metric has left its band; its severity is by what is lost."""
    found = _metric(report, band.metric)
    if math.isnan(found.value) or not band.left_by(found):
        return None
    spread = "" if math.isnan(found.low) else f" [{found.low:.3f}, {found.high:.3f}]"
    side = "below" if band.higher else "above"
    message = (
        f"{band.metric} of {report.model} on {report.window} is {found.kind} at {found.value:.3f}{spread}, "
        f"{side} {band.limit:.3f} ({band.sentence})"
    )
    return RaiseAlert(
        monitor=monitor,
        model=report.model,
        kind=kind,
        window=report.window,
        message=message,
        severity=_severity(kind, found, band),
        report=getattr(report, "id", ""),
        details=dict(details or {}),
    )


def _severity(kind: AlertKind, found: MetricEstimate, band: Band) -> Severity:
    """Judge by what is lost: a measured loss well beyond the limit is critical, an estimated one a warning."""
    beyond = abs(found.value - band.limit)
    return "critical" if kind == "performance_loss" and beyond >= CRITICAL else "warning"


def _metric(report: Report | SaveReport, name: str) -> MetricEstimate:
    for each in report.metrics:
        if each.name == name:
            return each
    raise NotFound.of(
        f"metric of {getattr(report, 'ref', report.window)}", name, [each.name for each in report.metrics]
    )
