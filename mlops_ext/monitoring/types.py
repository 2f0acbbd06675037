"""Drift, performance and reports as records."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from mlops_ext.records import Digest, PageRequest, Record, Request, Timestamp

__all__ = [
    "BETTER",
    "BINARY",
    "REFERENCE_SUFFIX",
    "DriftRow",
    "ListBatches",
    "ListReports",
    "LogBatch",
    "LoggedBatch",
    "MetricEstimate",
    "Report",
    "ReportKind",
    "SaveReport",
    "ShowReport",
    "Verdict",
    "column_of_slice",
    "metric_name",
]  # fmt: skip

REFERENCE_SUFFIX = ".reference"
"""How the name of a stored reference ends."""
ReportKind = Literal["drift", "performance", "estimate", "comparison", "bias", "slices", "attribution", "quality"]
BETTER: dict[str, Literal["higher", "lower"]] = {
    "auc": "higher",
    "f1": "higher",
    "accuracy": "higher",
    "brier": "lower",
    "log_loss": "lower",
    "ece": "lower",
    "macro_f1": "higher",
    "rmse": "lower",
    "mae": "lower",
    "median_error": "lower",
    "r2": "higher",
}
"""Which way each metric improves."""
BINARY = ("auc", "f1", "accuracy", "brier", "log_loss", "ece")
"""The metrics of two classes."""
_NAMES = {
    "auc": "AUC",
    "f1": "F1",
    "accuracy": "Accuracy",
    "brier": "Brier score",
    "log_loss": "Log loss (nats)",
    "ece": "Calibration error (ECE)",
    "macro_f1": "Macro F1",
    "rmse": "RMSE",
    "mae": "Mean absolute error",
    "median_error": "Median absolute error",
    "r2": "R²",
}


def column_of_slice(column: str, name: str) -> str:
    """Name a column's rows of a slice, such as `temp [origin=EWR]`; without a slice the column itself."""
    return f"{column} [{name}]" if name else column


def metric_name(metric: str) -> str:
    """Write a metric as the field does; one that is not widely known stays as it was logged."""
    return _NAMES.get(metric, metric)


class DriftRow(Record):
    """One statistic of one column; every constant that it used stands in `parameters`."""

    shown: ClassVar[tuple[str, ...]] = ("column", "statistic", "value", "p_value")
    column: str
    statistic: str
    value: float
    p_value: float | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)


class Verdict(Record):
    """What the drift statistics say together."""

    status: Literal["no_drift", "drift", "undecided"]
    columns: tuple[str, ...] = ()
    """The columns that drifted, strongest first."""
    alpha: float
    method: str


class MetricEstimate(Record):
    """A metric of one window with its interval; `kind` says whether labels were there."""

    shown: ClassVar[tuple[str, ...]] = ("name", "value", "low", "high", "kind")
    name: str
    value: float
    low: float
    high: float
    level: float = 0.95
    kind: Literal["measured", "estimated", "difference"] = "measured"


class Report(Record):
    """One look at one window of a model or a dataset."""

    shown: ClassVar[tuple[str, ...]] = ("id", "kind", "model", "window", "status", "created_at")
    id: str
    kind: ReportKind
    model: str = ""
    """Reference of the model version, when there is one."""
    reference: str = ""
    """Full reference of what was compared with: a dataset, in a comparison the champion."""
    current: str = ""
    """Full reference of the dataset that was looked at, when it is one."""
    window: str
    """The window's name, such as 2013-03."""
    status: str
    """The verdict in a word."""
    rows: tuple[DriftRow, ...] = ()
    verdict: Verdict | None = None
    metrics: tuple[MetricEstimate, ...] = ()
    label_coverage: float | None = None
    details: dict[str, Any] = Field(default_factory=dict)
    created_at: Timestamp
    created_by: str

    @property
    def ref(self) -> str:
        """`report:ID`."""
        return f"report:{self.id}"


class SaveReport(Request):
    kind: ReportKind
    model: str = ""
    reference: str = ""
    references: tuple[str, ...] = Field(default=(), description="Further datasets that the reference is made of")
    current: str = ""
    window: str
    status: str
    rows: tuple[DriftRow, ...] = ()
    verdict: Verdict | None = None
    metrics: tuple[MetricEstimate, ...] = ()
    label_coverage: float | None = Field(default=None, ge=0, le=1)
    details: dict[str, Any] = Field(default_factory=dict)


class ListReports(PageRequest):
    model: str = Field(default="", description="Only reports on this model: all versions of a name, or one version")
    kind: str = Field(default="", description="Only reports of this kind")
    window: str = Field(default="", description="Only reports on this window")


class ShowReport(Request):
    report: str = Field(description="Id of the report")


class LogBatch(Request):
    """A batch of predictions or labels, as one Parquet blob; the same batch twice is stored once."""

    model: str = Field(description="Reference of the model version")
    kind: Literal["predictions", "labels"]
    batch: Digest = Field(description="Blob of the Parquet file: id, at, and prediction/probability or label")
    rows: int = Field(ge=0)
    window: str = Field(default="", description="Name of the window that the rows belong to")


class ListBatches(PageRequest):
    model: str = Field(default="", description="Only batches of this model: all versions of a name, or one version")
    kind: str = Field(default="", description="Only predictions, or only labels")
    window: str = Field(default="", description="Only this window, and what was logged for no window")


class LoggedBatch(Record):
    """What was logged."""

    shown: ClassVar[tuple[str, ...]] = ("id", "model", "kind", "rows", "window", "logged_at")
    id: str
    model: str
    kind: str
    batch: Digest
    rows: int
    window: str
    new: bool
    """Whether this call logged it; false for one that was there."""
    logged_at: Timestamp
    logged_by: str
