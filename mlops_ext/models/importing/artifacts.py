"""Artifacts on their way: one file at a time through the disk, its digest taken from what arrived."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from mlops_ext.errors import DamagedBlob
from mlops_ext.models.importing.ledger import Ledger
from mlops_ext.models.importing.mlflow import RemoteFile
from mlops_ext.models.loading import sha256_of
from mlops_ext.tracking.types import Artifact

__all__ = ["brought", "download"]


def brought(ledger: Ledger, folder: str, files: list[RemoteFile], prefix: str = "") -> Iterator[Artifact]:
    """Bring files over one by one; each is checked to be in the store as it arrived.

    Raises
    ------
    DamagedBlob
        A file has another size than the source says, or came out of the store changed.
    """
    for file in files:
        with tempfile.TemporaryDirectory(prefix="mlops-") as scratch:
            path = download(ledger, folder, file, Path(scratch))
            digest, sent = ledger.ws.put_blob(path), sha256_of(path)
            size = path.stat().st_size
        if sha256_of(ledger.ws.blob_path(digest)) != sent:
            raise DamagedBlob(
                f"{file.path} of {folder} came out of the store changed", hint="Check the disk, then import again"
            )
        ledger.bytes += size
        yield Artifact(path=f"{prefix}{file.path}", digest=digest, size=size)


def download(ledger: Ledger, folder: str, file: RemoteFile, scratch: Path) -> Path:
    """Copy one file to the disk and check its size.

    Raises
    ------
    DamagedBlob
        It has another size than the source says.
    """
    path = ledger.store.fetch(folder, file.path, scratch)
    size = path.stat().st_size
    if file.size is not None and size != file.size:
        raise DamagedBlob(f"{file.path} of {folder} has {size} bytes, not {file.size}", hint="Import again")
    return path
