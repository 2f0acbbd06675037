"""Edits of datasets as records."""

from __future__ import annotations

from pydantic import Field

from mlops_ext.records import Record, Request
from mlops_ext.store.curation import State

__all__ = [
    "ChangeDatasetState", "DatasetAliasMove", "DatasetDescription", "DatasetStateChange", "DatasetTags",
    "DeleteDatasetAlias", "DeleteDatasetTag", "DescribeDataset", "SetDatasetAlias", "SetDatasetTags",
]  # fmt: skip

_SUBJECT = "Name of the dataset, or reference of a version: name@3"


class SetDatasetAlias(Request):
    dataset: str = Field(description="Reference of the version")
    alias: str = Field(description="The free pointer to set or move")


class DeleteDatasetAlias(Request):
    dataset: str = Field(description="Name of the dataset")
    alias: str = Field(description="The pointer to take away")


class DatasetAliasMove(Record):
    """Where an alias points, and where it pointed before."""

    dataset: str
    alias: str
    version: int | None
    previous: int | None


class SetDatasetTags(Request):
    dataset: str = Field(description=_SUBJECT)
    tags: dict[str, str] = Field(min_length=1, description="Keys with their new values")


class DeleteDatasetTag(Request):
    dataset: str = Field(description=_SUBJECT)
    key: str = Field(description="The tag to take away")


class DatasetTags(Record):
    """All tags of a dataset or of one version."""

    ref: str
    tags: dict[str, str]


class DescribeDataset(Request):
    dataset: str = Field(description=_SUBJECT)
    description: str = Field(description="Markdown; empty takes it away")


class DatasetDescription(Record):
    """What is written about a dataset or one version."""

    ref: str
    description: str


class ChangeDatasetState(Request):
    dataset: str = Field(description=_SUBJECT)
    comment: str = Field(default="", description="Why")


class DatasetStateChange(Record):
    """The state that a dataset or one version is in now, and the one before."""

    ref: str
    state: State
    previous: State
