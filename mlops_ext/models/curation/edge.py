"""Keeping the registry in order from a notebook: search, tag, describe, archive, delete, restore, rename.

A bare name means the model itself here; `delay@3` or `delay@latest` means a version.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops_ext.models import service
from mlops_ext.models.types import (
    ChangeState,
    DeleteTag,
    Describe,
    Description,
    Listed,
    Model,
    ModelVersion,
    RenameModel,
    SearchVersions,
    SetTags,
    StateChange,
    Tags,
)
from mlops_ext.records import Page
from mlops_ext.workspace import Workspace

__all__ = [
    "archive_model",
    "delete_model",
    "describe_model",
    "rename_model",
    "restore_model",
    "search",
    "tag",
    "untag",
]


def search(
    filter: str = "",  # noqa: A002 - the word of the command and of MLflow
    *,
    order_by: str = "",
    state: Listed = "active",
    limit: int = 100,
    cursor: str = "",
    workspace: Workspace | None = None,
) -> Page[ModelVersion]:
    """Search the versions of all models, newest first.

    Parameters
    ----------
    filter : str
        Comparisons of `metrics.`, `params.`, `tags.` and attributes with = != < <= > >= LIKE ILIKE IN IS NULL,
        joined by AND, OR, NOT and parentheses.
    order_by : str
        Such as ``"metrics.auc DESC, created_at"``; what lacks the metric, or has NaN, comes last.
    state : {'active', 'archived', 'deleted', 'any'}
    limit : int
        At most 1000; `cursor` is the `next` of the page before.

    Examples
    --------
    >>> mlops.search("metrics.auc > 0.7 AND (tags.team = 'ops' OR name LIKE 'delay%')").df  # doctest: +SKIP
    """
    request = SearchVersions(filter=filter, order_by=order_by, state=state, limit=limit, cursor=cursor)
    return _in(workspace).call(service.search, request)


def tag(
    ref: str | Model | ModelVersion,
    tags: Mapping[str, str] | None = None,
    *,
    workspace: Workspace | None = None,
    **more: str,
) -> Tags:
    """Set tags of a model or a version; the others stay.

    Parameters
    ----------
    ref : str, Model or ModelVersion
        `delay` for the model, `delay@3` for a version.
    tags : mapping of str to str, optional
        Tags whose keys are no Python names.
    **more : str
        Tags by name.

    Examples
    --------
    >>> mlops.tag("delay@3", {"data.owner": "ann"}, team="ops")  # doctest: +SKIP
    """
    texts = {key: str(value) for key, value in {**(tags or {}), **more}.items()}
    return _in(workspace).call(service.tag, SetTags(model=_text(ref), tags=texts))


def untag(ref: str | Model | ModelVersion, key: str, *, workspace: Workspace | None = None) -> Tags:
    """Take a tag of a model or a version away."""
    return _in(workspace).call(service.untag, DeleteTag(model=_text(ref), key=key))


def describe_model(
    ref: str | Model | ModelVersion, description: str, *, workspace: Workspace | None = None
) -> Description:
    """Write what a model or a version is, in Markdown."""
    return _in(workspace).call(service.describe, Describe(model=_text(ref), description=description))


def archive_model(
    ref: str | Model | ModelVersion, *, comment: str = "", workspace: Workspace | None = None
) -> StateChange:
    """Take a model or a version out of the lists; references still find it."""
    return _in(workspace).call(service.archive, ChangeState(model=_text(ref), comment=comment))


def delete_model(
    ref: str | Model | ModelVersion, *, comment: str = "", workspace: Workspace | None = None
) -> StateChange:
    """Delete a model or a version: nothing finds it, but `restore_model` brings it back.

    Raises
    ------
    Conflict
        An environment serves it or an alias points at it; they are named.
    """
    return _in(workspace).call(service.delete_, ChangeState(model=_text(ref), comment=comment))


def restore_model(ref: str | StateChange, *, comment: str = "", workspace: Workspace | None = None) -> StateChange:
    """Bring back a model or a version that was archived or deleted."""
    return _in(workspace).call(service.restore, ChangeState(model=_text(ref), comment=comment))


def rename_model(model: str | Model, to: str, *, workspace: Workspace | None = None) -> Model:
    """Give a model another name; references by the old one stop, all that belongs to the model stays with it."""
    return _in(workspace).call(service.rename, RenameModel(model=_text(model), to=to))


def _in(workspace: Workspace | None) -> Workspace:
    return workspace or Workspace.find()


def _text(ref: Any) -> str:
    if isinstance(ref, str):
        return ref
    return str(ref.name) if isinstance(ref, Model) else str(ref.ref)
