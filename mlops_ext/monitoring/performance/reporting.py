"""A window of logged predictions judged by its labels, or estimated without them, as the report that is saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.monitoring.performance.windows import calibration_on, estimate_error, joined_window
from mlops_ext.monitoring.types import ReportKind, SaveReport
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

    from mlops_ext.models.types import ModelVersion
    from mlops_ext.monitoring.performance.custom import Judged, Metric
    from mlops_ext.monitoring.performance.measure import Measured

__all__ = ["Judging", "estimated_window", "measured_window", "report_on"]


@dataclass(frozen=True)
class Judging:
    """How a window is judged; see `performance`."""

    threshold: float = 0.5
    task: str = ""
    metrics: tuple[str | Metric, ...] = ()
    slices: tuple[str, ...] = ()
    draws: int = 200
    seed: int = 2013


def measured_window(ws: Workspace, ref: str | ModelVersion, window: str, how: Judging) -> SaveReport:
    """Judge a window whose labels are known; see `performance`."""
    from mlops_ext.monitoring.performance.answers import judged_of, task_of
    from mlops_ext.monitoring.performance.custom import metrics_named, with_metrics
    from mlops_ext.monitoring.performance.measure import Bootstrap, measure
    from mlops_ext.monitoring.performance.slices import check_slices, judge_slices

    own = metrics_named(how.metrics)
    pinned, joined = joined_window(ws, ref, window, features=bool(own or how.slices))
    rows = joined.labelled()
    if rows.empty:
        raise NotFound(
            f"no labels of {window!r} for {pinned}", hint="Log them with log_labels, or estimate() without them"
        )
    kind = how.task or task_of(rows)

    def judged(part: pd.DataFrame) -> Judged:
        return with_metrics(judged_of(part, how.threshold, kind), part, own)

    bootstrap = Bootstrap(how.draws, how.seed)
    if how.slices:
        check_slices(ws, pinned, rows, how.slices)
    found = measure(judged(rows), bootstrap)
    details: dict[str, Any] = {"counts": joined.counts, "duplicates": "the last by time counts"}
    details |= {"threshold": how.threshold} if "positive_rate" in found.details else {}
    details |= {"slices": judge_slices(rows, how.slices, judged, bootstrap)} if how.slices else {}
    details |= estimate_error(ws, pinned, window, found)
    about = {"model": pinned, "window": window, "label_coverage": joined.coverage}
    return report_on(about, "performance", "measured", found, details)


def estimated_window(
    ws: Workspace, ref: str | ModelVersion, window: str, how: Judging, calibrate_on: Sequence[str] = ()
) -> SaveReport:
    """Estimate a window before its labels are known; see `estimate`."""
    from mlops_ext.monitoring.performance.estimate import expected
    from mlops_ext.monitoring.performance.measure import Bootstrap
    from mlops_ext.monitoring.performance.predictions import scored_of

    pinned, joined = joined_window(ws, ref, window)
    scored = scored_of(joined.frame, joined.frame["prediction"], how.threshold)
    if scored.score is None:
        raise InvalidValue(f"predictions of {window!r} have no probabilities", hint="Log them with probability=")
    calibration = calibration_on(ws, pinned, calibrate_on)
    found = expected(scored.day, scored.score, calibration, how.threshold, Bootstrap(how.draws, how.seed))
    details = {"calibrated_on": list(calibrate_on), "counts": {"predictions": len(joined.frame)}}
    about = {"model": pinned, "window": window, "label_coverage": joined.coverage}
    return report_on(about, "estimate", "estimated", found, details)


def report_on(
    about: dict[str, Any], kind: ReportKind, status: str, found: Measured, details: dict[str, Any]
) -> SaveReport:
    """Give what was found as a report, with every constant that it used."""
    whole = {**found.details, **details}
    return SaveReport(**about, kind=kind, status=status, metrics=found.metrics, details=whole)
