"""Files that rows are read from: found by path, glob or URL, fetched when far away, unchanged while they are read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlops_ext.datasets.sources.formats import SUFFIXES, format_of
from mlops_ext.datasets.types import DataSource
from mlops_ext.errors import Conflict, InvalidValue, MissingExtra
from mlops_ext.shown import shown_url, without_secrets
from mlops_ext.store.blobs import digest_and_size
from mlops_ext.store.filesystem import temporary_folder

__all__ = ["SourceFile", "far_file", "found_files", "is_url", "local_file", "open_files"]

_MAGIC = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class SourceFile:
    """A file as it is read: a local path, and what it is called for all time."""

    path: Path
    name: str
    source: DataSource
    below: str = ""
    """Its path below the folder that was given; partitions stand there."""


def is_url(text: str) -> bool:
    """Tell a URL from a path."""
    return "://" in text or "::" in text


@contextmanager
def found_files(text: str, root: Path, algorithm: str) -> Iterator[list[SourceFile]]:
    """Find the files of a path, folder, glob or URL, and refuse if one has changed when the context ends well.

    Parameters
    ----------
    text : str
        A local path, or a URL that fsspec knows.
    root : Path
        The workspace's folder; files in it are named relative to it.
    algorithm : str
        Hash of the files' bytes.

    Raises
    ------
    InvalidValue
        There is no such file, or none that can be read.
    Conflict
        A file was changed while it was read.
    """
    if is_url(text) and not text.startswith("file://"):
        with temporary_folder() as folder:
            yield _fetched(text, folder, algorithm)
        return
    files = [local_file(path, root, algorithm, below) for path, below in _local(text.removeprefix("file://"))]
    yield files
    for file in files:
        _check_unchanged(file, root, algorithm)


def local_file(path: Path, root: Path, algorithm: str, below: str = "") -> SourceFile:
    """Describe a local file with the digest of its bytes."""
    try:
        digest, size = digest_and_size(path, algorithm)
    except FileNotFoundError as error:
        raise InvalidValue(f"no file {str(path)!r}", hint="Check the path; globs take *, ? and [") from error
    except OSError as error:
        raise InvalidValue(f"cannot read {str(path)!r}: {error.strerror}", hint="Check the path") from error
    absolute = path.resolve()
    location = absolute.relative_to(root).as_posix() if absolute.is_relative_to(root) else str(absolute)
    source = DataSource(kind="file", location=location, digest=digest, bytes=size)
    return SourceFile(path, path.name, source, below)


def _check_unchanged(file: SourceFile, root: Path, algorithm: str) -> None:
    try:
        now = local_file(file.path, root, algorithm).source.digest
    except InvalidValue:
        now = ""
    if now != file.source.digest:
        raise Conflict(f"{str(file.path)!r} changed while it was read", hint="Snapshot it again when nobody writes it")


def _local(text: str) -> list[tuple[Path, str]]:
    path = Path(text).expanduser()
    if path.is_dir():
        found = [(each, each.relative_to(path)) for each in sorted(path.rglob("*")) if each.is_file()]
        files = [(each, str(below)) for each, below in found if _is_data(below)]
    elif path.exists() or not _MAGIC.search(text):
        files = [(path, "")]
    else:
        first = next(place for place, part in enumerate(path.parts) if _MAGIC.search(part))
        base = Path(*path.parts[:first]) if first else Path()
        matched = sorted(base.glob(str(Path(*path.parts[first:]))))
        files = [(each, str(each.relative_to(base))) for each in matched if each.is_file()]
    return _some(text, files)


def _is_data(below: Path) -> bool:
    return format_of(below.name) is not None and not any(part.startswith((".", "_")) for part in below.parts)


def _some(text: str, files: list[Any]) -> list[Any]:
    if not files:
        raise InvalidValue(
            f"no file {without_secrets(shown_url(text))!r}", hint=f"Give a path or glob of {', '.join(SUFFIXES)}"
        )
    return files


def _fetched(url: str, folder: Path, algorithm: str) -> list[SourceFile]:
    """Fetch files once; what is read is the local copy, so that it cannot change."""
    files, paths, base = _listed(url)
    return [
        far_file(
            files,
            path,
            folder / f"{place}-{path.rpartition('/')[2]}",
            algorithm,
            url=url if base is None else files.unstrip_protocol(path),
            below=path[len(base) :] if base is not None else "",
        )
        for place, path in enumerate(_some(url, list(paths)))
    ]


def far_file(
    files: Any, path: str, target: Path, algorithm: str, *, url: str, version: str = "", below: str = ""
) -> SourceFile:
    """Fetch a file from a file system of fsspec, whole and of one version.

    Raises
    ------
    InvalidValue
        It is not there, or cannot be fetched.
    Conflict
        It changed meanwhile.
    """
    location = shown_url(url)
    try:
        before = _state(files, path)
        wanted = version or str(before.get("VersionId") or "")
        files.get_file(path, str(target), **({"version_id": wanted} if wanted and wanted != "null" else {}))
        after = before if version else _state(files, path)
    except FileNotFoundError as error:
        raise InvalidValue(f"no file {location!r}", hint="It may have been moved or deleted") from error
    except Exception as error:  # noqa: BLE001 - drivers have errors of their own, and their texts may hold keys
        raise InvalidValue(f"cannot fetch {location!r}: {without_secrets(str(error))}", hint="Check access") from None
    if before != after:
        raise Conflict(f"{location!r} changed while it was fetched", hint="Snapshot it again when nobody writes it")
    digest, size = digest_and_size(target, algorithm)
    kept = wanted if wanted != "null" else ""
    source = DataSource(kind="file", location=location, version=kept, digest=digest, bytes=size)
    return SourceFile(target, path.rpartition("/")[2], source, below)


def _state(files: Any, path: str) -> dict[str, Any]:
    """Give what tells one state of a far file from another."""
    files.invalidate_cache()
    info = files.info(path)
    names = ("size", "ETag", "etag", "VersionId", "LastModified", "mtime", "generation", "md5Hash")
    return {name: info[name] for name in names if info.get(name) is not None}


def _listed(url: str) -> tuple[Any, Sequence[str], str | None]:
    """Find the files of a URL, and the path that they are below when there may be several."""
    files, path = open_files(url)
    try:
        if _MAGIC.search(path) and "http" not in url[:4]:
            base = path[: _MAGIC.search(path).start()].rpartition("/")[0]  # type: ignore[union-attr]
            return files, sorted(files.glob(path)), base + "/"
        if files.isdir(path):
            base = path.rstrip("/") + "/"
            found = sorted(each for each in files.find(path) if _is_data(Path(each[len(base) :])))
            return files, found, base
    except Exception as error:  # noqa: BLE001 - as above
        raise InvalidValue(
            f"cannot list {shown_url(url)!r}: {without_secrets(str(error))}", hint="Check the URL and access"
        ) from None
    return files, [path], None


def open_files(url: str) -> tuple[Any, str]:
    """Open the file system of a URL; an S3 one that knows versions."""
    import fsspec

    options = {"version_aware": True} if url.startswith(("s3://", "s3a://")) else {}
    try:
        files, path = fsspec.core.url_to_fs(url, **options)
    except ImportError as error:
        extra = "s3" if options else "all"
        raise MissingExtra.of(f"the driver of {url.partition(':')[0]}://", extra) from error
    except ValueError as error:
        raise InvalidValue(
            f"cannot open {shown_url(url)!r}: {without_secrets(str(error))}", hint="Check the URL"
        ) from None
    return files, path
