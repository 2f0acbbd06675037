"""Snapshots and loads: frames on this side, records and blobs on the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlops_ext.datasets import service
from mlops_ext.datasets.types import CommitDataset, DatasetVersion, ShowDataset
from mlops_ext.datasets.used import current_run, pinned, remember
from mlops_ext.errors import DamagedBlob, NotFound
from mlops_ext.refs import check_name
from mlops_ext.store.catalog import MissingBlob
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from mlops_ext.datasets.content.canonical import Content
    from mlops_ext.datasets.frames.convert import Kind, Representation
    from mlops_ext.datasets.storage.manifest import Manifest

__all__ = ["load", "snapshot", "verify"]


def snapshot(
    obj: Any,
    name: str,
    *,
    description: str = "",
    tags: Mapping[str, str] | None = None,
    workspace: Workspace | None = None,
) -> DatasetVersion:
    """Keep a frame as the next version of a dataset.

    What equals the latest version, in content and kind, makes none and writes nothing.

    Parameters
    ----------
    obj : pandas.DataFrame, polars.DataFrame, pyarrow.Table, DuckDB relation, str or Path
        The data; a path names a CSV or Parquet file.
    name : str
        Name of the dataset.
    description : str
        A sentence about it.
    tags : mapping of str to str, optional
        Anything worth finding it by.
    workspace : Workspace, optional
        Where; the one found from here when left out.

    Returns
    -------
    DatasetVersion
        The new version, or the latest when nothing has changed.

    Raises
    ------
    InvalidValue
        The frame cannot be kept exactly, or the name is wrong.

    Examples
    --------
    >>> import pandas as pd
    >>> version = snapshot(pd.DataFrame({"x": [1, 2]}), "numbers")  # doctest: +SKIP
    >>> version.ref  # doctest: +SKIP
    'numbers@1'
    """
    from mlops_ext.datasets.content.canonical import digest_table
    from mlops_ext.datasets.frames.convert import to_table
    from mlops_ext.datasets.storage.writing import TableRows, write_manifest

    ws = workspace or Workspace.find()
    check_name(name)
    table, representation = to_table(obj)
    content = digest_table(table, ws.algorithm)
    manifest = _known_manifest(ws, name, content, representation)
    if not manifest:
        base, parent = _parent(ws, name)
        made = write_manifest(ws, TableRows(table), representation, content=content, parent=parent)
        manifest = ws.put_blob((made.over(*base) if base else made).to_bytes())
    request = CommitDataset(
        name=name, manifest=manifest, description=description, tags=dict(tags or {}), run=current_run()
    )
    try:
        version = ws.call(service.commit, request)
    except MissingBlob:
        # gc took a blob between putting and naming it
        made = write_manifest(ws, TableRows(table), representation, content=content)
        manifest = ws.put_blob(made.to_bytes())
        version = ws.call(service.commit, request.model_copy(update={"manifest": manifest}))
    remember(version.ref, ws.root)
    return version


def load(
    ref: str | DatasetVersion,
    as_: Kind | None = None,
    columns: Sequence[str] | None = None,
    *,
    workspace: Workspace | None = None,
) -> Any:
    """Load a version as the kind of frame that was snapshotted.

    Parameters
    ----------
    ref : str or DatasetVersion
        `name`, `name@3`, `name@latest` or `name@b3:ab12cd34`.
    as_ : {"pandas", "polars", "arrow"}, optional
        Another kind of frame.
    columns : sequence of str, optional
        Only these, in this order; a pandas frame keeps its index.

    Returns
    -------
    pandas.DataFrame, polars.DataFrame, pyarrow.Table or DuckDB relation

    Raises
    ------
    NotFound
        No such dataset or version.

    Examples
    --------
    >>> load("flights@1", columns=["origin", "dest"])  # doctest: +SKIP
    """
    from mlops_ext.datasets.frames.convert import check_kind, from_table, needed_columns
    from mlops_ext.datasets.storage.manifest import Manifest
    from mlops_ext.datasets.storage.reading import read_table

    check_kind(as_)
    ws = workspace or Workspace.find()
    version = ws.call(service.show, ShowDataset(dataset=pinned(ref if isinstance(ref, str) else ref.ref)))
    manifest = Manifest.from_bytes(ws.get_blob(version.manifest), to_load=True)
    representation = _representation(ws, manifest.representation)
    wanted = list(columns) if columns is not None else None
    exact = as_ is None or as_ == representation.kind
    needed = needed_columns(representation, wanted, exact=exact)
    table = read_table(ws, manifest, representation.schema, needed)
    remember(version.ref, ws.root)
    return from_table(table, representation, as_, wanted)


def verify(ref: str | DatasetVersion, *, workspace: Workspace | None = None) -> DatasetVersion:
    """Read all of a version again and compare its content with its digest.

    Raises
    ------
    DamagedBlob
        The content is not what was snapshotted.
    """
    from mlops_ext.datasets.content.canonical import digest_table
    from mlops_ext.datasets.storage.manifest import Manifest
    from mlops_ext.datasets.storage.reading import read_table
    from mlops_ext.store.hashing import algorithm_of

    ws = workspace or Workspace.find()
    version = ws.call(service.show, ShowDataset(dataset=ref if isinstance(ref, str) else ref.ref))
    manifest = Manifest.from_bytes(ws.get_blob(version.manifest), to_load=True)
    table = read_table(ws, manifest, _representation(ws, manifest.representation).schema)
    found = digest_table(table, algorithm_of(version.digest)).digest
    if found != version.digest:
        raise DamagedBlob(f"{version.ref} has the content {found}, not {version.digest}", hint="Restore a backup")
    return version


def _known_manifest(ws: Workspace, name: str, content: Content, representation: Representation) -> str:
    """Find an earlier version with this content and representation: its files serve again."""
    from mlops_ext.store.hashing import algorithm_of, digest_of

    try:
        earlier = ws.call(service.show, ShowDataset(dataset=f"{name}@{content.digest}"))
    except NotFound:
        return ""
    described = digest_of(representation.to_bytes(), algorithm_of(content.digest))
    return earlier.manifest if earlier.representation == described else ""


def _parent(ws: Workspace, name: str) -> tuple[tuple[str, Manifest] | None, Manifest | None]:
    """Give the manifest whose digests may be left out, with its own digest, and the latest version's, whole."""
    from mlops_ext.datasets.storage.manifest import Manifest

    try:
        latest = ws.call(service.show, ShowDataset(dataset=name)).manifest
    except NotFound:
        return None, None
    manifest = Manifest.from_bytes(ws.get_blob(latest))
    if manifest.base is None:
        return (latest, manifest), manifest
    base = Manifest.from_bytes(ws.get_blob(manifest.base))
    return (manifest.base, base), manifest.whole(base)


def _representation(ws: Workspace, digest: str) -> Representation:
    from mlops_ext.datasets.frames.convert import Representation

    return Representation.from_bytes(ws.get_blob(digest))
