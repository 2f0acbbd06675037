"""What a dashboard shows, as records."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from mlops_ext.records import Record, Request

__all__ = [
    "DrawFigure", "Figure", "FigureKind", "Health", "HealthStatus", "MovedColumn", "ShowHealth", "Together",
    "WindowState",
]  # fmt: skip

HealthStatus = Literal["healthy", "at_risk", "degraded", "unknown"]
FigureKind = Literal["metric", "drift", "column", "reliability", "gain", "together"]


class Together(Record):
    """Whether a classifier tells a window from the reference by all columns together."""

    shown: ClassVar[tuple[str, ...]] = ("drifted", "auc", "low", "high", "p_value")
    drifted: bool
    auc: float
    low: float
    high: float
    p_value: float
    columns: tuple[str, ...] = ()
    """Those that tell most, first."""


class WindowState(Record):
    """What is known of one window: measured where labels came, else estimated."""

    shown: ClassVar[tuple[str, ...]] = (
        "window", "model", "metric", "value", "low", "high", "kind", "label_coverage", "drifted",
    )  # fmt: skip
    window: str
    model: str = ""
    """The version that was looked at."""
    metric: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    kind: str = ""
    """`measured` or `estimated`."""
    label_coverage: float | None = None
    drifted: int | None = None
    """How many columns drifted; None when nobody looked."""
    columns: tuple[str, ...] = ()
    """The columns that were compared, those to look at first in front."""
    pictured: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Those that can be drawn, and of each the slices that can be, such as `origin=EWR`."""
    together: Together | None = None
    """What a classifier found over all columns together; None when it was not asked."""
    calibrated: bool = False
    """Whether a reliability curve can be drawn."""
    reports: dict[str, str] = Field(default_factory=dict)
    """Ids of the reports by their kind."""


class MovedColumn(Record):
    """A column that drifted in the newest window."""

    shown: ClassVar[tuple[str, ...]] = ("column", "psi", "impact", "since", "reason")
    column: str
    psi: float
    """Population stability index, missing values in a bin of their own."""
    impact: float
    """PSI times the column's importance to the model: what to look at first."""
    since: str
    """The first of the windows in a row in which it drifted."""
    reason: str


class Health(Record):
    """Is a model all right, since when not, what moved, and what to do."""

    tables: ClassVar[tuple[str, ...]] = ("moved", "windows")
    model: str
    """The model's name."""
    status: HealthStatus
    """`degraded`: a loss was measured; `at_risk`: it is estimated, or something else is alarming."""
    since: str = ""
    """The first window that is not all right."""
    summary_text: str
    """All of it in one sentence."""
    serving: str = ""
    """The version that serves the last environment in order."""
    environment: str = ""
    alerts: tuple[str, ...] = ()
    """What open and acknowledged alerts say, the worst first."""
    todo: tuple[str, ...] = ()
    """What to do next, with the command for it."""
    metrics: tuple[str, ...] = ()
    """The metrics that can be drawn."""
    slices: tuple[str, ...] = ()
    """The slices by which they can be drawn too, such as `origin=EWR`."""
    moved: tuple[MovedColumn, ...] = ()
    windows: tuple[WindowState, ...] = ()
    """The oldest first."""
    comparisons: tuple[str, ...] = ()
    """Ids of the reports on challengers."""

    def summary(self) -> str:
        """Say it in one sentence."""
        return self.summary_text


class ShowHealth(Request):
    model: str = Field(description="Name of the model")
    metric: str = Field(default="", description="Metric to judge the windows by; the alerts' own when left out")
    most: int = Field(default=24, ge=1, le=200, description="How many windows at most, the newest")


class DrawFigure(Request):
    model: str = Field(description="Name of the model")
    figure: FigureKind = Field(description="What to draw")
    metric: str = Field(default="", description="Which metric; of `metric` and `gain`")
    window: str = Field(
        default="", description="Which window; the newest when left out; of `column`, `reliability` and `together`"
    )
    column: str = Field(default="", description="Which column; of `column`")
    slice: str = Field(default="", description="Only the rows of a slice, such as origin=EWR; of `metric` and `column`")
    template: Literal["light", "dark", "any", "none"] = Field(default="light", description="Colours")
    most: int = Field(default=24, ge=1, le=200, description="How many windows at most, the newest")


class Figure(Record):
    """A figure, as plotly draws it."""

    title: str
    caption: str
    """What it shows, for those who cannot see it."""
    figure: dict[str, Any]
    """`data` and `layout`."""
