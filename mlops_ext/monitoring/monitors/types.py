"""Monitors, their windows and what is observed, as records."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from mlops_ext.records import Digest, PageRequest, Record, Request, Timestamp

__all__ = [
    "AddMonitor", "ListMonitorWindows", "ListMonitors", "Monitor", "MonitorKind", "MonitorWindow", "Observe",
    "Observed", "RunMonitor", "RunMonitors", "ShowMonitor", "WindowState",
]  # fmt: skip

MonitorKind = Literal["drift", "quality", "performance"]
Season = Literal["", "month", "weekday"]
WindowState = Literal["open", "judging", "judged", "failed"]


class AddMonitor(Request):
    monitor: str = Field(description="Its name")
    kind: MonitorKind = Field(default="drift", description="What is judged: drift, quality, or performance")
    reference: str = Field(
        default="",
        description="Dataset version or stored reference to compare with; the model's training data when left out",
    )
    profile: Digest | None = Field(
        default=None, description="Of drift: blob of a stored reference, whose name `reference` then is"
    )
    data: str = Field(default="", description="Name of a dataset whose new versions are watched")
    predictions: bool = Field(default=False, description="Watch the features that the model's predictions log")
    model: str = Field(default="", description="The model that this concerns, such as delay@production")
    columns: tuple[str, ...] = Field(default=(), description="Which; those of the reference when left out")
    categorical: tuple[str, ...] = Field(
        default=(), description="Columns to compare as categories, whatever their type"
    )
    numeric: tuple[str, ...] = Field(default=(), description="Columns to compare as numbers, whatever their type")
    statistics: tuple[str, ...] = Field(default=(), description="Which; all when left out")
    importance: dict[str, float] = Field(default={}, description="How much columns matter; ranks what drifted")
    alpha: float = Field(default=0.05, gt=0, lt=1, description="Chance of any false alarm in so many windows in a row")
    windows: int = Field(default=52, ge=1, description="How many windows share alpha, such as 52 weeks")
    bound: float = Field(default=0.1, ge=0, description="Least PSI that matters")
    together: bool = Field(default=False, description="Of drift: also ask a classifier about all columns together")
    text: tuple[str, ...] = Field(default=(), description="Of drift: columns whose words that classifier compares")
    season: Season = Field(default="", description="Of drift: only the reference's same months or weekdays; needs `at`")
    keys: tuple[str, ...] = Field(default=(), description="Of quality: columns whose values together may not repeat")
    at: str = Field(default="", description="Of quality, or with season: column that says when a row is of")
    max_age: str = Field(default="", description="Of quality: how old the newest row may be, such as 2d")
    missing: float = Field(default=0.01, ge=0, le=1, description="Of quality: rise of a share missing that matters")
    outside: float = Field(
        default=0.01, ge=0, le=1, description="Of quality: share outside the reference's range or labels that matters"
    )
    volume: float = Field(default=2.0, ge=1, description="Of quality: factor by which rows may be more or fewer")
    metric: str = Field(default="", description="Of performance: metric that is held to a band; auc when left out")
    limit: float | None = Field(default=None, description="Of performance: the worst that the metric may be")
    against: str = Field(
        default="", description="Of performance: window of the model whose measured interval is the band"
    )
    tolerance: float = Field(default=0.0, ge=0, description="Of performance: by how much worse it may be than the band")
    window: str = Field(default="1d", description="Of a stream: how long one is, such as 1d; or '10000 rows'")
    grace: str = Field(default="5m", description="Of a stream: how long after its end a window waits for late rows")
    exact_rows: int = Field(
        default=1_000_000, ge=1000, le=20_000_000, description="Of a stream: rows up to which a window is kept whole"
    )
    cron: str = Field(default="", description="When it runs by the clock, such as '0 6 * * *' or @daily")
    tz: str = Field(default="UTC", description="Time zone in which cron is read")
    on_new_data: bool = Field(default=True, description="Of a dataset without cron: judge each new version")
    severity: Literal["impact", "info", "warning", "critical"] = Field(
        default="impact", description="Of its alerts; by the estimated impact on the model when left out"
    )
    channels: tuple[str, ...] = Field(default=(), description="Channels that are told; all when left out")
    retrain: str = Field(default="", description="Pipeline, or notebook, that an alert starts")
    parameters: dict[str, Any] = Field(
        default={}, description="For what an alert starts; '{window}' and the like are filled from the alert"
    )
    declared_in: str = Field(default="", description="File that declares it; a tick keeps it as that file says")


class Monitor(Record):
    """Something that is watched, and what became of its last window."""

    shown: ClassVar[tuple[str, ...]] = (
        "name", "kind", "watches", "reference", "model", "window", "cron", "paused", "last_window", "last_status",
    )  # fmt: skip
    name: str
    kind: MonitorKind = "drift"
    watches: Literal["dataset", "predictions", "stream"]
    reference: str
    """Full reference of the dataset version that windows are compared with; none of performance."""
    reference_given: str = ""
    """As it was declared."""
    profile: Digest | None = None
    """The stored reference that windows are compared with; `reference` is then the dataset that it was made of."""
    data: str = ""
    predictions: bool = False
    model: str = ""
    columns: tuple[str, ...]
    """Those that are watched."""
    categorical: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    statistics: tuple[str, ...] = ()
    importance: dict[str, float] = Field(default_factory=dict)
    alpha: float
    windows: int
    bound: float
    together: bool = False
    text: tuple[str, ...] = ()
    season: Season = ""
    keys: tuple[str, ...] = ()
    at: str = ""
    max_age: str = ""
    missing: float = 0.01
    outside: float = 0.01
    volume: float = 2.0
    metric: str = ""
    limit: float | None = None
    against: str = ""
    tolerance: float = 0.0
    window: str = ""
    grace: str = ""
    exact_rows: int = 0
    cron: str = ""
    tz: str = "UTC"
    on_new_data: bool = True
    severity: Literal["impact", "info", "warning", "critical"] = "impact"
    channels: tuple[str, ...] = ()
    retrain: str = ""
    parameters: dict[str, Any] = Field(default_factory=dict)
    declared_in: str = ""
    paused: bool = False
    next: Timestamp | None = None
    """When it runs next by the clock."""
    last_window: str = ""
    last_status: str = ""
    """`no_drift`, `drift`, `undecided`; `passed`, `failed`; `held`, `lost`, `unlabelled`; `failed` also when it was not
    judged, with the reason in `error`."""
    error: str = ""
    """Why the last run judged nothing."""
    created_at: Timestamp
    created_by: str

    @property
    def ref(self) -> str:
        """`monitor:NAME`."""
        return f"monitor:{self.name}"


class MonitorWindow(Record):
    """One window of a monitor: rows while it is open, a verdict once it is judged."""

    shown: ClassVar[tuple[str, ...]] = (
        "window", "state", "rows", "late_rows", "exact", "status", "drifted", "level", "report", "alert",
    )  # fmt: skip
    monitor: str
    window: str
    state: WindowState
    rows: int
    late_rows: int = 0
    """Rows that came when it was judged; they are counted and not kept."""
    exact: bool = True
    """Whether all rows were compared; of a sketch the statistics tell their error."""
    closes_at: Timestamp | None = None
    """When it may be judged."""
    status: str = ""
    drifted: tuple[str, ...] = ()
    """Columns, those to look at first in front; of performance the metric that was lost."""
    level: float | None = None
    """The chance of a false alarm that this window was given."""
    report: str = ""
    alert: str = ""
    error: str = ""
    judged_at: Timestamp | None = None
    """When its rows were looked at."""


class ListMonitors(PageRequest):
    """All of them, by name."""


class ShowMonitor(Request):
    monitor: str = Field(description="Name of the monitor")


class ListMonitorWindows(PageRequest):
    monitor: str = Field(description="Name of the monitor")


class RunMonitor(Request):
    monitor: str = Field(description="Name of the monitor")
    window: str = Field(default="", description="Only this one: a version such as flights@3, or the name of a window")
    close: bool = Field(default=False, description="Judge what a stream has collected now, without waiting")


class RunMonitors(Record):
    """What a run judged."""

    tables: ClassVar[tuple[str, ...]] = ("windows",)
    monitor: str
    judged: int
    waiting: int = 0
    """How many windows are still open."""
    windows: tuple[MonitorWindow, ...] = ()


class Observe(Request):
    """A batch of rows, as records or as a blob; the same batch again changes nothing."""

    monitor: str = Field(description="Name of the monitor")
    batch: str = Field(default="", max_length=200, description="Id that tells repetitions; without one none is known")
    rows: tuple[dict[str, Any], ...] = Field(default=(), description="The rows, each a mapping of column to value")
    content: Digest | None = Field(default=None, description="Blob of the rows as an Arrow file, instead of `rows`")
    at: Timestamp | None = Field(default=None, description="When they were seen; now when left out")


class Observed(Record):
    """What became of a batch."""

    monitor: str
    batch: str
    window: str
    rows: int
    """Rows of the batch."""
    window_rows: int
    """Rows of the window so far."""
    new: bool
    """Whether this call counted it; false for one that was there."""
    kept: bool
    """False when its window is judged already, or the monitor is paused."""
