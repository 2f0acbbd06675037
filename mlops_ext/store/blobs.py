"""Blob stores: where bytes lie. A location is written once and never used again, so a late delete harms nobody."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from mlops_ext.errors import InvalidValue, MissingExtra, StoreReadOnly, StoreUnavailable
from mlops_ext.store.filesystem import fsync_folder, writing_to
from mlops_ext.store.hashing import algorithm_of, new_hash

__all__ = ["BlobStore", "LocalBlobs", "ObjectBlobs", "Source", "digest_and_size", "open_blob_store"]

Source = bytes | Path
_CHUNK = 1 << 20


class BlobStore(Protocol):
    """Where bytes lie, by locations that the store makes itself."""

    scratch: Path | None
    """Where files that will be given are best made, when that makes a difference."""

    def put(self, source: Source, digest: str, *, given: bool = False) -> str:
        """Store bytes durably at a new location and give it; a given file, which nobody changes any more, may serve."""

    def open(self, location: str) -> BinaryIO:
        """Open what lies at a location for reading."""

    def delete(self, location: str) -> None:
        """Delete a location; one that is gone is no error."""

    def locations(self) -> Iterator[tuple[str, float]]:
        """Give each location with the time it was written, in seconds since 1970."""

    def local_path(self, location: str) -> Path | None:
        """Give the file of a location when it is a local one."""


def digest_and_size(source: Source, algorithm: str) -> tuple[str, int]:
    """Hash bytes or a file, in bounded memory."""
    hasher, size = new_hash(algorithm), 0
    for chunk in chunks(source):
        hasher.update(chunk)
        size += len(chunk)
    return f"{algorithm}:{hasher.hexdigest()}", size


def chunks(source: Source) -> Iterator[bytes]:
    """Give bytes or a file's bytes in pieces."""
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def new_location(digest: str) -> str:
    """Make the name of a new location: the digest for people, a random tail so that it is used once."""
    digits = digest.partition(":")[2]
    return f"{algorithm_of(digest)}/{digits[:2]}/{digits}-{secrets.token_hex(4)}"


class LocalBlobs:
    """Blobs in a local folder: temporary name, fsync, rename, fsync of the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scratch: Path | None = folder / "scratch"

    def put(self, source: Source, digest: str, *, given: bool = False) -> str:
        """Store bytes durably at a new location and give it; a given file is linked where the disk can do that."""
        location = new_location(digest)
        target = self.folder / location
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if not (given and isinstance(source, Path) and _linked(source, target)):
                self._write(source, target)
        except OSError as error:
            raise StoreReadOnly(
                f"cannot write a blob to {self.folder}: {error.strerror}", hint="Free some space or make it writable"
            ) from error
        return location

    def open(self, location: str) -> BinaryIO:
        """Open what lies at a location for reading."""
        try:
            return (self.folder / location).open("rb")
        except FileNotFoundError as error:
            raise StoreUnavailable(
                f"blob {location} is gone from {self.folder}",
                hint="Repair it: mlops fsck --repair, or restore a backup",
            ) from error

    def delete(self, location: str) -> None:
        """Delete a location; one that is gone is no error."""
        with writing_to(self.folder):
            (self.folder / location).unlink(missing_ok=True)

    def locations(self) -> Iterator[tuple[str, float]]:
        """Give each location with the time it was written, in seconds since 1970."""
        for path in self.folder.glob("*/*/*"):
            yield path.relative_to(self.folder).as_posix(), path.stat().st_mtime

    def local_path(self, location: str) -> Path | None:
        """Give the file of a location."""
        return self.folder / location

    def _write(self, source: Source, target: Path) -> None:
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".tmp")
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                for chunk in chunks(source):
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        fsync_folder(target.parent)


def _linked(source: Path, target: Path) -> bool:
    """Give a file a second name, as durably as a copy; other disks and some file systems cannot."""
    source.chmod(0o600)
    with source.open("rb+") as file:
        os.fsync(file.fileno())
    try:
        os.link(source, target)
    except OSError:
        return False
    fsync_folder(target.parent)
    return True


class ObjectBlobs:
    """Blobs in an object store through fsspec (s3://, gs://, abfs://); one put is atomic there."""

    scratch: Path | None = None

    def __init__(self, url: str) -> None:
        import fsspec

        try:
            self._files, self._root = fsspec.core.url_to_fs(url)
        except ImportError as error:
            raise MissingExtra.of(f"the driver of {url.partition(':')[0]}://", "s3") from error
        self.url = url

    def put(self, source: Source, digest: str, *, given: bool = False) -> str:  # noqa: ARG002
        """Store bytes at a new location and give it."""
        location = new_location(digest)
        data = source if isinstance(source, bytes) else None
        if data is not None:
            self._files.pipe_file(self._at(location), data)
        else:
            self._files.put_file(str(source), self._at(location))
        return location

    def open(self, location: str) -> BinaryIO:
        """Open what lies at a location for reading."""
        try:
            return self._files.open(self._at(location), "rb")  # type: ignore[no-any-return]
        except FileNotFoundError as error:
            raise StoreUnavailable(
                f"blob {location} is gone from {self.url}", hint="Repair it: mlops fsck --repair, or restore a backup"
            ) from error

    def delete(self, location: str) -> None:
        """Delete a location; one that is gone is no error."""
        try:
            self._files.rm_file(self._at(location))
        except FileNotFoundError:
            return

    def locations(self) -> Iterator[tuple[str, float]]:
        """Give each location with the time it was written, in seconds since 1970."""
        self._files.invalidate_cache()
        for path, info in self._files.find(self._root, detail=True).items():
            written = info.get("LastModified") or info.get("mtime") or info.get("created")
            moment = written.timestamp() if hasattr(written, "timestamp") else float(written or 0.0)
            yield path.removeprefix(self._root).lstrip("/"), moment

    def local_path(self, location: str) -> Path | None:  # noqa: ARG002
        """Give nothing: the bytes lie elsewhere."""
        return None

    def _at(self, location: str) -> str:
        return f"{self._root}/{location}"


def open_blob_store(url: str) -> BlobStore:
    """Open a blob store by its URL: a folder's path or file://, else what fsspec knows.

    Raises
    ------
    InvalidValue
        The URL has a scheme that is no object store.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return LocalBlobs(Path(url))
    if scheme == "file":
        return LocalBlobs(Path(rest))
    if scheme not in ("s3", "gs", "abfs", "memory"):
        raise InvalidValue(f"no blob store for {scheme}://", hint="Use a folder, s3://, gs:// or abfs://")
    return ObjectBlobs(url)
