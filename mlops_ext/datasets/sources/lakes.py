"""Tables of Delta Lake and Iceberg as batches of Arrow, at the version that is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from mlops_ext.datasets.sources.files import is_url
from mlops_ext.datasets.types import DataSource
from mlops_ext.errors import InvalidValue, MissingExtra, NotFound
from mlops_ext.shown import shown_url, without_secrets

__all__ = ["is_delta", "lake_batches", "lake_source", "opened_lake"]


def is_delta(text: str, root: Path) -> bool:
    """Tell whether a path or URL is the folder of a Delta table."""
    if not is_url(text):
        return (root / Path(text).expanduser() / "_delta_log").is_dir()
    from mlops_ext.datasets.sources.files import open_files

    files, path = open_files(text) if not text.startswith("http") else (None, "")
    return bool(files is not None and files.isdir(f"{path.rstrip('/')}/_delta_log"))


def lake_source(table: Any, root: Path) -> DataSource:
    """Name a table of a lake and its version.

    Parameters
    ----------
    table : deltalake.DeltaTable or pyiceberg.table.Table
        The table, at the version that it shows.
    root : Path
        The workspace's folder; what lies in it is named relative to it.
    """
    if type(table).__module__.startswith("pyiceberg"):
        snapshot = table.current_snapshot()
        if snapshot is None:
            raise InvalidValue(f"the Iceberg table {table.name()} has no snapshot yet", hint="Write rows first")
        version = str(snapshot.snapshot_id)
        return DataSource(kind="iceberg", location=_named(table.metadata_location, root), version=version)
    return DataSource(kind="delta", location=_named(str(table.table_uri), root), version=str(table.version()))


def _named(location: str, root: Path) -> str:
    if is_url(location) and not location.startswith("file://"):
        return shown_url(location)
    path = Path(location.removeprefix("file://")).resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def opened_lake(source: DataSource, root: Path) -> Any:
    """Open a table as it was.

    Raises
    ------
    NotFound
        The table, or this version of it, is gone.
    """
    location = source.location if is_url(source.location) else str((root / source.location).resolve())
    try:
        if source.kind == "delta":
            return _delta()(location, version=int(source.version))
        from pyiceberg.table import StaticTable

        return StaticTable.from_metadata(location)
    except ImportError as error:
        raise MissingExtra.of(source.kind, "lakes") from error
    except MissingExtra:
        raise
    except Exception as error:  # noqa: BLE001 - both libraries have errors of their own, with keys in their texts
        raise NotFound(
            f"version {source.version} of {source.location!r} is gone: {without_secrets(str(error))}",
            hint="Restore it, or snapshot what is there now",
        ) from None


def open_delta(text: str, root: Path) -> Any:
    """Open a Delta table at its latest version."""
    location = text if is_url(text) else str((root / Path(text).expanduser()).resolve())
    return _delta()(location)


def _delta() -> Any:
    try:
        from deltalake import DeltaTable
    except ImportError as error:
        raise MissingExtra.of("deltalake", "lakes") from error
    return DeltaTable


def lake_batches(table: Any, source: DataSource) -> Iterator[pa.RecordBatch]:
    """Read all rows of the version.

    Raises
    ------
    NotFound
        Files of the version are gone.
    """
    try:
        if source.kind == "delta":
            reader = table.to_pyarrow_dataset().scanner().to_reader()
        else:
            reader = table.scan(snapshot_id=int(source.version)).to_arrow_batch_reader()
        yield pa.RecordBatch.from_pylist([], schema=reader.schema)
        yield from reader
    except (OSError, ValueError) as error:
        raise NotFound(
            f"version {source.version} of {source.location!r} cannot be read: {without_secrets(str(error))}",
            hint="Its files may have been vacuumed; snapshot what is there now",
        ) from error
