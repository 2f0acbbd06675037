"""Rows that stay at their source: read again as they were, or refused when they are not there any more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from mlops_ext.datasets.content.canonical import column_digest
from mlops_ext.datasets.frames.convert import to_table
from mlops_ext.datasets.sources.files import SourceFile, far_file, is_url, local_file, open_files
from mlops_ext.datasets.sources.lakes import lake_batches, opened_lake
from mlops_ext.datasets.sources.opening import file_batches
from mlops_ext.datasets.sources.spool import gathered
from mlops_ext.datasets.types import DatasetVersion, DataSource
from mlops_ext.errors import Conflict, InvalidValue, NotFound
from mlops_ext.store.filesystem import temporary_folder
from mlops_ext.store.hashing import algorithm_of

if TYPE_CHECKING:
    from mlops_ext.datasets.frames.convert import Representation

__all__ = ["pinned_rows"]


@contextmanager
def pinned_rows(
    version: DatasetVersion, representation: Representation, root: Path, columns: Sequence[str] | None
) -> Iterator[pa.Table]:
    """Read a version whose rows stay at their source, and check that they are the same.

    Parameters
    ----------
    version : DatasetVersion
        What was pinned; its digests are compared with those of what is read.
    representation : Representation
        It names the sources.
    root : Path
        The workspace's folder, which relative locations are below.
    columns : sequence of str, optional
        The wanted columns; only these are compared.

    Raises
    ------
    NotFound
        The source is gone.
    Conflict
        The source has other rows now.
    """
    pins = [(DataSource(**source), below) for source, below in representation.words["reference"]]
    with temporary_folder() as folder:
        if pins[0][0].kind == "file":
            files = [_file(pin, below, root, folder, place) for place, (pin, below) in enumerate(pins)]
            batches = file_batches(files)
        else:
            batches = lake_batches(opened_lake(pins[0][0], root), pins[0][0])
        with gathered(batches, representation.schema) as given:
            table, _ = to_table(given)
            _check(version, table, columns, pins[0][0].location)
            yield table if columns is None else table.select(list(columns))


def _check(version: DatasetVersion, table: pa.Table, columns: Sequence[str] | None, location: str) -> None:
    """Refuse rows whose digests are not those of the version."""
    kept = {column.name: column.digest for column in version.schema_}
    names = list(kept) if columns is None else columns
    algorithm = algorithm_of(version.digest)
    is_same = table.num_rows == version.rows and table.column_names == list(kept)
    if not is_same or any(column_digest(table[name], algorithm) != kept[name] for name in names):
        raise Conflict(f"{location!r} does not hold {version.ref} any more", hint="Put it back, or snapshot it anew")


def _file(pin: DataSource, below: str, root: Path, folder: Path, place: int) -> SourceFile:
    try:
        if is_url(pin.location):
            files, path = open_files(pin.location)
            target = folder / f"{place}-{path.rpartition('/')[2]}"
            found = far_file(
                files, path, target, algorithm_of(pin.digest), url=pin.location, version=pin.version, below=below
            )
        else:
            found = local_file(root / pin.location, root, algorithm_of(pin.digest), below)
    except InvalidValue as error:
        raise NotFound(f"{pin.location!r} is gone: {error.message}", hint="Put it back, or snapshot it anew") from error
    if found.source.digest != pin.digest:
        raise Conflict(
            f"{pin.location!r} has changed since it was snapshotted", hint="Put it back, or snapshot it anew"
        )
    return found
