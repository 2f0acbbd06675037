"""The files of a remote: in a folder or wherever fsspec reaches; a file stands there whole, or not at all."""

from __future__ import annotations

import errno
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from threading import RLock
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from mlops_ext.errors import Forbidden, InvalidValue, MissingExtra, MlopsError, StoreReadOnly, StoreUnavailable
from mlops_ext.shown import shown_url, without_secrets
from mlops_ext.store.blobs import Source, chunks
from mlops_ext.store.filesystem import write_whole

__all__ = ["FolderFiles", "RemoteFiles", "open_files"]

_ATOMIC = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oci", "memory"}
"""Where an object is there once its put has ended, and not before."""
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


class RemoteFiles:
    """Files behind a URL, by their paths below it.

    Parameters
    ----------
    files : fsspec.AbstractFileSystem
        Asked anew each time: it must not remember what it listed.
    root : str
        The URL's path.
    shown : str
        What the remote is called in messages; nothing secret.
    hidden : sequence of str
        What no message may say.
    """

    def __init__(self, files: Any, root: str, shown: str, hidden: Sequence[str] = ()) -> None:
        self._files = files
        self._root = root.rstrip("/")
        self.shown = shown
        self._hidden = dict.fromkeys(hidden, "url-credentials")
        protocols = (files.protocol,) if isinstance(files.protocol, str) else files.protocol
        self._is_atomic = not _ATOMIC.isdisjoint(protocols)
        # Drivers that are not made for many at once, such as FTP's, have one connection.
        self._turn: AbstractContextManager[Any] = nullcontext() if files.async_impl or "file" in protocols else RLock()

    def write(self, path: str, source: Source) -> None:
        """Put a file in place, over one that may be there."""
        with self._told("write to"):
            if self._is_atomic:
                self._send(self._at(path), source)
                return
            folder, _, name = self._at(path).rpartition("/")
            draft = f"{folder}/.{name}.{secrets.token_hex(6)}.tmp"
            self._files.makedirs(folder, exist_ok=True)
            self._send(draft, source)
            self._files.mv(draft, self._at(path))

    def create(self, path: str, data: bytes) -> bool:
        """Put a file in place unless one is there; false when one is."""
        with self._told("write to"):
            if not self._is_atomic:
                if self._files.exists(self._at(path)):
                    return False
                self.write(path, data)
                return True
            try:
                self._files.pipe_file(self._at(path), data, mode="create")
            except FileExistsError:
                return False
            except OSError:
                # Not every S3 says why it refused.
                if self._files.exists(self._at(path)):
                    return False
                raise
            return True

    def read(self, path: str, most: int) -> bytes | None:
        """Read a file, of a longer one only a byte more than `most`; None when there is none."""
        with self._told("read"):
            try:
                data: bytes = self._files.cat_file(self._at(path), start=0, end=most + 1)
            except FileNotFoundError:
                return None
            except OSError:
                # An object store has no range of an empty object to give.
                if self._files.info(self._at(path))["size"] == 0:
                    return b""
                raise
            return data

    def fetch(self, path: str, target: Path, most: int) -> bool:
        """Copy a file to a local one; false when there is none, or it is longer than `most`."""
        with self._told("read"):
            try:
                if self._files.info(self._at(path))["size"] > most:
                    return False
                self._files.get_file(self._at(path), str(target))
            except FileNotFoundError:
                return False
            return True

    def size(self, path: str) -> int | None:
        """Tell how many bytes a file has; None when there is none."""
        with self._told("read"):
            try:
                return int(self._files.info(self._at(path))["size"])
            except FileNotFoundError:
                return None

    def sizes(self, folder: str) -> dict[str, int]:
        """Give what lies directly in a folder with its size; folders have none."""
        with self._told("list"):
            try:
                found = self._files.ls(self._at(folder), detail=True)
            except (FileNotFoundError, NotADirectoryError):
                return {}
        names = {each["name"].rstrip("/").rpartition("/")[2]: int(each.get("size") or 0) for each in found}
        return {name: size for name, size in names.items() if not name.startswith(".")}

    def _send(self, path: str, source: Source) -> None:
        if isinstance(source, bytes):
            self._files.pipe_file(path, source)
        else:
            self._files.put_file(str(source), path)

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"

    @contextmanager
    def _told(self, doing: str) -> Iterator[None]:
        """Turn a driver's errors into ours; their texts may hold keys."""
        try:
            with self._turn:
                yield
        except MlopsError:
            raise
        except PermissionError as error:
            said = f"no permission to {doing} {self.shown}: {without_secrets(str(error), self._hidden)}"
            raise Forbidden(said, hint="Check whose credentials the environment holds, and what they allow") from None
        except Exception as error:  # noqa: BLE001 - drivers have errors of their own
            said = f"cannot {doing} {self.shown}: {without_secrets(str(error), self._hidden) or type(error).__name__}"
            if getattr(error, "errno", None) in _FULL:
                here, there = "Free some space here, or set TMPDIR", "Free some space there, or make it writable"
                raise StoreReadOnly(said, hint=here if doing == "read" else there) from None
            raise StoreUnavailable(said, hint="Check URL, network and credentials, then repeat it") from None


class FolderFiles(RemoteFiles):
    """Files in a local folder: what was written survives a crash."""

    def write(self, path: str, source: Source) -> None:
        """Put a file in place, over one that may be there."""
        self._write(path, source, new=False)

    def create(self, path: str, data: bytes) -> bool:
        """Put a file in place unless one is there; false when one is."""
        try:
            self._write(path, data, new=True)
        except FileExistsError:
            return False
        return True

    def _write(self, path: str, source: Source, *, new: bool) -> None:
        target = Path(self._at(path))
        with self._told("write to"):
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                write_whole(target, chunks(source), new=new)
            except FileExistsError:
                is_there = True
            else:
                is_there = False
        if is_there:
            raise FileExistsError(path)


def open_files(url: str, options: Mapping[str, Any], shown: str) -> RemoteFiles:
    """Open what lies behind a URL; without a scheme it is a folder.

    Raises
    ------
    InvalidValue
        No file system goes by that scheme, or it does not take the options.
    MissingExtra
        Its driver is not installed.
    """
    import fsspec

    scheme, hidden = url.partition("://")[0] if "://" in url else "file", _credentials(url)
    try:
        files, root = fsspec.core.url_to_fs(url, use_listings_cache=False, **options)
    except ImportError as error:
        raise MissingExtra.of(f"the driver of {scheme}://", "s3" if scheme.startswith("s3") else "all") from error
    except (ValueError, TypeError) as error:
        said = f"cannot open {shown_url(url)!r}: {without_secrets(str(error), dict.fromkeys(hidden, 'url'))}"
        raise InvalidValue(said, hint="Check the URL, and the options in mlops.toml") from None
    return (FolderFiles if scheme in ("file", "local") else RemoteFiles)(files, root, shown, hidden)


def _credentials(url: str) -> list[str]:
    """Give what of a URL is secret, or may be: drivers repeat it in their messages."""
    found = []
    for link in url.split("::"):
        parts = urlsplit(link)
        user, _, password = parts.netloc.rpartition("@")[0].partition(":")
        found += [f"{user}:{password}", unquote(password), password or user, parts.query]
        found += [value for _, value in parse_qsl(parts.query)]
    return [each for each in found if len(each) > 3]
