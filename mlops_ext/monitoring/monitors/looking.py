"""What a monitor looks for in a window: drift, faults of the data, or lost performance; each gives a report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, select

from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.monitoring.monitors.impact import METRIC, impact_of
from mlops_ext.monitoring.monitors.parts import whole
from mlops_ext.monitoring.monitors.profiles import profile_of, treatment
from mlops_ext.monitoring.monitors.tables import monitor_windows
from mlops_ext.monitoring.service import model_ref, reports, show, told_by
from mlops_ext.monitoring.types import ListReports, Report, SaveReport, ShowReport
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from mlops_ext.monitoring.alerts.bands import Band

__all__ = ["HEARD", "Look", "look"]

HEARD = ("drift", "failed", "lost")
"""The answers that raise an alert."""


@dataclass(frozen=True)
class Look:
    """What was found in a window.

    Attributes
    ----------
    request : SaveReport
        The report that is saved.
    status : str
        The window's answer in a word.
    found : tuple of str
        Columns, or the metric, that are wrong.
    rows : int
        How many were looked at.
    exact : bool
        Whether those are all that there were.
    """

    request: SaveReport
    status: str
    found: tuple[str, ...]
    rows: int
    exact: bool = True


def look(ws: Workspace, monitor: Row[Any], window: str, level: float | None, promise: str) -> Look:
    """Look at a window as its monitor says.

    Parameters
    ----------
    ws : Workspace
        Where.
    monitor : Row
        The monitor.
    window : str
        A version such as `flights@3`, or the name of a window.
    level : float or None
        The window's chance of a false alarm; performance has none.
    promise : str
        What is promised over time, as it ends the method.
    """
    kind = monitor.options.get("kind", "drift")
    if level is None:
        found = _performance(ws, monitor, window)
    else:
        found = (
            _quality(ws, monitor, window, level) if kind == "quality" else _drift(ws, monitor, window, level, promise)
        )
    details = {**found.request.details, "monitor": monitor.name}
    return replace(found, request=found.request.model_copy(update={"details": details}))


def _drift(ws: Workspace, monitor: Row[Any], window: str, level: float, promise: str) -> Look:
    from mlops_ext.monitoring.drift.compare import Treatment, compare_frames
    from mlops_ext.monitoring.drift.display import DriftReport
    from mlops_ext.monitoring.drift.edge import usual_of
    from mlops_ext.monitoring.drift.hiding import hidden_in, without_values

    options = monitor.options
    reference, named = _reference(ws, monitor)
    current, source, exact = _current(ws, monitor, window)
    categorical, numeric = (options["categorical"], options["numeric"]) if exact else treatment(ws, monitor)
    model = _model(ws, monitor)
    how = Treatment(
        columns=options["columns"] or None,
        categorical=categorical,
        numeric=numeric,
        statistics=options["statistics"] or None,
        importance=options["importance"],
        told=told_by(ws, model) if model else {},
        complete=True,
        together=bool(options.get("together") or options.get("text")),
        text=options.get("text", ()),
    )
    if season := options.get("season"):
        reference, current = usual_of([reference], season, options["at"], current)
    found = compare_frames(reference, current, how, alpha=level, bound=options["bound"])
    found = without_values(found, hidden_in([named, source], ws))
    verdict = found.verdict.model_copy(update={"method": found.verdict.method + promise})
    report = DriftReport(replace(found, verdict=verdict), named, source, _made_of(ws, monitor), window, model)
    request = report.request()
    if verdict.status == "drift":
        impact = impact_of(ws, monitor, window, model, found.decisions)
        request = request.model_copy(update={"details": {**request.details, "impact": impact.model_dump(mode="json")}})
    return Look(request, verdict.status, tuple(verdict.columns), found.sizes[1], exact)


def _quality(ws: Workspace, monitor: Row[Any], window: str, level: float) -> Look:
    from mlops_ext.datasets.used import unnoticed
    from mlops_ext.monitoring.quality.edge import quality, request_of

    options = monitor.options
    current, _, exact = (window, "", True) if monitor.data else _current(ws, monitor, window)
    if not exact:
        raise InvalidValue(
            f"of {window!r} only a sketch is left", hint="Shorten its window, or raise the monitor's exact_rows"
        )
    reference, named = _reference(ws, monitor)
    settings = {name: options[name] for name in ("keys", "at", "max_age", "missing", "outside", "volume")}
    with unnoticed():
        made = quality(current, reference=reference, alpha=level, window=window, workspace=ws, **settings)
    asked = set(options["columns"])
    checks = [each for each in made.checks if not asked or not each.column or each.column in asked]
    wrong = [each.column or each.check for each in checks if not each.passed]
    told = {"reference": named, "checks": tuple(checks), "passed": not wrong, "failed": len(wrong)}
    request = request_of(made.model_copy(update=told), _model(ws, monitor))
    return Look(request, request.status, tuple(dict.fromkeys(wrong)), made.rows)


def _performance(ws: Workspace, monitor: Row[Any], window: str) -> Look:
    """Measure with what labels there are, else estimate from probabilities, and hold the metric to its band."""
    from mlops_ext.monitoring.performance.reporting import Judging, estimated_window, measured_window
    from mlops_ext.monitoring.performance.windows import joined_window

    pinned, joined = joined_window(ws, monitor.model, window)
    rows = len(joined.frame)
    if len(joined.labelled()):
        request = measured_window(ws, pinned, window, Judging())
    elif "probability" in joined.frame:
        request = estimated_window(ws, pinned, window, Judging())
    else:
        waits = SaveReport(kind="performance", model=pinned, window=window, status="unlabelled", label_coverage=0.0)
        return Look(waits, "unlabelled", (), rows)
    raised = _loss(request, _band(ws, monitor, request))
    if raised is None:
        return Look(request, "held", (), rows)
    metric = monitor.options["metric"] or METRIC
    details = {**request.details, "loss": {**raised, "metric": metric}}
    return Look(request.model_copy(update={"details": details}), "lost", (metric,), rows)


def _loss(request: SaveReport, band: Band) -> dict[str, Any] | None:
    from mlops_ext.monitoring.alerts.bands import alert_of_loss

    raised = alert_of_loss("performance_loss" if request.kind == "performance" else "estimated_impact", request, band)
    return raised.model_dump(mode="json", include={"kind", "message", "severity"}) if raised is not None else None


def _band(ws: Workspace, monitor: Row[Any], request: SaveReport) -> Band:
    """Give how bad the metric may become: the monitor's own limit, else what was measured in another window."""
    from mlops_ext.monitoring.alerts.bands import Band, band_of, is_better_higher

    options = monitor.options
    metric, tolerance = options["metric"] or METRIC, options["tolerance"]
    if options["limit"] is not None:
        higher = is_better_higher(metric, request.details)
        limit = options["limit"] - tolerance if higher else options["limit"] + tolerance
        return Band(metric, limit, f"the limit of {monitor.name}", higher)
    return band_of(_newest(ws, request.model, options["against"]), metric, tolerance)


