"""Alerts as records."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from mlops_ext.records import PageRequest, Record, Request, Timestamp

__all__ = [
    "SEVERITIES", "AcknowledgeAlert", "Alert", "AlertKind", "AlertState", "ListAlerts", "ListMutes", "ListNotices",
    "Mute", "MuteAlerts", "Notice", "NoticeReason", "RaiseAlert", "ResolveAlert", "Severity", "ShowAlert", "Unmute",
]  # fmt: skip

AlertKind = Literal["estimated_impact", "performance_loss", "drift", "data_quality", "bias"]
AlertState = Literal["open", "acknowledged", "resolved", "muted"]
Severity = Literal["info", "warning", "critical"]
NoticeReason = Literal["raised", "worse", "resolved", "storm"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
"""From the least to the worst."""


class Alert(Record):
    """Something that a monitor wants a person or a trigger to act on; what repeats in later windows joins it."""

    shown: ClassVar[tuple[str, ...]] = ("id", "severity", "monitor", "model", "kind", "state", "message", "seen_at")
    id: str
    monitor: str
    model: str
    """Reference of the model version; empty when it is about data alone."""
    kind: AlertKind
    window: str
    """The newest window."""
    windows: tuple[str, ...] = ()
    """All of them, in the order in which they were seen."""
    severity: Severity = "warning"
    """The worst of them."""
    message: str
    report: str = ""
    details: dict[str, Any] = Field(default_factory=dict)
    """Values that a trigger may hand to the notebook it queues, such as {"month": 2}."""
    channels: tuple[str, ...] = ()
    """Who is told; all channels when empty."""
    state: AlertState = "open"
    created_at: Timestamp
    created_by: str
    seen_at: Timestamp
    """When it was raised or repeated last."""
    acknowledged_at: Timestamp | None = None
    acknowledged_by: str = ""
    resolved_at: Timestamp | None = None
    resolved_by: str = ""
    comment: str = ""
    """What was said of it last."""

    @property
    def ref(self) -> str:
        """`alert:ID`."""
        return f"alert:{self.id}"


class RaiseAlert(Request):
    monitor: str
    model: str = Field(default="", description="Reference of the model version; none when it is about data alone")
    kind: AlertKind
    window: str
    message: str
    severity: Severity = "warning"
    report: str = ""
    details: dict[str, Any] = Field(default_factory=dict, description="Values that a trigger may hand to a notebook")
    channels: tuple[str, ...] = Field(default=(), description="Channels that are told; all when left out")


class ListAlerts(PageRequest):
    model: str = Field(default="", description="Only alerts on this model: all versions of a name, or one version")
    state: str = Field(default="", description="Only alerts in this state")


class ShowAlert(Request):
    alert: str = Field(description="Id of the alert")


class AcknowledgeAlert(Request):
    alert: str = Field(description="Id of the alert")
    comment: str = ""


class ResolveAlert(Request):
    alert: str = Field(description="Id of the alert")
    comment: str = ""


class MuteAlerts(Request):
    model: str = Field(description="Name of the model")
    monitor: str = Field(default="", description="Only this monitor; all of the model when left out")
    lasting: str = Field(default="1d", description="How long, such as 8h or 2d")
    comment: str = ""


class Unmute(Request):
    mute: str = Field(description="Id of the mute")


class ListMutes(PageRequest):
    model: str = Field(default="", description="Only mutes of this model")


class Mute(Record):
    """Nobody is told of the alerts of a model, or of one of its monitors, for a while; all are recorded."""

    shown: ClassVar[tuple[str, ...]] = ("id", "model", "monitor", "until", "comment", "created_by")
    id: str
    model: str
    monitor: str
    until: Timestamp
    comment: str
    created_at: Timestamp
    created_by: str

    @property
    def ref(self) -> str:
        """`mute:ID`."""
        return f"mute:{self.id}"


class ListNotices(PageRequest):
    alert: str = Field(description="Id of the alert")


class Notice(Record):
    """What is to be told of an alert, and who has been."""

    shown: ClassVar[tuple[str, ...]] = ("reason", "state", "told", "attempts", "error", "created_at")
    id: str
    alert: str
    reason: NoticeReason
    state: Literal["pending", "sent", "failed"]
    told: tuple[str, ...] = ()
    """The channels that took it."""
    attempts: int
    error: str = ""
    """What went wrong last."""
    created_at: Timestamp
