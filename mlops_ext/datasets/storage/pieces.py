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
        self._places: dict[str, list[Piece]] = {name: [] for name in source.schema.names}
        self.digests: dict[str, list[str]] = {name: [] for name in source.schema.names}
        self.rows: list[int] = []
        self.marks: list[str] = []

    def add(self, segment: Segment, table: pa.Table, digests: Sequence[str]) -> None:
        """Keep one segment: name what is there, write what is not."""
        self.rows.append(segment.rows)
        self.marks.append(segment.mark)
        names = tuple(table.column_names)
        for name, digest in zip(names, digests, strict=True):
            self.digests[name].append(digest)
        unseen = self._unseen(segment, names, digests)
        if unseen:
            self._write(unseen, table if unseen == names else table.select(unseen))
        self._start += segment.rows

    def _unseen(self, segment: Segment, names: tuple[str, ...], digests: Sequence[str]) -> tuple[str, ...]:
        """Name the columns that the parent does not hold, and note where the others lie."""
        parent = self._parent
        named = dict(zip(names, digests, strict=True)) if parent else {}
        index = parent.find(segment, named) if parent else None
        if parent is None or index is None:
            return names
        held = {name: parent.place(name, index, digest) for name, digest in named.items()}
        for name, piece in held.items():
            if piece is not None:
                self._places[name].append(piece)
        return tuple(name for name in names if held[name] is None)

    def close(self) -> tuple[tuple[StoredFile, ...], tuple[Group, ...]]:
        """End all files; give those that are used, in the order of their first use, and the groups of columns."""
        for names in list(self._open):
            self._end(names)
        used = dict.fromkeys(file for pieces in self._places.values() for file, _, _ in pieces)
        order = {file: place for place, file in enumerate(used)}
        places = {
            name: [(order[file], first, rows) for file, first, rows in pieces] for name, pieces in self._places.items()
        }
        return tuple(held for file in used if (held := self._files[file])), gathered(places)

    def _write(self, names: tuple[str, ...], table: pa.Table) -> None:
        if names not in self._open:
            self._open[names] = _Open(len(self._files))
            self._files.append(None)
        file = self._open[names]
        piece = (file.place, file.rows, table.num_rows)
        for name in names:
            self._places[name].append(piece)
        if file.end != self._start:
            file.runs.append((self._start, []))
        file.runs[-1][1].append(table)
        file.end = self._start + table.num_rows
        file.rows += table.num_rows
        file.bytes += table.num_rows * len(names) * self._cell_bytes
        if file.bytes >= self._file_bytes:
            self._end(names)

    def _end(self, names: tuple[str, ...]) -> None:
        file = self._open.pop(names)
        table = pa.concat_tables([self._source.join(first, tables) for first, tables in file.runs])
        path = write_file(table, self._folder / f"{file.place}.parquet")
        self._files[file.place] = StoredFile(digest=self._ws.put_blob(path), bytes=path.stat().st_size, rows=file.rows)
        path.unlink()
