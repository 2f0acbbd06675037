"""What travels between stores as records: entries, what a push or a pull moves, and what is asked for it."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from mlops_ext.datasets.classes.types import ColumnClass
from mlops_ext.datasets.expectations.types import CheckedDataset, Expectations
from mlops_ext.datasets.types import Origin
from mlops_ext.records import Digest, Record, Request, Timestamp
from mlops_ext.store.remotes.entries import RemoteEntry

__all__ = [
    "DatasetEntry", "DatasetRecord", "Move", "MovedVersion", "NotePush", "PullDataset", "PullPlan", "State",
    "VersionRecord",
]  # fmt: skip

State = Literal["new", "updated", "known", "restored"]


class DatasetRecord(Record):
    """What is said of a dataset as a whole."""

    description: str = ""
    tags: dict[str, str] = Field(default_factory=dict)
    expectations: Expectations = Field(default_factory=Expectations)
    classes: dict[str, ColumnClass] = Field(default_factory=dict)
    """Of each column whose values are hidden; they are hidden wherever the dataset comes."""


class VersionRecord(Record):
    """What is said of a version, besides what its manifest says."""

    manifest: Digest
    representation: Digest
    rows: int
    primary_key: tuple[str, ...] = ()
    description: str = ""
    tags: dict[str, str] = Field(default_factory=dict)
    origin: Origin = Field(default_factory=Origin)
    run: str = ""
    check: CheckedDataset | None = None
    created_at: Timestamp
    created_by: str
    dataset: DatasetRecord = Field(default_factory=DatasetRecord)


class DatasetEntry(RemoteEntry):
    """A version of a dataset as a remote holds it."""

    kind: Literal["dataset"] = "dataset"
    record: VersionRecord

    @property
    def content(self) -> tuple[str, str, tuple[str, ...]]:
        """What makes two versions one: values, kind and primary key, however they are stored."""
        return self.digest, self.record.representation, self.record.primary_key


class PullDataset(Request):
    name: str = Field(description="Name of the dataset here")
    entries: tuple[DatasetEntry, ...] = Field(min_length=1, description="The versions as the remote has them")
    remote: str = Field(description="Where they come from; without credentials")


class PullPlan(Record):
    """What a pull would do."""

    states: dict[int, State]
    """Of each version: `new`, `known` (it is here and stays as it is), or `restored` (gc had taken its bytes)."""
    missing: dict[Digest, int]
    """The pieces that would travel, with their sizes."""


class NotePush(Request):
    name: str = Field(description="Name of the dataset")
    versions: tuple[int, ...] = Field(min_length=1, description="What was sent, or said anew")
    remote: str = Field(description="Where to; without credentials")
    under: str = Field(default="", description="The name that it has there, if another")
    pieces: int = Field(default=0, ge=0, description="How many files travelled")
    bytes: int = Field(default=0, ge=0, description="How many bytes they had")


class MovedVersion(Record):
    """A version that a push or a pull is about."""

    shown: ClassVar[tuple[str, ...]] = ("ref", "state", "rows", "pieces", "bytes")
    ref: str
    digest: Digest
    state: State
    """`new`; `updated` (only what is said of it); `known` (nothing to do); or `restored` (gc had taken its bytes)."""
    rows: int
    pieces: int = 0
    """Files that travel for it, and for no version before it in this list."""
    bytes: int = 0


class Move(Record):
    """What a push or a pull moved, or would move."""

    tables: ClassVar[tuple[str, ...]] = ("versions",)
    remote: str
    done: bool
    """Whether it was done; a dry run only says what would be."""
    pieces: int
    """Files that travel: those that the other side lacks."""
    bytes: int
    versions: tuple[MovedVersion, ...]

    @property
    def ref(self) -> str:
        """The versions, in order."""
        return " ".join(each.ref for each in self.versions)
