"""Is a model all right, since when not, what moved, and what to do: read off alerts and the newest reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlops_ext.models import service as registry
from mlops_ext.models.types import Model, NoRequest, ShowModel
from mlops_ext.monitoring.alerts import service as alerting
from mlops_ext.monitoring.alerts.types import SEVERITIES, Alert, ListAlerts
from mlops_ext.monitoring.dashboard.reading import name_of, newest_reports, slices_in, window_order
from mlops_ext.monitoring.dashboard.types import Health, HealthStatus, MovedColumn, ShowHealth, Together, WindowState
from mlops_ext.monitoring.types import MetricEstimate, Report, column_of_slice, metric_name
from mlops_ext.operations import operation
from mlops_ext.workspace import Workspace

__all__ = ["health"]

LEAST_COVERAGE = 0.5
"""Below this share of known labels a measured window is called thin."""
_WORDS: dict[HealthStatus, str] = {
    "healthy": "is all right",
    "at_risk": "is at risk",
    "degraded": "does worse than it should",
    "unknown": "is not watched yet",
}


@operation("monitoring.health", "GET /models/{model}/health", command="health")
def health(ws: Workspace, request: ShowHealth) -> Health:
    """Tell at a glance whether a model is all right, since when not, what moved, and what to do.

    An open or acknowledged alert on a measured loss makes it degraded, any other at risk; a model without one is
    healthy when there are reports, and unknown when there are none. What only informs, as drift that costs nothing, is
    shown and alarms nobody.
    """
    model = ws.call(registry.show, ShowModel(model=name_of(request.model)))
    alerts = _unsettled(ws, model.name)
    reports = {
        kind: newest_reports(ws, model.name, kind, request.most) for kind in ("estimate", "performance", "drift")
    }
    environment = _last_environment(ws, model)
    metric = request.metric or _metric_of(alerts, [*reports["performance"], *reports["estimate"]])
    windows = _windows(reports, metric)
    status = _status(alerts, windows)
    serving = f"{model.name}@{model.environments[environment]}" if environment else ""
    since = window_order({each for alert in alerts if alert.severity != "info" for each in alert.windows})[:1]
    moved = _moved(reports["drift"])
    return Health(
        model=model.name,
        status=status,
        since=since[0] if since else "",
        summary_text=_sentence(model.name, status, since, windows, moved),
        serving=serving,
        environment=environment,
        alerts=tuple(alert.message for alert in alerts),
        todo=tuple(_todo(model, environment, alerts, windows, moved)),
        metrics=tuple(dict.fromkeys(each.name for report in _judged(reports) for each in report.metrics)),
        slices=slices_in(reports["performance"]),
        moved=moved,
        windows=windows,
        comparisons=tuple(each.id for each in newest_reports(ws, model.name, "comparison", request.most)),
    )


def _unsettled(ws: Workspace, model: str) -> list[Alert]:
    """Give what nobody has resolved, the worst first."""
    found = [
        alert
        for state in ("open", "acknowledged")
        for alert in ws.call(alerting.alerts, ListAlerts(model=model, state=state))
    ]
    return sorted(found, key=lambda alert: (-SEVERITIES.index(alert.severity), alert.kind != "performance_loss"))


def _last_environment(ws: Workspace, model: Model) -> str:
    policy = ws.call(registry.show_policy, NoRequest()).policy
    return next((each for each in reversed(policy.environments) if each in model.environments), "")


def _judged(reports: Mapping[str, Sequence[Report]]) -> list[Report]:
    return [*reports["performance"], *reports["estimate"]]


def _metric_of(alerts: Sequence[Alert], judged: Sequence[Report]) -> str:
    """Choose the metric that an alert is about, else the first that the reports have."""
    names = list(dict.fromkeys(each.name for report in judged for each in report.metrics))
    about = [name for alert in alerts for name in names if alert.monitor.startswith(f"{name}-")]
    return next(iter([*about, *names]), "")


def _windows(reports: Mapping[str, Sequence[Report]], metric: str) -> tuple[WindowState, ...]:
    by_kind = {kind: {report.window: report for report in found} for kind, found in reports.items()}
    names = window_order({window for found in by_kind.values() for window in found})
    return tuple(_window(name, {kind: found.get(name) for kind, found in by_kind.items()}, metric) for name in names)


def _window(name: str, found: Mapping[str, Report | None], metric: str) -> WindowState:
    performance, estimate, drift = found["performance"], found["estimate"], found["drift"]
    judged = performance or estimate
    value = _estimate(performance, metric) or _estimate(estimate, metric)
    verdict = drift.verdict if drift else None
    slices = tuple(drift.details.get("slices", ())) if drift else ()
    columns = _compared(drift, slices)
    return WindowState(
        window=name,
        model=judged.model if judged else drift.model if drift else "",
        metric=metric if value else "",
        value=value.value if value else None,
        low=value.low if value else None,
        high=value.high if value else None,
        kind=value.kind if value else "",
        label_coverage=performance.label_coverage if performance else None,
        drifted=len(set(columns).intersection(verdict.columns)) if verdict else None,
        columns=columns,
        pictured=_pictured(drift, slices),
        together=_together(drift),
        calibrated=bool(performance and performance.details.get("reliability")),
        reports={kind: report.id for kind, report in found.items() if report},
    )


def _together(drift: Report | None) -> Together | None:
    found = drift.details.get("together") if drift else None
    if not found:
        return None
    told = tuple(each["column"] for each in found["columns"])
    return Together(columns=told, **{name: found[name] for name in ("drifted", "auc", "low", "high", "p_value")})


def _estimate(report: Report | None, metric: str) -> MetricEstimate | None:
    return next((each for each in report.metrics if each.name == metric), None) if report else None


def _compared(drift: Report | None, slices: Sequence[str]) -> tuple[str, ...]:
    """Give the columns that were compared, those to look at first in front; a column's slices are not columns."""
    in_slices = tuple(column_of_slice("", each) for each in slices)
    return tuple(each["column"] for each in _decisions(drift) if not each["column"].endswith(in_slices))


