"""Keeping datasets in order from a notebook: tag, describe, point aliases, archive, delete, restore.

A bare name means the dataset itself here; `flights@3` or `flights@latest` means a version.
"""

from __future__ import annotations

from collections.abc import Mapping

from mlops_ext.datasets.curation import service
from mlops_ext.datasets.curation.types import (
    ChangeDatasetState,
    DatasetAliasMove,
    DatasetDescription,
    DatasetStateChange,
    DatasetTags,
    DeleteDatasetAlias,
    DeleteDatasetTag,
    DescribeDataset,
    SetDatasetAlias,
    SetDatasetTags,
)
from mlops_ext.datasets.types import Dataset, DatasetVersion
from mlops_ext.workspace import Workspace

__all__ = [
    "alias_dataset",
    "archive_dataset",
    "delete_dataset",
    "describe_dataset",
    "restore_dataset",
    "tag_dataset",
    "unalias_dataset",
    "untag_dataset",
]

_Ref = str | Dataset | DatasetVersion


def tag_dataset(
    ref: _Ref, tags: Mapping[str, str] | None = None, *, workspace: Workspace | None = None, **more: str
) -> DatasetTags:
    """Set tags of a dataset or a version; the others stay.

    Parameters
    ----------
    ref : str, Dataset or DatasetVersion
        `flights` for the dataset, `flights@3` for a version.
    tags : mapping of str to str, optional
        Tags whose keys are no Python names.
    **more : str
        Tags by name.

    Examples
    --------
    >>> mlops.tag_dataset("flights@3", {"data.owner": "ann"}, source="api")  # doctest: +SKIP
    """
    texts = {key: str(value) for key, value in {**(tags or {}), **more}.items()}
    return _in(workspace).call(service.tag, SetDatasetTags(dataset=_text(ref), tags=texts))


def untag_dataset(ref: _Ref, key: str, *, workspace: Workspace | None = None) -> DatasetTags:
    """Take a tag of a dataset or a version away."""
    return _in(workspace).call(service.untag, DeleteDatasetTag(dataset=_text(ref), key=key))


def describe_dataset(ref: _Ref, description: str, *, workspace: Workspace | None = None) -> DatasetDescription:
    """Write what a dataset or a version is, in Markdown."""
    return _in(workspace).call(service.describe, DescribeDataset(dataset=_text(ref), description=description))


def alias_dataset(ref: _Ref, alias: str, *, workspace: Workspace | None = None) -> DatasetAliasMove:
    """Point an alias at a version, moving it when it points elsewhere.

    Parameters
    ----------
    ref : str or DatasetVersion
        The version; the latest for a bare name.
    alias : str
        Such as `golden`; `flights@golden` then means that version.

    Examples
    --------
    >>> mlops.alias_dataset("flights@3", "golden")  # doctest: +SKIP
    """
    return _in(workspace).call(service.alias, SetDatasetAlias(dataset=_text(ref), alias=alias))


def unalias_dataset(dataset: _Ref, alias: str, *, workspace: Workspace | None = None) -> DatasetAliasMove:
    """Take an alias of a dataset away."""
    return _in(workspace).call(service.unalias, DeleteDatasetAlias(dataset=_text(dataset), alias=alias))


def archive_dataset(ref: _Ref, *, comment: str = "", workspace: Workspace | None = None) -> DatasetStateChange:
    """Take a dataset or a version out of the lists; references still find it."""
    return _in(workspace).call(service.archive, ChangeDatasetState(dataset=_text(ref), comment=comment))


def delete_dataset(ref: _Ref, *, comment: str = "", workspace: Workspace | None = None) -> DatasetStateChange:
    """Delete a dataset or a version: nothing finds it, but until gc takes its bytes `restore_dataset` brings it back.

    Raises
    ------
    Conflict
        An alias points at it.
    """
    return _in(workspace).call(service.delete, ChangeDatasetState(dataset=_text(ref), comment=comment))


def restore_dataset(
    ref: _Ref | DatasetStateChange, *, comment: str = "", workspace: Workspace | None = None
) -> DatasetStateChange:
    """Bring back a dataset or a version that was archived or deleted.

    Raises
    ------
    Conflict
        gc has taken its bytes.
    """
    return _in(workspace).call(service.restore, ChangeDatasetState(dataset=_text(ref), comment=comment))


def _in(workspace: Workspace | None) -> Workspace:
    return workspace or Workspace.find()


def _text(ref: _Ref | DatasetStateChange) -> str:
    if isinstance(ref, str):
        return ref
    return ref.name if isinstance(ref, Dataset) else ref.ref
