"""What a look at the quality of data found, as records."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from mlops_ext.records import Record

__all__ = ["Check", "CheckName", "QualityReport"]

CheckName = Literal[
    "volume", "duplicates", "duplicate_keys", "freshness", "gone", "new_column", "type", "missing", "infinite", "range",
    "new_labels", "constant", "expectation",
]  # fmt: skip


class Check(Record):
    """One thing that was looked at."""

    shown: ClassVar[tuple[str, ...]] = ("column", "check", "value", "bound", "passed", "message")
    column: str = ""
    """Empty for checks of the whole table."""
    check: CheckName
    value: float
    """A share of rows, a ratio of rows, an age in seconds, or 1 for what is so."""
    bound: float | None = None
    """What `value` keeps to; None when it is only told."""
    passed: bool = True
    p_value: float | None = None
    """Adjusted over all columns, of shares that are compared with the reference's."""
    message: str


class QualityReport(Record):
    """Everything that was looked at, what failed first."""

    tables: ClassVar[tuple[str, ...]] = ("checks",)
    data: str = ""
    """Full reference of what was looked at, when it has one."""
    reference: str = ""
    window: str = ""
    rows: int
    passed: bool
    failed: int
    checks: tuple[Check, ...]
    report: str = ""
    """Id of the stored report."""

    @property
    def df(self) -> Any:
        """One row a check, as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame([each.model_dump() for each in self.checks])
