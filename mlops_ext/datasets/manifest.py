"""The manifest: what one version holds and in which files; a JSON blob, format m1.

Nothing here needs pyarrow: the service reads manifests wherever it runs.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Sequence

from pydantic import Field, ValidationError

from mlops_ext.datasets.types import Column
from mlops_ext.errors import InvalidValue
from mlops_ext.records import Digest, Record
from mlops_ext.store.hashing import algorithm_of, new_hash

__all__ = ["CANONICAL_FORM", "FORMAT", "File", "Manifest", "Segment", "prefixed", "table_digest"]

FORMAT = "m1"
CANONICAL_FORM = "c1"


class File(Record):
    """One Parquet file: some columns of one segment."""

    digest: Digest
    bytes: int
    names: tuple[str, ...]


class Segment(Record):
    """A run of rows, in one file or in several side by side that hold different columns."""

    rows: int
    files: tuple[File, ...]


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
    segments: tuple[Segment, ...]

    def to_bytes(self) -> bytes:
        """Write the manifest as JSON with sorted keys."""
        return json.dumps(
            self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False, separators=(",", ":")
        ).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        """Read a manifest and check that its parts agree.

        Raises
        ------
        InvalidValue
            It is no manifest, of an unknown format, or contradicts itself.
        """
        try:
            found = json.loads(data)
            version = found.get("format") if isinstance(found, dict) else None
            if version != FORMAT:
                raise InvalidValue(
                    f"a manifest of format {version!r}", hint=f"This release reads {FORMAT}; upgrade mlops-ext"
                )
            manifest = cls.model_validate(found)
        except (ValueError, ValidationError) as error:
            raise InvalidValue("the blob is no dataset manifest", hint="Make it with mlops_ext.snapshot") from error
        manifest.check()
        return manifest

    @property
    def files(self) -> tuple[File, ...]:
        """All files: the dictionaries', then the segments' in the order of their rows."""
        return (*self.dictionaries.values(), *(file for segment in self.segments for file in segment.files))

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum({file.digest: file.bytes for file in self.files}.values())

    def check(self) -> None:
        """Refuse a manifest whose parts contradict each other."""
        if self.canonical != CANONICAL_FORM:
            raise InvalidValue(
                f"canonical form {self.canonical!r}", hint=f"This release knows {CANONICAL_FORM}; upgrade mlops-ext"
            )
        if table_digest(self.rows, self.schema_, algorithm_of(self.digest)) != self.digest:
            raise InvalidValue(
                "the manifest's digest is not that of its columns", hint="Make it with mlops_ext.snapshot"
            )
        if sum(segment.rows for segment in self.segments) != self.rows:
            raise InvalidValue(
                "the manifest's segments do not add up to its rows", hint="Make it with mlops_ext.snapshot"
            )
        names = sorted(column.name for column in self.schema_)
        for segment in self.segments:
            if sorted(name for file in segment.files for name in file.names) != names:
                raise InvalidValue(
                    "a segment of the manifest lacks or repeats columns", hint="Make it with mlops_ext.snapshot"
                )


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
    return dict.fromkeys([manifest_digest, manifest.representation, *(file.digest for file in manifest.files)])
