"""Schedules, the scheduler and webhooks as records."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from mlops_ext.records import PageRequest, Record, Request, Timestamp

__all__ = [
    "AddSchedule",
    "Delivery",
    "ListSchedules",
    "Misfire",
    "NoRequest",
    "ReceiveWebhook",
    "Schedule",
    "Scheduler",
    "ShowSchedule",
    "Tick",
]

Misfire = Literal["skip", "once", "all"]


class AddSchedule(Request):
    schedule: str = Field(description="Its name")
    notebook: str = Field(default="", description="Path of the notebook, relative to the workspace's folder")
    pipeline: str = Field(default="", description="A pipeline instead of a notebook")
    cron: str = Field(description="Minute hour day month weekday, such as '0 6 * * 1-5'; or @daily and the like")
    tz: str = Field(default="UTC", description="Time zone in which the expression is read, such as Europe/Berlin")
    parameters: dict[str, Any] = Field(
        default={}, description="Values for what is run; '{scheduled_for}' and '{day}' give the instant and its date"
    )
    misfire: Misfire = Field(
        default="once",
        description="What is done with instants found late: skip them, run the newest once, or run all",
    )
    catch_up: int = Field(default=10, ge=1, le=1000, description="With misfire = all, the newest so many")
    grace_seconds: float = Field(default=300, ge=0, description="With misfire = skip, what still counts as in time")
    overlap: bool = Field(default=True, description="Start even while the run before is under way")
    experiment: str = Field(default="", description="The experiment that the runs belong to")
    kernel: str = Field(default="", description="Kernel to use instead of the notebook's own")
    timeout_seconds: float | None = Field(default=None, gt=0, description="Stop a run after so long")
    max_attempts: int = Field(default=1, ge=1, le=20, description="How often a run that died is tried")
    priority: int = Field(default=0, ge=-100, le=100, description="Of its jobs")
    grid: dict[str, Any] = Field(
        default={}, description="Lists of values, by parameter: a sweep of the notebook over their product"
    )
    memory: str = Field(default="", description="Memory that a run may use, such as 2GiB; that of mlops.toml if empty")
    tags: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = Field(
        default=(), description="What limits in mlops.toml may count its jobs by"
    )
    cache: bool = Field(default=False, description="Give the earlier run of a notebook when all is as before")
    secrets: tuple[str, ...] = Field(
        default=(), description="Names whose values are secret; from the environment of who runs the jobs"
    )
    declared_in: str = Field(default="", description="File that declares it; a tick keeps it as that file says")


class Schedule(Record):
    """A notebook or pipeline that runs by the clock."""

    shown: ClassVar[tuple[str, ...]] = (
        "name", "notebook", "pipeline", "cron", "tz", "next", "paused", "last_job", "error", "warning",
    )  # fmt: skip
    name: str
    notebook: str = ""
    pipeline: str = ""
    cron: str
    tz: str
    parameters: dict[str, Any]
    misfire: Misfire
    catch_up: int
    grace_seconds: float
    overlap: bool
    experiment: str = ""
    kernel: str = ""
    timeout_seconds: float | None = None
    max_attempts: int = 1
    priority: int = 0
    grid: dict[str, Any] = Field(default={})
    memory: str = ""
    tags: tuple[str, ...] = ()
    cache: bool = False
    secrets: tuple[str, ...] = ()
    declared_in: str = ""
    paused: bool = False
    next: tuple[str, ...] = ()
    """The next five fires, as the clocks of its zone show them; none while it is paused."""
    last: Timestamp | None = None
    """The instant that it last fired for."""
    last_job: str = ""
    """Id of the job, or of the pipeline's run, of that instant."""
    error: str = ""
    """Why that instant started nothing."""
    warning: str = ""
    """Says that nothing fires, and since when."""
    created_at: Timestamp
    created_by: str

    @property
    def ref(self) -> str:
        """`schedule:NAME`."""
        return f"schedule:{self.name}"


class ListSchedules(PageRequest):
    """All of them, by name."""


class ShowSchedule(Request):
    schedule: str = Field(description="Name of the schedule")


class NoRequest(Request):
    """Nothing to say."""


class Scheduler(Record):
    """Whether anybody looks at what is due."""

    alive: bool
    last: Timestamp | None = None
    """When somebody last did all that was due."""
    by: str = ""
    """Host and process that did."""
    schedules: int = 0
    """How many are not paused."""
    overdue: int = 0
    """How many of these should have fired and have not."""
    message: str


class Tick(Record):
    """What one tick did."""

    fired: tuple[str, ...] = ()
    """Jobs and pipeline runs that schedules started."""
    judged: int = 0
    """Windows that monitors judged."""
    triggered: int = 0
    """Jobs that events started."""
    told: int = 0
    """Notices of alerts that their channels took."""
    anchored: int = 0
    """Heads of the trail that the anchor took."""
    advanced: int = 0
    """Steps of pipelines that were started or ended."""
    changed: tuple[str, ...] = ()
    """Schedules and monitors that were brought to what mlops.toml says."""
    recovered: int = 0
    """Jobs whose process was lost."""
    expired: tuple[str, ...] = ()
    """Promotions that waited too long."""
    troubles: tuple[str, ...] = ()
    """What could not be done, and why."""


class ReceiveWebhook(Request):
    webhook: str = Field(description="Name of the webhook in mlops.toml")
    id: str = Field(min_length=1, max_length=200, description="The header webhook-id, one for each message")
    timestamp: str = Field(max_length=20, description="The header webhook-timestamp: seconds since 1970")
    signature: str = Field(max_length=2000, description="The header webhook-signature: v1,BASE64 (several by spaces)")
    body: str = Field(description="The body as it was sent, a JSON object")


class Delivery(Record):
    """A webhook's message that was accepted."""

    webhook: str
    id: str
    received_at: Timestamp

    @property
    def ref(self) -> str:
        """`webhook:NAME`."""
        return f"webhook:{self.webhook}"
