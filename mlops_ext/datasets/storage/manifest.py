"""The manifest: what one version holds and in which files; a JSON blob, format m2 (m1 is still read).

Nothing here needs pyarrow: the service reads manifests wherever it runs.
"""

from __future__ import annotations

import gzip
import json
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import Field

from mlops_ext.datasets.types import Column
from mlops_ext.errors import InvalidValue
from mlops_ext.records import Digest, Record
from mlops_ext.store.hashing import algorithm_of, new_hash

__all__ = [
    "CANONICAL_FORM", "FORMAT", "GZIP_LEVEL", "Cuts", "File", "Group", "Manifest", "Piece", "StoredFile", "all_blobs",
    "gathered", "prefixed", "table_digest",
]  # fmt: skip

FORMAT = "m2"
FIRST_FORMAT = "m1"
CANONICAL_FORM = "c1"
GZIP_LEVEL = 3
"""Digests hardly shrink, however long one tries: level 9 takes thrice the time for 3 % fewer bytes."""
_GZIP = b"\x1f\x8b"

Piece = tuple[int, int, int]
"""Some rows of a file: its place in the manifest's list, the first row, how many."""


class File(Record):
    """The file of a dictionary: one column, in order."""

    digest: Digest
    bytes: int
    names: tuple[str, ...]


class StoredFile(Record):
    """One Parquet file with rows."""

    digest: Digest
    bytes: int
    rows: int


class Group(Record):
    """Columns whose rows lie in the same places of the same files, in the order of their rows."""

    columns: tuple[str, ...]
    pieces: tuple[Piece, ...]


class Cuts(Record):
    """Where the rows were cut into segments, so that the next version is cut alike."""

    keys: tuple[str, ...]
    """The columns whose values place the cuts."""
    target: int
    """How many rows a new segment should have."""
    rows: tuple[int, ...]
    """How many rows each segment has."""
    marks: tuple[str, ...]
    """What the keys say at the end of each segment, 16 hex digits; empty where the next version need not cut."""


