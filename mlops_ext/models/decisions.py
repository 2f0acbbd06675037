"""Policy, gates, promotions, approvals and deployments as records."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from mlops_ext.records import PageRequest, Record, Request, Timestamp

__all__ = [
    "AppliedPolicy",
    "ApplyPolicy",
    "CheckGates",
    "Deployment",
    "GateResult",
    "GateResults",
    "GateRule",
    "ListDeployments",
    "Policy",
    "Promote",
    "Rollback",
]


class GateRule(Record):
    """One gate that an environment asks for, with its options."""

    gate: str
    options: dict[str, Any] = Field(default_factory=dict)


class Policy(Record):
    """Environments in order, each with the gates that guard it."""

    environments: tuple[str, ...] = ("development", "staging", "production")
    gates: dict[str, tuple[GateRule, ...]] = Field(default_factory=dict)


class ApplyPolicy(Request):
    policy: Policy


class AppliedPolicy(Record):
    """The policy in force; `digest` is empty while the built-in one is."""

    policy: Policy
    digest: str = ""
    applied_at: Timestamp | None = None
    applied_by: str = ""


class CheckGates(Request):
    model: str = Field(description="Reference of the version")
    to: str = Field(description="Environment whose gates to ask")


class GateResult(Record):
    """What one gate found."""

    shown: ClassVar = ("gate", "passed", "value", "bound", "message")
    gate: str
    passed: bool
    value: float | str | None = None
    bound: float | str | None = None
    message: str


class GateResults(Record):
    """All gates of one environment for one version."""

    model: str
    environment: str
    passed: bool
    gates: tuple[GateResult, ...]


class Promote(Request):
    model: str = Field(description="Reference of the version to promote")
    to: str = Field(description="Environment that shall serve it")
    comment: str = Field(default="", description="Why")


class Rollback(Request):
    model: str = Field(description="name@environment to roll back")
    version: int | None = Field(default=None, ge=1, description="Version to go to; the one served before when left out")
    comment: str = Field(default="", description="Why")


class Deployment(Record):
    """One entry of an environment's history: what it served from then on."""

    shown: ClassVar = ("environment", "version", "previous", "action", "created_at", "created_by", "comment")
    model: str
    environment: str
    version: int
    previous: int | None
    action: Literal["promote", "rollback"]
    comment: str = ""
    gates: tuple[GateResult, ...] = ()
    note: str = ""
    """What the promoter should know, such as a local policy that differs from the applied one."""
    created_at: Timestamp
    created_by: str

    @property
    def ref(self) -> str:
        """`name@environment`."""
        return f"{self.model}@{self.environment}"


class ListDeployments(PageRequest):
    model: str = Field(description="Name of the model")
    environment: str = Field(default="", description="Only this environment")
