"""One column described from a sample: quantiles, histogram, frequent values, and what it seems to be."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlops_ext.datasets.content.arrow_types import is_binary, is_string
from mlops_ext.datasets.content.hashes import value_hashes
from mlops_ext.datasets.profile.personal import findings
from mlops_ext.datasets.profile.roles import roles_of
from mlops_ext.datasets.profile.types import ColumnProfile, Kind, Top
from mlops_ext.datasets.types import Column

__all__ = ["kind_of", "moment", "numbers_of", "plain", "profile_column", "tops"]

BINS = 20
TOPS = 10
LONGEST = 80
_PERCENT = np.linspace(0, 1, 101)
_UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def profile_column(column: Column, values: pa.ChunkedArray, rows: int) -> ColumnProfile:
    """Describe a column; one that Arrow's functions cannot take says so and fails nothing.

    Parameters
    ----------
    column : Column
        Its name, type, nulls and digest.
    values : pyarrow.ChunkedArray
        The sampled values.
    rows : int
        How many rows the whole column has.
    """
    try:
        return _described(column, plain(values), rows)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        about: dict[str, Any] = {"name": column.name, "type": column.type, "digest": column.digest}
        problem = str(error).partition("\n")[0][:200]
        return ColumnProfile(**about, kind="nested", rows=rows, missing=column.nulls, problem=problem)


def _described(column: Column, values: pa.ChunkedArray, rows: int) -> ColumnProfile:
    kind: Kind = "empty" if values.null_count == len(values) else kind_of(values.type)
    found: dict[str, Any] = {"name": column.name, "type": column.type, "digest": column.digest, "kind": kind}
    found |= {"rows": rows, "missing": column.nulls}
    is_whole = len(values) == rows
    if is_whole:
        found["distinct"] = len(np.unique(value_hashes(values.drop_null())))
    is_unique = False
    if kind in ("number", "time"):
        numbers = numbers_of(values)
        present = np.sort(numbers[np.isfinite(numbers)])
        if pa.types.is_floating(values.type):
            nans = int(np.isnan(numbers).sum()) - values.null_count
            found["missing"] += nans if is_whole else round(nans * rows / max(len(values), 1))
        else:
            is_unique = len(present) == len(values) and bool((present[1:] > present[:-1]).all())
        found |= _spread(present, kind)
    elif kind in ("text", "truth"):
        counted = pc.value_counts(values.drop_null())
        is_unique = len(counted) == len(values)
        found["top"] = tops(counted)
        if kind == "text":
            found["personal"] = findings(column.name, counted)
    found["roles"] = roles_of(column.name, values, kind, is_unique=is_unique)
    return ColumnProfile(**found)


def plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give values without dictionary, extension or view, which Arrow's functions know little of."""
    kind = values.type
    if isinstance(kind, pa.BaseExtensionType):
        return plain(pa.chunked_array([each.storage for each in values.chunks], kind.storage_type))
    if pa.types.is_dictionary(kind):
        taken = [each.dictionary.take(each.indices) for each in values.chunks]
        return plain(pa.chunked_array(taken, kind.value_type))
    if str(kind) in ("string_view", "binary_view"):
        return values.cast(pa.large_string() if is_string(kind) else pa.large_binary())
    return values


def kind_of(kind: pa.DataType) -> Kind:
    """Tell what a plain type holds."""
    if pa.types.is_boolean(kind):
        return "truth"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_temporal(kind):
        return "time"
    if is_string(kind):
        return "text"
    if is_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return "bytes"
    return "empty" if pa.types.is_null(kind) else "nested"


def numbers_of(values: pa.ChunkedArray) -> np.ndarray:
    """Give numbers as float64, and times as seconds; NaN stands for nulls."""
    kind, unit = values.type, 1.0
    if pa.types.is_date(kind):
        values = values.cast(pa.timestamp("ms"))
        unit = 1e3
    elif pa.types.is_temporal(kind):
        unit = _UNITS[kind.unit] if hasattr(kind, "unit") else 1.0
    if pa.types.is_temporal(values.type):
        values = values.cast(pa.int32() if values.type.bit_width == 32 else pa.int64())
    if values.type == pa.float16() or not pa.types.is_floating(values.type):
        values = values.cast(pa.float64(), safe=False)
    found: np.ndarray = values.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    return found / unit if unit != 1.0 else found


def tops(counted: pa.StructArray) -> tuple[Top, ...]:
    """Give the most frequent of counted values with their shares, the first of equals by its text."""
    counts = counted.field("counts").to_numpy()
    present = int(counts.sum())
    if not present:
        return ()
    most = np.argsort(-counts, kind="stable")[: 4 * TOPS]
    texts = [str(each) for each in counted.field("values").take(pa.array(most)).to_pylist()]
    ranked = sorted(zip(-counts[most], texts, strict=True))[:TOPS]
    return tuple(Top(value=_short(text), share=round(-int(count) / present, 6)) for count, text in ranked)


def moment(seconds: float) -> str:
    """Write seconds since 1970 as a time; outside the calendar as a number."""
    try:
        return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError):
        return f"{seconds:.6g} s"


def _spread(present: np.ndarray, kind: Kind) -> dict[str, Any]:
    """Read quantiles and histogram off the sorted values."""
    if not len(present):
        return {}
    quantiles = present[np.maximum(np.ceil(_PERCENT * len(present)).astype(int) - 1, 0)]
    low, high = float(present[0]), float(present[-1])
    write = moment if kind == "time" else (lambda number: f"{number:.6g}")
    with np.errstate(over="ignore", invalid="ignore"):
        found: dict[str, Any] = {"mean": float(present.mean()), "deviation": float(present.std())}
        width = high - low
    if np.isfinite(width):
        bins = BINS if width else 1
        edges = low + width * (np.arange(bins + 1) / bins)
        upto = np.searchsorted(present, edges[1:-1])
        found |= {
            "counts": tuple(np.diff(upto, prepend=0, append=len(present)).tolist()),
            "edges": tuple(edges.tolist()),
        }
    ends = {"low": write(low), "middle": write(float(quantiles[50])), "high": write(high)}
    return {**found, **ends, "quantiles": tuple(quantiles.tolist())}


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
