"""The checks: each column is read once, and compared with the reference's where there is one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mlops_ext.errors import InvalidValue, did_you_mean
from mlops_ext.monitoring.drift.categorical import align, equal_shares, new_share
from mlops_ext.monitoring.drift.columns import Categories, Numbers, categories_of, kind_of, numbers_of
from mlops_ext.monitoring.drift.kinds import missing_of
from mlops_ext.monitoring.drift.verdict import adjusted
from mlops_ext.monitoring.quality.types import Check
from mlops_ext.monitoring.sources import Columns

__all__ = ["Bounds", "checks_of"]

_MANY = 0.5
"""Labels that are new to more than this share of the reference's own values are identifiers."""


@dataclass(frozen=True)
class Bounds:
    """What counts as a failure.

    Attributes
    ----------
    missing : float
        By how much a share of missing values, or of duplicate rows, may rise.
    outside : float
        Share of values that may lie outside the reference's range, or among labels that it has not.
    volume : float
        By which factor rows may be more or fewer.
    alpha : float
        Share of false alarms among the shares that rose.
    """

    missing: float = 0.01
    outside: float = 0.01
    volume: float = 2.0
    alpha: float = 0.05


def checks_of(
    current: Columns,
    reference: Columns | None,
    bounds: Bounds,
    *,
    keys: Sequence[str] = (),
    at: str = "",
    max_age: timedelta | None = None,
    now: datetime,
) -> list[Check]:
    """Look at a table and, where there is one, at its reference.

    Raises
    ------
    InvalidValue
        A key or the column of times is not there, or holds no times.
    """
    for name in (*keys, *([at] if at else [])):
        if name not in current:
            raise InvalidValue(f"no column {name!r} in the data", hint=did_you_mean(name, current))
    found = list(_of_table(current, reference, bounds, keys))
    if at:
        found.append(_freshness(current[at], at, max_age, now))
    rises: list[_Rise] = []
    if reference is not None:
        found += _structure(current, reference)
        if current.rows:
            rises.append(_duplicates(current, reference))
    for name in current:
        known = reference is not None and name in reference
        sides = reference[name] if reference is not None and known else None, current[name]
        rises.append(_missing(name, *sides))
        found += _of_column(name, sides[0], sides[1], bounds)
    return [*found, *_judged(rises, bounds)]


@dataclass(frozen=True)
class _Rise:
    """A share of rows that should not rise."""

    check: Any
    column: str
    counts: tuple[int, int]
    before: tuple[int, int] | None
    word: str


def _of_table(current: Columns, reference: Columns | None, bounds: Bounds, keys: Sequence[str]) -> Iterator[Check]:
    if reference is None:
        yield Check(check="volume", value=current.rows, passed=current.rows > 0, message=f"{current.rows:,} rows")
        yield from () if not current.rows else (_told_duplicates(current),)
    else:
        ratio = current.rows / reference.rows if reference.rows else math.inf
        passed = 1 / bounds.volume <= ratio <= bounds.volume
        message = f"{current.rows:,} rows, {reference.rows:,} in the reference"
        yield Check(check="volume", value=ratio, bound=bounds.volume, passed=passed, message=message)
    if keys:
        count = _repeated({name: current[name] for name in keys}, current.rows)
        share = count / max(current.rows, 1)
        message = f"{count:,} rows repeat {', '.join(keys)}"
        yield Check(
            column=", ".join(keys), check="duplicate_keys", value=share, bound=0, passed=not count, message=message
        )


def _told_duplicates(current: Columns) -> Check:
    count = _repeated(current, current.rows)
    return Check(check="duplicates", value=count / current.rows, message=f"{count:,} rows equal an earlier one")


def _freshness(column: Any, name: str, max_age: timedelta | None, now: datetime) -> Check:
    if isinstance(column, np.ndarray) or not (pa.types.is_timestamp(column.type) or pa.types.is_date(column.type)):
        raise InvalidValue(f"column {name!r} holds no times", hint="Name the column that says when a row is of")
    bound = max_age.total_seconds() if max_age is not None else None
    newest = pc.max(column).as_py()
    if newest is None:
        return Check(
            column=name, check="freshness", value=math.inf, bound=bound, passed=bound is None, message="no time at all"
        )
    moment = datetime.combine(newest, datetime.min.time()) if not isinstance(newest, datetime) else newest
    age = (now - (moment.replace(tzinfo=now.tzinfo) if moment.tzinfo is None else moment)).total_seconds()
    passed = bound is None or age <= bound
    message = f"the newest row is of {moment.isoformat(sep=' ', timespec='seconds')}"
    return Check(column=name, check="freshness", value=age, bound=bound, passed=passed, message=message)


def _structure(current: Columns, reference: Columns) -> Iterator[Check]:
    for name in reference:
        if name not in current:
            yield Check(column=name, check="gone", value=1, bound=0, passed=False, message="only in the reference")
    for name in current:
        if name not in reference:
            yield Check(column=name, check="new_column", value=1, message="not in the reference")


