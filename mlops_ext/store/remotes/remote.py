"""A remote: blobs by their digests, and an entry for each version whose pieces are all there."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from mlops_ext.errors import DamagedBlob, InvalidValue, NotFound
from mlops_ext.store.blobs import Source, digest_and_size
from mlops_ext.store.filesystem import temporary_folder
from mlops_ext.store.hashing import algorithm_of
from mlops_ext.store.remotes.entries import (
    FORMAT,
    LONGEST,
    RemoteEntry,
    blob_path,
    entry_path,
    line_path,
    number_of,
)
from mlops_ext.store.remotes.files import RemoteFiles
from mlops_ext.store.remotes.working import side_by_side

__all__ = ["Remote"]

E = TypeVar("E", bound=RemoteEntry)

_MARK = "mlops-remote.json"
_SMALL = 1 << 22
"""Pieces up to this size are held in memory, larger ones in a file."""
_LISTED = 4
"""From so many wanted blobs with the same first digits on, these are listed instead of asked for one by one."""


class Remote:
    """Where versions are sent to and fetched from.

    Nothing is ever deleted there, and no blob is written twice: many may send and fetch at once.

    Parameters
    ----------
    files : RemoteFiles
        Where it lies.
    """

    def __init__(self, files: RemoteFiles) -> None:
        self.files = files

    @property
    def shown(self) -> str:
        """What it is called in messages and events: its name and URL, without credentials."""
        return self.files.shown

    def exists(self) -> bool:
        """Tell whether anything was ever sent there.

        Raises
        ------
        InvalidValue
            A later release made it.
        """
        data = self.files.read(_MARK, LONGEST)
        if data is None:
            return False
        try:
            written = json.loads(data)["format"]
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidValue(
                f"{self.shown} is no remote of ours: its {_MARK} is damaged", hint="Delete it"
            ) from error
        if written != FORMAT:
            raise InvalidValue(f"{self.shown} is of format {written!r}", hint="Upgrade: pip install -U mlops-ext")
        return True

    def ensure(self) -> None:
        """Mark the place as a remote, where it is not one yet."""
        if not self.exists():
            self.files.create(_MARK, json.dumps({"format": FORMAT}).encode())

    def require(self) -> None:
        """Refuse a place to which nothing was ever sent."""
        if not self.exists():
            raise NotFound(f"nothing was ever pushed to {self.shown}", hint="Check the URL, or push something first")

    def lacking(self, blobs: Mapping[str, int]) -> dict[str, int]:
        """Give those blobs, with their sizes, that are not there whole, as far as their sizes tell."""
        near: dict[str, list[str]] = defaultdict(list)
        for digest in blobs:
            near[blob_path(digest).rpartition("/")[0]].append(digest)
        held: dict[str, int] = {}
        for found in side_by_side(lambda each: self._sizes(*each), near.items()):
            held.update(found)
        return {digest: size for digest, size in blobs.items() if held.get(digest) != size}

    def put(self, digest: str, source: Source) -> None:
        """Send a blob, whose bytes the caller has compared with its digest."""
        self.files.write(blob_path(digest), source)

    def fetch(self, digest: str, size: int, folder: Path) -> Source:
        """Fetch a blob and compare it with its digest: in memory when it is small, else into a new file of a folder.

        Raises
        ------
        NotFound
            It is not there.
        DamagedBlob
            It has other bytes.
        """
        path = blob_path(digest)
        source: Source | None
        if size <= _SMALL:
            source = self.files.read(path, size)
        else:
            target = folder / digest.replace(":", "-")
            source = target if self.files.fetch(path, target, size) else None
        if source is None and self.files.size(path) is None:
            raise NotFound(f"{path} is gone from {self.shown}", hint="Push the version again from where it is")
        if source is None or digest_and_size(source, algorithm_of(digest)) != (digest, size):
            raise DamagedBlob(
                f"{path} of {self.shown} has other bytes than its digest says",
                hint="Send it again from where the version is: mlops push VERSION --verify",
            )
        return source

    def damaged(self, blobs: Mapping[str, int]) -> list[str]:
        """Read blobs that are there, and give those whose bytes are not what their digests say."""
        with temporary_folder() as folder:
            read = side_by_side(lambda each: (each[0], self._is_whole(*each, folder)), blobs.items())
            return [digest for digest, is_whole in read if not is_whole]

    def names(self, kind: str) -> list[str]:
        """Name all things of a kind, in order."""
        lines = self.files.sizes(f"{kind}s")
        return sorted(name for name in side_by_side(lambda line: self._name(f"{kind}s/{line}"), lines) if name)

    def numbers(self, kind: str, name: str) -> list[int]:
        """Give the numbers of the versions that are there, in order."""
        found = self.files.sizes(line_path(kind, name))
        return sorted(number for file in found if (number := number_of(file)) is not None)

    def entry(self, model: type[E], kind: str, name: str, version: int) -> E | None:
        """Read the entry of a version; None when the remote has none.

        Raises
        ------
        DamagedBlob
            Its bytes are not those that were written.
        """
        path = entry_path(kind, name, version)
        data = self.files.read(path, LONGEST)
        return None if data is None else model.from_bytes(data, path, self.shown)

    def entries(self, model: type[E], kind: str, name: str, versions: Iterable[int]) -> Iterator[E]:
        """Read the entries of several versions of a thing; those that are not there are left out."""
        for found in side_by_side(lambda version: self.entry(model, kind, name, version), versions):
            if found is not None:
                yield found

    def create(self, entry: RemoteEntry) -> bool:
        """Let a version be seen, unless one with its number is; false when one is."""
        return self.files.create(entry.path, entry.to_bytes())

    def replace(self, entry: RemoteEntry) -> None:
        """Write anew what is said of a version; the caller has seen that its content is the same."""
        self.files.write(entry.path, entry.to_bytes())

    def _is_whole(self, digest: str, size: int, folder: Path) -> bool:
        try:
            self.fetch(digest, size, folder)
        except (DamagedBlob, NotFound):
            return False
        finally:
            (folder / digest.replace(":", "-")).unlink(missing_ok=True)
        return True

    def _sizes(self, folder: str, digests: list[str]) -> dict[str, int]:
        if len(digests) >= _LISTED:
            listed = self.files.sizes(folder)
            return {each: listed[name] for each in digests if (name := each.partition(":")[2]) in listed}
        asked = {each: self.files.size(blob_path(each)) for each in digests}
        return {each: size for each, size in asked.items() if size is not None}

    def _name(self, folder: str) -> str:
        """Read the name of a thing from the entry of any of its versions."""
        for file in self.files.sizes(folder):
            if number_of(file) is not None:
                path = f"{folder}/{file}"
                data = self.files.read(path, LONGEST)
                if data is not None:
                    return RemoteEntry.from_bytes(data, path, self.shown).name
        return ""
