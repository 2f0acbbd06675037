"""Datasets as records: what snapshots take and give."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from mlops_ext.errors import InvalidValue
from mlops_ext.records import Digest, Record, Request, SearchRequest, Timestamp
from mlops_ext.store.curation import Listed, State

__all__ = [
    "Column",
    "CommitDataset",
    "DataSource",
    "Dataset",
    "DatasetFile",
    "DatasetFiles",
    "DatasetVersion",
    "ListDatasetVersions",
    "ListDatasets",
    "Origin",
    "ShowDataset",
    "reference_text",
]  # fmt: skip


class Column(Record):
    """One column: its canonical logical type and the digest of its values."""

    shown: ClassVar[tuple[str, ...]] = ("name", "type", "nulls")
    name: str
    type: str
    nulls: int
    digest: Digest


class DataSource(Record):
    """What rows were read from: a file, an object, a table of a lake or a database. Never with credentials."""

    shown: ClassVar[tuple[str, ...]] = ("kind", "location", "version", "digest", "bytes")
    kind: str
    """`file`, `delta`, `iceberg` or `database`."""
    location: str
    """A path below the workspace's folder, an absolute one, or a URL."""
    version: str = ""
    """What names this state at the source: a Delta version, an Iceberg snapshot, the VersionId of an object."""
    digest: str = ""
    """Of the bytes of a file."""
    bytes: int = 0


class Origin(Record):
    """What made a version, as far as the process that made it knows."""

    tables: ClassVar[tuple[str, ...]] = ("sources",)
    sources: tuple[DataSource, ...] = ()
    query: str = ""
    """The SQL that gave the rows, without what looks like a password."""
    notebook: str = ""
    cell: str = ""
    """The front end's id of the cell, or its number as `[3]`."""
    code: str = ""
    """Digest of the cell's source, as it ran."""
    script: str = ""


class DatasetVersion(Record):
    """One snapshot. Equal content and representation never make two versions in a row."""

    shown: ClassVar[tuple[str, ...]] = ("ref", "rows", "digest", "kind", "created_at", "created_by")
    name: str
    version: int
    digest: Digest
    """Of the logical content, in canonical form."""
    representation: Digest
    """Of kind, index and attributes: what makes a pandas frame differ from an equal Polars one."""
    manifest: Digest
    """The blob that lists the files and their rows."""
    kind: str
    rows: int
    bytes: int
    schema_: tuple[Column, ...] = Field(alias="schema", serialization_alias="schema")
    description: str = ""
    tags: dict[str, str] = Field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    state: State = "active"
    removed_at: Timestamp | None = None
    """When gc took its bytes."""
    checked: str = ""
    """Whether it met the expectations of its dataset: `passed`, `failed`, or empty when it was not checked."""
    primary_key: tuple[str, ...] = ()
    """Columns that tell rows apart; no two rows have the same values in them."""
    by_reference: bool = False
    """Whether the rows stay at their source, and the version only says which they are."""
    origin: Origin = Field(default_factory=Origin)
    run: str = ""
    created_at: Timestamp
    created_by: str

    @property
    def ref(self) -> str:
        """`name@version`."""
        return f"{self.name}@{self.version}"


class Dataset(Record):
    """A dataset: a name and its line of versions."""

    shown: ClassVar[tuple[str, ...]] = ("name", "latest", "rows", "digest", "updated_at", "description")
    name: str
    description: str = ""
    latest: int
    """Number of the newest active version; 0 when there is none."""
    state: State = "active"
    tags: dict[str, str] = Field(default_factory=dict)
    aliases: dict[str, int] = Field(default_factory=dict)
    rows: int
    digest: Digest | None
    created_at: Timestamp
    updated_at: Timestamp


class CommitDataset(Request):
    """Make the content of a manifest the next version."""

    name: str
    manifest: Digest
    description: str = ""
    tags: dict[str, str] = Field(default_factory=dict)
    primary_key: tuple[str, ...] = Field(default=(), description="Columns that tell rows apart")
    origin: Origin = Field(default_factory=Origin, description="Sources, query and cell that made it")
    run: str = Field(default="", description="Id of the run that made it")


class ListDatasets(SearchRequest):
    search: str = Field(default="", description="Part of the name")
    state: Listed = Field(default="active", description="active, archived, deleted or any")


class ShowDataset(Request):
    dataset: str = Field(description="Reference: name, name@3, name@b3:…")


class ListDatasetVersions(SearchRequest):
    dataset: str = Field(description="Name of the dataset")
    state: Listed = Field(default="active", description="active, archived, deleted or any")


class DatasetFile(Record):
    """Some rows of one Parquet file: part of a version."""

    shown: ClassVar[tuple[str, ...]] = ("path", "url", "first", "rows", "whole", "bytes", "names")
    path: str = ""
    """The file on this machine; empty in an answer of a server, whose paths are of no use elsewhere."""
    url: str
    """Where a server gives the bytes, below `mlops-ext/api/v1`."""
    digest: Digest
    first: int = 0
    """The first row of the file that belongs to the version."""
    rows: int
    whole: bool = True
    """Whether all rows of the file do."""
    bytes: int
    names: tuple[str, ...]


class DatasetFiles(Record):
    """The Parquet files of one version: for each group of columns, in the order of their rows."""

    tables: ClassVar[tuple[str, ...]] = ("files",)
    ref: str
    plain: bool = False
    """Whether the files alone, one after the other, are the version: whole and with all columns."""
    files: tuple[DatasetFile, ...]


def reference_text(ref: str | DatasetVersion) -> str:
    """Give what names a version; rows themselves name none.

    Examples
    --------
    >>> reference_text("flights@3")
    'flights@3'
    """
    if isinstance(ref, str | DatasetVersion):
        return ref if isinstance(ref, str) else ref.ref
    raise InvalidValue(f"a {type(ref).__name__} names no version", hint="Snapshot it, and give name@3 or the version")
