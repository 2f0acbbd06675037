"""Columns whose class hides their values: a drift report keeps their statistics and shows no value."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlops_ext.errors import InvalidValue
from mlops_ext.monitoring.types import DriftRow
from mlops_ext.refs import Ref

if TYPE_CHECKING:
    from mlops_ext.monitoring.drift.compare import Comparison
    from mlops_ext.workspace import Workspace

__all__ = ["check_slices", "hidden_in", "without_values"]

_VALUES = ("first",)
"""Constants of a statistic that are values of the column."""


def hidden_in(sources: Sequence[str], workspace: Workspace | None) -> frozenset[str]:
    """Name the hidden columns of the datasets among some sources.

    Parameters
    ----------
    sources : sequence of str
        Full references; what is no dataset hides nothing.
    """
    from mlops_ext.datasets.classes.service import hidden_columns
    from mlops_ext.workspace import Workspace

    names = {Ref.parse(text, "dataset").name for text in sources if text.startswith("dataset:")}
    if not names:
        return frozenset()
    ws = workspace or Workspace.find()
    return frozenset(column for name in names for column in hidden_columns(ws, name))


def check_slices(slices: Sequence[str], hidden: Collection[str]) -> None:
    """Refuse to slice by a hidden column: its values would name the slices."""
    for name in slices:
        if name in hidden:
            raise InvalidValue(f"slices by {name!r}, whose values are hidden", hint="Slice by another column")


def without_values(found: Comparison, hidden: Collection[str]) -> Comparison:
    """Leave out the histograms of hidden columns, and each value among the constants of their statistics."""
    if not hidden:
        return found

    def is_hidden(column: str) -> bool:
        return column in hidden or any(column.startswith(f"{name} [") for name in hidden)

    return replace(
        found,
        rows=tuple(_plain(row) if is_hidden(row.column) else row for row in found.rows),
        histograms={name: each for name, each in found.histograms.items() if not is_hidden(name)},
    )


def _plain(row: DriftRow) -> DriftRow:
    kept: dict[str, Any] = {name: value for name, value in row.parameters.items() if name not in _VALUES}
    return row.model_copy(update={"parameters": kept})
