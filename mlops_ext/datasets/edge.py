"""Snapshots and loads: frames on this side, records and blobs on the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_ext.datasets import service
from mlops_ext.datasets.again import first_time, made_before
from mlops_ext.datasets.classes.edge import note_read
from mlops_ext.datasets.expectations.edge import check_new, read
from mlops_ext.datasets.types import CommitDataset, DatasetFiles, DatasetVersion, Origin, ShowDataset, reference_text
from mlops_ext.datasets.used import current_run, pinned, remember
from mlops_ext.errors import DamagedBlob, InvalidValue, NotFound
from mlops_ext.refs import check_name
from mlops_ext.store.catalog import MissingBlob
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from mlops_ext.datasets.content.canonical import Content
    from mlops_ext.datasets.expectations.types import Expectations
    from mlops_ext.datasets.frames.convert import Kind, LazyKind, Representation
    from mlops_ext.datasets.sources.opening import Opened
    from mlops_ext.datasets.storage.manifest import Manifest

__all__ = ["export", "files", "load", "scan", "snapshot", "verify"]


def snapshot(  # noqa: PLR0913  the notebook gives all of them by name
    obj: Any = None,
    name: str = "",
    *,
    sql: Any = None,
    con: Any = None,
    primary_key: str | Sequence[str] | None = None,
    description: str = "",
    tags: Mapping[str, str] | None = None,
    expectations: Expectations | Mapping[str, Any] | str | Path | None = None,
    by_reference: bool = False,
    workspace: Workspace | None = None,
) -> DatasetVersion:
    """Keep rows as the next version of a dataset.

    What equals the latest version, in content, kind and primary key, makes none and writes nothing.

    Parameters
    ----------
    obj : pandas or Polars frame (eager or lazy), Arrow table, reader or dataset, DuckDB relation, str or Path
        The data. A text is the path, folder, glob or URL (whatever fsspec opens) of CSV, Parquet, Arrow or JSON
        files, or the folder of a Delta table; tables of deltalake and pyiceberg are taken as they are.
    name : str
        Name of the dataset.
    sql, con : str or SQLAlchemy statement, and URL, engine or connection
        A query instead of an object, and the database: SQLAlchemy, DuckDB, ADBC or any DBAPI connection.
    primary_key : str or sequence of str, optional
        Columns that tell rows apart, which is checked; those of the version before when left out, none when empty.
    description : str
        A sentence about it.
    tags : mapping of str to str, optional
        Anything worth finding it by.
    expectations : Expectations, mapping, str or Path, optional
        What this and later versions are held to; a text is the path of a TOML file. What the dataset has when left
        out. A version that fails is kept, and marked in `checked`.
    by_reference : bool
        Leave the rows where they are and keep only which they are: digests of files, the version of an object, of
        a Delta or Iceberg table. Loading refuses when they are not there any more.
    workspace : Workspace, optional
        Where; the one found from here when left out.

    Returns
    -------
    DatasetVersion
        The new version, or the latest when nothing has changed.

    Raises
    ------
    InvalidValue
        The rows cannot be kept exactly, or the name is wrong.
    Conflict
        A source file changed while it was read.

    Examples
    --------
    >>> import pandas as pd
    >>> version = snapshot(pd.DataFrame({"x": [1, 2]}), "numbers")  # doctest: +SKIP
    >>> version.ref  # doctest: +SKIP
    'numbers@1'
    >>> snapshot("s3://bucket/flights/*.parquet", "flights", by_reference=True)  # doctest: +SKIP
    >>> snapshot(sql="SELECT * FROM flights", con="postgresql://db/air", name="flights")  # doctest: +SKIP
    """
    from mlops_ext.datasets.content.canonical import digest_table
    from mlops_ext.datasets.frames.keys import primary_key_of
    from mlops_ext.datasets.sources.opening import opened

    ws = workspace or Workspace.find()
    check_name(name)
    expectations = None if expectations is None else read(expectations)
    words = _tags(tags)
    latest = _latest(ws, name)
    with opened(obj, ws, sql=sql, con=con) as rows:
        held = rows.as_reference() if by_reference else rows
        key = primary_key_of(held.table, held.representation, primary_key, latest.primary_key if latest else ())
        content = digest_table(held.table, ws.algorithm)
        if (before := made_before(ws, name)) is not None and before.digest == content.digest:
            remember(before.ref, ws.root, made=True)
            return before
        request = CommitDataset(
            name=name,
            manifest=_stored(ws, held, content, latest, key),
            description=description,
            tags=words,
            primary_key=key,
            origin=_origin(ws, held),
            run=current_run(),
        )
        try:
            version = ws.call(service.commit, request)
        except MissingBlob:
            # gc took a blob between putting and naming it
            version = ws.call(
                service.commit, request.model_copy(update={"manifest": _stored(ws, held, content, None, key)})
            )
    remember(version.ref, ws.root, made=True)
    if first_time() is not None:
        return version
    return check_new(ws, version, expectations)


def load(
    ref: str | DatasetVersion,
    as_: Kind | None = None,
    columns: Sequence[Any] | None = None,
    *,
    rows: int | slice | range | None = None,
    filter: str | list[Any] | None = None,  # noqa: A002 - what readers of Parquet call it
    workspace: Workspace | None = None,
) -> Any:
    """Load a version as the kind of frame that was snapshotted; what is not asked for is not read.

    Parameters
    ----------
    ref : str or DatasetVersion
        `name`, `name@3`, `name@latest` or `name@b3:ab12cd34`.
    as_ : {"pandas", "polars", "arrow", "duckdb", "path"}, optional
        Another kind of frame; "path" gives one Parquet file, to be read and not to be changed.
    columns : sequence, optional
        Only these, in this order; a pandas frame keeps its index.
    rows : int, slice or range, optional
        The first so many, or a run of rows.
    filter : str or list of tuples, optional
        Only rows for which a condition is true: SQL such as ``"month = 1 AND dep_delay > 15"``, or
        ``[("month", "=", 1)]``. NaN counts as missing.

    Returns
    -------
    pandas.DataFrame, polars.DataFrame, pyarrow.Table, DuckDB relation or Path

    Raises
    ------
    NotFound
        No such dataset or version; or it is kept by reference, and its source is gone.
    Conflict
        It is kept by reference, and its source has changed.

    Examples
    --------
    >>> load("flights@1", columns=["origin", "dest"], filter="month = 1")  # doctest: +SKIP
    """
    from mlops_ext.datasets.frames.convert import check_kind, from_table, needed_columns
    from mlops_ext.datasets.loading.files import one_file
    from mlops_ext.datasets.loading.selection import condition_columns
    from mlops_ext.datasets.loading.versions import open_version

    check_kind(as_)
    ws = workspace or Workspace.find()
    held = open_version(ws, pinned(reference_text(ref)))
    if as_ == "path":
        if (columns, rows, filter) != (None, None, None):
            raise InvalidValue("as_='path' with columns=, rows= or filter=", hint="Give the path alone, it is whole")
        note_read(ws, held.version, None, "path")
        path = one_file(held)
        remember(held.version.ref, ws.root)
        return path
    representation = held.representation
    exact = as_ is None or as_ == representation.kind
    needed = needed_columns(representation, columns, exact=exact)
    asked = condition_columns(filter, held.names) if filter is not None else []
    note_read(ws, held.version, None if needed is None else [*needed, *asked], "load")
    places = held.places(rows, filter)
    table = held.read(needed, places)
    remember(held.version.ref, ws.root)
    return from_table(table, representation, as_, columns, (places, held.version.rows))


def scan(ref: str | DatasetVersion, as_: LazyKind = "polars", *, workspace: Workspace | None = None) -> Any:
    """Open a version lazily: only the columns and rows that a query asks for are read.

    Parameters
    ----------
    ref : str or DatasetVersion
        `name`, `name@3`, `name@latest` or `name@b3:ab12cd34`.
    as_ : {"polars", "arrow", "duckdb"}
        The kind of lazy frame.

    Returns
    -------
    polars.LazyFrame, pyarrow.dataset.Dataset or DuckDB relation

    Raises
    ------
    NotFound
        No such dataset or version.

    Examples
    --------
    >>> scan("flights@1").filter(pl.col("month") == 1).select("dep_delay").collect()  # doctest: +SKIP
    """
    from mlops_ext.datasets.frames.convert import check_kind
    from mlops_ext.datasets.loading.scans import SCANS
    from mlops_ext.datasets.loading.versions import open_version

    check_kind(as_, tuple(SCANS))
    ws = workspace or Workspace.find()
    held = open_version(ws, pinned(reference_text(ref)))
    note_read(ws, held.version, None, "scan")
    remember(held.version.ref, ws.root)
    return SCANS[as_](held)


def files(ref: str | DatasetVersion, *, workspace: Workspace | None = None) -> DatasetFiles:
    """List the Parquet files of a version with their paths on this machine; other engines read them without us.

    Files of a workspace in an object store or behind a server are fetched into a cache first.

    Parameters
    ----------
    ref : str or DatasetVersion
        `name`, `name@3`, `name@latest` or `name@b3:ab12cd34`.

    Returns
    -------
    DatasetFiles
        Where it is not `plain`, files hold more or less than the version; see `datasets.compact`.

    Examples
    --------
    >>> duckdb.read_parquet([each.path for each in files("flights@3").files])  # doctest: +SKIP
    """
    ws = workspace or Workspace.find()
    version = ws.call(service.show, ShowDataset(dataset=reference_text(ref)))
    listed = ws.call(service.files, ShowDataset(dataset=version.ref))
    note_read(ws, version, None, "files")
    here = tuple(each.model_copy(update={"path": str(ws.blob_path(each.digest))}) for each in listed.files)
    return listed.model_copy(update={"files": here})


def export(
    ref: str | DatasetVersion,
    folder: str | Path,
    format: str = "parquet",  # noqa: A002 - what readers of files call it
    *,
    workspace: Workspace | None = None,
) -> list[Path]:
    """Write a version into a new folder: as Parquet, as CSV or as a table of Delta Lake.

    Parameters
    ----------
    ref : str or DatasetVersion
        `name`, `name@3`, `name@latest` or `name@b3:ab12cd34`.
    folder : str or Path
        Must not exist yet, or be empty.
    format : {"parquet", "delta", "csv"}
        Categories become their values in all but Parquet.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    Conflict
        The folder holds something.
    InvalidValue
        The format cannot hold a column.
    """
    from mlops_ext.datasets.loading.files import export_to
    from mlops_ext.datasets.loading.versions import open_version

    ws = workspace or Workspace.find()
    held = open_version(ws, reference_text(ref))
    note_read(ws, held.version, None, "export")
    return export_to(held, Path(folder).expanduser(), format)


def verify(ref: str | DatasetVersion, *, workspace: Workspace | None = None) -> DatasetVersion:
    """Read all of a version again and compare its content with its digest.

    Raises
    ------
    DamagedBlob
        The content is not what was snapshotted.
    """
    from mlops_ext.datasets.content.canonical import digest_table
    from mlops_ext.datasets.loading.versions import open_version
    from mlops_ext.store.hashing import algorithm_of

    ws = workspace or Workspace.find()
    held = open_version(ws, reference_text(ref))
    found = digest_table(held.read(), algorithm_of(held.version.digest)).digest
    if found != held.version.digest:
        raise DamagedBlob(
            f"{held.version.ref} has the content {found}, not {held.version.digest}", hint="Restore a backup"
        )
    return held.version


def _tags(tags: Mapping[str, Any] | None) -> dict[str, str]:
    if tags is not None and not isinstance(tags, Mapping):
        raise InvalidValue(f"tags is {tags!r}", hint="Give a mapping, such as tags={'team': 'air'}")
    return {key: str(value) for key, value in (tags or {}).items()}


def _stored(ws: Workspace, rows: Opened, content: Content, latest: DatasetVersion | None, key: Sequence[str]) -> str:
    """Store what is not stored yet and give the digest of the manifest; without a latest version, all of it."""
    from mlops_ext.datasets.profile.sampling import profiled
    from mlops_ext.datasets.storage.writing import TableRows, reference_manifest, write_manifest

    base, parent = None, None
    if "reference" in rows.representation.words:
        made = reference_manifest(ws, rows.representation, content)
    else:
        known = _known_manifest(ws, latest.name, content, rows.representation) if latest else ""
        if known:
            return known
        base, parent = _parent(ws, latest)
        made = write_manifest(ws, TableRows(rows.table), rows.representation, content=content, parent=parent, keys=key)
    made, profile = profiled(ws, made, rows.table, parent)
    written = (made.over(*base) if base else made).to_bytes()
    return ws.put_blobs([rows.representation.to_bytes(), profile, written])[-1]


def _origin(ws: Workspace, rows: Opened) -> Origin:
    from mlops_ext.datasets.sources.origin import here

    return here(ws.root, ws.algorithm).model_copy(update={"sources": rows.sources, "query": rows.query})


def _latest(ws: Workspace, name: str) -> DatasetVersion | None:
    try:
        return ws.call(service.show, ShowDataset(dataset=name))
    except NotFound:
        return None


def _known_manifest(ws: Workspace, name: str, content: Content, representation: Representation) -> str:
    """Find an earlier version with this content and representation: its files serve again."""
    from mlops_ext.store.hashing import algorithm_of, digest_of

    try:
        earlier = ws.call(service.show, ShowDataset(dataset=f"{name}@{content.digest}"))
    except NotFound:
        return ""
    described = digest_of(representation.to_bytes(), algorithm_of(content.digest))
    return earlier.manifest if earlier.representation == described else ""


def _parent(ws: Workspace, latest: DatasetVersion | None) -> tuple[tuple[str, Manifest] | None, Manifest | None]:
    """Give the manifest whose digests may be left out, with its own digest, and the latest version's, whole."""
    from mlops_ext.datasets.storage.manifest import Manifest

    if latest is None or latest.by_reference:
        return None, None
    manifest = Manifest.from_bytes(ws.get_blob(latest.manifest))
    if manifest.base is None:
        return (latest.manifest, manifest), manifest
    base = Manifest.from_bytes(ws.get_blob(manifest.base))
    return (manifest.base, base), manifest.whole(base)
