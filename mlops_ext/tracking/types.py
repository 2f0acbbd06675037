"""Experiments and runs as records."""

from __future__ import annotations

import sys
from typing import ClassVar, Literal

from pydantic import Field

from mlops_ext.records import Digest, PageRequest, Record, Request, SearchRequest, Timestamp

__all__ = [
    "Artifact", "AttachNotebook", "CellState", "Experiment", "FinishRun", "Lifecycle", "ListExperiments", "ListMetric",
    "ListRuns", "Listed", "LogRun", "Logged", "MetricPoint", "MetricValue", "Run", "RunDataset", "RunStatus",
    "ShowRun", "StartRun",
]  # fmt: skip

RunStatus = Literal["running", "succeeded", "failed", "timed_out", "cancelled", "kernel_died", "lost"]
Lifecycle = Literal["active", "deleted"]
Listed = Literal["active", "deleted", "any"]


class Experiment(Record):
    """A group of runs that are meant to be compared."""

    shown: ClassVar[tuple[str, ...]] = ("name", "runs", "tags", "updated_at")
    id: str
    name: str
    runs: int
    """How many there are, without the deleted ones."""
    tags: dict[str, str] = Field(default={})
    state: Lifecycle = "active"
    created_at: Timestamp
    updated_at: Timestamp


class Artifact(Record):
    """A file that a run made."""

    path: str
    digest: Digest
    size: int


class RunDataset(Record):
    """Data that a run said it read, described and not kept; what MLflow calls a dataset input."""

    name: str
    digest: str
    context: str = ""
    """What for, such as `train`."""
    source_type: str = ""
    source: str = ""
    """Where it lay, as JSON text."""
    columns: str = ""
    """Its schema, as JSON text."""
    profile: str = ""


class CellState(Record):
    """What became of one code cell of the source notebook; cells count from 1."""

    cell: int
    status: Literal["ok", "failed", "interrupted", "not_run"]
    seconds: float | None = None


class Run(Record):
    """One tracked execution."""

    shown: ClassVar[tuple[str, ...]] = ("id", "experiment", "name", "notebook", "status", "metrics", "started_at")
    id: str
    experiment: str
    name: str = ""
    status: RunStatus
    state: Lifecycle = "active"
    """A run is deleted when its experiment is."""
    error: str = ""
    parameters: dict[str, str] = Field(default={})
    """Each value as JSON text."""
    metrics: dict[str, float] = Field(default={})
    """The latest point of each metric."""
    tags: dict[str, str] = Field(default={})
    inputs: tuple[str, ...] = ()
    """References of the dataset versions that it read."""
    outputs: tuple[str, ...] = ()
    """References of the datasets and model versions that it made."""
    artifacts: tuple[Artifact, ...] = ()
    datasets: tuple[RunDataset, ...] = ()
    """Data described by name and digest, which is no dataset version here."""
    notebook: str = ""
    """Name of the notebook that ran."""
    source: Digest | None = None
    """Blob of the notebook as it was before the run."""
    output: Digest | None = None
    """Blob of the executed notebook."""
    cells: tuple[CellState, ...] = ()
    git_commit: str = ""
    parent: str = ""
    job: str = ""
    digest: Digest | None = None
    """Of all parameters and metric points, once the run has ended."""
    started_at: Timestamp
    ended_at: Timestamp | None = None
    created_by: str

    @property
    def ref(self) -> str:
        """`run:ID`."""
        return f"run:{self.id}"

    @property
    def models(self) -> tuple[str, ...]:
        """References of the model versions that it made, as `load_model` takes them.

        Examples
        --------
        >>> mlops.run("train.ipynb").models  # doctest: +SKIP
        ('delay@3',)
        """
        return tuple(ref.removeprefix("model:") for ref in self.outputs if ref.startswith("model:"))

    def show(self) -> None:
        """Show it: as a table in the notebook's cell, as text elsewhere."""
        from rich.console import Console

        ipython = sys.modules.get("IPython")
        if ipython is not None and hasattr(ipython.get_ipython(), "kernel"):
            ipython.display.display(self)
        else:
            Console(highlight=False).print(self)


class StartRun(Request):
    experiment: str = "default"
    name: str = ""
    notebook: str = ""
    source: Digest | None = None
    parent: str = ""
    job: str = ""
    git_commit: str = ""
    tags: dict[str, str] = Field(default={})
    lease_seconds: float = Field(
        default=120.0, gt=0, le=30 * 86400, description="Without a sign of life for so long, the run counts as lost"
    )


class MetricPoint(Request):
    key: str
    value: float
    step: int = 0
    at: Timestamp | None = None


class LogRun(Request):
    """Measurements of a running run; an empty one is its sign of life."""

    run: str = Field(description="Id of the run")
    parameters: dict[str, str] = Field(
        default={}, description="Name to JSON text; a second value for one name is refused"
    )
    metrics: tuple[MetricPoint, ...] = ()
    tags: dict[str, str] = Field(default={})
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    datasets: tuple[RunDataset, ...] = Field(
        default=(), description="Data that is described, not kept; the first description of a name and digest stays"
    )


class Logged(Record):
    """How much a run holds now."""

    run: str
    parameters: int
    metrics: int


class FinishRun(Request):
    run: str = Field(description="Id of the run")
    status: RunStatus = "succeeded"
    error: str = ""
    output: Digest | None = None
    cells: tuple[CellState, ...] = ()


class AttachNotebook(Request):
    run: str = Field(description="Id of the run")
    output: Digest = Field(description="Blob of the executed notebook")


class ShowRun(Request):
    run: str = Field(description="Id of the run, or run:ID")


class ListRuns(SearchRequest):
    experiment: str = Field(default="", description="Only runs of this experiment")
    status: str = Field(default="", description="Only runs that stand so, such as running or failed")
    state: Listed = Field(default="active", description="active, deleted or any")


class ListExperiments(SearchRequest):
    state: Listed = Field(default="active", description="active, deleted or any")


class ListMetric(PageRequest):
    run: str = Field(description="Id of the run")
    key: str = Field(description="Name of the metric")


class MetricValue(Record):
    """One logged point."""

    step: int
    value: float
    at: Timestamp
