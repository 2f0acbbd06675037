"""The names of rules, and the check of whole expectations before they are stored; pandera is not needed for it."""

from __future__ import annotations

from collections.abc import Iterable

from mlops_ext.datasets.expectations.types import Expectations
from mlops_ext.errors import InvalidValue, did_you_mean

__all__ = ["RULES", "check_rules"]

RULES = (
    "eq", "ge", "gt", "in_range", "isin", "le", "lt", "ne", "notin", "str_contains", "str_endswith", "str_length",
    "str_matches", "str_startswith", "unique_values_eq",
)  # fmt: skip
"""The checks of pandera that expectations may name."""


def check_rules(expectations: Expectations, columns: Iterable[str] | None = None) -> None:
    """Refuse rules that nothing is known by, and columns that the dataset has not.

    Raises
    ------
    InvalidValue
        The first of them, with the nearest name.
    """
    known = None if columns is None else list(columns)
    for name, column in expectations.columns.items():
        if known is not None and name not in known:
            raise InvalidValue(f"expectations of a column {name!r}, which no row has", hint=did_you_mean(name, known))
        for rule in column.checks:
            if rule not in RULES:
                raise InvalidValue(f"unknown rule {rule!r} of column {name!r}", hint=did_you_mean(rule, RULES))
    low, high = expectations.min_rows, expectations.max_rows
    if low is not None and high is not None and low > high:
        raise InvalidValue(f"min_rows = {low} is more than max_rows = {high}", hint="Swap them")
