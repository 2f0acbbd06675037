"""Events, heads, verification, lineage and the state of a workspace as records."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from mlops_ext.records import PageRequest, Record, Request, Timestamp

__all__ = [
    "Event", "Finding", "Head", "Lineage", "LineageEdge", "LineageNode", "ListEvents", "ShowLineage", "Verification",
    "WorkspaceStatus",
]  # fmt: skip


class Event(Record):
    """One line of the audit trail."""

    shown: ClassVar[tuple[str, ...]] = ("seq", "time", "actor", "action", "subject")
    seq: int
    time: Timestamp
    actor: str
    auth: str
    """How the actor is known: os_user, jupyter_token, jupyterhub, oidc, ci or asserted."""
    action: str
    subject: str
    data: dict[str, Any] = Field(default_factory=dict)
    hash: str


class ListEvents(PageRequest):
    after: int = Field(default=0, ge=0, description="Only events after this number")
    subject: str = Field(default="", description="Only events on this full reference, such as model:delay@3")
    newest: bool = Field(default=False, description="The newest first")


class Finding(Record):
    """One place where the trail does not hold."""

    shown: ClassVar[tuple[str, ...]] = ("seq", "problem")
    seq: int
    problem: str


class Verification(Record):
    """Whether the trail holds from its first event to its head."""

    shown: ClassVar[tuple[str, ...]] = ("ok", "events", "head")
    ok: bool
    events: int
    """How many events stand in the trail."""
    head: str
    """Hash of the newest event."""
    findings: tuple[Finding, ...] = ()


class Head(Record):
    """The newest event's number and hash; kept outside, it tells whether the trail was rewritten or cut."""

    shown: ClassVar[tuple[str, ...]] = ("seq", "hash", "time")
    workspace: str
    seq: int
    hash: str
    time: Timestamp | None = None
    """Time of that event."""
    signature: str = ""
    """Ed25519 over all fields above, as base64."""
    public_key: str = ""
    """The signer's raw public key, as base64."""


class WorkspaceStatus(Record):
    """Where a workspace lies and how much it holds."""

    shown: ClassVar[tuple[str, ...]] = ("root", "models", "datasets", "runs", "events")
    root: str
    catalog: str
    """Its database; a password is masked."""
    blobs: str
    id: str
    """Empty before the first write."""
    hash: str
    schema_number: int
    datasets: int
    models: int
    runs: int
    events: int
    head: str


class LineageNode(Record):
    """One thing in the graph; `id` is its full reference, such as model:delay@3."""

    id: str
    kind: str
    label: str
    at: str = ""
    by: str = ""


class LineageEdge(Record):
    """`source` went into, made or led to `target`; `seq` is the event that says so."""

    source: str
    target: str
    relation: str
    seq: int


class Lineage(Record):
    """What a thing was made of, and what was made of it."""

    root: str
    nodes: tuple[LineageNode, ...]
    edges: tuple[LineageEdge, ...]


class ShowLineage(Request):
    ref: str = Field(description="Full reference, such as model:delay@3, dataset:flights@1 or run:ID")
    direction: Literal["up", "down", "both"] = Field(
        default="both", description="up: its origins; down: its consequences"
    )
    depth: int = Field(default=10, ge=1, le=100)
