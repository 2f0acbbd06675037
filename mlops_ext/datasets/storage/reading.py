"""From the files of a version back to a table with exactly the types it had."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from mlops_ext.datasets.storage.manifest import File, Group, Manifest, Piece
from mlops_ext.datasets.storage.parquet_files import exact_column, read_columns
from mlops_ext.errors import DamagedBlob

if TYPE_CHECKING:
    from mlops_ext.workspace import Workspace

__all__ = ["clipped", "read_dictionaries", "read_places", "read_table"]


def read_table(
    ws: Workspace,
    manifest: Manifest,
    schema: pa.Schema,
    columns: Sequence[str] | None = None,
    rows: tuple[int, int] | None = None,
) -> pa.Table:
    """Read a version, or some of its columns and rows, with exactly the types it had.

    Parameters
    ----------
    schema : pyarrow.Schema
        The exact types, from the representation.
    columns : sequence of str, optional
        The wanted columns in order; all when left out.
    rows : (int, int), optional
        First row and number of rows; all when left out.

    Raises
    ------
    DamagedBlob
        A file does not hold what its manifest says.
    """
    wanted = list(schema.names if columns is None else columns)
    exact = pa.schema([schema.field(name) for name in wanted], metadata=schema.metadata)
    first, count = rows or (0, manifest.rows)
    if not wanted:
        return pa.table({"rows": pa.nulls(count)}).select([])
    dictionaries = read_dictionaries(ws, manifest, exact)
    found: dict[str, pa.ChunkedArray] = {}
    for group in manifest.groups:
        fields = _fields_in(group, exact)
        if fields:
            found.update(_read_group(ws, manifest, group, fields, dictionaries, (first, count)))
    return pa.table([found[name] for name in wanted], schema=exact)


def _fields_in(group: Group, exact: pa.Schema) -> list[pa.Field]:
    held = set(group.columns)
    return [field for field in exact if field.name in held]


def read_places(
    ws: Workspace, manifest: Manifest, schema: pa.Schema, columns: Sequence[str] | None, places: np.ndarray
) -> pa.Table:
    """Read the rows at some places, in order; files without any of them are not opened.

    Parameters
    ----------
    places : numpy.ndarray of int
        Sorted, each once.
    """
    wanted = list(schema.names if columns is None else columns)
    exact = pa.schema([schema.field(name) for name in wanted], metadata=schema.metadata)
    if not wanted or not len(places):
        return read_table(ws, manifest, schema, columns, (0, len(places)))
    dictionaries = read_dictionaries(ws, manifest, exact)
    found: dict[str, pa.ChunkedArray] = {}
    for group in manifest.groups:
        fields = _fields_in(group, exact)
        if fields:
            table = _taken(ws, manifest, group, fields, dictionaries, places)
            found.update(zip(table.column_names, table.columns, strict=True))
    return pa.table([found[name] for name in wanted], schema=exact)


def _taken(
    ws: Workspace,
    manifest: Manifest,
    group: Group,
    fields: list[pa.Field],
    dictionaries: dict[str, pa.Array],
    places: np.ndarray,
) -> pa.Table:
    parts, start = [], 0
    for file, first, rows in group.pieces:
        low, high = np.searchsorted(places, (start, start + rows))
        if low < high:
            here = places[low:high] - start
            span = (first + int(here[0]), int(here[-1] - here[0]) + 1)
            table = _read_file(ws, manifest.files[file].digest, fields, dictionaries, span)
            parts.append(table if len(here) == len(table) else table.take(here - here[0]))
        start += rows
    return pa.concat_tables(parts)


def read_dictionaries(ws: Workspace, manifest: Manifest, schema: pa.Schema) -> dict[str, pa.Array]:
    """Read the dictionaries of the dictionary columns in a schema."""
    named = [field for field in schema if field.name in manifest.dictionaries]
    return {each.name: _dictionary(ws, manifest.dictionaries[each.name], each.type) for each in named}


def _read_group(
    ws: Workspace,
    manifest: Manifest,
    group: Group,
    fields: list[pa.Field],
    dictionaries: dict[str, pa.Array],
    rows: tuple[int, int],
) -> dict[str, pa.ChunkedArray]:
    """Read the pieces in order; a file that holds several is read once."""
    pieces = clipped(group.pieces, *rows)
    uses = Counter(file for file, _, _ in pieces)
    whole: dict[int, pa.Table] = {}
    parts = []
    for file, first, count in pieces:
        held = manifest.files[file]
        if file not in whole:
            is_part = uses[file] == 1 and count < held.rows
            table = _read_file(ws, held.digest, fields, dictionaries, (first, count) if is_part else None)
            if len(table) != (count if is_part else held.rows):
                raise DamagedBlob(
                    f"a file of {group.columns[0]!r} has {len(table)} rows, not {held.rows}",
                    hint="Restore the blob from a backup",
                )
            if is_part:
                parts.append(table)
                continue
            whole[file] = table
        parts.append(whole[file].slice(first, count))
        uses[file] -= 1
        if not uses[file]:
            del whole[file]
    table = pa.concat_tables(parts)
    return dict(zip(table.column_names, table.columns, strict=True))


def clipped(pieces: Sequence[Piece], first: int, count: int) -> list[Piece]:
    """Give what of the pieces holds some of the rows."""
    if not count:
        return [(pieces[0][0], pieces[0][1], 0)]
    found, start, end = [], 0, first + count
    for file, offset, rows in pieces:
        low, high = max(start, first), min(start + rows, end)
        if low < high:
            found.append((file, offset + low - start, high - low))
        start += rows
    return found


def _read_file(
    ws: Workspace, digest: str, fields: list[pa.Field], dictionaries: dict[str, pa.Array], rows: tuple[int, int] | None
) -> pa.Table:
    names = [each.name for each in fields]
    words = [name for name in names if name in dictionaries]
    is_large = any(str(each.type) in ("large_string", "large_binary") for each in fields)
    table = read_columns(ws.blob_path(digest), names, words, rows, is_large=is_large)
    columns = [
        exact_column(values, each.type, dictionaries.get(each.name))
        for each, values in zip(fields, table.columns, strict=True)
    ]
    return pa.table(columns, schema=pa.schema(fields))


def _dictionary(ws: Workspace, file: File, kind: pa.DataType) -> pa.Array:
    values = read_columns(ws.blob_path(file.digest), file.names)[file.names[0]]
    return pa.concat_arrays(exact_column(values, kind.value_type, None).chunks or [pa.array([], kind.value_type)])
