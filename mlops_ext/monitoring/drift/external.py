"""Columns too long for memory: numbers are sorted through a file, labels counted batch by batch; both stay exact.

Runs that fit are sorted and written one after the other. They are merged into a second file piece by piece, cut where
samples of all runs say that a piece fits. Both files have no name, and are gone when nothing refers to them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

import numpy as np
import pyarrow as pa

from mlops_ext.errors import InvalidValue
from mlops_ext.monitoring.drift.columns import Categories, Kind, Numbers, categories_of, kind_of, numbers_of
from mlops_ext.monitoring.drift.merge import Sorted
from mlops_ext.monitoring.drift.profile import Stored, missing_only
from mlops_ext.monitoring.sources import Batches

__all__ = ["RUN", "TooMany", "as_floats", "filed", "stored_of"]

RUN = 4_000_000
"""So many values are sorted at once, and so many are merged at once."""
MOST_LABELS = 20_000_000
"""More distinct labels are not counted."""


class TooMany(InvalidValue):
    """A column has more labels than are counted."""


def stored_of(batches: Batches, name: str, treated: Kind | None) -> Stored:
    """Read a column batch by batch, and give what the statistics need of it.

    Raises
    ------
    InvalidValue
        It holds no numbers though it is treated so, its batches are of several kinds.
    TooMany
        It has more labels than are counted.
    """
    source, shown = _source(batches)
    kind = treated or ("numeric" if source == "empty" else source)
    if kind == "numeric":
        column: Numbers | Categories = _sorted(batches(), name)
    elif kind == "categorical":
        column = _counted(batches())
    else:
        rows, missing = np.sum([(len(each), each.null_count) for each in batches()], axis=0)
        column = missing_only(int(rows), int(missing))
    return Stored(kind, source if column.present else "empty", shown, column)


def filed(values: Sorted) -> Sorted:
    """Keep an array in a file without a name."""
    return _written([values[at : at + RUN] for at in range(0, len(values), RUN)], len(values), values.dtype)


def as_floats(column: Numbers) -> Numbers:
    """Give whole numbers as float64, through a file."""
    values = column.values
    pieces = (values[at : at + RUN].astype(np.float64) for at in range(0, len(values), RUN))
    return Numbers(_written(pieces, len(values), np.dtype(np.float64)), column.missing, column.infinite)


def _source(batches: Batches) -> tuple[Kind, str]:
    """Tell what the column is by the first batch that has values."""
    shown = "null"
    for batch in batches():
        shown = str(batch.dtype if isinstance(batch, np.ndarray) else batch.type)
        if len(batch) and (kind := kind_of(batch)) != "empty":
            return kind, shown
    return "empty", shown


def _sorted(batches: Iterator[Any], name: str) -> Numbers:
    """Sort the finite values of all batches through files."""
    runs: list[Sorted] = []
    missing = infinite = 0
    for batch in _gathered(batches):
        numbers = numbers_of(batch, name)
        runs.append(filed(numbers.values))
        missing, infinite = missing + numbers.missing, infinite + numbers.infinite
    runs = [run for run in runs if len(run)]
    if not runs:
        return Numbers(np.empty(0), missing, infinite)
    kind = np.result_type(*(run.dtype for run in runs))
    if len(runs) == 1:
        return Numbers(runs[0], missing, infinite)
    return Numbers(_written(_merged(runs, kind), sum(map(len, runs)), kind), missing, infinite)


def _gathered(batches: Iterator[Any]) -> Iterator[Any]:
    """Put small batches together until they are worth a run."""
    held: list[Any] = []
    rows = 0
    for batch in batches:
        untyped = not isinstance(batch, np.ndarray) and pa.types.is_null(batch.type)
        held.append(pa.nulls(len(batch), pa.float64()) if untyped else batch)
        rows += len(batch)
        if rows >= RUN:
            yield from _one(held)
            held, rows = [], 0
    if rows:
        yield from _one(held)


def _one(held: Sequence[Any]) -> Iterator[Any]:
    """Join batches of one type; others stay apart."""
    if all(isinstance(each, np.ndarray) for each in held):
        yield np.concatenate(held)
    elif len({str(getattr(each, "type", "")) for each in held}) == 1:
        chunks = [chunk for each in held for chunk in (each.chunks if isinstance(each, pa.ChunkedArray) else [each])]
        yield pa.chunked_array(chunks)
    else:
        yield from held


def _merged(runs: Sequence[Sorted], kind: np.dtype[Any]) -> Iterator[Sorted]:
    """Give the values of all runs in order, in pieces of at most about RUN; what is tied is repeated, not sorted."""
    step = max(1, RUN // (2 * len(runs)))
    points = np.unique(np.concatenate([run[::step].astype(kind) for run in runs] + [[run[-1]] for run in runs]))
    below = np.array([np.searchsorted(run, points, "left") for run in runs])
    upto = np.array([np.searchsorted(run, points, "right") for run in runs])
    ranks = below.sum(axis=0)
    taken, at = np.zeros(len(runs), dtype=np.int64), 0
    while at < len(points):
        last = int(np.searchsorted(ranks, taken.sum() + RUN, "right")) - 1
        at = max(at, last)
        slices = [run[first:end] for run, first, end in zip(runs, taken, below[:, at], strict=True) if end > first]
        if slices:
            piece = np.concatenate(slices).astype(kind, copy=False)
            piece.sort()
            yield piece
        tied = int((upto[:, at] - below[:, at]).sum())
        for first in range(0, tied, RUN):
            yield np.full(min(RUN, tied - first), points[at], dtype=kind)
        taken, at = upto[:, at], at + 1


def _written(pieces: Iterable[Sorted], rows: int, kind: np.dtype[Any]) -> Sorted:
    """Write pieces one after the other and map the file."""
    if not rows:
        return np.empty(0, dtype=kind)
    file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  the map keeps it open
    try:
        for piece in pieces:
            file.write(np.ascontiguousarray(piece).data.cast("B"))
        file.flush()
    except OSError as error:
        file.close()
        raise InvalidValue(
            f"a column of {rows:,} rows cannot be sorted in {tempfile.gettempdir()}: {error}",
            hint="Point TMPDIR at a folder with twice the column's size",
        ) from error
    mapped = np.memmap(file, dtype=kind, mode="r", shape=(rows,))
    return mapped.view(np.ndarray)


def _counted(batches: Iterator[Any]) -> Categories:
    """Count the labels of all batches; those of several are added up before they take much memory."""
    whole, held, labels = None, [], 0
    for batch in batches:
        held.append(categories_of(batch))
        labels += len(held[-1].labels)
        if labels > RUN:
            whole, held, labels = _added([whole, *held] if whole else held), [], 0
    return _added([whole, *held] if whole else held)


def _added(parts: Sequence[Categories]) -> Categories:
    labels = pa.chunked_array([each.labels for each in parts], pa.large_string())
    counts = pa.chunked_array([pa.array(each.counts, pa.int64()) for each in parts], pa.int64())
    table = pa.table({"label": labels, "count": counts}).group_by("label").aggregate([("count", "sum")])
    if table.num_rows > MOST_LABELS:
        raise TooMany(f"it has more than {MOST_LABELS:,} labels, as an identifier has", hint="Leave it out")
    table = table.sort_by("label").combine_chunks()
    found = table["label"].combine_chunks() if table.num_rows else pa.array([], pa.large_string())
    missing, infinite = sum(each.missing for each in parts), sum(each.infinite for each in parts)
    return Categories(found, table["count_sum"].to_numpy().astype(np.int64), missing, infinite)
