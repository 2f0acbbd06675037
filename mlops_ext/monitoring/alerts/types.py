"""Alerts as records."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from mlops_ext.records import PageRequest, Record, Request, Timestamp

__all__ = ["AcknowledgeAlert", "Alert", "AlertKind", "ListAlerts", "RaiseAlert", "ShowAlert"]

AlertKind = Literal["estimated_impact", "performance_loss"]


class Alert(Record):
    """Something that a monitor wants a person or a trigger to act on."""

    shown: ClassVar[tuple[str, ...]] = ("id", "monitor", "model", "kind", "state", "message", "created_at")
    id: str
    monitor: str
    model: str
    kind: AlertKind
    window: str
    message: str
    report: str = ""
    details: dict[str, Any] = Field(default_factory=dict)
    """Values that a trigger may hand to the notebook it queues, such as {"month": 2}."""
    state: Literal["open", "acknowledged"] = "open"
    created_at: Timestamp
    created_by: str
    acknowledged_at: Timestamp | None = None
    acknowledged_by: str = ""
    comment: str = ""
    """What was said when it was acknowledged."""

    @property
    def ref(self) -> str:
        """`alert:ID`."""
        return f"alert:{self.id}"


class RaiseAlert(Request):
    monitor: str
    model: str
    kind: AlertKind
    window: str
    message: str
    report: str = ""
    details: dict[str, Any] = Field(default_factory=dict, description="Values that a trigger may hand to a notebook")


class ListAlerts(PageRequest):
    model: str = Field(default="", description="Only alerts on this model: all versions of a name, or one version")
    state: str = Field(default="", description="Only alerts in this state")


class ShowAlert(Request):
    alert: str = Field(description="Id of the alert")


class AcknowledgeAlert(Request):
    alert: str = Field(description="Id of the alert")
    comment: str = ""
