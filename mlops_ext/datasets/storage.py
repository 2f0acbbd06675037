"""The files of a version: row segments as plain zstd Parquet that any engine opens, and back exactly."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from mlops_ext.datasets.arrow_types import is_binary, is_list, is_string
from mlops_ext.datasets.canonical import Content
from mlops_ext.datasets.frames import Representation
from mlops_ext.datasets.manifest import File, Manifest, Segment
from mlops_ext.errors import DamagedBlob, InvalidValue

if TYPE_CHECKING:
    from mlops_ext.workspace import Workspace

__all__ = ["read_table", "write_manifest"]

ROW_GROUP_ROWS = 262_144


def write_manifest(ws: Workspace, table: pa.Table, content: Content, representation: Representation) -> str:
    """Store a table and give the digest of its manifest.

    Raises
    ------
    InvalidValue
        A column cannot be written to Parquet exactly.
    """
    dictionaries = {field.name: field.type for field in table.schema if pa.types.is_dictionary(field.type)}
    with tempfile.TemporaryDirectory(prefix="mlops-") as folder:
        paths: list[Path] = []
        names: list[tuple[str, ...]] = []
        for name, kind in dictionaries.items():
            unified = table[name].unify_dictionaries()
            values = unified.chunk(0).dictionary if unified.num_chunks else pa.array([], kind.value_type)
            paths.append(_write(pa.table({name: values}), Path(folder) / f"{len(paths)}.parquet"))
            names.append((name,))
        if table.num_columns:
            paths.append(_write(table, Path(folder) / f"{len(paths)}.parquet"))
            names.append(tuple(table.column_names))
        *blobs, described = ws.put_blobs([*paths, representation.to_bytes()])
        files = [
            File(digest=blob, bytes=path.stat().st_size, names=held)
            for blob, path, held in zip(blobs, paths, names, strict=True)
        ]
    segment = Segment(rows=table.num_rows, files=tuple(files[len(dictionaries) :]))
    manifest = Manifest(
        kind=representation.kind,
        rows=content.rows,
        digest=content.digest,
        representation=described,
        schema_=content.columns,
        dictionaries=dict(zip(dictionaries, files, strict=False)),
        segments=(segment,),
    )
    return ws.put_blob(manifest.to_bytes())


def read_table(ws: Workspace, manifest: Manifest, schema: pa.Schema, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a version, or some of its columns, with exactly the types it had.

    Parameters
    ----------
    schema : pyarrow.Schema
        The exact types, from the representation.
    columns : sequence of str, optional
        The wanted columns in order; all when left out.

    Raises
    ------
    DamagedBlob
        A file does not hold what its manifest says.
    """
    wanted = list(schema.names if columns is None else columns)
    exact = pa.schema([schema.field(name) for name in wanted], metadata=schema.metadata)
    if not wanted:
        return pa.table({"rows": pa.nulls(manifest.rows)}).select([])
    dictionaries = {
        name: _dictionary(ws, manifest.dictionaries[name], exact.field(name).type)
        for name in wanted
        if name in manifest.dictionaries
    }
    parts = [_read_segment(ws, segment, exact, dictionaries) for segment in manifest.segments]
    return pa.concat_tables(parts) if len(parts) != 1 else parts[0]


def _read_segment(ws: Workspace, segment: Segment, exact: pa.Schema, dictionaries: dict[str, pa.Array]) -> pa.Table:
    found: dict[str, pa.ChunkedArray] = {}
    for file in segment.files:
        names = [name for name in exact.names if name in file.names]
        if names:
            found.update(_read_file(ws, file, names, [name for name in names if name in dictionaries]))
    columns = []
    for field in exact:
        values = found[field.name]
        if len(values) != segment.rows:
            raise DamagedBlob(
                f"column {field.name!r} has {len(values)} rows, not {segment.rows}",
                hint="Restore the blob from a backup",
            )
        columns.append(_exact(values, field.type, dictionaries.get(field.name)))
    return pa.table(columns, schema=exact)


