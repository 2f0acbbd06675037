"""Files of one format as batches of Arrow: Parquet, Arrow, CSV and JSON, each in bounded memory."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from mlops_ext.errors import InvalidValue, MissingExtra

__all__ = ["SUFFIXES", "batches_of", "format_of"]

SUFFIXES = {
    ".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".tsv": "csv", ".json": "json", ".ndjson": "json",
    ".jsonl": "json", ".arrow": "arrow", ".feather": "arrow", ".ipc": "arrow",
}  # fmt: skip
_COMPRESSIONS = {".gz", ".bz2", ".zst", ".lz4"}
_BLOCK_BYTES = 1 << 25
_LEAST_ROWS, _BATCH_ROWS = 1 << 10, 1 << 16
_BATCH_BYTES = 1 << 24
_CONVERSION = re.compile(r"CSV column #(\d+): .*invalid value '(.*)'", re.DOTALL)
_TIMES = ("date32[day]", "timestamp[s]", "timestamp[ns]")


def format_of(name: str) -> str | None:
    """Tell the format of a file by its name; nothing when it is none of ours."""
    path = Path(name)
    suffix = path.suffix.lower()
    if suffix in _COMPRESSIONS:
        suffix = path.with_suffix("").suffix.lower()
    return SUFFIXES.get(suffix)


def batches_of(path: Path, name: str) -> Iterator[pa.RecordBatch]:
    """Read a file by and by.

    Parameters
    ----------
    path : Path
        The local file.
    name : str
        What errors call it; its suffix tells the format.

    Raises
    ------
    InvalidValue
        The file is none of the known formats, or cannot be read as what it says it is.
    """
    kind = format_of(name)
    if kind is None:
        raise InvalidValue(f"unknown kind of file {name!r}", hint=f"Give one of {', '.join(SUFFIXES)}, or a frame")
    try:
        yield from _READERS[kind](path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InvalidValue(f"cannot read {name!r}: {error}", hint="Read it yourself and snapshot the frame") from error


def _parquet(path: Path) -> Iterator[pa.RecordBatch]:
    from pyarrow import parquet

    with parquet.ParquetFile(path, memory_map=True) as file:
        if not file.schema_arrow.names or not file.metadata.num_rows:
            yield from file.read().to_batches() or [pa.RecordBatch.from_pylist([], schema=file.schema_arrow)]
            return
        for batch in file.iter_batches(batch_size=_batch_rows(file.metadata)):
            # iter_batches leaves out what the schema says of itself: pandas' words and the authors' own.
            yield batch.replace_schema_metadata(file.schema_arrow.metadata)


def _batch_rows(metadata: Any) -> int:
    """Give how many rows to decode at once: few where they are wide."""
    size = sum(int(metadata.row_group(place).total_byte_size) for place in range(metadata.num_row_groups))
    width = max(size // int(metadata.num_rows), 8 * int(metadata.num_columns))
    return min(_BATCH_ROWS, max(_LEAST_ROWS, _BATCH_BYTES // width))


def _arrow(path: Path) -> Iterator[pa.RecordBatch]:
    with pa.memory_map(str(path)) as source:
        if source.read(6) == b"ARROW1":
            file = pa.ipc.open_file(source)
            yield from (file.get_batch(place) for place in range(file.num_record_batches))
            if not file.num_record_batches:
                yield pa.RecordBatch.from_pylist([], schema=file.schema)
            return
        source.seek(0)
        yield from pa.ipc.open_stream(source)


def _csv(path: Path) -> Iterator[pa.RecordBatch]:
    """Read a CSV; types are those of its first 32 MB, widened where a later value asks for it.

    As in pandas a field that is empty or says NA, without quotes, is a missing value.
    """
    types: dict[str, pa.DataType] = {}
    if path.stat().st_size > _BLOCK_BYTES or path.suffix.lower() in _COMPRESSIONS:
        while (misfit := _misfit(path, types)) is not None:
            types |= misfit
    with _open_csv(path, types) as reader:
        names = reader.schema.names
        if len(set(names)) < len(names):
            repeated = next(name for name in names if names.count(name) > 1)
            raise InvalidValue(f"{path.name!r} has two columns named {repeated!r}", hint="Rename one in its first row")
        yield pa.RecordBatch.from_pylist([], schema=reader.schema)
        yield from reader


def _open_csv(path: Path, types: dict[str, pa.DataType]) -> Any:
    from pyarrow import csv

    delimiter = "\t" if ".tsv" in [each.lower() for each in path.suffixes] else ","
    return csv.open_csv(
        path,
        read_options=csv.ReadOptions(block_size=_BLOCK_BYTES),
        parse_options=csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=types, strings_can_be_null=True, quoted_strings_can_be_null=False
        ),
    )


def _misfit(path: Path, types: dict[str, pa.DataType]) -> dict[str, pa.DataType] | None:
    """Read to the end; give a wider type for the column whose type could not hold a value."""
    with _open_csv(path, types) as reader:
        schema = reader.schema
        try:
            for _ in reader:
                pass
        except pa.ArrowInvalid as error:
            found = _CONVERSION.search(str(error))
            field = schema.field(int(found[1])) if found else None
            if found is None or field is None or field.type == pa.string():
                raise
            return {field.name: _wider(field.type, found[2])}
    return None


def _wider(kind: pa.DataType, value: str) -> pa.DataType:
    """Give a type for what was of one type, and a value that does not fit."""
    from pyarrow import csv

    line = '"' + value.replace('"', '""') + '"\n'
    own = csv.read_csv(
        io.BytesIO(b"x\n" + line.encode()), convert_options=csv.ConvertOptions(strings_can_be_null=False)
    )
    other = own.schema.field(0).type
    if pa.types.is_null(kind):
        return other
    if {str(kind), str(other)} == {"int64", "double"}:
        return pa.float64()
    places = [_TIMES.index(str(each)) for each in (kind, other) if str(each) in _TIMES]
    if len(places) == 2 and places[1] > places[0]:
        return other
    return pa.string()


def _json(path: Path) -> Iterator[pa.RecordBatch]:
    """Read one object a line, or one array of objects; all of it is looked at for the types."""
    try:
        import duckdb
    except ImportError as error:
        raise MissingExtra.of("duckdb", "data") from error
    connection = duckdb.connect()
    try:
        rows = connection.read_json(str(path), sample_size=-1, map_inference_threshold=-1)
        for name, kind in zip(rows.columns, rows.types, strict=True):
            if "JSON" in str(kind):
                raise InvalidValue(
                    f"column {name!r} of {path.name!r} mixes types", hint="Read it yourself and snapshot the frame"
                )
        reader = rows.to_arrow_reader(_BATCH_ROWS)
        yield pa.RecordBatch.from_pylist([], schema=reader.schema)
        yield from reader
    except duckdb.Error as error:
        raise InvalidValue(f"cannot read {path.name!r}: {error}", hint="Give one JSON object a line") from error
    finally:
        connection.close()


_READERS: dict[str, Callable[[Path], Iterator[pa.RecordBatch]]] = {
    "parquet": _parquet, "arrow": _arrow, "csv": _csv, "json": _json,
}  # fmt: skip
