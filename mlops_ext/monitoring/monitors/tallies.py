"""One column of a window as a sketch: merged with others of its kind, and given as what drift compares."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlops_ext.errors import MissingExtra
from mlops_ext.monitoring.drift.categorical import align
from mlops_ext.monitoring.drift.columns import Categories, Kind, Numbers, categories_of, kind_of, numbers_of
from mlops_ext.monitoring.drift.profile import Stored
from mlops_ext.monitoring.drift.sketched import Sketched

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["COUNTERS", "KLL_SIZE", "MOST_LABELS", "Tally", "merged", "read_tallies", "tally_of", "write_tallies"]

KLL_SIZE = 8192
"""The parameter k of the KLL sketch: a share of rows is wrong by less than 0.04 % with 99 % confidence."""
MOST_LABELS = 10_000
"""Up to so many distinct labels are counted exactly."""
COUNTERS = 15
"""Base-2 logarithm of the counters of the sketch of frequent labels: a count errs by at most 0.011 % of the rows."""
_EMPTY = pa.array([], pa.large_string())


@dataclass(frozen=True)
class Tally:
    """A column of a window.

    Attributes
    ----------
    kind : str
        How it is treated; what was numbers in one part and labels in another is `categorical` of the type `mixed`.
    type : str
        The type that it had.
    present, missing, infinite : int
        Rows with a value, without one, and how many of those were infinite; exact.
    mean, squares : float
        Mean and sum of squared deviations of the finite numbers; exact but for rounding.
    sketch : bytes
        KLL of the numbers, or the sketch of frequent labels.
    labels : Categories or None
        Counts of all labels while they are few.
    """

    kind: Kind
    type: str
    present: int
    missing: int
    infinite: int = 0
    mean: float = 0.0
    squares: float = 0.0
    sketch: bytes = b""
    labels: Categories | None = None

    def stored(self) -> Stored:
        """Give it as the current side of a comparison."""
        return Stored(self.kind, self.kind, self.type, self._column())

    def _column(self) -> Numbers | Categories | Sketched:
        if self.kind in ("time", "nested"):
            return Categories(pa.array([""], pa.large_string()), np.array([self.present]), self.missing)
        if self.kind == "categorical":
            return self.labels if self.labels is not None else _frequent(self)
        if not self.present:
            return Numbers(np.empty(0), self.missing, self.infinite)
        sketch = _library().kll_doubles_sketch.deserialize(self.sketch)
        # The weights that its iterator gives are wrong when its lowest level is empty; its ranks are right.
        values = np.unique([value for value, _ in sketch])
        shares = np.array(sketch.get_cdf(values, True)[:-1])
        return Sketched(
            values,
            np.rint(shares * sketch.n).astype(np.int64),
            self.missing,
            self.infinite,
            (self.mean, math.sqrt(self.squares / self.present)),
            sketch.normalized_rank_error(False) if sketch.is_estimation_mode() else 0.0,
            f"KLL, k = {sketch.k}",
        )


def tally_of(column: Any, name: str, categorical: Collection[str] = (), numeric: Collection[str] = ()) -> Tally:
    """Tally one column of a batch.

    Parameters
    ----------
    column : array of numbers or Arrow array
        Its values.
    categorical, numeric : collection of str
        Columns that are treated so whatever their type.
    """
    kind = kind_of(column)
    shown = str(column.dtype if isinstance(column, np.ndarray) else column.type)
    treated: Kind = "categorical" if name in categorical else "numeric" if name in numeric else kind
    if treated == "categorical":
        return _of_labels(categories_of(column), shown)
    if treated == "numeric" and kind != "empty":
        return _of_numbers(numbers_of(column, name), shown)
    missing = len(column) if kind == "empty" else column.null_count
    return Tally(kind, shown, len(column) - missing, missing)


def merged(a: tuple[Tally | None, int], b: tuple[Tally | None, int]) -> Tally:
    """Merge a column of two parts, each with the rows of its part; a part without the column lacks all values."""
    first, second = (Tally("empty", "null", 0, rows) if tally is None else tally for tally, rows in (a, b))
    if first.kind == "empty" or second.kind == "empty":
        known, other = (second, first) if first.kind == "empty" else (first, second)
        missing = known.missing + other.missing
        labels = replace(known.labels, missing=missing) if known.labels is not None else None
        return replace(known, missing=missing, infinite=known.infinite + other.infinite, labels=labels)
    if first.kind != second.kind:
        first, second = (_relabelled(each) for each in (first, second))
    return _joined(first, second)


def write_tallies(tallies: Mapping[str, Tally]) -> pa.Table:
    """Lay them out as a table, one row a column."""
    plain = ("kind", "type", "present", "missing", "infinite", "mean", "squares", "sketch")
    columns: dict[str, Any] = {"name": list(tallies)}
    columns |= {field: [getattr(tally, field) for tally in tallies.values()] for field in plain}
    held = [tally.labels for tally in tallies.values()]
    columns["labels"] = pa.array([each.labels if each else None for each in held], pa.large_list(pa.large_string()))
    columns["counts"] = pa.array([each.counts if each else None for each in held], pa.large_list(pa.int64()))
    columns["sketch"] = pa.array(columns["sketch"], pa.large_binary())
    return pa.table(columns)


def read_tallies(table: pa.Table) -> dict[str, Tally]:
    """Read what `write_tallies` laid out."""
    found = {}
    for at, row in enumerate(table.drop_columns(["labels", "counts"]).to_pylist()):
        name, labels, counts = row.pop("name"), table["labels"][at], table["counts"][at]
        held = None
        if labels.is_valid:
            values = labels.values if len(labels.values) else _EMPTY
            held = Categories(values, counts.values.to_numpy(), row["missing"], row["infinite"])
        found[name] = Tally(**row, labels=held)
    return found


def _of_numbers(numbers: Numbers, shown: str) -> Tally:
    values = numbers.values.astype(np.float64, copy=False)
    sketch = _library().kll_doubles_sketch(KLL_SIZE)
    mean = squares = 0.0
    if len(values):
        sketch.update(values)
        mean = float(np.mean(values))
        squares = float(np.sum((values - mean) ** 2))
    counts = len(values), numbers.missing, numbers.infinite
    return Tally("numeric", shown, *counts, mean, squares, sketch.serialize())


def _of_labels(found: Categories, shown: str) -> Tally:
    counts = found.present, found.missing, found.infinite
    if len(found.labels) <= MOST_LABELS:
        return Tally("categorical", shown, *counts, labels=found)
    sketch = _library().frequent_strings_sketch(COUNTERS)
    _feed(sketch, found)
    return Tally("categorical", shown, *counts, sketch=sketch.serialize())


def _joined(a: Tally, b: Tally) -> Tally:
    """Merge two of one kind."""
    present, missing, infinite = a.present + b.present, a.missing + b.missing, a.infinite + b.infinite
    whole = replace(a, present=present, missing=missing, infinite=infinite)
    if a.kind == "categorical":
        return _joined_labels(a, b, whole)
    if a.kind != "numeric" or not present:
        return whole
    sketch = _library().kll_doubles_sketch.deserialize(a.sketch)
    sketch.merge(_library().kll_doubles_sketch.deserialize(b.sketch))
    gap = b.mean - a.mean
    mean = a.mean + gap * b.present / present
    squares = a.squares + b.squares + gap * gap * a.present * b.present / present
    return replace(whole, mean=mean, squares=squares, sketch=sketch.serialize())


def _joined_labels(a: Tally, b: Tally, whole: Tally) -> Tally:
    if a.labels is not None and b.labels is not None:
        both = align(a.labels, b.labels)
        order = pc.array_sort_indices(both.labels)
        counts = (both.reference + both.current)[order.to_numpy()]
        return replace(
            _of_labels(Categories(both.labels.take(order), counts, whole.missing, whole.infinite), a.type), type=a.type
        )
    library = _library()
    sketch = library.frequent_strings_sketch(COUNTERS)
    for each in (a, b):
        if each.labels is not None:
            _feed(sketch, each.labels)
        else:
            sketch.merge(library.frequent_strings_sketch.deserialize(each.sketch))
    return replace(whole, labels=None, sketch=sketch.serialize())


def _relabelled(tally: Tally) -> Tally:
    """Let what has another type in another part stand as one label, so that the change of type is seen."""
    if tally.kind == "categorical":
        return replace(tally, type="mixed")
    one = pa.array([f"({tally.type})"], pa.large_string())
    labels = Categories(one, np.array([tally.present]), tally.missing, tally.infinite)
    return Tally("categorical", "mixed", tally.present, tally.missing, tally.infinite, labels=labels)


def _frequent(tally: Tally) -> Categories:
    """Give the labels that are surely frequent with the least that each counts; the rest is counted together."""
    library = _library()
    sketch = library.frequent_strings_sketch.deserialize(tally.sketch)
    items = sketch.get_frequent_items(library.frequent_items_error_type.NO_FALSE_NEGATIVES, 0)
    least = sorted((label, low) for label, _, low, _ in items if low > 0)
    labels = pa.array([label for label, _ in least], pa.large_string())
    counts = np.array([low for _, low in least], dtype=np.int64)
    return Categories(
        labels,
        counts,
        tally.missing,
        tally.infinite,
        others=tally.present - int(counts.sum()),
        share_error=float(sketch.epsilon),
    )


def _feed(sketch: Any, found: Categories) -> None:
    for label, count in zip(found.labels.to_pylist(), found.counts.tolist(), strict=True):
        sketch.update(label, count)


def _library() -> ModuleType:
    try:
        import datasketches
    except ImportError as error:
        raise MissingExtra.of("datasketches", "monitoring") from error
    module: ModuleType = datasketches
    return module