def _pictured(drift: Report | None, slices: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Give the columns of which there are bins, hidden ones have none, each with its slices of which there are."""
    histograms = drift.details.get("histograms", {}) if drift else {}
    return {
        name: tuple(part for part in slices if column_of_slice(name, part) in histograms)
        for name in _compared(drift, slices)
        if name in histograms
    }


def _decisions(report: Report | None) -> list[dict[str, Any]]:
    return list(report.details.get("decisions", ())) if report else []


def _moved(drift: Sequence[Report]) -> tuple[MovedColumn, ...]:
    """Give what drifted in the newest window and since when; a slice only where its column as a whole has not."""
    if not drift:
        return ()
    drifted = [{each["column"] for each in _decisions(report) if each["status"] == "drift"} for report in drift]
    newest = drift[-1]
    covered = {column_of_slice(name, part) for name in drifted[-1] for part in newest.details.get("slices", ())}
    return tuple(
        MovedColumn(
            column=each["column"],
            psi=float(each["size"]),
            impact=float(each["impact"]),
            since=_since(each["column"], drift, drifted),
            reason=each["reason"],
        )
        for each in _decisions(newest)
        if each["status"] == "drift" and each["column"] not in covered
    )


def _since(column: str, reports: Sequence[Report], drifted: Sequence[set[str]]) -> str:
    first = len(reports) - 1
    while first and column in drifted[first - 1]:
        first -= 1
    return reports[first].window


def _status(alerts: Sequence[Alert], windows: Sequence[WindowState]) -> HealthStatus:
    if any(alert.kind == "performance_loss" for alert in alerts):
        return "degraded"
    if any(alert.severity != "info" for alert in alerts):
        return "at_risk"
    return "healthy" if windows else "unknown"


def _sentence(
    model: str,
    status: HealthStatus,
    since: Sequence[str],
    windows: Sequence[WindowState],
    moved: Sequence[MovedColumn],
) -> str:
    parts = [f"{model} {_WORDS[status]}" + (f" since {since[0]}" if since else "")]
    newest = next((each for each in reversed(windows) if each.value is not None), None)
    if newest is not None:
        parts.append(f"{metric_name(newest.metric)} {newest.kind} at {newest.value:.3f} in {newest.window}")
    if moved:
        names = ", ".join(each.column for each in moved[:3])
        more = f" and {len(moved) - 3} more" if len(moved) > 3 else ""
        parts.append(f"moved: {names}{more}")
    elif (joint := windows[-1].together if windows else None) is not None and joint.drifted:
        parts.append(f"moved: all columns together, most by {', '.join(joint.columns[:3])}")
    return "; ".join(parts)


def _todo(
    model: Model,
    environment: str,
    alerts: Sequence[Alert],
    windows: Sequence[WindowState],
    moved: Sequence[MovedColumn],
) -> list[str]:
    serving = f"{model.name}@{environment}" if environment else f"{model.name}@{model.latest}"
    if not windows:
        return [f"Log what it predicts: mlops.log_predictions({serving!r}, …)"]
    steps = []
    lost = next((alert for alert in alerts if alert.kind in ("performance_loss", "estimated_impact")), None)
    if lost is not None:
        steps.append(f"See which rows lost it: mlops.worst_slices({lost.model!r}, {lost.window!r})")
        if environment:
            steps.append(f"Go back while you look: mlops rollback {serving}")
    steps += [f"Take care of it: mlops alerts acknowledge {alert.id}" for alert in alerts if alert.state == "open"]
    thin = [each.window for each in windows if each.label_coverage is not None and each.label_coverage < LEAST_COVERAGE]
    unlabelled = [each.window for each in windows if each.kind == "estimated"]
    if thin or unlabelled:
        window = (unlabelled or thin)[-1]
        steps.append(f"Log labels when they come, {window} is waiting: mlops.log_labels({serving!r}, …)")
    if moved and lost is None:
        steps.append(f"Nothing is lost by it yet; look at {moved[0].column} first")
    return steps
