"""A column as what the statistics need: sorted finite numbers, or counts of labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mlops_ext.errors import InvalidValue
from mlops_ext.monitoring.drift.merge import BLOCK, Counts, Cuts, Sorted, cut

__all__ = ["Categories", "Floats", "Kind", "Numbers", "categories_of", "codes_of", "kind_of", "numbers_of"]

Floats = npt.NDArray[np.float64]
Kind = Literal["numeric", "categorical", "time", "nested", "empty"]

_TEXT = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_dictionary)
_BYTES = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_binary_view)
_WHOLE = 2.0**53


@dataclass(frozen=True)
class Numbers:
    """A numeric column.

    Attributes
    ----------
    values : ndarray of float64 or int64, shape (present,)
        The finite values, sorted.
    missing : int
        How many were null, NaN or infinite.
    infinite : int
        How many of the missing were infinite.
    """

    values: Sorted
    missing: int
    infinite: int = 0

    @cached_property
    def cuts(self) -> Cuts:
        """Where another sample is compared with this one; there must be a value."""
        return cut(self.values)

    @cached_property
    def moments(self) -> tuple[float, float]:
        """Mean and standard deviation (ddof 0); NaN without values."""
        if not self.present:
            return math.nan, math.nan
        with np.errstate(over="ignore", invalid="ignore"):
            mean = float(np.mean(self.values))
            if self.present <= BLOCK:
                return mean, float(np.std(self.values))
            parts = (self.values[at : at + BLOCK] for at in range(0, self.present, BLOCK))
            return mean, math.sqrt(math.fsum(float(np.square(part - mean).sum()) for part in parts) / self.present)

    @property
    def present(self) -> int:
        """How many values are finite."""
        return len(self.values)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.present + self.missing


@dataclass(frozen=True)
class Categories:
    """A categorical column.

    Attributes
    ----------
    labels : pyarrow.LargeStringArray, shape (distinct,)
        The distinct labels in the order of their text.
    counts : ndarray of int64, shape (distinct,)
        How often each stands.
    missing : int
        How many rows have no label.
    infinite : int
        How many of the missing were infinite numbers.
    others : int
        How many rows have a label that a sketch did not keep.
    share_error : float
        By how much a share may be wrong, of a sketch.
    """

    labels: pa.LargeStringArray
    counts: Counts
    missing: int
    infinite: int = 0
    others: int = 0
    share_error: float = 0.0

    @property
    def present(self) -> int:
        """How many rows have a label."""
        return int(self.counts.sum()) + self.others

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.present + self.missing


def kind_of(column: Any) -> Kind:
    """Tell by its type what a column is; one without any value has no type."""
    if isinstance(column, np.ndarray):
        return "empty" if len(column) and not np.isfinite(column).any() else "numeric"
    kind = column.type
    if pa.types.is_null(kind) or (len(column) and column.null_count == len(column)):
        return "empty"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "numeric"
    if pa.types.is_temporal(kind):
        return "time"
    if pa.types.is_boolean(kind) or any(is_a(kind) for is_a in (*_TEXT, *_BYTES)):
        return "categorical"
    return "nested"


def numbers_of(column: Any, name: str) -> Numbers:
    """Sort the finite values of a column and count the others.

    Integers stay integers; those beyond 2**63 become float64. Moments are seconds since 1970.

    Raises
    ------
    InvalidValue
        The column holds no numbers.
    """
    rows = len(column)
    values = column if isinstance(column, np.ndarray) else _number_array(column, name)
    ordered = np.sort(values) if values is column or not values.flags.writeable else _sort_in_place(values)
    if ordered.dtype.kind in "iu":
        fits = ordered.dtype.kind == "i" or not len(ordered) or int(ordered[-1]) < 2**63
        whole = ordered.astype(np.int64 if fits else np.float64, copy=False)
        return Numbers(whole, rows - len(whole))
    first, last = np.searchsorted(ordered, -np.inf, "right"), np.searchsorted(ordered, np.inf, "left")
    infinite = int(first + np.searchsorted(ordered, np.inf, "right") - last)
    finite = ordered[first:last].astype(np.float64, copy=False)
    return Numbers(finite, rows - len(finite), infinite)


def categories_of(column: Any) -> Categories:
    """Count the labels of a column; a number or a truth value is its own label as text, and 1.0 is 1."""
    rows, infinite = len(column), 0
    if isinstance(column, np.ndarray):
        column = pa.array(column, from_pandas=True)
    elif pa.types.is_dictionary(column.type) and isinstance(column, pa.ChunkedArray):
        column = column.unify_dictionaries()
    elif pa.types.is_string_view(column.type):
        column = _whole_text(column)
    values, counts = _value_counts(column)
    if pa.types.is_dictionary(values.type):
        values = _whole_text(values.dictionary).take(values.indices)
    if pa.types.is_floating(values.type):
        infinite = int(counts[np.isinf(_plain_floats(values))].sum())
        values = pc.if_else(pc.is_finite(values), values, None)
    held = pc.is_valid(values).to_numpy(zero_copy_only=False)
    labels, counts = _text(values.filter(pa.array(held))), counts[held]
    order = pc.array_sort_indices(labels)
    labels, counts = _joined(labels.take(order), counts[order.to_numpy()])
    return Categories(labels, counts, rows - int(counts.sum()), infinite)


def codes_of(column: Any, labels: Sequence[str]) -> npt.NDArray[np.int64]:
    """Give the place of each row's label among some labels, -1 for another or none."""
    if isinstance(column, np.ndarray):
        column = pa.array(column, from_pandas=True)
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    encoded = column if pa.types.is_dictionary(column.type) else pc.dictionary_encode(column)
    values = encoded.dictionary if len(encoded.dictionary) else pa.array([], pa.large_string())
    places = pc.index_in(_text(values), value_set=pa.array(labels, type=pa.large_string()))
    return np.asarray(pc.fill_null(places.take(encoded.indices), -1).to_numpy(zero_copy_only=False), dtype=np.int64)


