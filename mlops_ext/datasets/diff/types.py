"""A diff as records: columns, rows, cells and distributions."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from mlops_ext.records import Record, Request

__all__ = ["Cell", "ColumnChange", "DatasetDiff", "DiffDatasets", "RowChange", "Shift"]


class ColumnChange(Record):
    """A column that is new, gone, of another type or at another place."""

    shown: ClassVar[tuple[str, ...]] = ("column", "change", "before", "after")
    column: str
    change: Literal["added", "removed", "retyped", "moved"]
    before: str = ""
    after: str = ""
    compared: bool = True
    """Whether its values were compared; not when one type cannot be had from the other."""


class Cell(Record):
    """A value before and after; `None` is a null, a hidden value is `•••`."""

    column: str
    before: str | None = None
    after: str | None = None


class RowChange(Record):
    """One row of the sample."""

    shown: ClassVar[tuple[str, ...]] = ("change", "key", "cells")
    change: Literal["added", "removed", "changed"]
    key: tuple[Cell, ...] = ()
    cells: tuple[Cell, ...] = ()
    """Of a changed row the values that differ, of another all."""


class Shift(Record):
    """How the distribution of a column moved, by what the two snapshots noted."""

    shown: ClassVar[tuple[str, ...]] = ("column", "statistic", "value", "missing_before", "missing_after", "changed")
    column: str
    statistic: str = ""
    """`ks` (greatest distance of the two distribution functions) or `tvd` (half the sum of differences of shares)."""
    value: float | None = None
    """Between 0 and 1; none where there is nothing to compare."""
    error: float = 0.0
    """How far the value may be off, since it is from percentiles, frequent values and samples."""
    mean_before: float | None = None
    mean_after: float | None = None
    missing_before: float
    missing_after: float
    changed: int = 0
    """Changed cells, exactly."""


class DatasetDiff(Record):
    """What changed from one version to another; counts are exact, rows a sample."""

    tables: ClassVar[tuple[str, ...]] = ("columns", "shifts", "sample")
    before: str
    after: str
    equal: bool
    """Whether both hold the same rows in the same columns, in whatever order."""
    key: tuple[str, ...] = ()
    """What told rows apart; empty: a changed row counts as one removed and one added."""
    key_from: Literal["given", "stored", "inferred", "none"] = "none"
    rows_before: int
    rows_after: int
    added: int
    removed: int
    changed: int
    unchanged: int
    reordered: bool = False
    """Whether the rows are the same and their order is not."""
    rows_read: int = 0
    """Of both versions; what lies in segments that both have is never read."""
    columns: tuple[ColumnChange, ...] = ()
    shifts: tuple[Shift, ...] = ()
    sample: tuple[RowChange, ...] = ()
    hidden: tuple[str, ...] = ()
    """Columns whose values are not shown."""

    def _repr_html_(self) -> str:
        from mlops_ext.datasets.diff.display import as_html

        return as_html(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:  # noqa: ARG002
        from mlops_ext.datasets.diff.display import as_html, as_text

        return {"text/plain": as_text(self), "text/html": as_html(self)}

    def __rich__(self) -> Any:
        from mlops_ext.datasets.diff.display import as_rich

        return as_rich(self)


class DiffDatasets(Request):
    before: str = Field(description="Reference: flights@2")
    after: str = Field(description="Reference: flights@3, of the same dataset or another")
    key: tuple[str, ...] = Field(default=(), description="Columns that tell rows apart")
    sample: int = Field(default=20, ge=0, le=1000, description="How many rows of each kind of change to show")
