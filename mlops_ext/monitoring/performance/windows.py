"""What is logged of a window, read back: predictions joined with labels, calibrations and earlier estimates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mlops_ext.errors import InvalidValue, NotFound, refuse_text
from mlops_ext.monitoring import service
from mlops_ext.monitoring.performance.batches import batches
from mlops_ext.monitoring.service import text_of
from mlops_ext.monitoring.types import ListBatches, ListReports, LoggedBatch, ShowReport
from mlops_ext.operations import every
from mlops_ext.refs import Ref
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from mlops_ext.models.types import ModelVersion
    from mlops_ext.monitoring.performance.estimate import Calibration
    from mlops_ext.monitoring.performance.measure import Measured
    from mlops_ext.monitoring.performance.predictions import Joined

__all__ = ["calibration_on", "estimate_error", "joined_window"]

_COLUMNS = ("id", "at", "prediction", "probability")


def joined_window(ws: Workspace, ref: str | ModelVersion, window: str, *, features: bool = False) -> tuple[str, Joined]:
    """Join the predictions that a version logged in a window with the labels of any version of the model.

    Parameters
    ----------
    ws : Workspace
        Where.
    ref : str or ModelVersion
        The version.
    window : str
        Name of the window.
    features : bool
        Also give what the model was given, in columns that begin with `feature:`.
    """
    from mlops_ext.monitoring.performance.predictions import join_labels, read_batch

    pinned = service.model_ref(ws, text_of(ref))
    logged = _batches(ws, pinned, "predictions", window)
    predictions = [batch for batch in logged if batch.window == window]
    if not any(batch.rows for batch in predictions):
        raise NotFound(f"{pinned} has no predictions of {window!r}", hint="Log them with log_predictions(…, window=…)")
    columns = None if features else _COLUMNS
    predicted = [read_batch(ws.blob_path(each.batch), columns) for each in predictions]
    known = _batches(ws, Ref.parse(pinned).name, "labels", window)
    labels = [read_batch(ws.blob_path(each.batch), ("id", "at", "label")) for each in known]
    return pinned, join_labels(predicted, labels)


def calibration_on(ws: Workspace, pinned: str, windows: Sequence[str]) -> Calibration:
    """Fit an isotonic calibration on labelled windows; none of them gives the identity."""
    from mlops_ext.monitoring.performance.estimate import fit_isotonic, uncalibrated

    if not windows:
        return uncalibrated()
    refuse_text("calibrate_on", windows)
    import pandas as pd

    rows = pd.concat([joined_window(ws, pinned, window)[1].labelled() for window in windows])
    if "probability" not in rows:
        raise InvalidValue(
            f"predictions of {', '.join(windows)} have no probabilities", hint="Log them with probability="
        )
    return fit_isotonic(rows["label"].to_numpy(dtype="float64"), rows["probability"].to_numpy(dtype="float64"))


def estimate_error(ws: Workspace, pinned: str, window: str, found: Measured) -> dict[str, Any]:
    """Say how far the newest estimate of this window was off: estimated minus measured."""
    page = ws.call(service.reports, ListReports(model=pinned, kind="estimate", window=window, limit=1))
    if not page.items:
        return {}
    earlier = ws.call(service.show, ShowReport(report=page.items[0].id))
    measured = {each.name: each.value for each in found.metrics}
    error = {each.name: each.value - measured[each.name] for each in earlier.metrics if each.name in measured}
    return {"estimate": {"report": earlier.ref, "calibration": earlier.details.get("calibration"), "error": error}}


def _batches(ws: Workspace, model: str, kind: str, window: str) -> list[LoggedBatch]:
    return list(every(ws, batches, ListBatches(model=model, kind=kind, window=window, limit=1000)))
