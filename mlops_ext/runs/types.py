"""Jobs and notebook parameters as records."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from mlops_ext.records import Digest, PageRequest, Record, Request, Timestamp
from mlops_ext.tracking.types import CellState

__all__ = [
    "OPTIONS",
    "CancelJob",
    "CancelJobs",
    "InspectNotebook",
    "Job",
    "JobOutput",
    "JobStatus",
    "ListJobs",
    "NotebookParameters",
    "OutputPiece",
    "Parameter",
    "ReadOutput",
    "RetryCause",
    "RunFault",
    "RunResult",
    "ShowJob",
    "SubmitJob",
]  # fmt: skip

JobStatus = Literal[
    "queued", "running", "succeeded", "failed", "timed_out", "cancelled", "kernel_died", "invalid", "rejected"
]


RetryCause = Literal["died", "timeout"]
OPTIONS = (
    "cell_timeout_seconds", "kernel", "folder", "isolated", "retry_on", "pins", "locked", "secrets", "cold", "memory",
    "tags", "cache", "reproduces",
)  # fmt: skip
"""The fields of a job that say how it is run; they lie together in one column."""


class Parameter(Record):
    """One parameter that a notebook declares in its tagged cell."""

    shown: ClassVar[tuple[str, ...]] = ("name", "type", "default", "help")
    name: str
    type: str = ""
    default: str = ""
    """The default's source text."""
    value: Any = None
    """The default as JSON, when it is a literal."""
    help: str = ""


class NotebookParameters(Record):
    """What a notebook can be run with."""

    notebook: str
    kernel: str
    tagged: bool
    """Whether a cell is tagged `parameters`."""
    parameters: tuple[Parameter, ...]


class InspectNotebook(Request):
    notebook: str = Field(description="Path of the notebook, relative to the server's root or the working folder")


class SubmitJob(Request):
    notebook: str = Field(description="Path of the notebook, relative to the workspace's folder")
    parameters: dict[str, Any] = Field(default={}, description="Values for what the notebook declares")
    output: str = Field(default="", description="Path for the executed notebook; chosen when left out")
    experiment: str = ""
    priority: int = Field(default=0, ge=-100, le=100)
    max_attempts: int = Field(default=1, ge=1, le=20)
    timeout_seconds: float | None = Field(default=None, gt=0)
    cell_timeout_seconds: float | None = Field(default=None, gt=0, description="Longest that one cell may take")
    kernel: str = Field(default="", description="Kernel to use instead of the notebook's own")
    folder: str = Field(default="", description="Working folder, below the workspace's; the notebook's own if empty")
    isolated: bool = Field(default=False, description="Work in a new, empty folder; files made there are kept")
    retry_on: tuple[RetryCause, ...] = Field(default=("died",), description="What is worth another attempt")
    trigger: str = Field(default="", description="Reference of what asked for it, such as alert:ID")
    source: Digest | None = Field(default=None, description="Blob of the notebook, when no file is to be read")
    pins: dict[str, int] = Field(
        default={}, description="Version that loading by a bare name gives: of a dataset, and of a model as model:NAME"
    )
    locked: bool = Field(default=False, description="Refuse to load by a bare name that is not pinned")
    secrets: tuple[str, ...] = Field(default=(), description="Names whose values are secret and are stored nowhere")
    cold: bool = Field(default=False, description="Start a new kernel instead of forking one that has its imports done")
    memory: str = Field(default="", description="Memory that it may use, such as 2GiB; that of mlops.toml if empty")
    cache: bool = Field(
        default=False,
        description="Give the earlier successful run of the same code, parameters, inputs and environment",
    )
    tags: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = Field(
        default=(), description="What limits in mlops.toml may count it by"
    )
    reproduces: str = Field(
        default="", description="Reference of the model version that is made again; nothing is registered then"
    )


