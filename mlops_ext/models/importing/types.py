"""What comes over from another registry, as records."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from mlops_ext.models.types import Register
from mlops_ext.records import PageRequest, Record, Request, Timestamp
from mlops_ext.tracking.types import RunStatus

__all__ = [
    "Brought",
    "Count",
    "EndImportedRun",
    "EnterExperiment",
    "EnterModel",
    "EnterVersion",
    "Entered",
    "EnteredModel",
    "ImportReport",
    "ListImported",
    "OpenImportedRun",
]

_SOURCE = "Where it comes from, as the import writes it"


class EnterExperiment(Request):
    experiment: str = Field(description="Name of the experiment, here")
    source: str = Field(max_length=250, description=_SOURCE)
    source_id: str = Field(max_length=400, description="Id of the experiment there")
    tags: dict[str, str] = Field(default_factory=dict)
    deleted: bool = Field(default=False, description="Whether it is deleted there")


class OpenImportedRun(Request):
    source: str = Field(max_length=250, description=_SOURCE)
    source_id: str = Field(max_length=400, description="Id of the run there")
    experiment: str
    name: str = ""
    parent: str = Field(default="", description="Id of the run around it, here")
    git_commit: str = ""
    started_at: Timestamp


class EndImportedRun(Request):
    run: str = Field(description="Id of the run")
    source: str = Field(max_length=250, description=_SOURCE)
    source_id: str = Field(max_length=400, description="Id of the run there")
    status: RunStatus
    error: str = ""
    ended_at: Timestamp | None = None
    deleted: bool = Field(default=False, description="Whether it is deleted there")


class EnterVersion(Request):
    source: str = Field(max_length=250, description=_SOURCE)
    number: int = Field(gt=0, description="Its number there; the next one here when that is taken")
    name: str = Field(default="", description="Name of the model there, when it differs")
    model: Register
    created_at: Timestamp


class EnterModel(Request):
    model: str = Field(description="Name of the model, here")
    source: str = Field(max_length=250, description=_SOURCE)
    name: str = Field(default="", description="Name of the model there, when it differs")
    description: str = ""
    tags: dict[str, str] = Field(default_factory=dict)
    aliases: dict[str, int] = Field(default_factory=dict, description="Alias to the version's number, here")


class Entered(Record):
    """What a thing of another registry became here."""

    shown: ClassVar[tuple[str, ...]] = ("kind", "source_id", "subject", "imported_at")
    source: str
    kind: Literal["experiment", "open", "run", "model", "version", "alias"]
    """`open` is a run whose import has begun."""
    source_id: str
    subject: str
    """`experiment:ID`, `run:ID`, `model:NAME` or `model:NAME@N`."""
    imported_at: Timestamp


class EnteredModel(Record):
    """What came over of a model itself."""

    model: str
    aliases: dict[str, int] = Field(default_factory=dict)
    """Those that were set now."""
    refused: dict[str, str] = Field(default_factory=dict)
    """Those that were not, each with the reason."""


class ListImported(PageRequest):
    source: str = Field(default="", description="Only what comes from there")
    kind: str = Field(
        default="", description="Only experiment, run, model, version or alias; open: the runs whose import has begun"
    )


class Count(Record):
    """How many of one kind there are in the source, came over now, were here before, and were left out."""

    kind: str
    there: int
    imported: int = 0
    known: int = 0
    left_out: int = 0


class Brought(Record):
    """A thing that has another name or number here."""

    there: str
    here: str


class ImportReport(Record):
    """What an import found, brought and left, and where the two sides differ afterwards."""

    shown: ClassVar[tuple[str, ...]] = ("source", "dry_run", "verified", "bytes")
    tables: ClassVar[tuple[str, ...]] = ("counts", "renamed", "differences", "notes")
    source: str
    dry_run: bool = False
    counts: tuple[Count, ...] = ()
    bytes: int = 0
    """Of the files that were fetched now; in a dry run of all that would be."""
    renamed: tuple[Brought, ...] = ()
    """What could not keep its name or number."""
    differences: tuple[str, ...] = ()
    """What was left out or is not equal, each with the reason."""
    notes: tuple[str, ...] = ()
    """What is kept and works in another way here."""

    @property
    def verified(self) -> bool:
        """Whether all that was asked for is here, equal."""
        return not self.dry_run and not self.differences
