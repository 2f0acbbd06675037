"""What is known of groups of rows, as records."""

from __future__ import annotations

from typing import Any, ClassVar

from mlops_ext.records import Record

__all__ = ["Attribution", "BiasReport", "Disparity", "GroupRates", "Moved", "Rate", "WorstSlice", "WorstSlices"]


class Rate(Record):
    """A number with its interval."""

    value: float
    low: float
    high: float

    def summary(self) -> str:
        """Write it in a cell of a table."""
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


class GroupRates(Record):
    """What a model decides for the rows of one group."""

    shown: ClassVar[tuple[str, ...]] = (
        "by", "group", "rows", "base_rate", "selection_rate", "true_positive_rate", "false_positive_rate", "accuracy",
    )  # fmt: skip
    by: str
    """The column, or the columns of an intersection."""
    group: str
    rows: int
    base_rate: Rate
    """Share of true ones."""
    selection_rate: Rate
    """Share that the model says 1 of."""
    true_positive_rate: Rate
    false_positive_rate: Rate
    accuracy: Rate


class Disparity(Record):
    """One measure between the groups of a column, as Fairlearn defines it."""

    shown: ClassVar[tuple[str, ...]] = ("by", "measure", "value", "lowest", "highest")
    by: str
    measure: str
    value: Rate
    lowest: str
    """The group with the lowest rate."""
    highest: str


class BiasReport(Record):
    """How a version treats groups in a window."""

    tables: ClassVar[tuple[str, ...]] = ("disparities", "groups")
    model: str
    window: str
    rows: int
    label_coverage: float
    disparities: tuple[Disparity, ...]
    groups: tuple[GroupRates, ...]
    suppressed: tuple[str, ...] = ()
    """Groups of too few rows to tell, with their numbers."""
    method: str
    report: str = ""
    """Where it is saved."""

    @property
    def df(self) -> Any:
        """The groups as a pandas DataFrame."""
        import pandas as pd

        return pd.json_normalize([each.model_dump() for each in self.groups])


class WorstSlice(Record):
    """Rows on which a version does worse than on all others."""

    shown: ClassVar[tuple[str, ...]] = ("slice", "rows", "loss", "elsewhere", "q_value")
    slice: str
    rows: int
    loss: float
    """The mean loss of its rows."""
    elsewhere: Rate
    """By how much it is above the mean loss of all other rows."""
    q_value: float


class WorstSlices(Record):
    """The slices on which a version does worst."""

    tables: ClassVar[tuple[str, ...]] = ("slices",)
    model: str
    window: str
    metric: str
    rows: int
    searched: int
    """How many slices were looked at."""
    slices: tuple[WorstSlice, ...]
    method: str
    report: str = ""

    @property
    def df(self) -> Any:
        """The slices as a pandas DataFrame."""
        import pandas as pd

        return pd.json_normalize([each.model_dump() for each in self.slices])


class Moved(Record):
    """What one slice added to the change of a metric."""

    shown: ClassVar[tuple[str, ...]] = ("column", "slice", "contribution", "composition", "within", "shares", "losses")
    column: str
    slice: str
    contribution: Rate
    """What it added to the change of the mean loss: composition and within together."""
    composition: float
    """By being more or fewer of the rows."""
    within: float
    """By being predicted worse or better."""
    shares: tuple[float, float]
    """Of the rows, before and after."""
    losses: tuple[float, float]
    """Mean loss, before and after."""


class Attribution(Record):
    """Which slices moved the mean loss of a version from one window to another."""

    tables: ClassVar[tuple[str, ...]] = ("moved",)
    model: str
    before: str
    after: str
    metric: str
    change: Rate
    """After minus before; above 0 is worse."""
    moved: tuple[Moved, ...]
    """Of every column the slices sum to the change; first what added more than its size lets expect."""
    method: str
    report: str = ""

    @property
    def df(self) -> Any:
        """The slices as a pandas DataFrame."""
        import pandas as pd

        return pd.json_normalize([each.model_dump() for each in self.moved])