def _read_file(ws: Workspace, file: File, names: list[str], dictionaries: list[str]) -> dict[str, pa.ChunkedArray]:
    opened = parquet.ParquetFile(ws.blob_path(file.digest), read_dictionary=dictionaries, memory_map=True)
    table = opened.read(columns=names)
    return {name: table[name] for name in names}


def _dictionary(ws: Workspace, file: File, kind: pa.DataType) -> pa.Array:
    values = _read_file(ws, file, list(file.names), [])[file.names[0]]
    return pa.concat_arrays(_exact(values, kind.value_type, None).chunks or [pa.array([], kind.value_type)])


def _write(table: pa.Table, path: Path) -> Path:
    """Write a file with the plain types that every engine reads, without anything of this library's version."""
    columns = [_plain_values(values) for values in table.columns]
    plain = pa.table(columns, names=table.column_names)
    try:
        parquet.write_table(plain, path, compression="zstd", row_group_size=ROW_GROUP_ROWS, store_schema=False)
    except pa.ArrowException as error:
        raise InvalidValue(f"the frame cannot be stored: {error}", hint="Convert the named column first") from error
    return path


def _plain_values(values: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = values.type
    if pa.types.is_dictionary(kind):
        if _is_word(kind.value_type):
            return values
        return pa.chunked_array(
            [each.indices.cast(pa.int64()) for each in values.unify_dictionaries().chunks], pa.int64()
        )
    plain = _plain(kind)
    return values if plain == kind else _cast(values, plain)


def _plain(kind: pa.DataType) -> pa.DataType:
    """Choose the type that Parquet keeps bit by bit."""
    if str(kind) == "string_view":
        return pa.large_string()
    if str(kind) == "binary_view":
        return pa.large_binary()
    if pa.types.is_duration(kind) or (pa.types.is_timestamp(kind) and kind.unit == "s") or kind == pa.date64():
        return pa.int64()
    if pa.types.is_time(kind) and kind.unit == "s":
        return pa.time32("ms")
    if pa.types.is_decimal(kind) and kind.bit_width < 128:
        return pa.decimal128(kind.precision, kind.scale)
    return _plain_nested(kind)


def _plain_nested(kind: pa.DataType) -> pa.DataType:
    if is_list(kind):
        return pa.large_list(_plain(kind.value_type))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_plain(kind.value_type), kind.list_size)
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(each.name, _plain(each.type)) for each in kind])
    if pa.types.is_map(kind):
        return pa.map_(_plain(kind.key_type), _plain(kind.item_type))
    return kind


def _is_word(kind: pa.DataType) -> bool:
    return is_string(kind) or is_binary(kind)


def _exact(values: pa.ChunkedArray, kind: pa.DataType, dictionary: pa.Array | None) -> pa.ChunkedArray:
    if dictionary is None:
        return values if _is_same(values.type, kind) else _cast(values, kind)
    held = values.chunks or [pa.array([], values.type)]
    chunks = [_indices(each, dictionary).cast(kind.index_type) for each in held]
    made = [pa.DictionaryArray.from_arrays(each, dictionary, ordered=kind.ordered) for each in chunks]
    return pa.chunked_array(made, kind)


def _is_same(left: pa.DataType, right: pa.DataType) -> bool:
    """Compare types with the names and metadata of what they nest, which == leaves out."""
    return bool(left.equals(right, check_metadata=True)) and str(left) == str(right)


def _indices(values: pa.Array, dictionary: pa.Array) -> pa.Array:
    """Find the place of each value in the stored dictionary, so that its order and unused values come back."""
    if not pa.types.is_dictionary(values.type):
        if not _is_word(dictionary.type):
            return values
        values = values.dictionary_encode()
    places = pc.index_in(values.dictionary.cast(dictionary.type), dictionary)
    return places.take(values.indices)


def _cast(values: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """Change the layout, never a value: what would not come back the same is refused."""
    try:
        return values.cast(kind)
    except pa.ArrowException as error:
        raise InvalidValue(
            f"a column of type {values.type} cannot be kept exactly: {error}", hint="Convert it first"
        ) from error