class Job(Record):
    """A queued run: what to execute, and how far it is."""

    shown: ClassVar[tuple[str, ...]] = ("id", "notebook", "status", "attempt", "parameters", "run", "created_at")
    id: str
    notebook: str
    parameters: dict[str, Any]
    output: str = ""
    experiment: str = ""
    status: JobStatus
    error: str = ""
    attempt: int
    max_attempts: int
    priority: int
    timeout_seconds: float | None = None
    cell_timeout_seconds: float | None = None
    kernel: str = ""
    folder: str = ""
    isolated: bool = False
    retry_on: tuple[RetryCause, ...] = ("died",)
    pins: dict[str, int] = Field(default={})
    """Version that loading by a bare name gives: of a dataset, and of a model as `model:NAME`."""
    locked: bool = False
    """Whether loading by a bare name that is not pinned is refused."""
    secrets: tuple[str, ...] = ()
    """Names whose values are secret: parameters, or variables of the kernel's environment."""
    cold: bool = False
    """Whether the kernel starts anew, instead of being forked where that is possible."""
    memory: str = ""
    """Memory that it may use; empty without a limit."""
    cache: bool = False
    """Whether an earlier run of the same may be given instead, and this one serve later."""
    reused: str = ""
    """Id of the earlier run that was given instead; then nothing was run."""
    tags: tuple[str, ...] = ()
    """What limits in mlops.toml may count it by."""
    reproduces: str = ""
    """Reference of the model version that is made again; then nothing is registered."""
    source: Digest
    trigger: str = ""
    run: str = ""
    """Id of the run of the newest attempt."""
    cells_done: int = 0
    """Code cells that have ended in the newest attempt."""
    cells_total: int = 0
    created_at: Timestamp
    started_at: Timestamp | None = None
    ended_at: Timestamp | None = None
    created_by: str

    @property
    def ref(self) -> str:
        """`job:ID`."""
        return f"job:{self.id}"


class RunFault(Record):
    """What went wrong, and where."""

    cell: int
    """Number among the source's code cells, from 1; 0 for none of them."""
    line: int | None = None
    type: str
    message: str
    cause: str = ""
    """The exception that a chained one came from."""


class RunResult(Record):
    """How a run ended, for a program that started it."""

    status: str
    exit_code: int
    error: RunFault | None = None
    cells: tuple[CellState, ...] = ()
    output: str = ""
    """Path of the executed notebook."""
    run: str = ""
    job: str
    parameters: dict[str, Any]
    metrics: dict[str, float] = Field(default={})
    models: tuple[str, ...] = ()
    reused: bool = False
    """Whether this is the run of an earlier job, and nothing was run."""
    artifacts: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class ListJobs(PageRequest):
    status: str = Field(default="", description="Only jobs in this state")


class ShowJob(Request):
    job: str = Field(description="Id of the job")


class CancelJob(Request):
    job: str = Field(description="Id of the job")


class CancelJobs(Request):
    jobs: tuple[str, ...] = Field(min_length=1, max_length=1000, description="Ids of the jobs")


class ReadOutput(Request):
    job: str = Field(description="Id of the job")
    after: int = Field(default=0, ge=0, description="Number of the last piece that is known; `next` of the last answer")
    limit: int = Field(default=64, ge=1, le=64, description="How many pieces at most")


class OutputPiece(Record):
    """Some text that a cell put out, without secrets."""

    seq: int
    cell: int
    """Number among the source's code cells, from 1; 0 for the injected parameters."""
    stream: Literal["stdout", "stderr", "result", "error"]
    text: str


class JobOutput(Record):
    """What a job has put out since a piece, as far as it is kept: the newest 64 pieces, until an hour after its end."""

    job: str
    status: JobStatus
    attempt: int
    cells_done: int
    cells_total: int
    pieces: tuple[OutputPiece, ...]
    next: int
    """What to ask after the next time."""
    missed: bool
    """Whether pieces between `after` and these are no longer kept."""
    ended: bool
    """Whether the job has ended and these are its last pieces."""