def _of_column(name: str, before: Any, after: Any, bounds: Bounds) -> Iterator[Check]:
    kind = kind_of(after)
    if before is not None:
        was = kind_of(before)
        if was != kind and "empty" not in (was, kind):
            yield Check(column=name, check="type", value=1, bound=0, passed=False, message=f"was {was}, is {kind}")
            return
    if kind == "numeric":
        yield from _of_numbers(name, None if before is None else _numbers(before, name), _numbers(after, name), bounds)
    elif kind == "categorical" and before is not None and kind_of(before) == "categorical":
        yield from _of_labels(name, categories_of(before), categories_of(after), bounds)


def _numbers(column: Any, name: str) -> Numbers:
    return numbers_of(np.full(len(column), np.nan) if kind_of(column) == "empty" else column, name)


def _of_numbers(name: str, before: Numbers | None, after: Numbers, bounds: Bounds) -> Iterator[Check]:
    if after.infinite:
        known = before is not None and before.infinite > 0
        share = after.infinite / after.rows
        message = f"{after.infinite:,} infinite values" + (", as in the reference" if known else "")
        yield Check(
            column=name, check="infinite", value=share, bound=None if known else 0, passed=known, message=message
        )
    if before is None or not before.present or not after.present:
        return
    low, high = before.values[0], before.values[-1]
    below, above = int(np.searchsorted(after.values, low, "left")), int(np.searchsorted(after.values, high, "right"))
    outside = below + after.present - above
    share = outside / after.present
    message = f"{outside:,} values outside {low:g} to {high:g}"
    yield Check(
        column=name, check="range", value=share, bound=bounds.outside, passed=share <= bounds.outside, message=message
    )
    if after.values[0] == after.values[-1] and low != high and after.present > 1:
        message = f"all values are {after.values[0]:g}"
        yield Check(column=name, check="constant", value=1, bound=0, passed=False, message=message)


def _of_labels(name: str, before: Categories, after: Categories, bounds: Bounds) -> Iterator[Check]:
    if not before.present or not after.present or len(before.labels) > _MANY * before.present:
        return
    sides = align(before, after)
    share = new_share(sides)
    first = ", ".join(sides.labels[sides.known : sides.known + 5].to_pylist())
    message = f"{len(sides.labels) - sides.known} labels are new{f': {first}' if first else ''}"
    yield Check(
        column=name, check="new_labels", value=share, bound=bounds.outside, passed=share <= bounds.outside,
        message=message,
    )  # fmt: skip
    if len(after.labels) == 1 and len(before.labels) > 1 and after.present > 1:
        message = f"all values are {after.labels[0].as_py()}"
        yield Check(column=name, check="constant", value=1, bound=0, passed=False, message=message)


def _missing(name: str, before: Any, after: Any) -> _Rise:
    now = missing_of(after)
    then = missing_of(before) if before is not None else None
    return _Rise(
        "missing", name, (now.missing, now.rows), (then.missing, then.rows) if then is not None else None, "missing"
    )


def _duplicates(current: Columns, reference: Columns) -> _Rise:
    shared = [name for name in current if name in reference]
    counts = [_repeated({name: side[name] for name in shared}, side.rows) for side in (current, reference)]
    return _Rise("duplicates", "", (counts[0], current.rows), (counts[1], reference.rows), "equal to an earlier row")


def _judged(rises: Sequence[_Rise], bounds: Bounds) -> Iterator[Check]:
    """Judge the shares that should not rise together: significant over all of them, and of practical size."""
    tests = [equal_shares(*each.counts, *each.before)[0] if each.before else math.nan for each in rises]
    tested = [p_value for p_value in tests if not math.isnan(p_value)]
    adjusted_values = iter(adjusted(tested))
    for each, p_value in zip(rises, tests, strict=True):
        count, rows = each.counts
        share = count / rows if rows else 0.0
        q_value = None if math.isnan(p_value) else next(adjusted_values)
        bound, passed, said = None, True, f"{count:,} rows are {each.word}"
        if each.before is not None:
            bound = (each.before[0] / each.before[1] if each.before[1] else 0.0) + bounds.missing
            passed = share <= bound or (q_value is not None and q_value > bounds.alpha)
            said += f", {share:.2%}; {bound - bounds.missing:.2%} in the reference"
        yield Check(
            column=each.column, check=each.check, value=share, bound=bound, passed=passed, p_value=q_value, message=said
        )


def _repeated(columns: Any, rows: int) -> int:
    """Count the rows that equal an earlier one, by a hash of 64 bits over their values, column by column."""
    import pandas as pd

    if not rows:
        return 0
    whole: npt.NDArray[Any] = np.zeros(rows, dtype=np.uint64)
    for name in columns:
        column = columns[name]
        values = pd.Series(column) if isinstance(column, np.ndarray) else column.to_pandas()
        if values.dtype == object:
            values = values.map(lambda value: value if value is None else str(value))
        hashed = pd.util.hash_pandas_object(values, index=False).to_numpy(dtype=np.uint64)
        whole = whole * np.uint64(0x9E3779B97F4A7C15) + hashed
    return rows - len(np.unique(whole))
