"""Which rows of which files hold a version: what the parent has already, and new files for the rest."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from mlops_ext.datasets.storage.cutting import Segment
from mlops_ext.datasets.storage.manifest import Group, Manifest, Piece, StoredFile, gathered
from mlops_ext.datasets.storage.parquet_files import write_file

if TYPE_CHECKING:
    from mlops_ext.datasets.content.canonical import Content
    from mlops_ext.datasets.storage.writing import Rows
    from mlops_ext.workspace import Workspace

__all__ = ["FILE_BYTES", "Parent", "Writer"]

FILE_BYTES = 1 << 28
"""What a file holds of Arrow memory, unless told otherwise: some 40 MB of zstd Parquet."""


class Parent:
    """The version before: where its segments begin and lie, and which of its columns are all the same.

    Parameters
    ----------
    manifest : Manifest
        Its manifest, which has cuts.
    content : Content, optional
        The digests of the new version, when they are known already.
    """

    def __init__(self, manifest: Manifest, content: Content | None) -> None:
        self.manifest = manifest
        self._rows, self._keys = (manifest.cuts.rows, manifest.cuts.keys) if manifest.cuts else ((), ())
        self._starts = [0, *accumulate(self._rows)]
        columns = content.columns if content else ()
        before = {column.name: column.digest for column in manifest.schema_}
        self._same = {column.name for column in columns if before.get(column.name) == column.digest}
        self._pieces = {name: _starts(group) for group in manifest.groups for name in group.columns}
        self._by_keys = {
            tuple(manifest.digests[name][index] for name in self._keys): index
            for index in reversed(range(len(self._rows)))
        }

    def digest(self, name: str, segment: Segment, start: int) -> str | None:
        """Give the digest of a segment without reading it, when the whole column is as it was."""
        index = segment.parent
        if index is None or name not in self._same:
            return None
        is_here = self._starts[index] == start and self._rows[index] == segment.rows
        return self.manifest.digests[name][index] if is_here else None

    def find(self, segment: Segment, digests: dict[str, str]) -> int | None:
        """Find the segment that this one was: by its place, else by what its keys hold."""
        if segment.parent is not None and self._rows[segment.parent] == segment.rows:
            return segment.parent
        return self._by_keys.get(tuple(digests.get(name, "") for name in self._keys)) if self._keys else None

    def place(self, name: str, index: int, digest: str) -> Piece | None:
        """Tell where a column of a segment lies, when it holds the same."""
        held = self.manifest.digests.get(name)
        if held is None or held[index] != digest:
            return None
        starts, pieces = self._pieces[name]
        at = bisect_right(starts, self._starts[index]) - 1
        file, first, _ = pieces[at]
        return file, first + self._starts[index] - starts[at], self._rows[index]


def _starts(group: Group) -> tuple[list[int], tuple[Piece, ...]]:
    return [0, *accumulate(rows for _, _, rows in group.pieces)][:-1], group.pieces


@dataclass
class _Open:
    """A file that is being filled: the same columns of one segment after the other."""

    place: int
    runs: list[tuple[int, list[pa.Table]]] = field(default_factory=list)
    """Where each run of neighbouring rows starts in the source, and its tables."""
    end: int = -1
    rows: int = 0
    bytes: float = 0


class Writer:
    """Takes one segment after the other and writes what the parent does not hold.

    Parameters
    ----------
    ws : Workspace
        Where blobs are put.
    folder : Path
        For files under way.
    source : Rows
        Where the segments are from.
    parent : Parent, optional
        The version before.
    file_bytes : int
        A file is ended when it holds this much Arrow memory.
    """

    def __init__(self, ws: Workspace, folder: Path, source: Rows, parent: Parent | None, file_bytes: int) -> None:
        self._ws, self._folder, self._source, self._parent = ws, folder, source, parent
        self._file_bytes = file_bytes
        self._cell_bytes = source.bytes / max(source.rows * len(source.schema.names), 1)
        self._start = 0
        self._files: list[StoredFile | None] = list(parent.manifest.files) if parent else []
        self._open: dict[tuple[str, ...], _Open] = {}
        self._names = tuple(source.schema.names)
        self._places: list[Sequence[Piece]] = []
        self._digests: list[Sequence[str]] = []
        self.rows: list[int] = []
        self.marks: list[str] = []

    def add(self, segment: Segment, table: pa.Table, digests: Sequence[str]) -> None:
        """Keep one segment: name what is there, write what is not."""
        self.rows.append(segment.rows)
        self.marks.append(segment.mark)
        self._digests.append(digests)
        held = self._held(segment, digests)
        if held is None:
            self._places.append([self._write(self._names, table)] * len(self._names))
        else:
            unseen = tuple(name for name, piece in zip(self._names, held, strict=True) if piece is None)
            new = self._write(unseen, table.select(unseen)) if unseen else (0, 0, 0)
            self._places.append([piece or new for piece in held])
        self._start += segment.rows

    @property
    def digests(self) -> dict[str, tuple[str, ...]]:
        """Those of each column's segments."""
        columns = zip(*self._digests, strict=True) if self._digests else [()] * len(self._names)
        return dict(zip(self._names, columns, strict=True))

    def _held(self, segment: Segment, digests: Sequence[str]) -> list[Piece | None] | None:
        """Tell where the parent holds each column; nothing when it has no such segment."""
        parent = self._parent
        if parent is None:
            return None
        named = dict(zip(self._names, digests, strict=True))
        index = parent.find(segment, named)
        return None if index is None else [parent.place(name, index, digest) for name, digest in named.items()]

    def close(self) -> tuple[tuple[StoredFile, ...], tuple[Group, ...]]:
        """End all files; give those that are used, in the order of their first use, and the groups of columns."""
        for names in list(self._open):
            self._end(names)
        columns = list(zip(*self._places, strict=True)) if self._places else [()] * len(self._names)
        alike = dict.fromkeys(columns)
        used = dict.fromkeys(file for pieces in alike for file, _, _ in pieces)
        order = {file: place for place, file in enumerate(used)}
        ordered = {pieces: [(order[file], first, rows) for file, first, rows in pieces] for pieces in alike}
        groups = gathered({name: ordered[pieces] for name, pieces in zip(self._names, columns, strict=True)})
        return tuple(held for file in used if (held := self._files[file])), groups

    def _write(self, names: tuple[str, ...], table: pa.Table) -> Piece:
        """Add rows to the file of some columns, and tell where they come to lie."""
        if names not in self._open:
            self._open[names] = _Open(len(self._files))
            self._files.append(None)
        file = self._open[names]
        piece = (file.place, file.rows, table.num_rows)
        if file.end != self._start:
            file.runs.append((self._start, []))
        file.runs[-1][1].append(table)
        file.end = self._start + table.num_rows
        file.rows += table.num_rows
        file.bytes += table.num_rows * len(names) * self._cell_bytes
        if file.bytes >= self._file_bytes:
            self._end(names)
        return piece

    def _end(self, names: tuple[str, ...]) -> None:
        file = self._open.pop(names)
        table = pa.concat_tables([self._source.join(first, tables) for first, tables in file.runs])
        path = write_file(table, self._folder / f"{file.place}.parquet")
        digest = self._ws.put_blob(path, given=True)
        self._files[file.place] = StoredFile(digest=digest, bytes=path.stat().st_size, rows=file.rows)
        path.unlink()
