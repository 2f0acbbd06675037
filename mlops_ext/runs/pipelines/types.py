"""Pipelines, their runs and steps as records."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from mlops_ext.records import Digest, PageRequest, Record, Request, Timestamp

__all__ = [
    "Edge",
    "ListPipelineRuns",
    "ListPipelines",
    "Node",
    "PipelineRun",
    "PipelineSummary",
    "ShowPipeline",
    "ShowPipelineRun",
    "StartPipeline",
    "StepPlan",
    "StepState",
]

PipelineStatus = Literal["running", "succeeded", "failed", "cancelled"]


class StepPlan(Record):
    """One step as it will run: its bytes are stored, its edges named."""

    name: str
    notebook: str
    function: str = ""
    """`module:name` of a step that is a function; the notebook then only calls it."""
    source: Digest
    code: str
    """Digest of the code cells and of the modules beside them."""
    parameters: dict[str, Any] = Field(default={})
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    kernel: str = ""
    timeout_seconds: float | None = None
    max_attempts: int = 1
    cache: bool = True
    memory: str = ""
    tags: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()


class Node(Record):
    """One step in a graph."""

    shown: ClassVar[tuple[str, ...]] = ("name", "notebook", "function", "reads", "writes")
    name: str
    notebook: str = ""
    function: str = ""
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    status: str = ""


class Edge(Record):
    """That one step waits for another, and for the sake of what."""

    shown: ClassVar[tuple[str, ...]] = ("before", "after", "through")
    before: str
    after: str
    through: tuple[str, ...] = ()


class StepState(Record):
    """How far a step is."""

    shown: ClassVar[tuple[str, ...]] = ("name", "status", "seconds", "job", "inputs", "outputs", "error")
    name: str
    status: str
    """waiting, skipped, reused, or the status of its job."""
    job: str = ""
    run: str = ""
    """The tracked run whose results are this step's."""
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    seconds: float | None = None
    error: str = ""
    after: tuple[str, ...] = ()


class PipelineRun(Record):
    """One run of a pipeline."""

    shown: ClassVar[tuple[str, ...]] = ("id", "pipeline", "status", "created_at", "ended_at", "error")
    tables: ClassVar[tuple[str, ...]] = ("steps",)
    id: str
    pipeline: str
    status: PipelineStatus
    error: str = ""
    trigger: str = ""
    cache: bool
    steps: tuple[StepState, ...] = ()
    created_at: Timestamp
    created_by: str
    ended_at: Timestamp | None = None

    @property
    def ref(self) -> str:
        """`pipeline:ID`."""
        return f"pipeline:{self.id}"


class PipelineSummary(Record):
    """A pipeline that mlops.toml declares."""

    shown: ClassVar[tuple[str, ...]] = ("name", "steps", "last", "status")
    name: str
    steps: tuple[str, ...]
    last: str = ""
    """Id of its newest run."""
    status: str = ""


class StartPipeline(Request):
    pipeline: str = Field(description="Name of the pipeline")
    steps: tuple[StepPlan, ...] = Field(default=(), description="Its steps; those of mlops.toml when left out")
    parameters: dict[str, Any] = Field(
        default={}, description="Values for every step that declares them; STEP.NAME for one step"
    )
    cache: bool = Field(default=True, description="Let steps whose code and inputs are as before serve again")
    trigger: str = Field(default="", description="Reference of what asked for it, such as schedule:nightly")
    memory: str = Field(default="", description="Memory that a step may use which says nothing of its own")
    tags: tuple[str, ...] = Field(default=(), description="What limits in mlops.toml may count its jobs by")
    secrets: tuple[str, ...] = Field(default=(), description="Names whose values are secret, for every step")


class ListPipelines(PageRequest):
    """Those of mlops.toml."""


class ListPipelineRuns(PageRequest):
    pipeline: str = Field(default="", description="Only runs of this pipeline")
    status: str = Field(default="", description="Only runs in this state")


class ShowPipeline(Request):
    pipeline: str = Field(description="Name of the pipeline")


class ShowPipelineRun(Request):
    run: str = Field(description="Id of the pipeline's run")
