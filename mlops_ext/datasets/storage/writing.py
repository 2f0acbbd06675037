"""What a version keeps: rows cut into segments, of which only unseen columns are written to files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from mlops_ext.datasets.content.arrow_types import logical_type
from mlops_ext.datasets.content.canonical import Content, ContentHasher, no_rows
from mlops_ext.datasets.frames.convert import Representation
from mlops_ext.datasets.storage.cutting import Cutter, Segment, choose_keys, choose_target
from mlops_ext.datasets.storage.manifest import Cuts, File, Manifest
from mlops_ext.datasets.storage.parquet_files import write_file
from mlops_ext.datasets.storage.pieces import FILE_BYTES, Parent, Writer
from mlops_ext.datasets.storage.segment_digests import segment_digests
from mlops_ext.store.filesystem import temporary_folder
from mlops_ext.store.hashing import digest_of

if TYPE_CHECKING:
    from mlops_ext.workspace import Workspace

__all__ = ["Rows", "TableRows", "reference_manifest", "write_manifest"]

SPAN_TARGETS = 4
BATCH_BYTES = 1 << 28
"""At most so much of a table is hashed at once."""
SHORT_BYTES = 1 << 17
_SAMPLES, _SAMPLE_ROWS = 16, 256


class Rows(Protocol):
    """Rows to be stored: all there at once, or coming by and by."""

    schema: pa.Schema
    rows: int
    bytes: int
    """Of Arrow memory; may be an estimate."""
    batch: int
    """How many rows at least to hash at once."""

    def sample(self) -> pa.Table:
        """Give some rows to choose keys by."""

    def spans(self, rows: int) -> Iterator[pa.Table]:
        """Give all rows in their order, about so many at a time."""

    def take(self, first: int, rows: int) -> pa.Table:
        """Give rows of the spans given so far; those before them are not asked for again."""

    def join(self, first: int, tables: Sequence[pa.Table]) -> pa.Table:
        """Make one table of neighbouring ones that were taken, with as few chunks as can be."""

    def dictionary(self, name: str) -> pa.Array:
        """Give the dictionary that all rows of a dictionary column share."""


class TableRows:
    """The rows of a table in memory, whose dictionaries are unified."""

    def __init__(self, table: pa.Table) -> None:
        self.table, self.schema, self.rows, self.bytes = table, table.schema, table.num_rows, table.nbytes
        self.batch = min(self.rows // 8, BATCH_BYTES * self.rows // max(self.bytes, 1))

    def sample(self) -> pa.Table:
        """Take some rows from many places, so that neither sorted nor repeating columns mislead."""
        if self.rows <= _SAMPLES * _SAMPLE_ROWS:
            return self.table
        step = (self.rows - _SAMPLE_ROWS) // (_SAMPLES - 1)
        return pa.concat_tables([self.table.slice(place * step, _SAMPLE_ROWS) for place in range(_SAMPLES)])

    def spans(self, rows: int) -> Iterator[pa.Table]:
        """Give slices; nothing is copied."""
        for first in range(0, max(self.rows, 1), rows):
            yield self.table.slice(first, rows)

    def take(self, first: int, rows: int) -> pa.Table:
        """Give a slice."""
        return self.table.slice(first, rows)

    def join(self, first: int, tables: Sequence[pa.Table]) -> pa.Table:
        """Give one slice."""
        return self.take(first, sum(map(len, tables))).select(tables[0].column_names)

    def dictionary(self, name: str) -> pa.Array:
        """Give the one dictionary of all chunks."""
        values = self.table[name]
        return (values.chunk(0) if values.num_chunks else no_rows(values.type)).dictionary


def write_manifest(
    ws: Workspace,
    source: Rows,
    representation: Representation,
    *,
    content: Content | None = None,
    parent: Manifest | None = None,
    keys: Sequence[str] = (),
    anew: bool = False,
    one_file: bool = False,
) -> Manifest:
    """Store what the parent's files do not hold yet and give the manifest; to put it and the representation is left.

    Parameters
    ----------
    source : Rows
        The rows.
    representation : Representation
        What makes them the frame they are.
    content : Content, optional
        The digests, when they are known already; rows that come by and by are hashed on their way.
    parent : Manifest, optional
        The version before, whose cuts and files are used again.
    keys : sequence of str
        Columns that place the cuts when there is no parent: the primary key.
    anew : bool
        Cut as the parent was, and write all rows all the same.
    one_file : bool
        Let a file hold as much as there is.

    Raises
    ------
    InvalidValue
        A column cannot be written to Parquet exactly.
    """
    algorithm = ws.algorithm
    hasher = ContentHasher(source.schema, source.rows, algorithm)
    cutter = _cutter(source, parent, keys)
    before = Parent(parent, content) if parent and parent.cuts and not anew else None
    with temporary_folder(ws.scratch) as folder:
        writer = Writer(ws, folder, source, before, source.bytes + 1 if one_file else FILE_BYTES)
        for segment, table, digests in _segments(source, cutter, None if content else hasher, before, algorithm):
            writer.add(segment, table, digests)
        dictionaries = _dictionaries(ws, folder, source)
        files, groups = writer.close()
    held = content or hasher.content()
    return Manifest(
        kind=representation.kind,
        rows=held.rows,
        digest=held.digest,
        representation=digest_of(representation.to_bytes(), ws.algorithm),
        schema_=held.columns,
        dictionaries=dictionaries,
        files=files,
        groups=groups,
        cuts=Cuts(keys=cutter.keys, target=cutter.target, rows=writer.rows, marks=writer.marks) if files else None,
        digests=writer.digests,
    )


def reference_manifest(ws: Workspace, representation: Representation, content: Content) -> Manifest:
    """Make the manifest of rows that stay at their source."""
    return Manifest(
        kind=representation.kind,
        rows=content.rows,
        digest=content.digest,
        representation=digest_of(representation.to_bytes(), ws.algorithm),
        schema_=content.columns,
        by_reference=True,
    )


def _cutter(source: Rows, parent: Manifest | None, keys: Sequence[str]) -> Cutter:
    target = choose_target(source.rows, len(source.schema), source.bytes)
    cuts = parent.cuts if parent else None
    if parent is None or cuts is None:
        return Cutter(choose_keys(source.sample(), keys), target)
    before = {column.name: column.type for column in parent.schema_}
    now = {each.name: logical_type(each.type) for each in source.schema}
    if cuts.keys and all(now.get(name) == before[name] for name in cuts.keys):
        return Cutter(cuts.keys, target, cuts)
    return Cutter(choose_keys(source.sample(), keys), target, cuts, same_rows=source.rows == parent.rows)


def _segments(
    source: Rows, cutter: Cutter, hasher: ContentHasher | None, before: Parent | None, algorithm: str
) -> Iterator[tuple[Segment, pa.Table, list[str]]]:
    """Give each segment with its rows and the digests of its columns."""
    seen = start = 0
    waiting: list[Segment] = []
    if not source.schema.names:
        return
    with _mapping(source, cutter.target) as each_of:
        for span in source.spans(SPAN_TARGETS * cutter.target):
            seen += span.num_rows
            if hasher:
                hasher.update(span)
            waiting.extend(cutter.push(span.select(cutter.keys), last=seen == source.rows))
            rows = sum(each.rows for each in waiting)
            if rows < source.batch and seen < source.rows:
                continue
            table = source.take(start, rows)
            work = [(name, values, waiting, start, before, algorithm) for name, values in _columns(table)]
            columns = each_of(lambda each: _digests(*each), work)
            first = 0
            for segment, digests in zip(waiting, zip(*columns, strict=True), strict=True):
                yield segment, table.slice(first, segment.rows), list(digests)
                first += segment.rows
            start, waiting = start + rows, []


@contextmanager
def _mapping(source: Rows, target: int) -> Iterator[Callable[..., Iterable[list[str]]]]:
    """Hash with threads only what is long: with short pieces they would mostly wait for each other."""
    if source.bytes * target <= SHORT_BYTES * source.rows * len(source.schema):
        yield map
        return
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        yield pool.map


def _columns(table: pa.Table) -> Iterator[tuple[str, pa.ChunkedArray]]:
    return zip(table.column_names, table.columns, strict=True)


def _digests(
    name: str, values: pa.ChunkedArray, segments: list[Segment], start: int, before: Parent | None, algorithm: str
) -> list[str]:
    """Take the digests of one column's segments; those of a column that is as it was are known."""
    firsts = [0, *accumulate(each.rows for each in segments)][:-1]
    places = list(zip(segments, firsts, strict=True))
    if before is None:
        return segment_digests(values, [(first, each.rows) for each, first in places], algorithm)
    known = [before.digest(name, each, start + first) for each, first in places]
    unknown = [(first, each.rows) for (each, first), digest in zip(places, known, strict=True) if not digest]
    found = iter(segment_digests(values, unknown, algorithm) if unknown else ())
    return [digest or next(found) for digest in known]


def _dictionaries(ws: Workspace, folder: Path, source: Rows) -> dict[str, File]:
    names = [each.name for each in source.schema if pa.types.is_dictionary(each.type)]
    paths = [
        write_file(pa.table({name: source.dictionary(name)}), folder / f"dictionary-{place}.parquet")
        for place, name in enumerate(names)
    ]
    return {
        name: File(digest=digest, bytes=path.stat().st_size, names=(name,))
        for name, path, digest in zip(names, paths, ws.put_blobs(paths, given=True), strict=True)
    }
