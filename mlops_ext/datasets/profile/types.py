"""A profile as records: what each column holds, and what it seems to be."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from mlops_ext.records import Digest, Record, Request

__all__ = ["ColumnProfile", "Finding", "Kind", "Profile", "ShowProfile", "Top"]

Kind = Literal["number", "time", "text", "truth", "bytes", "nested", "empty"]


class Top(Record):
    """A frequent value."""

    shown: ClassVar[tuple[str, ...]] = ("value", "share")
    value: str
    share: float
    """Of the rows that have a value; of the sample, unless the column was counted."""


class Finding(Record):
    """A sign of personal data: a pattern, and how much of the column fits it."""

    shown: ClassVar[tuple[str, ...]] = ("pattern", "share")
    pattern: str
    """`email`, `phone`, `name`, `id`, `ip`, `card`, `iban` or `ssn`."""
    share: float
    """Of the sampled rows that have a value; names and ids are told by the column's name, too."""


class ColumnProfile(Record):
    """What one column holds."""

    shown: ClassVar[tuple[str, ...]] = ("name", "type", "missing", "distinct", "low", "middle", "high")
    name: str
    type: str
    digest: Digest
    """Of the column's content: what it belongs to is known again in any version."""
    kind: Kind
    rows: int
    missing: int
    """Nulls, exactly, and NaN, whose number is estimated from the sample until the column is counted."""
    distinct: int | None = None
    """Different values; exact up to 65,536, beyond within `distinct_error`. Nothing before they were counted."""
    distinct_error: float = 0.0
    """Relative standard error of `distinct`; 0 when it is exact."""
    low: str = ""
    """The least value, of the sample unless the column was counted."""
    middle: str = ""
    high: str = ""
    mean: float | None = None
    deviation: float | None = None
    quantiles: tuple[float, ...] = ()
    """0, 1, 2 … 100 percent; of times in seconds since 1970."""
    edges: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    """How many sampled values lie between two edges."""
    top: tuple[Top, ...] = ()
    personal: tuple[Finding, ...] = ()
    roles: tuple[str, ...] = ()
    """`key`, `time` or `target`: what the column seems to be."""
    problem: str = ""
    """Why it could not be described."""
    hidden: str = ""
    """The class that hides its values: `pii` or `restricted`."""


class Profile(Record):
    """What a version holds, column by column."""

    tables: ClassVar[tuple[str, ...]] = ("columns",)
    ref: str = ""
    rows: int
    sample: int
    """Rows that quantiles, histograms, frequent values and patterns are from."""
    rank_error: float
    """How far the rank of a quantile may be off, with 95 % confidence; 0 when all rows were taken."""
    counted: bool
    """Whether distinct values, ends and moments are of all rows."""
    columns: tuple[ColumnProfile, ...]

    def column(self, name: str) -> ColumnProfile | None:
        """Give a column by its name."""
        return next((each for each in self.columns if each.name == name), None)

    def _repr_html_(self) -> str:
        from mlops_ext.datasets.profile.display import as_html

        return as_html(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:  # noqa: ARG002
        from mlops_ext.datasets.profile.display import as_html, as_text

        return {"text/plain": as_text(self), "text/html": as_html(self)}

    def __rich__(self) -> Any:
        from mlops_ext.datasets.profile.display import as_rich

        return as_rich(self)


class ShowProfile(Request):
    dataset: str = Field(description="Reference: name, name@3, name@b3:…")
    quick: bool = Field(default=False, description="Only what the snapshot noted, without reading the rows")
