"""What can be done with datasets: list, show, commit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, insert, select, update

from mlops_ext.datasets.references import Reader, require, resolve, version_records
from mlops_ext.datasets.storage.manifest import Manifest, all_blobs
from mlops_ext.datasets.tables import dataset_aliases, dataset_tags, dataset_versions, datasets
from mlops_ext.datasets.types import (
    CommitDataset,
    Dataset,
    DatasetFile,
    DatasetFiles,
    DatasetVersion,
    ListDatasets,
    ListDatasetVersions,
    ShowDataset,
)
from mlops_ext.errors import Conflict, InvalidValue, did_you_mean
from mlops_ext.operations import operation
from mlops_ext.records import Page
from mlops_ext.refs import Ref, check_name
from mlops_ext.store.curation import WHOLE, check_number_of_tags, check_tags, check_text
from mlops_ext.store.filters import Field, Fields, Keyed, found
from mlops_ext.store.hashing import algorithm_of
from mlops_ext.store.search import Sort, batches, contains
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from mlops_ext.store.catalog import Change

__all__ = ["Reader", "check_key", "commit", "files", "list_", "require", "resolve", "show", "store_version", "versions"]


def _beside(table: Any) -> Any:
    """Find a version's rows in a table of its own."""
    return (table.c.name == dataset_versions.c.name) & (table.c.version == dataset_versions.c.version)


_CONTENT = {
    "digest": Field(dataset_versions.c.digest),
    "rows": Field(dataset_versions.c.rows, "number"),
    "bytes": Field(dataset_versions.c.bytes, "number"),
    "kind": Field(dataset_versions.c.kind),
    "run": Field(dataset_versions.c.run),
}
DATASETS = Fields(
    attributes={
        **_CONTENT,
        "name": Field(datasets.c.name, "name"),
        "description": Field(datasets.c.description),
        "latest": Field(datasets.c.latest, "number"),
        "state": Field(datasets.c.state),
        "aliases": Field(
            dataset_aliases.c.alias, "name", within=dataset_aliases.c.name == datasets.c.name, sortable=False
        ),
        "created_at": Field(datasets.c.created_at, "time"),
        "updated_at": Field(datasets.c.updated_at, "time"),
    },
    keyed={
        "tags": Keyed(
            dataset_tags.c.key,
            dataset_tags.c.value,
            (dataset_tags.c.name == datasets.c.name) & (dataset_tags.c.version == WHOLE),
        )
    },
    order=(Sort(datasets.c.name),),
)
VERSIONS = Fields(
    attributes={
        **_CONTENT,
        "version": Field(dataset_versions.c.version, "number"),
        "description": Field(dataset_versions.c.description),
        "created_at": Field(dataset_versions.c.created_at, "time"),
        "created_by": Field(dataset_versions.c.created_by),
        "state": Field(dataset_versions.c.state),
        "checked": Field(dataset_versions.c.checked),
        "aliases": Field(dataset_aliases.c.alias, "name", within=_beside(dataset_aliases), sortable=False),
    },
    keyed={"tags": Keyed(dataset_tags.c.key, dataset_tags.c.value, _beside(dataset_tags))},
    order=(Sort(dataset_versions.c.version, descending=True),),
)
"""What datasets and their versions can be searched by; of a dataset, the content is its latest version's."""


@operation("datasets.list", "GET /datasets")
def list_(ws: Workspace, request: ListDatasets) -> Page[Dataset]:
    """List the datasets by name."""
    query = select(datasets, dataset_versions.c.rows, dataset_versions.c.digest).outerjoin(
        dataset_versions,
        (dataset_versions.c.name == datasets.c.name) & (dataset_versions.c.version == datasets.c.latest),
    )
    if request.state != "any":
        query = query.where(datasets.c.state == request.state)
    if request.search:
        query = query.where(contains(datasets.c.name, request.search))
    with ws.catalog.read() as connection:
        rows, following = found(connection, query, DATASETS, request)
        return Page[Dataset](items=_datasets(connection, rows), next=following)


@operation("datasets.show", "GET /datasets/{dataset}")
def show(ws: Workspace, request: ShowDataset) -> DatasetVersion:
    """Show one version of a dataset; the latest when the reference names none."""
    with ws.catalog.read() as connection:
        return resolve(connection, request.dataset)


@operation("datasets.versions", "GET /datasets/{dataset}/versions")
def versions(ws: Workspace, request: ListDatasetVersions) -> Page[DatasetVersion]:
    """List the versions of a dataset, the newest first."""
    name = Ref.parse(request.dataset, "dataset").name
    query = select(dataset_versions).where(dataset_versions.c.name == name)
    if request.state != "any":
        query = query.where(dataset_versions.c.state == request.state)
    with ws.catalog.read() as connection:
        require(connection, name)
        rows, following = found(connection, query, VERSIONS, request)
        return Page[DatasetVersion](items=version_records(connection, rows), next=following)


@operation("datasets.files", "GET /datasets/{dataset}/files")
def files(ws: Workspace, request: ShowDataset) -> DatasetFiles:
    """List the Parquet files of a version in the order of their rows, with where their bytes are to be had."""
    version = show(ws, request)
    manifest = Manifest.from_bytes(ws.get_blob(version.manifest))
    found = tuple(
        DatasetFile(
            url=f"/blobs/{manifest.files[file].digest}",
            digest=manifest.files[file].digest,
            first=first,
            rows=rows,
            whole=rows == manifest.files[file].rows,
            bytes=manifest.files[file].bytes,
            names=group.columns,
        )
        for group in manifest.groups
        for file, first, rows in group.pieces
    )
    plain = len(manifest.groups) == 1 and all(each.whole for each in found)
    return DatasetFiles(ref=version.ref, plain=plain, files=found)


