"""Lazy frames over a version: an engine's query decides what is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from mlops_ext.datasets.frames.convert import from_table
from mlops_ext.datasets.loading.files import one_file, plain_files
from mlops_ext.errors import MissingExtra

if TYPE_CHECKING:
    from mlops_ext.datasets.loading.versions import OpenVersion

__all__ = ["SCANS"]


def _polars(held: OpenVersion) -> Any:
    """Let Polars ask for columns and rows; a predicate's columns are read first, the others where it holds."""
    try:
        from polars.io.plugins import register_io_source
    except ImportError as error:
        raise MissingExtra.of("polars", "all") from error

    def rows(columns: list[str] | None, predicate: Any, count: int | None, size: int | None) -> Iterator[Any]:
        wanted = held.names if columns is None else columns
        run = range(held.version.rows if count is None else min(count, held.version.rows))
        step = max(size or 0, 1 << 17)
        for first in run[::step] or [0]:
            span = range(first, min(first + step, run.stop))
            if predicate is None:
                yield _frame(held, wanted, span)
                continue
            asked = _frame(held, [name for name in held.names if name in predicate.meta.root_names()], span)
            places = np.flatnonzero(asked.select(predicate.alias("is_true")).to_series().fill_null(value=False)) + first
            yield _frame(held, wanted, places)

    return register_io_source(rows, schema=_frame(held, held.names, range(0)).schema, is_pure=True)


def _frame(held: OpenVersion, columns: list[str], places: Any) -> Any:
    return from_table(held.read(columns, places), held.representation, "polars")


def _arrow(held: OpenVersion) -> Any:
    from pyarrow import dataset

    files = plain_files(held)
    if files is None:
        return dataset.dataset(one_file(held), format="parquet")
    return dataset.dataset(list(map(str, files)), schema=held.representation.schema, format="parquet")


def _duckdb(held: OpenVersion) -> Any:
    try:
        import duckdb
    except ImportError as error:
        raise MissingExtra.of("duckdb", "data") from error
    files = plain_files(held)
    return duckdb.read_parquet([str(path) for path in (files if files is not None else [one_file(held)])])


SCANS: dict[str, Callable[[OpenVersion], Any]] = {"polars": _polars, "arrow": _arrow, "duckdb": _duckdb}
"""The kinds of lazy frames."""
