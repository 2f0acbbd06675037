"""Policy, gates, promotions, approvals and deployments as records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field

from mlops_ext.records import PageRequest, Record, Request, Timestamp, text_of

__all__ = [
    "AppliedPolicy",
    "ApplyPolicy",
    "Approval",
    "Approve",
    "BreakGlass",
    "CheckGates",
    "Deployment",
    "GateResult",
    "GateResults",
    "GateRule",
    "ListDeployments",
    "ListPromotions",
    "ListReviews",
    "Policy",
    "PolicyCheck",
    "Promote",
    "Promotion",
    "PromotionState",
    "Reject",
    "Review",
    "Rollback",
    "ShowPromotion",
]

PromotionState = Literal[
    "evaluating", "refused", "awaiting_approval", "promoted", "expired", "rejected", "voided", "failed"
]
ADVISORY = (
    "Approvals are advisory: they are recorded, but whoever can write this catalog could go round them; "
    "only a server that alone holds the catalog enforces them"
)


class GateRule(Record):
    """One gate that an environment asks for, with its options."""

    gate: str
    options: dict[str, Any] = Field(default_factory=dict)


class Policy(Record):
    """Environments in order, each with the gates that guard it; guarded aliases have gates too."""

    environments: tuple[str, ...] = ("development", "staging", "production")
    in_order: bool = False
    """Whether a version must have served an environment before it may go to the next."""
    guarded_aliases: tuple[str, ...] = ()
    """Aliases that only a promotion moves."""
    trust: tuple[str, ...] = ()
    """Names that every load may trust, beside those that the caller names."""
    verify: tuple[str, ...] = ()
    """Verifiers that every load asks before anything is deserialised, by their entry points."""
    gates: dict[str, tuple[GateRule, ...]] = Field(default_factory=dict)


class ApplyPolicy(Request):
    policy: Policy


class AppliedPolicy(Record):
    """The policy in force; `digest` is empty while the built-in one is."""

    policy: Policy
    digest: str = ""
    applied_at: Timestamp | None = None
    applied_by: str = ""

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Give the policy key by key, and its gates one by one."""
        for name, text in super().pairs():
            if name != "policy":
                yield name, text
        plain = self.policy.model_dump(exclude={"gates"})
        yield from ((name, text_of(value)) for name, value in plain.items() if value not in ((), False))
        for goal, rules in self.policy.gates.items():
            for number, rule in enumerate(rules):
                options = ", ".join(f"{key} = {text_of(value)}" for key, value in rule.options.items())
                yield f"{goal} asks" if not number else "", f"{rule.gate}: {options}" if options else rule.gate


class PolicyCheck(Record):
    """What a policy in a file is, beside the one in force."""

    file: str
    digest: str
    in_force: bool
    changes: tuple[str, ...] = ()
    """What applying it would change."""


class CheckGates(Request):
    model: str = Field(description="Reference of the version")
    to: str = Field(description="Environment or guarded alias whose gates to ask")


class GateResult(Record):
    """What one gate found."""

    shown: ClassVar[tuple[str, ...]] = ("gate", "verdict", "value", "bound", "message")
    gate: str
    passed: bool
    value: float | str | None = None
    bound: float | str | None = None
    message: str
    pending: bool = False
    """Neither yes nor no yet: approvals are missing, or the gate was not asked."""
    about: str = ""
    """What the value is of where the gate's name does not tell, such as the metric."""

    @property
    def verdict(self) -> str:
        """The answer in a word."""
        return "passed" if self.passed else "pending" if self.pending else "failed"


class GateResults(Record):
    """All gates of one environment for one version."""

    tables: ClassVar[tuple[str, ...]] = ("gates",)
    model: str
    environment: str
    passed: bool
    gates: tuple[GateResult, ...]


class Promote(Request):
    model: str = Field(description="Reference of the version to promote")
    to: str = Field(description="Environment that shall serve it, or guarded alias that shall point at it")
    comment: str = Field(default="", description="Why")


class BreakGlass(Request):
    model: str = Field(description="Reference of the version to promote")
    to: str = Field(description="Environment that shall serve it, or guarded alias that shall point at it")
    comment: str = Field(min_length=1, description="Why it cannot wait")