class Manifest(Record):
    """All that is stored of one version."""

    format: str = FORMAT
    canonical: str = CANONICAL_FORM
    kind: str
    rows: int
    digest: Digest
    representation: Digest
    schema_: tuple[Column, ...]
    dictionaries: dict[str, File] = Field(default_factory=dict)
    """Of each dictionary column, the file that holds its dictionary in order."""
    files: tuple[StoredFile, ...] = ()
    groups: tuple[Group, ...] = ()
    cuts: Cuts | None = None
    digests: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Of each column, a digest of each segment, empty where the base has the same; none in a manifest that was m1."""
    by_reference: bool = False
    """Whether the rows stay at their source, which the representation names; there are no files then."""
    base: Digest | None = None
    """An earlier manifest, which has the digests that are not here."""
    like: tuple[int, ...] = ()
    """Of each segment, the place among the base's of the one that it was, or -1; empty where both were cut alike."""
    profile: Digest | None = None
    """What its columns hold, as the snapshot noted it."""
    profile_base: Digest | None = None
    """An earlier profile, which has the columns that are not in this one."""

    def to_bytes(self) -> bytes:
        """Write the manifest as JSON with sorted keys, in gzip."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return gzip.compress(text.encode(), GZIP_LEVEL, mtime=0)

    @classmethod
    def from_bytes(cls, data: bytes, *, to_load: bool = False) -> Manifest:
        """Read a manifest and check that its parts agree.

        Parameters
        ----------
        data : bytes
            What `to_bytes` wrote.
        to_load : bool
            Leave out the cuts and digests, which only the next snapshot asks for.

        Raises
        ------
        InvalidValue
            It is no manifest, of an unknown format, or contradicts itself.
        """
        try:
            found = json.loads(gzip.decompress(data) if data.startswith(_GZIP) else data)
            version = found.get("format") if isinstance(found, dict) else None
            if version not in (FORMAT, FIRST_FORMAT):
                raise InvalidValue(
                    f"a manifest of format {version!r}", hint=f"This release reads {FORMAT}; upgrade mlops-ext"
                )
            if to_load:
                found.update(cuts=None, digests={})
            manifest = cls.model_validate(_regrouped(found) if version == FIRST_FORMAT else found)
        except (ValueError, KeyError, TypeError, EOFError, OSError, zlib.error) as error:
            raise InvalidValue("the blob is no dataset manifest", hint="Make it with mlops_ext.snapshot") from error
        manifest.check()
        return manifest

    def over(self, digest: str, base: Manifest) -> Manifest:
        """Leave out the digests that an earlier manifest has of the same segments, when that halves them."""
        if self.cuts is None or base.cuts is None:
            return self
        like = () if base.cuts.rows == self.cuts.rows else _alike(self, base)
        if like is None:
            return self
        own = {name: _unlike(each, _at(base.digests.get(name, ()), like)) for name, each in self.digests.items()}
        own = {name: each for name, each in own.items() if any(each)}
        left = sum(1 for each in own.values() for digest in each if digest)
        if 2 * left > len(self.digests) * len(self.cuts.rows):
            return self
        return self.model_copy(update={"digests": own, "base": digest, "like": like})

    def whole(self, base: Manifest | None) -> Manifest:
        """Put in the digests that the base has."""
        if base is None or self.cuts is None:
            return self
        found = {}
        for name in (column.name for column in self.schema_):
            theirs = _at(base.digests.get(name, ()), self.like)
            own = self.digests.get(name, theirs)
            found[name] = tuple(mine or its for mine, its in zip(own, theirs or own, strict=True))
        if any(len(each) != len(self.cuts.rows) or not all(each) for each in found.values()):
            raise _contradiction("base lacks digests")
        return self.model_copy(update={"digests": found, "base": None, "like": ()})

    @property
    def blobs(self) -> tuple[File | StoredFile, ...]:
        """All files: the dictionaries', then those with rows."""
        return (*self.dictionaries.values(), *self.files)

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum({file.digest: file.bytes for file in self.blobs}.values())

    def check(self) -> None:
        """Refuse a manifest whose parts contradict each other."""
        if self.canonical != CANONICAL_FORM:
            raise InvalidValue(
                f"canonical form {self.canonical!r}", hint=f"This release knows {CANONICAL_FORM}; upgrade mlops-ext"
            )
        if table_digest(self.rows, self.schema_, algorithm_of(self.digest)) != self.digest:
            raise _contradiction("digest is not that of its columns")
        names = sorted(column.name for column in self.schema_)
        if self.by_reference and (self.files or self.groups or self.dictionaries or self.cuts):
            raise _contradiction("rows stay at their source, and it has files")
        if not self.by_reference and sorted(name for group in self.groups for name in group.columns) != names:
            raise _contradiction("groups lack or repeat columns")
        for group in self.groups:
            if sum(rows for _, _, rows in group.pieces) != self.rows:
                raise _contradiction("pieces do not add up to its rows")
            for place, first, rows in group.pieces:
                if not (0 <= place < len(self.files) and 0 <= first <= first + rows <= self.files[place].rows):
                    raise _contradiction("pieces reach beyond its files")
        if self.cuts:
            self._check_segments(self.cuts, names)

    def _check_segments(self, cuts: Cuts, names: list[str]) -> None:
        if sum(cuts.rows) != self.rows or len(cuts.marks) != len(cuts.rows):
            raise _contradiction("segments do not add up to its rows")
        lengths = {len(each) for each in self.digests.values()}
        if (self.base is None and sorted(self.digests) != names) or not lengths <= {len(cuts.rows)}:
            raise _contradiction("segments lack digests")
        if self.like and len(self.like) != len(cuts.rows):
            raise _contradiction("segments are not all found in its base")
        if not set(cuts.keys) <= set(names):
            raise _contradiction("keys are none of its columns")


def _unlike(mine: Sequence[str], base: Sequence[str]) -> tuple[str, ...]:
    return tuple("" if each == its else each for each, its in zip(mine, base, strict=True)) if base else tuple(mine)


