"""Anything that holds rows, opened as one table with its representation and where it came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mlops_ext.datasets.frames.convert import Representation, from_polars_file, to_table
from mlops_ext.datasets.frames.polars_frames import check_schema
from mlops_ext.datasets.sources.files import SourceFile, found_files, is_url
from mlops_ext.datasets.sources.formats import batches_of
from mlops_ext.datasets.sources.lakes import is_delta, lake_batches, lake_source, open_delta
from mlops_ext.datasets.sources.partitions import partition_columns
from mlops_ext.datasets.sources.spool import gathered
from mlops_ext.datasets.types import DataSource
from mlops_ext.errors import InvalidValue
from mlops_ext.shown import shown_url, without_secrets
from mlops_ext.store.filesystem import temporary_folder

if TYPE_CHECKING:
    from mlops_ext.workspace import Workspace

__all__ = ["Opened", "file_batches", "opened"]


@dataclass(frozen=True)
class Opened:
    """Rows that can be read for as long as they are open."""

    table: pa.Table
    representation: Representation
    sources: tuple[DataSource, ...] = ()
    query: str = ""
    below: tuple[str, ...] = ()
    """Of each source file, its path below the folder that was given."""
    is_named: bool = True
    """Whether the sources can be opened again by what is recorded of them, which has no credentials."""

    def as_reference(self) -> Opened:
        """Let the representation name the sources, so that the rows can stay there.

        Raises
        ------
        InvalidValue
            The rows have no place of their own that could be named.
        """
        kinds = {source.kind for source in self.sources}
        if not kinds or "database" in kinds:
            raise InvalidValue(
                "by_reference=True needs a file, a URL or a table of a lake", hint="Leave it out to keep the rows"
            )
        if not self.is_named:
            raise InvalidValue("the URL holds credentials, which are not kept", hint="Give them to fsspec otherwise")
        below = self.below or ("",) * len(self.sources)
        words = [[source.model_dump(), path] for source, path in zip(self.sources, below, strict=True)]
        held = {**self.representation.words, "reference": words}
        return replace(self, representation=replace(self.representation, words=held))


@contextmanager
def opened(obj: Any, ws: Workspace, *, sql: Any = None, con: Any = None) -> Iterator[Opened]:
    """Open what `snapshot` was given.

    Raises
    ------
    InvalidValue
        It holds no rows, or some that cannot be kept exactly.
    Conflict
        A source file changed while it was read.
    """
    with ExitStack() as stack:
        if sql is not None:
            if obj is not None:
                raise InvalidValue("an object and sql= at once", hint="Give one of them")
            yield _query(stack, sql, con)
        elif isinstance(obj, str | Path):
            yield _path(stack, str(obj), ws)
        elif type(obj).__module__.partition(".")[0] in ("deltalake", "pyiceberg"):
            yield _lake(stack, obj, ws.root)
        else:
            yield _object(stack, obj)


def _query(stack: ExitStack, sql: Any, con: Any) -> Opened:
    from mlops_ext.datasets.sources.sql import query_batches

    with query_batches(sql, con) as (batches, source, text):
        made = _arrow(stack, batches)
    return replace(made, sources=(source,), query=text)


def _path(stack: ExitStack, text: str, ws: Workspace) -> Opened:
    if is_delta(text, Path.cwd()):
        return _lake(stack, open_delta(text, Path.cwd()), ws.root)
    with found_files(text, ws.root, ws.algorithm) as files:
        made = _arrow(stack, file_batches(files))
    return replace(
        made,
        sources=tuple(each.source for each in files),
        below=tuple(each.below for each in files),
        is_named=not is_url(text) or shown_url(text) == text,
    )


def file_batches(files: list[SourceFile]) -> Iterator[pa.RecordBatch]:
    """Read files one after the other, each with the columns that its path speaks of."""
    partitions = partition_columns([each.below for each in files])
    for file, columns in zip(files, partitions, strict=True):
        for batch in batches_of(file.path, file.name):
            for name, value in columns.items():
                if name in batch.schema.names:
                    raise InvalidValue(
                        f"column {name!r} stands in {file.name!r} and in its path", hint="Name the files one by one"
                    )
                batch = batch.append_column(name, pa.repeat(value, batch.num_rows))  # noqa: PLW2901
            yield batch


def _lake(stack: ExitStack, table: Any, root: Path) -> Opened:
    source = lake_source(table, root)
    return replace(_arrow(stack, lake_batches(table, source)), sources=(source,))


def _object(stack: ExitStack, obj: Any) -> Opened:
    home = type(obj).__module__.partition(".")[0]
    if home == "polars" and hasattr(obj, "collect_schema") and hasattr(obj, "sink_ipc"):
        return _lazy(stack, obj)
    if home in ("duckdb", "_duckdb") and hasattr(obj, "to_arrow_reader"):
        reader = obj.to_arrow_reader(1 << 16)
        made = _arrow(stack, reader, reader.schema, kind="duckdb")
        return replace(made, query=without_secrets(obj.sql_query()))
    if home == "pyarrow" and hasattr(obj, "scanner"):
        obj = obj.scanner()
    if home == "pyarrow" and hasattr(obj, "to_reader") and not isinstance(obj, pa.Table):
        obj = obj.to_reader()
    if isinstance(obj, pa.RecordBatchReader):
        return _arrow(stack, obj, obj.schema)
    homes = {each.__module__.partition(".")[0] for each in type(obj).__mro__}
    if hasattr(obj, "__arrow_c_stream__") and not homes & {"pandas", "polars", "pyarrow"}:
        reader = pa.RecordBatchReader.from_stream(obj)
        return _arrow(stack, reader, reader.schema)
    return Opened(*to_table(obj))


def _lazy(stack: ExitStack, frame: Any) -> Opened:
    """Let Polars run a lazy frame into a file, row group by row group, and map it."""
    import polars as pl

    folder = stack.enter_context(temporary_folder())
    path = folder / "rows.arrow"
    schema = frame.collect_schema()
    check_schema(schema)
    frame.sink_ipc(path, compression="uncompressed", compat_level=pl.CompatLevel.oldest())
    with pa.memory_map(str(path)) as source:
        return Opened(*from_polars_file(pa.ipc.open_file(source).read_all(), schema))


def _arrow(
    stack: ExitStack, batches: Iterable[pa.RecordBatch], schema: pa.Schema | None = None, kind: str = "arrow"
) -> Opened:
    table = stack.enter_context(gathered(batches, schema))
    _, representation = made = to_table(table)
    return Opened(made[0], replace(representation, kind=kind))