def _newest(ws: Workspace, model: str, window: str) -> Report:
    """Give the newest measured report of a window, of the version or else of another one of the model."""
    for text in (model, model.partition("@")[0]):
        page = ws.call(reports, ListReports(model=text, kind="performance", window=window, limit=20))
        for each in page.items:
            if each.status == "measured":
                return ws.call(show, ShowReport(report=each.id))
    raise NotFound(
        f"no measured performance of {model} on {window!r} to hold it to", hint="Call performance() on that window"
    )


def _model(ws: Workspace, monitor: Row[Any]) -> str:
    return model_ref(ws, monitor.model) if monitor.model else ""


def _reference(ws: Workspace, monitor: Row[Any]) -> tuple[Any, str]:
    """Give what windows are compared with, and its full reference."""
    from mlops_ext.datasets.used import unnoticed
    from mlops_ext.monitoring.drift.edge import frame_of

    if digest := monitor.options.get("profile"):
        known, _ = profile_of(ws, digest)
        watched = {name: known.readers[name] for name in monitor.columns}
        return replace(known, readers=watched), f"file:{monitor.reference_given}"
    with unnoticed():
        reference, named = frame_of(monitor.reference.removeprefix("dataset:"), ws)
    chosen = monitor.columns if monitor.options["columns"] or not monitor.data else None
    if chosen is not None and (at := monitor.options.get("at")):
        chosen = list(dict.fromkeys([*chosen, at]))
    return (reference if chosen is None else reference.select(chosen)), named


def _made_of(ws: Workspace, monitor: Row[Any]) -> tuple[str, ...]:
    """Give the dataset versions that a stored reference was made of."""
    digest = monitor.options.get("profile")
    return tuple(profile_of(ws, digest)[1]) if digest else ()


def _current(ws: Workspace, monitor: Row[Any], window: str) -> tuple[Any, str, bool]:
    """Give the rows of a window, the full reference of their dataset, and whether they are all of them."""
    from mlops_ext.datasets.used import unnoticed
    from mlops_ext.monitoring.drift.edge import frame_of
    from mlops_ext.monitoring.monitors.states import Rows

    if monitor.data:
        with unnoticed():
            frame, source = frame_of(window, ws)
        return frame, source, True
    if monitor.predictions:
        return _predicted(ws, monitor, window), "", True
    with ws.catalog.read() as connection:
        here = (monitor_windows.c.monitor == monitor.name) & (monitor_windows.c.window == window)
        rows = connection.execute(select(monitor_windows.c.rows).where(here)).scalar()
    state = whole(ws, monitor, window, exact=(rows or 0) <= monitor.options["exact_rows"])
    if not rows:
        raise NotFound(f"no rows were observed in {window!r}", hint="See: mlops monitors windows")
    return state.columns(), "", isinstance(state, Rows)


def _predicted(ws: Workspace, monitor: Row[Any], window: str) -> dict[str, Any]:
    """Give what the model was given in a window, as far as it was logged."""
    from mlops_ext.monitoring.performance.predictions import FEATURE
    from mlops_ext.monitoring.performance.windows import joined_window

    _, joined = joined_window(ws, monitor.model, window, features=True)
    features = [name for name in joined.frame.columns if name.startswith(FEATURE)]
    if not features:
        raise NotFound(f"the predictions of {window!r} hold no features", hint="Log them with features=")
    return {name.removeprefix(FEATURE): joined.frame[name] for name in features}
