"""Events, heads, verification, lineage and the state of a workspace as records."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from mlops_ext.records import Record, Request, SearchRequest, Timestamp

__all__ = [
    "ConsistencyProof",
    "EraseData",
    "Erasure",
    "Event",
    "Finding",
    "Head",
    "InclusionProof",
    "Lineage",
    "LineageEdge",
    "LineageNode",
    "ListEvents",
    "OpenLineageEvents",
    "ProveConsistency",
    "ProveEvent",
    "Retain",
    "Retention",
    "ShowHead",
    "ShowLineage",
    "Verification",
    "WorkspaceStatus",
]


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


class ListEvents(SearchRequest):
    filter: str = Field(
        default="", description="Such as: actor = 'ana' AND time > '2013-01-31' AND ref = 'model:delay@3'"
    )
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
    erased: int = 0
    """Events whose data was erased on record; their place in the chain stands."""
    findings: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()
    """What is no fault but worth knowing, such as a clock that went back."""


class Head(Record):
    """The newest event's number and hash; kept outside, it tells whether the trail was rewritten or cut."""

    shown: ClassVar[tuple[str, ...]] = ("seq", "hash", "time")
    workspace: str
    seq: int
    hash: str
    time: Timestamp | None = None
    """Time of that event."""
    root: str = ""
    """Merkle root over all events until then (RFC 9162), sha256; from it inclusion and consistency are proven."""
    signature: str = ""
    """Ed25519 over all fields above, as base64."""
    public_key: str = ""
    """The signer's raw public key, as base64."""


class ProveEvent(Request):
    seq: int = Field(ge=1, description="Number of the event")
    size: int = Field(default=0, ge=0, description="Prove it within the first so many events; all when 0")


class InclusionProof(Record):
    """That an event stands in the trail: its hash and the path lead to the root of a head."""

    workspace: str
    seq: int
    hash: str
    """Of the event; as text it is the leaf."""
    event: dict[str, Any]
    """The fields that the hash is taken over, as RFC 8785 JSON."""
    size: int
    """How many events the tree has."""
    root: str
    path: tuple[str, ...]
    """From the leaf's neighbour to the root's child."""


class ProveConsistency(Request):
    first: int = Field(ge=1, description="Number of the older head's event")
    second: int = Field(default=0, ge=0, description="Number of the newer head's event; the newest when 0")


class ConsistencyProof(Record):
    """That the trail only grew from its first root to its second."""

    workspace: str
    first: int
    first_root: str
    second: int
    second_root: str
    path: tuple[str, ...]


class Retain(Request):
    profile: str = Field(description="Name of a profile, such as eu-ai-act-high-risk; none for no duty to keep")


class Retention(Record):
    """How long the data of events must be kept, and by which profile."""

    profile: str
    days: int
    """Younger data cannot be erased."""
    set_at: Timestamp | None = None
    set_by: str = ""


class EraseData(Request):
    seqs: tuple[int, ...] = Field(min_length=1, max_length=1000, description="Numbers of the events")
    reason: str = Field(min_length=1, max_length=2000, description="Why; it stays in the trail")


class Erasure(Record):
    """Whose data was erased; the events and their digests stay, so that the chain holds."""

    erased: tuple[int, ...]
    already: tuple[int, ...] = ()
    """Those that had none any more."""
    reason: str


class ShowHead(Request):
    root: bool = Field(default=False, description="Give the Merkle root too; it costs a look at every event's hash")


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

    tables: ClassVar[tuple[str, ...]] = ("nodes", "edges")
    root: str
    nodes: tuple[LineageNode, ...]
    edges: tuple[LineageEdge, ...]
    cut: str = ""
    """Where the graph goes on and was not followed: at its depth or its size."""


class ShowLineage(Request):
    ref: str = Field(description="Full reference, such as model:delay@3, dataset:flights@1 or run:ID")
    direction: Literal["up", "down", "both"] = Field(
        default="both", description="up: its origins; down: its consequences"
    )
    depth: int = Field(default=10, ge=1, le=100, description="How many steps to follow at most")
    limit: int = Field(default=1000, ge=1, le=10000, description="How many nodes to show at most")


class OpenLineageEvents(Record):
    """A graph as OpenLineage run events, which any backend of that standard takes."""

    events: tuple[dict[str, Any], ...]
    cut: str = ""
