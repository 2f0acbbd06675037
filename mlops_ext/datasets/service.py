"""What can be done with datasets: list, show, commit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Row, Select, insert, select, update

from mlops_ext.datasets.storage.manifest import Manifest, all_blobs
from mlops_ext.datasets.tables import dataset_versions, datasets
from mlops_ext.datasets.types import (
    Column,
    CommitDataset,
    Dataset,
    DatasetFile,
    DatasetFiles,
    DatasetVersion,
    ListDatasets,
    ListDatasetVersions,
    ShowDataset,
)
from mlops_ext.errors import InvalidValue, NotFound, did_you_mean
from mlops_ext.operations import operation
from mlops_ext.records import Page
from mlops_ext.refs import DigestPrefix, Label, Number, Ref, check_name
from mlops_ext.store.filters import Field, Fields, searched
from mlops_ext.store.hashing import algorithm_of
from mlops_ext.store.search import Sort, contains
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from sqlalchemy import Executable

    from mlops_ext.store.catalog import Change

__all__ = ["commit", "files", "list_", "resolve", "show", "versions"]

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
        "created_at": Field(datasets.c.created_at, "time"),
        "updated_at": Field(datasets.c.updated_at, "time"),
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
    },
    order=(Sort(dataset_versions.c.version, descending=True),),
)
"""What datasets and their versions can be searched by; of a dataset, the content is its latest version's."""


class Reader(Protocol):
    """A connection or a change under way: anything that runs a statement."""

    def execute(self, statement: Executable, /) -> Any:
        """Run a statement."""


@operation("datasets.list", "GET /datasets")
def list_(ws: Workspace, request: ListDatasets) -> Page[Dataset]:
    """List the datasets by name."""
    query = select(datasets, dataset_versions.c.rows, dataset_versions.c.digest).join(
        dataset_versions,
        (dataset_versions.c.name == datasets.c.name) & (dataset_versions.c.version == datasets.c.latest),
    )
    if request.search:
        query = query.where(contains(datasets.c.name, request.search))
    with ws.catalog.read() as connection:
        return searched(connection, query, DATASETS, request, _dataset)


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
    with ws.catalog.read() as connection:
        require(connection, name)
        return searched(connection, query, VERSIONS, request, _version)


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
    _check_key(request.primary_key, manifest)
    if algorithm_of(manifest.digest) != ws.algorithm:
        raise InvalidValue(
            f"a digest of {algorithm_of(manifest.digest)} in a workspace of {ws.algorithm}",
            hint="Snapshot the frame into this workspace",
        )
    return ws.catalog.write(lambda change: _commit(change, name, manifest, request))


def resolve(reader: Reader, text: str) -> DatasetVersion:
    """Find the version that a reference names.

    Parameters
    ----------
    reader : Connection or Change
        Where to look.
    text : str
        `name`, `name@3`, `name@latest` or `name@b3:ab12cd34`.

    Raises
    ------
    NotFound
        No such dataset or version.
    InvalidValue
        The digits fit several contents, or the selector is none of a dataset.
    """
    ref = Ref.parse(text, "dataset")
    query = select(dataset_versions).where(dataset_versions.c.name == ref.name)
    newest = query.order_by(dataset_versions.c.version.desc()).limit(1)
    if isinstance(ref.selector, Label):
        raise InvalidValue(
            f"{ref.selector} is no version of a dataset", hint=f"Write {ref.name}@3, {ref.name}@latest or a digest"
        )
    if isinstance(ref.selector, DigestPrefix):
        row = _by_digest(reader, ref, query, ref.selector)
    elif isinstance(ref.selector, Number):
        row = reader.execute(query.where(dataset_versions.c.version == ref.selector.number)).one_or_none()
    else:
        row = reader.execute(newest).one_or_none()
    if row is None:
        require(reader, ref.name)
        last = reader.execute(select(datasets.c.latest).where(datasets.c.name == ref.name)).scalar_one()
        raise NotFound(f"no version {ref.selector} of dataset {ref.name!r}", hint=f"Its latest is {ref.name}@{last}")
    return _version(row)


def _by_digest(reader: Reader, ref: Ref, query: Select[Any], prefix: DigestPrefix) -> Row[Any] | None:
    """Take the newest version with that content; digits that fit several contents are an error."""
    matching = query.where(dataset_versions.c.digest.startswith(str(prefix), autoescape=True))
    rows = reader.execute(matching.order_by(dataset_versions.c.version.desc())).all()
    if len({row.digest for row in rows}) > 1:
        candidates = ", ".join(f"{row.name}@{row.version} ({row.digest[:19]}…)" for row in rows[:8])
        raise InvalidValue(f"{ref} fits several versions: {candidates}", hint="Write more digits, or the number")
    return rows[0] if rows else None


def require(reader: Reader, name: str) -> None:
    """Refuse a name that no dataset has, and tell the nearest."""
    known = list(reader.execute(select(datasets.c.name)).scalars())
    if name not in known:
        raise NotFound.of("dataset", name, known)


def _commit(change: Change, name: str, manifest: Manifest, request: CommitDataset) -> DatasetVersion:
    held = change.execute(select(datasets.c.latest).where(datasets.c.name == name)).scalar_one_or_none()
    if held is not None:
        latest = resolve(change, name)
        known = (latest.digest, latest.representation, latest.primary_key)
        if known == (manifest.digest, manifest.representation, request.primary_key):
            return latest
    made = DatasetVersion(
        name=name,
        version=(held or 0) + 1,
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
    _store(change, made, is_new=held is None)
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


def _check_key(key: Sequence[str], manifest: Manifest) -> None:
    names = [column.name for column in manifest.schema_]
    for name in key:
        if name not in names:
            raise InvalidValue(f"no column named {name!r} for the primary key", hint=did_you_mean(name, names))


def _store(change: Change, made: DatasetVersion, *, is_new: bool) -> None:
    if is_new:
        change.execute(
            insert(datasets).values(
                name=made.name,
                description=made.description,
                latest=made.version,
                created_at=change.now,
                updated_at=change.now,
            )
        )
    else:
        values: dict[str, Any] = {"latest": made.version, "updated_at": change.now}
        if made.description:
            values["description"] = made.description
        change.execute(update(datasets).where(datasets.c.name == made.name).values(values))
    fields = made.model_dump(mode="json", exclude={"schema_", "created_at"})
    columns = [column.model_dump() for column in made.schema_]
    change.execute(insert(dataset_versions).values({**fields, "created_at": made.created_at, "columns": columns}))


def _dataset(row: Row[Any]) -> Dataset:
    return Dataset(**{name: row._mapping[name] for name in Dataset.model_fields})


def _version(row: Row[Any]) -> DatasetVersion:
    held = dict(row._mapping)
    return DatasetVersion(schema=tuple(Column(**each) for each in held.pop("columns")), **held)
