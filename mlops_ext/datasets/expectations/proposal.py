"""Expectations that a version already meets, as a proposal for somebody to edit."""

from __future__ import annotations

import math
from typing import Any

from mlops_ext.datasets.expectations.types import ColumnExpectations, Expectations
from mlops_ext.datasets.profile.types import ColumnProfile, Profile

__all__ = ["proposed"]

_FEW = 20


def proposed(profile: Profile) -> Expectations:
    """Infer what holds: types, what is never missing, keys, ends of numbers and small sets of texts.

    Hidden columns have no values in their profile, so nothing about their values is proposed.
    """
    return Expectations(columns={each.name: _of_column(each) for each in profile.columns}, min_rows=1)


def _of_column(column: ColumnProfile) -> ColumnExpectations:
    checks: dict[str, Any] = {}
    if column.kind == "number" and not column.hidden:
        bounds = {"ge": _number(column.low, column.type), "le": _number(column.high, column.type)}
        checks = {rule: bound for rule, bound in bounds.items() if bound is not None}
    few = column.distinct is not None and 0 < column.distinct <= _FEW and not column.distinct_error
    if column.kind == "text" and few and len(column.top) == column.distinct:
        checks = {"isin": sorted(each.value for each in column.top)}
    return ColumnExpectations(
        type=column.type, nullable=column.missing > 0, unique="key" in column.roles, checks=checks
    )


def _number(text: str, kind: str) -> float | int | None:
    try:
        number = int(text) if "int" in kind else float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