def _alike(mine: Manifest, base: Manifest) -> tuple[int, ...] | None:
    """Find each segment among the base's by what its keys hold; nothing when they have not the same keys."""
    keys = mine.cuts.keys if mine.cuts else ()
    if not keys or not set(keys) <= base.digests.keys():
        return None
    named = zip(*(base.digests[name] for name in keys), strict=True)
    places = {each: place for place, each in enumerate(named)}
    return tuple(places.get(each, -1) for each in zip(*(mine.digests[name] for name in keys), strict=True))


def _at(digests: Sequence[str], places: Sequence[int]) -> Sequence[str]:
    """Give a column's digests in another order; of a segment that is not there, or a column without any, nothing."""
    if not (digests and places):
        return digests
    return [digests[place] if 0 <= place < len(digests) else "" for place in places]


def _contradiction(what: str) -> InvalidValue:
    return InvalidValue(f"the manifest's {what}", hint="Make it with mlops_ext.snapshot")


def _regrouped(found: dict[str, Any]) -> dict[str, Any]:
    """Turn a manifest of format m1, whose segments name whole files, into the groups of m2."""
    files: list[dict[str, Any]] = []
    places: dict[str, list[Piece]] = {column["name"]: [] for column in found["schema_"]}
    segments = found.pop("segments")
    if sum(segment["rows"] for segment in segments) != found["rows"]:
        raise ValueError("segments do not add up")
    for segment in segments:
        for file in segment["files"]:
            for name in file["names"]:
                places[name].append((len(files), 0, segment["rows"]))
            files.append({"digest": file["digest"], "bytes": file["bytes"], "rows": segment["rows"]})
    return {**found, "format": FORMAT, "files": files, "groups": gathered(places)}


def gathered(places: Mapping[str, Sequence[Piece]]) -> tuple[Group, ...]:
    """Gather the columns that lie in the same places; neighbouring rows of a file become one piece."""
    alike: dict[tuple[Piece, ...], list[str]] = {}
    for name, pieces in places.items():
        alike.setdefault(tuple(pieces), []).append(name)
    groups: dict[tuple[Piece, ...], list[str]] = {}
    for pieces, names in alike.items():
        groups.setdefault(_merged(pieces), []).extend(names)
    return tuple(Group(columns=tuple(names), pieces=pieces) for pieces, names in groups.items())


def _merged(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    merged: list[Piece] = []
    for file, first, rows in pieces:
        last = merged[-1] if merged else (-1, 0, 0)
        if last[0] == file and last[1] + last[2] == first:
            merged[-1] = (file, last[1], last[2] + rows)
        elif rows or not merged:
            merged.append((file, first, rows))
    return tuple(merged)


def table_digest(rows: int, columns: Sequence[Column], algorithm: str) -> str:
    """Take the digest of a table from those of its columns.

    Parameters
    ----------
    rows : int
        Number of rows.
    columns : sequence of Column
        In order; names, logical types and digests count.
    algorithm : str
        `b3` or `sha256`.
    """
    hasher = new_hash(algorithm)
    hasher.update(prefixed(f"mlops_ext {CANONICAL_FORM} table"))
    hasher.update(struct.pack("<QQ", rows, len(columns)))
    for column in columns:
        hasher.update(prefixed(column.name, column.type, column.digest))
    return f"{algorithm}:{hasher.hexdigest()}"


def prefixed(*texts: str) -> bytes:
    """Write texts one after the other, each preceded by its length in bytes (8 bytes, little-endian)."""
    return b"".join(_prefixed(text.encode()) for text in texts)


def _prefixed(data: bytes) -> bytes:
    return struct.pack("<Q", len(data)) + data


def all_blobs(manifest_digest: str, manifest: Manifest) -> Iterable[str]:
    """Name every blob that a version needs, each once."""
    others = [digest for digest in (manifest.base, manifest.profile, manifest.profile_base) if digest]
    return dict.fromkeys([manifest_digest, *others, manifest.representation, *(file.digest for file in manifest.blobs)])
