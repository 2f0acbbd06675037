"""Columns of any frame as what the statistics need: sorted finite numbers, or counts of categories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mlops_ext.errors import InvalidValue

__all__ = ["Categories", "Floats", "Kind", "Numbers", "categories_of", "columns_of", "kind_of", "numbers_of"]

Floats = npt.NDArray[np.float64]
Kind = Literal["numeric", "categorical", "time", "nested", "empty"]

_TEXT = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_dictionary)
_BYTES = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_binary_view)


@dataclass(frozen=True)
class Numbers:
    """A numeric column.

    Attributes
    ----------
    values : ndarray of float64, shape (present,)
        The finite values, sorted.
    missing : int
        How many were null, NaN or infinite.
    infinite : int
        How many of the missing were infinite.
    """

    values: Floats
    missing: int
    infinite: int = 0

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
    """A categorical column: how often each label stands, and how many rows have none."""

    counts: dict[str, int]
    missing: int
    infinite: int = 0

    @property
    def present(self) -> int:
        """How many rows have a label."""
        return sum(self.counts.values())

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.present + self.missing


def columns_of(frame: Any, side: str = "frame") -> dict[str, Any]:
    """Take a frame apart.

    Parameters
    ----------
    frame : pandas.DataFrame, polars.DataFrame, pyarrow.Table, DuckDB relation or mapping of name to values
    side : str
        What to call it in an error.

    Returns
    -------
    dict of str to (numpy.ndarray | pyarrow.Array | pyarrow.ChunkedArray)
        Numeric NumPy arrays as they are, all others as Arrow.

    Raises
    ------
    InvalidValue
        It is no frame, a name stands twice, or the columns have different lengths.
    """
    if hasattr(frame, "iloc") and hasattr(frame, "columns"):
        pairs = [(str(name), frame.iloc[:, place]) for place, name in enumerate(frame.columns)]
    elif isinstance(frame, Mapping):
        pairs = [(str(name), values) for name, values in frame.items()]
    elif hasattr(frame, "__arrow_c_stream__"):
        table = pa.table(frame)
        pairs = list(zip(table.column_names, table.columns, strict=True))
    else:
        raise InvalidValue(
            f"the {side} is a {type(frame).__name__}, not a frame",
            hint="Give a pandas or Polars DataFrame, an Arrow table, a mapping of columns or a dataset reference",
        )
    names = [name for name, _ in pairs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidValue(f"the {side} has two columns {twice[0]!r}", hint="Rename one of them")
    columns = {name: _plain(values, name) for name, values in pairs}
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise InvalidValue(
            f"the columns of the {side} have different lengths: {lengths}", hint="Give as many values each"
        )
    return columns


def kind_of(column: Any) -> Kind:
    """Tell by its type what a column is; one without any value has no type."""
    if isinstance(column, np.ndarray):
        return "empty" if not np.isfinite(column).any() and len(column) != 0 else "numeric"
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

    Integers beyond 2**53 are rounded to the nearest float64; moments are seconds since 1970.

    Raises
    ------
    InvalidValue
        The column holds no numbers.
    """
    values = column if isinstance(column, np.ndarray) else _float_array(column, name)
    values = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(values)
    present = values if finite.all() else values[finite]
    infinite = int(np.isinf(values).sum()) if len(present) < len(values) else 0
    return Numbers(np.sort(present), len(values) - len(present), infinite)


def categories_of(column: Any) -> Categories:
    """Count the labels of a column; a number or a truth value is its own label as text."""
    if isinstance(column, np.ndarray):
        infinite = int(np.isinf(column).sum()) if column.dtype.kind == "f" else 0
        finite = column[np.isfinite(column)]
        labels, counts = np.unique(finite, return_counts=True)
        found = {str(label): int(count) for label, count in zip(labels.tolist(), counts.tolist(), strict=True)}
        return Categories(found, len(column) - len(finite), infinite)
    if pa.types.is_floating(column.type):
        return categories_of(_float_array(column, ""))
    if pa.types.is_string_view(column.type):
        column = pc.cast(column, pa.large_string())
    counted = pc.value_counts(column)
    labels, counts = counted.field("values").to_pylist(), counted.field("counts").to_pylist()
    found = {}
    for label, count in zip(labels, counts, strict=True):
        if label is not None and label == label:  # noqa: PLR0124  NaN is no label
            found[str(label)] = found.get(str(label), 0) + count
    return Categories(found, len(column) - sum(found.values()))


def _plain(values: Any, name: str) -> Any:
    dtype = getattr(values, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind in "iuf":
        array = np.asarray(values)
        if array.ndim != 1:
            raise InvalidValue(f"column {name!r} has {array.ndim} dimensions", hint="Give one value a row")
        return array
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    if hasattr(values, "to_arrow"):
        return values.to_arrow()
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return pa.array([_label(value) for value in values], type=pa.large_string())


def _label(value: Any) -> str | None:
    """Name a value of a column of mixed types, so that 1 and "1" stay two labels."""
    if value is None or value != value:  # noqa: PLR0124  NaN is no label
        return None
    return value if isinstance(value, str) else f"{value} ({type(value).__name__})"


def _float_array(column: Any, name: str) -> Floats:
    if pa.types.is_date(column.type):
        column = pc.cast(column, pa.timestamp("us"))
    try:
        if pa.types.is_timestamp(column.type) or pa.types.is_duration(column.type):
            unit = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}[column.type.unit]
            found = pc.divide(pc.cast(pc.cast(column, pa.int64()), pa.float64(), safe=False), unit)
        elif pa.types.is_dictionary(column.type):
            found = pc.cast(pc.cast(column, column.type.value_type), pa.float64(), safe=False)
        else:
            found = pc.cast(column, pa.float64(), safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InvalidValue(
            f"column {name!r} of type {column.type} holds no numbers", hint="Leave it out of `numeric`"
        ) from error
    return np.asarray(found.to_numpy() if isinstance(found, pa.ChunkedArray) else found.to_numpy(zero_copy_only=False))
