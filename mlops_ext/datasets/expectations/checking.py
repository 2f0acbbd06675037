"""Holds a table to expectations, column by column, in memory for one column; the checks are pandera's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlops_ext.datasets.content.arrow_types import logical_type
from mlops_ext.datasets.expectations.rules import check_rules
from mlops_ext.datasets.expectations.types import CheckedDataset, ColumnExpectations, Expectations, Failure
from mlops_ext.errors import InvalidValue, MissingExtra

__all__ = ["Rows", "checked"]

_SHOWN = 5
_LONGEST = 80


@dataclass(frozen=True)
class Rows:
    """What is checked: its exact schema, and how to read one column."""

    said: str
    count: int
    schema: pa.Schema
    read: Callable[[str], pa.ChunkedArray]


def checked(rows: Rows, expectations: Expectations, hidden: Mapping[str, str]) -> CheckedDataset:
    """Check rows; values of hidden columns stand in no answer.

    Raises
    ------
    InvalidValue
        A rule is not known, or its bound does not fit the column.
    MissingExtra
        pandera is not installed.
    """
    check_rules(expectations)
    failures = list(_of_table(rows, expectations))
    for name, column in expectations.columns.items():
        if name in rows.schema.names:
            failures += _of_column(rows, name, column, hide=name in hidden)
    return CheckedDataset(
        checked=rows.said,
        passed=not failures,
        rules=_count(expectations),
        rows=rows.count,
        failures=tuple(failures),
        expectations=expectations,
    )


def _of_table(rows: Rows, expectations: Expectations) -> Iterator[Failure]:
    if expectations.min_rows is not None and rows.count < expectations.min_rows:
        yield Failure(column="", rule=f"min_rows = {expectations.min_rows}", count=rows.count, share=1.0)
    if expectations.max_rows is not None and rows.count > expectations.max_rows:
        yield Failure(column="", rule=f"max_rows = {expectations.max_rows}", count=rows.count, share=1.0)
    for name in expectations.columns:
        if name not in rows.schema.names:
            yield Failure(column=name, rule="is there", count=0, share=1.0)
    if expectations.no_others:
        for name in rows.schema.names:
            if name not in expectations.columns:
                yield Failure(column=name, rule="no_others", count=0, share=1.0)


def _of_column(rows: Rows, name: str, column: ColumnExpectations, *, hide: bool) -> Iterator[Failure]:
    kind = logical_type(rows.schema.field(name).type)
    if column.type and kind != column.type:
        yield Failure(column=name, rule=f"type = {column.type}, not {kind}", count=0, share=1.0)
        return
    if column.nullable and not column.unique and not column.checks:
        return
    values = rows.read(name)
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    missing = pc.is_null(values, nan_is_null=pa.types.is_floating(values.type)).to_numpy()
    places = np.flatnonzero(~missing)
    if not column.nullable and missing.any():
        yield _failure(rows, name, "nullable = false", np.flatnonzero(missing), None)
    if not len(places) or not (column.unique or column.checks):
        return
    series = values.filter(pa.array(~missing)).to_pandas()
    series.index = places
    shown = None if hide else series
    if column.unique:
        again = places[series.duplicated(keep="first").to_numpy()]
        if len(again):
            yield _failure(rows, name, "unique = true", again, shown)
    for rule, bound in column.checks.items():
        wrong = places[~_met(series, name, rule, bound)]
        if len(wrong):
            yield _failure(rows, name, f"{rule} = {bound!r}", wrong, shown)


def _met(series: Any, name: str, rule: str, bound: Any) -> np.ndarray:
    """Ask pandera which values meet a rule."""
    try:
        from pandera.pandas import Check
    except ImportError as error:
        raise MissingExtra.of("pandera", "expectations") from error
    try:
        check = getattr(Check, rule)(**bound) if isinstance(bound, dict) else getattr(Check, rule)(bound)
        found = check(series).check_output
    except (TypeError, ValueError, AttributeError, NotImplementedError, re.error) as error:
        raise InvalidValue(
            f"{rule} = {bound!r} does not fit column {name!r}: {error}", hint="Write a bound of the column's type"
        ) from error
    return np.broadcast_to(np.asarray(found, dtype=bool), len(series))


def _failure(rows: Rows, name: str, rule: str, wrong: np.ndarray, shown: Any) -> Failure:
    few = wrong[:_SHOWN]
    said = [f"row {place}" if shown is None else f"row {place}: {str(shown.loc[place])[:_LONGEST]}" for place in few]
    return Failure(
        column=name, rule=rule, count=len(wrong), share=len(wrong) / max(rows.count, 1), rows=tuple(map(str, said))
    )


def _count(expectations: Expectations) -> int:
    whole = sum(each is not None for each in (expectations.min_rows, expectations.max_rows)) + expectations.no_others
    return whole + sum(
        1 + bool(each.type) + (not each.nullable) + each.unique + len(each.checks)
        for each in expectations.columns.values()
    )
