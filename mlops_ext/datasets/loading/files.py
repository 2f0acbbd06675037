"""Versions as files that any engine opens: the stored ones where they are plain, else copies with all columns."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import csv, parquet

from mlops_ext.datasets.storage.parquet_files import plain_type
from mlops_ext.errors import Conflict, InvalidValue, MissingExtra
from mlops_ext.store.filesystem import fsync_file, writing_to
from mlops_ext.store.hashing import algorithm_of, digest_of

if TYPE_CHECKING:
    from mlops_ext.datasets.loading.versions import OpenVersion

__all__ = ["FORMATS", "export_to", "one_file", "plain_files"]


def plain_files(held: OpenVersion) -> list[Path] | None:
    """Give the stored files when they alone are the version: whole, in order, all columns and types as they are."""
    manifest = held.manifest
    whole = len(manifest.groups) == 1 and list(manifest.groups[0].columns) == held.names
    if not whole or any(plain_type(each.type) != each.type for each in held.representation.schema):
        return None
    pieces = manifest.groups[0].pieces
    if any(rows != manifest.files[file].rows for file, _, rows in pieces) or manifest.dictionaries:
        return None
    return [held.ws.blob_path(manifest.files[file].digest) for file, _, _ in pieces]


def one_file(held: OpenVersion) -> Path:
    """Give one Parquet file with all rows: the stored one, or a copy that is made once, in the workspace's cache."""
    files = plain_files(held)
    if files is not None and len(files) == 1:
        return files[0]
    version = held.version
    key = digest_of(f"{version.digest} {version.representation}".encode(), algorithm_of(version.digest))
    path = held.ws.root / ".mlops" / "cache" / f"{key.replace(':', '-')}.parquet"
    if not path.exists():
        with writing_to(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
            try:
                _write_parquet(held, temporary)
                fsync_file(temporary)
                temporary.replace(path)
            finally:
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)
    return path


def export_to(held: OpenVersion, folder: Path, kind: str) -> list[Path]:
    """Write a version into a new folder, whole or not at all, in bounded memory.

    Parameters
    ----------
    folder : Path
        Must not exist yet, or be empty.
    kind : {"parquet", "delta", "csv"}
        The format.

    Raises
    ------
    Conflict
        The folder holds something.
    InvalidValue
        The format cannot hold a column.
    """
    if kind not in FORMATS:
        raise InvalidValue(f"unknown format {kind!r}", hint=f"Choose one of {', '.join(FORMATS)}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Conflict(f"{str(folder)!r} exists and is not empty", hint="Name a new folder")
    temporary = folder.with_name(f".{folder.name}.{secrets.token_hex(6)}.tmp")
    try:
        with writing_to(folder.parent):
            folder.parent.mkdir(parents=True, exist_ok=True)
            FORMATS[kind](held, temporary)
            if folder.exists():
                folder.rmdir()
            temporary.replace(folder)
    except pa.ArrowException as error:
        raise InvalidValue(
            f"{held.version.ref} cannot be written as {kind}: {error}", hint="Export it as parquet"
        ) from error
    except OSError as error:
        raise InvalidValue(f"cannot write to {str(folder)!r}: {error}", hint="Name another folder") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _write_parquet(held: OpenVersion, path: Path) -> None:
    with parquet.ParquetWriter(path, held.representation.schema, compression="zstd") as writer:
        for table in held.batches():
            writer.write_table(table)


def _parquet(held: OpenVersion, folder: Path) -> None:
    folder.mkdir()
    for place, table in enumerate(held.batches()):
        parquet.write_table(table, folder / f"part-{place:05}.parquet", compression="zstd")


def _csv(held: OpenVersion, folder: Path) -> None:
    folder.mkdir()
    tables = held.batches()
    first = _without_categories(next(tables))
    with csv.CSVWriter(folder / f"{held.version.name}.csv", first.schema) as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(_without_categories(table))


def _without_categories(table: pa.Table) -> pa.Table:
    """Turn categories into their values; CSV and Delta Lake know none."""
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            values = table.column(place).cast(field.type.value_type)
            table = table.set_column(place, field.with_type(field.type.value_type), values)
    return table


def _delta(held: OpenVersion, folder: Path) -> None:
    try:
        from deltalake import write_deltalake
        from deltalake.exceptions import DeltaError
    except ImportError as error:
        raise MissingExtra.of("deltalake", "lakes") from error
    schema = _without_categories(held.representation.schema.empty_table()).schema
    batches = (batch for table in held.batches() for batch in _without_categories(table).to_batches())
    try:
        write_deltalake(str(folder), pa.RecordBatchReader.from_batches(schema, batches), mode="error")
    except (DeltaError, TypeError, ValueError) as error:
        raise InvalidValue(
            f"{held.version.ref} cannot be written as delta: {error}", hint="Export it as parquet"
        ) from error


FORMATS: dict[str, Callable[[Any, Path], None]] = {"parquet": _parquet, "delta": _delta, "csv": _csv}
"""What a version can be exported as."""
