"""Expectations and what came of them, as records."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from mlops_ext.records import Record, Request

__all__ = [
    "CheckedDataset", "ColumnExpectations", "Expect", "Expectations", "Failure", "NoteCheck", "Propose",
    "ShowExpectations",
]  # fmt: skip


class ColumnExpectations(Record):
    """What one column is held to."""

    type: str = ""
    """Its logical type, as `mlops datasets show` lists it; any when empty."""
    nullable: bool = True
    """Whether values may be missing; NaN counts as missing."""
    unique: bool = False
    checks: dict[str, Any] = Field(default_factory=dict)
    """Checks of pandera by their names, such as `ge = 0`; what is missing meets them."""


class Expectations(Record):
    """What every version of a dataset is held to."""

    columns: dict[str, ColumnExpectations] = Field(default_factory=dict)
    min_rows: int | None = None
    max_rows: int | None = None
    no_others: bool = False
    """Whether there may be no other columns."""


class Failure(Record):
    """A rule that is not met."""

    shown: ClassVar[tuple[str, ...]] = ("column", "rule", "count", "share", "rows")
    column: str
    """Empty for rules of the whole table."""
    rule: str
    count: int
    """Rows that do not meet it; 0 where the rule is not about rows."""
    share: float
    rows: tuple[str, ...] = ()
    """A few of them, with their values unless the class of the column hides these."""


class CheckedDataset(Record):
    """What checking a version, or a file, found."""

    tables: ClassVar[tuple[str, ...]] = ("failures",)
    checked: str
    passed: bool
    rules: int
    rows: int
    failures: tuple[Failure, ...] = ()
    expectations: Expectations = Field(default_factory=Expectations)


class Expect(Request):
    dataset: str = Field(description="Name of the dataset")
    expectations: Expectations = Field(description="What its versions are held to; empty takes them away")


class ShowExpectations(Request):
    dataset: str = Field(description="Name of the dataset")


class Propose(Request):
    dataset: str = Field(description="Reference: name, name@3, name@b3:…")


class NoteCheck(Request):
    dataset: str = Field(description="Reference of the version that was checked")
    result: CheckedDataset
