"""Slices: the rows of both sides that carry one label of one column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mlops_ext.errors import InvalidValue, did_you_mean, refuse_text
from mlops_ext.monitoring.drift.columns import categories_of, codes_of
from mlops_ext.monitoring.drift.profile import Stored
from mlops_ext.monitoring.sources import Columns

__all__ = ["MOST_SLICES", "Slice", "slices_of"]

MOST_SLICES = 20
"""Of a slicing column's labels the most frequent in the reference; slicing by an identifier would say nothing."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Slice:
    """One label of one column, and which rows of each side carry it."""

    column: str
    label: str
    masks: tuple[Mask, Mask]

    @property
    def name(self) -> str:
        """Its name, such as `origin=EWR`."""
        return f"{self.column}={self.label}"

    def of(self, columns: tuple[Any, Any]) -> tuple[Any, Any]:
        """Take this slice's rows of both sides."""
        first, second = (_rows(column, mask) for column, mask in zip(columns, self.masks, strict=True))
        return first, second


def slices_of(sides: tuple[Columns, Columns], names: Sequence[str]) -> list[Slice]:
    """Make the slices of some columns, the most frequent labels of the reference first.

    Raises
    ------
    InvalidValue
        A column is missing on a side.
    """
    refuse_text("slices", names)
    made = []
    for name in names:
        shared = [each for each in sides[0] if each in sides[1]]
        if name not in shared:
            raise InvalidValue(f"no column {name!r} on both sides to slice by", hint=did_you_mean(name, shared))
        columns = sides[0][name], sides[1][name]
        if any(isinstance(column, Stored) for column in columns):
            raise InvalidValue("a stored reference has no rows to slice", hint="Give the reference itself")
        known = categories_of(columns[0])
        most = np.argsort(-known.counts, kind="stable")[:MOST_SLICES]
        labels = known.labels.take(pa.array(most)).to_pylist()
        codes = [codes_of(column, labels) for column in columns]
        made += [Slice(name, label, (codes[0] == at, codes[1] == at)) for at, label in enumerate(labels)]
    return made


def _rows(column: Any, mask: Mask) -> Any:
    return column[mask] if isinstance(column, np.ndarray) else column.filter(pa.array(mask))
