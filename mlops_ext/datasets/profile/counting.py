"""The part of a profile that costs a pass over all values: distinct values, ends and moments, column by column."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlops_ext.datasets.content.hashes import value_hashes
from mlops_ext.datasets.profile.columns import moment, numbers_of, plain, tops
from mlops_ext.datasets.profile.types import ColumnProfile, Profile

__all__ = ["EXACT", "counted", "distinct"]

EXACT = 1 << 16
"""Up to so many distinct values are counted exactly; beyond, from the least so many of their hashes."""
_BATCH = 1 << 20


def counted(profile: Profile, read: Callable[[str], pa.ChunkedArray]) -> Profile:
    """Count every column out.

    Parameters
    ----------
    profile : Profile
        What the snapshot noted.
    read : callable
        Gives all values of a column; one column at a time lies in memory.
    """
    if profile.counted:
        return profile
    columns = tuple(_column(each, read(each.name)) for each in profile.columns)
    return profile.model_copy(update={"columns": columns, "counted": True})


def distinct(values: pa.ChunkedArray) -> tuple[int, float]:
    """Count different values, nulls left out: the number and its relative standard error.

    References
    ----------
    Bar-Yossef et al., Counting distinct elements in a data stream, RANDOM 2002 (k minimum values).
    """
    least = np.zeros(0, np.uint64)
    for chunk in values.chunks:
        for first in range(0, len(chunk), _BATCH):
            hashes = value_hashes(chunk.slice(first, _BATCH).drop_null())
            if len(least) == EXACT + 1:
                hashes = hashes[hashes < least[-1]]
            least = np.unique(np.concatenate([least, hashes]))[: EXACT + 1]
    if len(least) <= EXACT:
        return len(least), 0.0
    return round((EXACT - 1) / (float(least[EXACT - 1]) / 2.0**64)), 1 / math.sqrt(EXACT - 2)


def _column(profile: ColumnProfile, values: pa.ChunkedArray) -> ColumnProfile:
    values = plain(values)
    number, error = distinct(values)
    found: dict[str, Any] = {"distinct": number, "distinct_error": error}
    if profile.kind in ("number", "time"):
        found |= _ends(profile, values)
    if profile.kind in ("text", "truth") and not error:
        found["top"] = tops(pc.value_counts(values.drop_null()))
    is_key = number >= (1 - 4 * error) * profile.rows
    found["roles"] = tuple(each for each in profile.roles if each != "key" or is_key)
    return profile.model_copy(update=found)


def _ends(profile: ColumnProfile, values: pa.ChunkedArray) -> dict[str, Any]:
    numbers = numbers_of(values)
    finite = np.isfinite(numbers)
    missing = values.null_count
    if pa.types.is_floating(values.type):
        missing = int(np.isnan(numbers).sum())
    present = numbers if finite.all() else numbers[finite]
    if not len(present):
        return {"missing": missing}
    low, high = float(present.min()), float(present.max())
    write = moment if profile.kind == "time" else (lambda number: f"{number:.6g}")
    with np.errstate(over="ignore", invalid="ignore"):
        moments = {"mean": float(present.mean()), "deviation": float(present.std())}
    quantiles = (low, *profile.quantiles[1:-1], high) if profile.quantiles else ()
    return {"missing": missing, "low": write(low), "high": write(high), "quantiles": quantiles, **moments}