@operation("datasets.commit", "POST /datasets/{name}/versions", writes=True)
def commit(ws: Workspace, request: CommitDataset) -> DatasetVersion:
    """Make the content of a manifest the next version; what equals the latest makes none."""
    name = check_name(request.name)
    manifest = Manifest.from_bytes(ws.get_blob(request.manifest))
    check_key(request.primary_key, manifest)
    check_text("description", request.description)
    check_tags(request.tags)
    check_number_of_tags(request.tags)
    if algorithm_of(manifest.digest) != ws.algorithm:
        raise InvalidValue(
            f"a digest of {algorithm_of(manifest.digest)} in a workspace of {ws.algorithm}",
            hint="Snapshot the frame into this workspace",
        )
    return ws.catalog.write(lambda change: _commit(change, name, manifest, request))


def _commit(change: Change, name: str, manifest: Manifest, request: CommitDataset) -> DatasetVersion:
    known_as = select(datasets.c.latest, datasets.c.highest, datasets.c.state).where(datasets.c.name == name)
    thing = change.execute(known_as).one_or_none()
    if thing is not None and thing.state == "deleted":
        raise Conflict(f"the dataset {name!r} is deleted", hint=f"Bring it back: mlops datasets restore {name}")
    held = thing.latest if thing else 0
    if held:
        latest = resolve(change, name)
        known = (latest.digest, latest.representation, latest.primary_key)
        if known == (manifest.digest, manifest.representation, request.primary_key):
            return latest
    made = DatasetVersion(
        name=name,
        version=(thing.highest if thing else 0) + 1,
        digest=manifest.digest,
        representation=manifest.representation,
        manifest=request.manifest,
        kind=manifest.kind,
        rows=manifest.rows,
        bytes=manifest.bytes,
        schema=manifest.schema_,
        description=request.description,
        tags=request.tags,
        primary_key=request.primary_key,
        by_reference=manifest.by_reference,
        origin=request.origin,
        run=request.run,
        created_at=change.now,
        created_by=change.actor,
    )
    store_version(change, made, is_new=thing is None)
    subject = f"dataset:{made.ref}"
    change.name_blobs(subject, all_blobs(request.manifest, manifest))
    inputs = [f"run:{made.run}"] if made.run else []
    data = {
        "digest": made.digest,
        "representation": made.representation,
        "rows": made.rows,
        "run": made.run,
        "primary_key": list(made.primary_key),
        "origin": {name: each for name, each in made.origin.model_dump(mode="json").items() if each},
        "previous": f"dataset:{name}@{held}" if held else "",
    }
    change.event("dataset.committed", subject, {**data, "inputs": inputs, "outputs": [subject]})
    return made


def check_key(key: Sequence[str], manifest: Manifest) -> None:
    """Refuse a primary key of columns that the version has not."""
    names = [column.name for column in manifest.schema_]
    for name in key:
        if name not in names:
            raise InvalidValue(f"no column named {name!r} for the primary key", hint=did_you_mean(name, names))


def store_version(change: Change, made: DatasetVersion, *, is_new: bool) -> None:
    """Write the rows of a version, and of its dataset when that is new."""
    values: dict[str, Any] = {"updated_at": change.now}
    if made.description:
        values["description"] = made.description
    if is_new:
        numbers = {"latest": made.version, "highest": made.version}
        first = {"name": made.name, "description": made.description, "created_at": change.now}
        change.execute(insert(datasets).values(**{**first, **values, **numbers}))
    else:
        this = datasets.c.name == made.name
        change.execute(update(datasets).where(this).values(values))
        for column in (datasets.c.latest, datasets.c.highest):
            change.execute(update(datasets).where(this, column < made.version).values({column.name: made.version}))
    fields = made.model_dump(mode="json", exclude={"schema_", "created_at", "tags", "aliases", "removed_at"})
    columns = [column.model_dump() for column in made.schema_]
    change.execute(insert(dataset_versions).values({**fields, "created_at": made.created_at, "columns": columns}))
    if made.tags:
        key = {"name": made.name, "version": made.version}
        change.execute(insert(dataset_tags), [{**key, "key": name, "value": made.tags[name]} for name in made.tags])


def _datasets(reader: Reader, rows: Sequence[Row[Any]]) -> tuple[Dataset, ...]:
    names = [row.name for row in rows]
    tags: dict[str, dict[str, str]] = defaultdict(dict)
    pointing: dict[str, dict[str, int]] = defaultdict(dict)
    for some in batches(names):
        whole = select(dataset_tags).where(dataset_tags.c.name.in_(some), dataset_tags.c.version == WHOLE)
        for name, _, key, value in sorted(map(tuple, reader.execute(whole))):
            tags[name][key] = value
        for name, alias, version in sorted(
            map(tuple, reader.execute(select(dataset_aliases).where(dataset_aliases.c.name.in_(some))))
        ):
            pointing[name][alias] = version
    return tuple(_dataset(row, tags[row.name], pointing[row.name]) for row in rows)


def _dataset(row: Row[Any], tags: dict[str, str], aliases: dict[str, int]) -> Dataset:
    held = {name: row._mapping[name] for name in Dataset.model_fields if name in row._mapping}
    held |= {"rows": row.rows or 0, "digest": row.digest or None}
    return Dataset(**held, tags=tags, aliases=aliases)