def _whole_text(values: Any) -> Any:
    """Give text that Arrow's functions take; it has few for views."""
    return pc.cast(values, pa.large_string()) if pa.types.is_string_view(values.type) else values


def _value_counts(column: Any) -> tuple[Any, Counts]:
    try:
        counted = pc.value_counts(column)
    except pa.ArrowNotImplementedError:  # nested values have no hash; their text has one
        texts = [None if value is None else str(value) for value in column.to_pylist()]
        counted = pc.value_counts(pa.array(texts, type=pa.large_string()))
    return counted.field("values"), counted.field("counts").to_numpy().astype(np.int64, copy=False)


def _text(values: Any) -> pa.LargeStringArray:
    """Write labels as text, vectorised where Arrow can."""
    if pa.types.is_floating(values.type):
        floats = _plain_floats(values)
        whole = (np.floor(floats) == floats) & (np.abs(floats) < _WHOLE)
        texts = [str(int(x)) if is_whole else repr(x) for x, is_whole in zip(floats.tolist(), whole, strict=True)]
        return pa.array(texts, type=pa.large_string())
    if pa.types.is_integer(values.type) or any(is_a(values.type) for is_a in _TEXT):
        return pc.cast(values, pa.large_string())
    return pa.array([str(value) for value in values.to_pylist()], type=pa.large_string())


def _joined(labels: pa.LargeStringArray, counts: Counts) -> tuple[pa.LargeStringArray, Counts]:
    """Add the counts of sorted labels that have become the same text."""
    if len(labels) < 2:
        return labels, counts
    new = np.append(True, pc.not_equal(labels[1:], labels[:-1]).to_numpy(zero_copy_only=False))
    if new.all():
        return labels, counts
    return labels.filter(pa.array(new)), np.add.reduceat(counts, np.flatnonzero(new))


def _number_array(column: Any, name: str) -> Any:
    """Take the numbers out of an Arrow column: integers without nulls, floats with NaN in their place."""
    if pa.types.is_date(column.type):
        column = pc.cast(column, pa.timestamp("us"))
    try:
        if pa.types.is_timestamp(column.type) or pa.types.is_duration(column.type):
            unit = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}[column.type.unit]
            found = pc.divide(pc.cast(pc.cast(column, pa.int64()), pa.float64(), safe=False), unit)
        elif pa.types.is_dictionary(column.type):
            return _number_array(pc.cast(column, column.type.value_type), name)
        elif pa.types.is_integer(column.type):
            found = pc.drop_null(column) if column.null_count else column
        elif pa.types.is_float32(column.type):
            found = column
        else:
            found = pc.cast(column, pa.float64(), safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InvalidValue(
            f"column {name!r} of type {column.type} holds no numbers", hint="Leave it out of `numeric`"
        ) from error
    return np.asarray(found.to_numpy() if isinstance(found, pa.ChunkedArray) else found.to_numpy(zero_copy_only=False))


def _plain_floats(values: Any) -> Floats:
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float64)


def _sort_in_place(values: Any) -> Any:
    values.sort()
    return values
