"""A table gathered from batches: in memory while it is small, else in a temporary Arrow file that is mapped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from mlops_ext.errors import InvalidValue
from mlops_ext.store.filesystem import temporary_folder

__all__ = ["MEMORY_BYTES", "gathered", "mapped_file"]

MEMORY_BYTES = 1 << 26
"""What batches may hold in memory before they go to a file; its pages are the system's to take back."""


@contextmanager
def gathered(batches: Iterable[pa.RecordBatch], schema: pa.Schema | None = None) -> Iterator[pa.Table]:
    """Gather batches to one table that lives as long as the context.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
        In order; types may widen from one to the next, as numbers and nulls do.
    schema : pyarrow.Schema, optional
        What a table without batches has.

    Raises
    ------
    InvalidValue
        The batches do not fit together.
    """
    with temporary_folder() as folder:
        yield _joined(list(_spilled(batches, folder)), schema)


def mapped_file(path: Path) -> pa.Table:
    """Map an Arrow stream into memory: nothing is read before it is used."""
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_stream(source).read_all()


def _spilled(batches: Iterable[pa.RecordBatch], folder: Path) -> Iterator[pa.Table]:
    """Give the table in runs of one schema."""
    held: list[pa.RecordBatch] = []
    writer: pa.RecordBatchStreamWriter | None = None
    schema, size, count = None, 0, 0
    for batch in batches:
        if schema is not None and not batch.schema.equals(schema):
            yield _run(held, writer, folder / f"{count}.arrow", schema)
            held, writer, size, count = [], None, 0, count + 1
        schema = batch.schema
        held.append(batch)
        size += batch.nbytes
        if size > MEMORY_BYTES or writer is not None:
            writer = writer or pa.ipc.new_stream(str(folder / f"{count}.arrow"), schema)
            for each in held:
                writer.write_batch(each)
            held = []
    if schema is not None:
        yield _run(held, writer, folder / f"{count}.arrow", schema)


def _run(
    held: list[pa.RecordBatch], writer: pa.RecordBatchStreamWriter | None, path: Path, schema: pa.Schema
) -> pa.Table:
    if writer is None:
        return pa.Table.from_batches(held, schema=schema)
    writer.close()
    return mapped_file(path)


def _joined(parts: list[pa.Table], schema: pa.Schema | None) -> pa.Table:
    if not parts:
        return (schema or pa.schema([])).empty_table()
    if len(parts) == 1:
        return parts[0]
    names = parts[0].column_names
    for part in parts:
        if part.column_names != names:
            raise InvalidValue(
                f"the files do not have the same columns: {names} and {part.column_names}",
                hint="Snapshot them one by one, or read and join them first",
            )
    try:
        return pa.concat_tables(parts, promote_options="permissive")
    except pa.ArrowException as error:
        raise InvalidValue(f"the rows do not fit together: {error}", hint="Give each column one type") from error