class Approval(Record):
    """What somebody said to a promotion; it holds for one content and one policy."""

    shown: ClassVar[tuple[str, ...]] = ("by", "decision", "auth", "comment", "at")
    by: str
    decision: Literal["approved", "rejected"]
    auth: str
    """How it is known who that is."""
    comment: str = ""
    digest: str
    policy: str
    at: Timestamp


class Promotion(Record):
    """A decision about one version and one environment, from the request to its end."""

    shown: ClassVar[tuple[str, ...]] = (
        "id",
        "model",
        "version",
        "environment",
        "state",
        "requested_by",
        "requested_at",
        "comment",
    )
    tables: ClassVar[tuple[str, ...]] = ("gates", "approvals")
    id: str
    """Empty for a deployment from before there were promotions."""
    state: PromotionState
    model: str
    version: int
    environment: str
    """Where to; or the guarded alias."""
    previous: int | None
    """What was served when it was asked for."""
    digest: str
    policy: str = ""
    """Digest of the policy that was asked."""
    gates: tuple[GateResult, ...] = ()
    approvals: tuple[Approval, ...] = ()
    approvals_needed: int = 0
    advisory: bool = False
    """Whether approvals matter here that nothing enforces."""
    comment: str = ""
    error: str = ""
    """Why it was voided, or why it failed."""
    break_glass: bool = False
    review_due: bool = False
    """Whether somebody must still look at a broken glass."""
    review: str = ""
    reviewed_by: str = ""
    reviewed_at: Timestamp | None = None
    stalled: bool = False
    """Whether it is being evaluated by nobody any more; promoting again takes it over."""
    requested_by: str
    auth: str = ""
    requested_at: Timestamp
    expires_at: Timestamp | None = None
    ended_at: Timestamp | None = None
    note: str = ""
    """What the promoter should know, such as a local policy that differs from the applied one."""

    @property
    def ref(self) -> str:
        """`name@environment`."""
        return f"{self.model}@{self.environment}"

    @property
    def http_status(self) -> int:
        """202 as long as gates are being asked."""
        return 202 if self.state == "evaluating" else 200

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Say in a sentence what advisory means."""
        for name, text in super().pairs():
            if name == "advisory":
                text = ADVISORY if self.advisory else ""  # noqa: PLW2901
            if text not in ("", "False"):
                yield name, text


class ListPromotions(PageRequest):
    model: str = Field(default="", description="Only of this model")
    environment: str = Field(default="", description="Only to this environment")
    state: PromotionState | None = Field(default=None, description="Only in this state")


class ShowPromotion(Request):
    promotion: str = Field(description="Id, its first digits, or name@environment for the one that waits there")


class Approve(Request):
    promotion: str = Field(description="Id, its first digits, or name@environment for the one that waits there")
    comment: str = Field(default="", description="Why")


class Reject(Request):
    promotion: str = Field(description="Id, its first digits, or name@environment for the one that waits there")
    comment: str = Field(min_length=1, description="Why not")


class ListReviews(PageRequest):
    done: bool = Field(default=False, description="List those that were held instead of those that are due")


class Review(Request):
    promotion: str = Field(description="Id or its first digits")
    comment: str = Field(min_length=1, description="What the review found")


class Rollback(Request):
    model: str = Field(description="name@environment to roll back")
    version: int | None = Field(default=None, ge=1, description="Version to go to; the one served before when left out")
    comment: str = Field(default="", description="Why")


class Deployment(Record):
    """One entry of an environment's history: what it served from then on."""

    shown: ClassVar[tuple[str, ...]] = (
        "environment",
        "version",
        "previous",
        "action",
        "created_at",
        "created_by",
        "comment",
    )
    tables: ClassVar[tuple[str, ...]] = ("gates",)
    model: str
    environment: str
    version: int
    previous: int | None
    action: Literal["promote", "rollback"]
    comment: str = ""
    gates: tuple[GateResult, ...] = ()
    promotion: str = ""
    """Id of the promotion that led here."""
    created_at: Timestamp
    created_by: str

    @property
    def ref(self) -> str:
        """`name@environment`."""
        return f"{self.model}@{self.environment}"


class ListDeployments(PageRequest):
    model: str = Field(description="Name of the model")
    environment: str = Field(default="", description="Only this environment")
