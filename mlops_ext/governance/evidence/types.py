"""Cards, bills of materials, signatures, and what is on record, as records."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from mlops_ext.models.promotion.types import Approval, GateResult
from mlops_ext.models.reproductions import NotedReproduction
from mlops_ext.models.types import EnvironmentLock, ModelFile, Signature
from mlops_ext.monitoring.groups.types import BiasReport
from mlops_ext.records import Digest, Record, Request, Timestamp

__all__ = [
    "AttachSignature",
    "CardData",
    "CardField",
    "CardReport",
    "CheckEvidence",
    "Evidence",
    "EvidenceReport",
    "FilesSignature",
    "MaterialsBill",
    "ModelCard",
    "ShowCard",
]


class ShowCard(Request):
    model: str = Field(description="Reference of the version")


class CardField(Record):
    """What only a person can say; the text is empty until somebody does."""

    shown: ClassVar[tuple[str, ...]] = ("name", "text")
    name: str
    title: str
    text: str = ""


class CardData(Record):
    """One dataset version that the model was trained on."""

    ref: str
    digest: str = ""
    """Empty when this workspace does not hold it."""
    rows: int | None = None
    columns: int | None = None


class CardReport(Record):
    """One look at the version in use, or at its decisions."""

    shown: ClassVar[tuple[str, ...]] = ("kind", "window", "status", "at")
    id: str
    kind: str
    window: str
    status: str
    at: Timestamp


class ModelCard(Record):
    """What should be known of a model version, from its record; what the record does not say is not made up."""

    tables: ClassVar[tuple[str, ...]] = ("fields", "gates", "approvals", "reports")
    model: str
    version: int
    digest: Digest
    flavor: str
    state: str
    description: str = ""
    created_at: Timestamp
    created_by: str
    environments: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    tags: dict[str, str] = Field(default_factory=dict)
    fields: tuple[CardField, ...]
    metrics: dict[str, float] = Field(default_factory=dict)
    parameters: dict[str, str] = Field(default_factory=dict)
    importance: dict[str, float] = Field(default_factory=dict)
    """How much each feature matters to the model, the largest first."""
    signature: Signature
    data: tuple[CardData, ...] = ()
    files: tuple[ModelFile, ...] = ()
    run: str = ""
    notebook: str = ""
    commit: str = ""
    uncommitted: bool = False
    lock: EnvironmentLock | None = None
    scan: str = ""
    """The verdict of the scan; empty when there was none."""
    signed: bool = False
    gates: tuple[GateResult, ...] = ()
    approvals: tuple[Approval, ...] = ()
    decided_at: Timestamp | None = None
    """When the gates were asked, for the newest promotion."""
    reports: tuple[CardReport, ...] = ()
    bias: BiasReport | None = None
    """The newest report on how it treats groups."""
    reproduction: NotedReproduction | None = None
    """Whether the version came out again, when somebody made it again."""
    missing: tuple[str, ...] = ()
    """Names of the fields that nobody filled in."""

    @property
    def ref(self) -> str:
        """`name@version`."""
        return f"{self.model}@{self.version}"


class MaterialsBill(Record):
    """What a version consists of, as a CycloneDX 1.6 document."""

    document: dict[str, Any]


class AttachSignature(Request):
    model: str = Field(description="Reference of the version")
    signature: Digest = Field(description="Blob of the signature bundle, as model-signing writes it")
    public_key: str = Field(min_length=1, max_length=4000, description="PEM of the key that checks it")


class FilesSignature(Record):
    """A signature over the files of one version."""

    shown: ClassVar[tuple[str, ...]] = ("model", "signature", "signed_by", "signed_at")
    model: str
    digest: Digest
    """Of the version when it was signed."""
    signature: Digest
    """Blob of the bundle."""
    public_key: str
    """What the signer said checks it; proves nothing by itself."""
    signed_at: Timestamp
    signed_by: str


class CheckEvidence(Request):
    model: str = Field(description="Reference of the version")
    profile: str = Field(default="eu-ai-act-high-risk", description="Name of the profile")


class Evidence(Record):
    """Whether one piece of evidence is on record."""

    shown: ClassVar[tuple[str, ...]] = ("status", "rule", "about", "detail", "at")
    needs: str
    rule: str
    about: str
    status: Literal["present", "missing", "stale"]
    detail: str = ""
    at: Timestamp | None = None


class EvidenceReport(Record):
    """Which evidence a profile asks for is present, missing or stale; never whether anything complies."""

    tables: ClassVar[tuple[str, ...]] = ("items",)
    model: str
    version: int
    profile: str
    title: str
    note: str = ""
    present: int
    missing: int
    stale: int
    items: tuple[Evidence, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is missing or stale."""
        return not self.missing and not self.stale
