"""Predictions and labels as rows of JSON, for a service that answers one request at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from mlops_ext.errors import InvalidValue
from mlops_ext.monitoring.performance.batches import log
from mlops_ext.monitoring.types import LogBatch, LoggedBatch
from mlops_ext.operations import operation
from mlops_ext.records import Request, Timestamp
from mlops_ext.workspace import Workspace

__all__ = ["LabelRow", "PostLabels", "PostPredictions", "PredictionRow", "post_labels", "post_predictions"]

MOST_ROWS = 10_000


class PredictionRow(Request):
    """One answer of a model."""

    id: int | str
    """What its label is joined by."""
    at: Timestamp
    prediction: bool | int | float | str
    probability: float | None = None
    """Of 1."""
    features: dict[str, bool | int | float | str | None] = Field(default_factory=dict)


class LabelRow(Request):
    """What turned out to be true."""

    id: int | str
    at: Timestamp
    """When it became known."""
    label: bool | int | float | str


class PostPredictions(Request):
    """Answers of a model version."""

    model: str = Field(description="Reference of the model version that answered")
    rows: tuple[PredictionRow, ...] = Field(
        min_length=1, max_length=MOST_ROWS, description="Each with id, at and prediction; probability and features"
    )
    window: str = Field(default="", description="Name of the window that they belong to, such as 2013-03")


class PostLabels(Request):
    """Labels that became known."""

    model: str = Field(description="Reference of the model version; labels count for all versions of the model")
    rows: tuple[LabelRow, ...] = Field(min_length=1, max_length=MOST_ROWS, description="Each with id, at and label")
    window: str = Field(default="", description="Name of the window; without one they are joined with every window")


@operation("monitoring.log_predictions", "POST /model-versions/{model}/predictions", writes=True)
def post_predictions(ws: Workspace, request: PostPredictions) -> LoggedBatch:
    """Log predictions as rows; the same rows again, after a lost answer say, are kept once."""
    from mlops_ext.monitoring.performance.predictions import prediction_table

    rows = request.rows
    names = list(dict.fromkeys(name for row in rows for name in row.features))
    probability = [row.probability for row in rows]
    table = prediction_table(
        _ids(rows),
        [row.prediction for row in rows],
        _all_or_none(probability),
        [row.at for row in rows],
        {name: [row.features.get(name) for row in rows] for name in names} or None,
    )
    return _log(ws, request, "predictions", table)


@operation("monitoring.log_labels", "POST /model-versions/{model}/labels", writes=True)
def post_labels(ws: Workspace, request: PostLabels) -> LoggedBatch:
    """Log labels as rows; the same rows again are kept once, of two labels of one id the later counts."""
    from mlops_ext.monitoring.performance.predictions import label_table

    rows = request.rows
    return _log(ws, request, "labels", label_table(_ids(rows), [row.label for row in rows], [row.at for row in rows]))


def _log(ws: Workspace, request: PostPredictions | PostLabels, kind: Any, table: Any) -> LoggedBatch:
    from mlops_ext.monitoring.performance.predictions import write_batch

    batch = ws.put_blob(write_batch(table, request.window))
    asked = LogBatch(model=request.model, kind=kind, batch=batch, rows=table.num_rows, window=request.window)
    return ws.call(log, asked)


def _ids(rows: Sequence[PredictionRow | LabelRow]) -> list[str]:
    # As text: 7 and "7" are one id, as they are when frames are logged.
    return [str(row.id) for row in rows]


def _all_or_none(values: Sequence[float | None]) -> Sequence[float | None] | None:
    missing = sum(value is None for value in values)
    if missing == len(values):
        return None
    if missing:
        raise InvalidValue(
            f"{missing} of {len(values)} rows have no probability", hint="Give it in every row, or in none"
        )
    return values
