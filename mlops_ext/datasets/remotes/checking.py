"""What is fetched is compared before it is believed: manifests with entries, rows with the digests of versions."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

from mlops_ext.datasets.remotes.types import DatasetEntry
from mlops_ext.datasets.storage.manifest import Manifest, all_blobs
from mlops_ext.errors import DamagedBlob, InvalidValue
from mlops_ext.store.hashing import algorithm_of
from mlops_ext.workspace import Workspace

__all__ = ["check_content", "check_manifest"]

MOST_BYTES = 1 << 30
"""What a manifest may have when it is unpacked; a few bytes of gzip can become any number."""
_LARGE = 1 << 27
_CHUNK = 1 << 20


def check_manifest(ws: Workspace, entry: DatasetEntry, where: str) -> None:
    """Refuse a manifest that is too large, or names other pieces than its entry.

    Raises
    ------
    DamagedBlob
        It does.
    """
    path = ws.blob_path(entry.record.manifest)
    if _unpacked(path) > MOST_BYTES:
        raise DamagedBlob(f"the manifest of {entry.ref} on {where} has no end", hint="Do not pull from there")
    try:
        manifest = Manifest.from_bytes(path.read_bytes())
    except InvalidValue as error:
        raise DamagedBlob(
            f"the manifest of {entry.ref} on {where} is none: {error.message}", hint="Push it again from where it is"
        ) from error
    pieces = set(all_blobs(entry.record.manifest, manifest))
    if (manifest.digest, pieces) != (entry.digest, set(entry.blobs)):
        raise DamagedBlob(
            f"the entry of {entry.ref} on {where} and its manifest contradict each other",
            hint="Push it again from where it is",
        )


def check_content(ws: Workspace, entry: DatasetEntry, where: str) -> None:
    """Read every row of a version that came, and compare its columns with what its digest was taken of.

    Raises
    ------
    DamagedBlob
        The pieces, each of which is as its own digest says, are not those of this version.
    """
    import pyarrow as pa

    from mlops_ext.datasets.frames.convert import Representation

    manifest = Manifest.from_bytes(ws.get_blob(entry.record.manifest), to_load=True)
    kept = [column.name for column in manifest.schema_]
    try:
        schema = Representation.from_bytes(ws.get_blob(manifest.representation)).schema
        is_same = manifest.by_reference or (schema.names == kept and _has_columns(ws, manifest, schema))
    except (pa.ArrowException, KeyError, IndexError, TypeError, ValueError) as error:
        raise _other(entry, where) from error
    if not is_same:
        raise _other(entry, where)


def _has_columns(ws: Workspace, manifest: Manifest, schema: Any) -> bool:
    """Tell whether the rows have the digests of the manifest; of a large version one column is read after the other."""
    from mlops_ext.datasets.content.canonical import digest_table
    from mlops_ext.datasets.storage.reading import read_table

    step = 1 if manifest.bytes > _LARGE else max(len(schema.names), 1)
    for first in range(0, len(schema.names), step):
        table = read_table(ws, manifest, schema, schema.names[first : first + step])
        if digest_table(table, algorithm_of(manifest.digest)).columns != manifest.schema_[first : first + step]:
            return False
    return True


def _other(entry: DatasetEntry, where: str) -> DamagedBlob:
    return DamagedBlob(
        f"{entry.ref} on {where} has other rows than its digest says", hint="Push it again from where it is"
    )


def _unpacked(path: Path) -> int:
    """Count the bytes that a file of gzip has when it is unpacked, up to a few more than a manifest may have."""
    with path.open("rb") as file:
        if file.read(2) != b"\x1f\x8b":
            return path.stat().st_size
        file.seek(0)
        unzip, count = zlib.decompressobj(wbits=31), 0
        while (chunk := unzip.unconsumed_tail or file.read(_CHUNK)) and count <= MOST_BYTES:
            try:
                count += len(unzip.decompress(chunk, _CHUNK))
            except zlib.error:
                break
    return count
