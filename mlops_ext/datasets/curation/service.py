"""What can be done to keep datasets in order: tag, describe, point aliases, archive, delete, restore.

As of models: a bare name is the dataset itself, `name@3` or `name@latest` a version. What is archived leaves the
lists, what is deleted leaves all but the record until gc takes its bytes; a number is never given again.
"""

from __future__ import annotations

from sqlalchemy import select

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
from mlops_ext.datasets.references import Reader, find_row, find_thing
from mlops_ext.datasets.tables import DATASETS, dataset_aliases
from mlops_ext.errors import Conflict
from mlops_ext.operations import operation
from mlops_ext.refs import Ref, check_label
from mlops_ext.store import curation
from mlops_ext.store.catalog import Change
from mlops_ext.store.curation import WHOLE, State, Subject, check_text
from mlops_ext.workspace import Workspace

__all__ = ["alias", "archive", "delete", "describe", "find_subject", "restore", "tag", "unalias", "untag"]


def find_subject(reader: Reader, text: str, *, deleted: bool = False) -> Subject:
    """Find what a text names: a bare name is the dataset itself."""
    if "@" in text:
        row = find_row(reader, text, deleted=deleted)
        return Subject(DATASETS, row.name, row.name, row.version, row)
    row = find_thing(reader, Ref.parse(text, "dataset").name, deleted=deleted)
    return Subject(DATASETS, row.name, row.name, WHOLE, row)


@operation("datasets.tag", "PUT /datasets/{dataset}/tags", writes=True)
def tag(ws: Workspace, request: SetDatasetTags) -> DatasetTags:
    """Set tags of a dataset, or of a version when one is named; the others stay."""

    def put(change: Change) -> DatasetTags:
        subject = find_subject(change, request.dataset)
        return DatasetTags(ref=subject.ref, tags=curation.put_tags(change, subject, request.tags))

    return ws.catalog.write(put)


@operation("datasets.untag", "DELETE /datasets/{dataset}/tags/{key}", writes=True)
def untag(ws: Workspace, request: DeleteDatasetTag) -> DatasetTags:
    """Take a tag of a dataset, or of a version when one is named, away."""

    def remove(change: Change) -> DatasetTags:
        subject = find_subject(change, request.dataset)
        return DatasetTags(ref=subject.ref, tags=curation.drop_tag(change, subject, request.key))

    return ws.catalog.write(remove)


@operation("datasets.describe", "PUT /datasets/{dataset}/description", writes=True)
def describe(ws: Workspace, request: DescribeDataset) -> DatasetDescription:
    """Write what a dataset, or a version when one is named, is; in Markdown."""
    text = check_text("description", request.description)

    def write(change: Change) -> DatasetDescription:
        subject = find_subject(change, request.dataset)
        curation.describe(change, subject, text)
        return DatasetDescription(ref=subject.ref, description=text)

    return ws.catalog.write(write)


@operation("datasets.alias", "PUT /datasets/{dataset}/aliases/{alias}", writes=True)
def alias(ws: Workspace, request: SetDatasetAlias) -> DatasetAliasMove:
    """Point an alias at a version, moving it when it points elsewhere."""
    label = check_label(request.alias)

    def point(change: Change) -> DatasetAliasMove:
        row = find_row(change, request.dataset)
        subject = Subject(DATASETS, row.name, row.name, row.version, row)
        previous = curation.point(change, subject, label)
        return DatasetAliasMove(dataset=row.name, alias=label, version=row.version, previous=previous)

    return ws.catalog.write(point)


@operation("datasets.unalias", "DELETE /datasets/{dataset}/aliases/{alias}", writes=True)
def unalias(ws: Workspace, request: DeleteDatasetAlias) -> DatasetAliasMove:
    """Take an alias away."""

    def remove(change: Change) -> DatasetAliasMove:
        thing = find_subject(change, Ref.parse(request.dataset, "dataset").name)
        previous = curation.unpoint(change, thing, request.alias)
        return DatasetAliasMove(dataset=thing.name, alias=request.alias, version=None, previous=previous)

    return ws.catalog.write(remove)


@operation("datasets.archive", "POST /datasets/{dataset}/archival", writes=True)
def archive(ws: Workspace, request: ChangeDatasetState) -> DatasetStateChange:
    """Take a dataset, or a version when one is named, out of the lists; references still find it."""
    return _put(ws, request, "archived")


@operation("datasets.delete", "DELETE /datasets/{dataset}", writes=True)
def delete(ws: Workspace, request: ChangeDatasetState) -> DatasetStateChange:
    """Delete a dataset, or a version when one is named: nothing finds it; until gc runs it can be restored."""
    return _put(ws, request, "deleted")


@operation("datasets.restore", "POST /datasets/{dataset}/restoration", writes=True)
def restore(ws: Workspace, request: ChangeDatasetState) -> DatasetStateChange:
    """Bring back a dataset, or a version when one is named, that was archived or deleted."""
    return _put(ws, request, "active")


def _put(ws: Workspace, request: ChangeDatasetState, state: State) -> DatasetStateChange:
    comment = check_text("comment", request.comment)

    def write(change: Change) -> DatasetStateChange:
        subject = find_subject(change, request.dataset, deleted=True)
        if subject.version != WHOLE and subject.row.removed_at is not None:
            raise Conflict(
                f"{subject.ref} was removed by gc", hint="Snapshot the same data again, or restore a backup that has it"
            )
        previous = curation.put_state(change, subject, state, comment, lambda it: _refuse_pointed(change, it))
        return DatasetStateChange(ref=subject.ref, state=state, previous=previous)

    return ws.catalog.write(write)


def _refuse_pointed(change: Change, subject: Subject) -> None:
    query = select(dataset_aliases.c.alias, dataset_aliases.c.version).where(dataset_aliases.c.name == subject.name)
    pointing = [row.alias for row in change.execute(query) if subject.version in (WHOLE, row.version)]
    if pointing:
        said = ", ".join(f"the alias {name!r} points at it" for name in sorted(pointing))
        raise Conflict(f"cannot put {subject.ref} away: {said}", hint="Move or delete the aliases first")
