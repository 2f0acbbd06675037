"""Writing the files of a version anew, whole and side by side, while its content and number stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field
from sqlalchemy import delete, update

from mlops_ext.datasets.service import resolve, show
from mlops_ext.datasets.storage.manifest import Manifest, all_blobs
from mlops_ext.datasets.tables import dataset_versions
from mlops_ext.datasets.types import DatasetVersion, ShowDataset
from mlops_ext.errors import Conflict, InvalidValue
from mlops_ext.operations import operation
from mlops_ext.records import Request
from mlops_ext.store.schema import blob_owners
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from mlops_ext.store.catalog import Change

__all__ = ["Compact", "compact"]


class Compact(Request):
    """Which version to compact."""

    dataset: str = Field(description="Reference: name, name@3, name@b3:…")
    one_file: bool = Field(default=False, description="One file in all, whatever its size")


@operation("datasets.compact", "POST /datasets/{dataset}/compactions", writes=True)
def compact(ws: Workspace, request: Compact) -> DatasetVersion:
    """Write a version's files anew: whole ones, with all columns side by side, that other engines read as they are.

    Content, digest and number stay. What earlier versions share with it is kept for them.
    """
    version = show(ws, ShowDataset(dataset=request.dataset))
    if version.by_reference:
        raise InvalidValue(f"{version.ref} is kept by reference", hint="Its files are not ours to compact")
    before = Manifest.from_bytes(ws.get_blob(version.manifest))
    if _is_compact(before, one_file=request.one_file):
        return version
    after = _written(ws, version, before, one_file=request.one_file)
    digest = ws.put_blob(after.to_bytes())
    return ws.catalog.write(lambda change: _replace(change, version, digest, after))


def _is_compact(manifest: Manifest, *, one_file: bool) -> bool:
    if len(manifest.groups) > 1 or (one_file and len(manifest.files) > 1):
        return False
    names = [column.name for column in manifest.schema_]
    return all(
        list(group.columns) == names and all(rows == manifest.files[file].rows for file, _, rows in group.pieces)
        for group in manifest.groups
    )


def _written(ws: Workspace, version: DatasetVersion, before: Manifest, *, one_file: bool) -> Manifest:
    """Read the version and store it as if nothing were stored yet, cut where it was cut."""
    from mlops_ext.datasets.content.canonical import Content
    from mlops_ext.datasets.frames.convert import to_table
    from mlops_ext.datasets.loading.versions import open_version
    from mlops_ext.datasets.sources.spool import gathered
    from mlops_ext.datasets.storage.writing import TableRows, write_manifest

    held = open_version(ws, version.ref)
    whole = before.whole(Manifest.from_bytes(ws.get_blob(before.base))) if before.base else before
    batches = (batch for table in held.batches() for batch in table.to_batches())
    with gathered(batches, held.representation.schema) as table:
        rows, _ = to_table(table)
        content = Content(version.digest, version.rows, version.schema_)
        made = write_manifest(
            ws, TableRows(rows), held.representation, content=content, parent=whole, anew=True, one_file=one_file
        )
    return made.model_copy(update={"profile": before.profile, "profile_base": before.profile_base})


def _replace(change: Change, version: DatasetVersion, digest: str, after: Manifest) -> DatasetVersion:
    """Point the version to its new files; what only it needed of the old ones is left to gc."""
    if resolve(change, version.ref).manifest != version.manifest:
        raise Conflict(f"{version.ref} was compacted meanwhile", hint="Look at it again: mlops datasets files")
    table, subject = dataset_versions, f"dataset:{version.ref}"
    this = (table.c.name == version.name) & (table.c.version == version.version)
    change.execute(update(table).where(this).values(manifest=digest, bytes=after.bytes))
    change.execute(delete(blob_owners).where(blob_owners.c.owner == subject))
    change.name_blobs(subject, all_blobs(digest, after))
    data = {"digest": version.digest, "files": len(after.files), "bytes": after.bytes, "before": version.manifest}
    change.event("dataset.compacted", subject, {**data, "manifest": digest})
    return resolve(change, version.ref)
