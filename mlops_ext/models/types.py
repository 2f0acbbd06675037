"""Models, versions and aliases as records."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from mlops_ext.records import Digest, Record, Request, SearchRequest, Timestamp
from mlops_ext.store.curation import Listed, State

__all__ = [
    "AliasMove",
    "ChangeState",
    "DeleteAlias",
    "DeleteTag",
    "Describe",
    "Description",
    "EnvironmentLock",
    "Execution",
    "Field_",
    "Finding",
    "GitState",
    "Hardware",
    "ListModels",
    "ListVersions",
    "Listed",
    "MaskedSecret",
    "Model",
    "ModelFile",
    "ModelVersion",
    "NoRequest",
    "Register",
    "RenameModel",
    "SearchVersions",
    "SetAlias",
    "SetTags",
    "ShowModel",
    "ShowVersion",
    "Signature",
    "State",
    "StateChange",
    "Tags",
]


class ModelFile(Record):
    """One file of a model; sha256 stands beside the workspace's digest for signatures and SBOMs."""

    path: str
    digest: Digest
    sha256: str
    size: int


class Field_(Record):  # noqa: N801 - `Field` is pydantic's
    """One named, typed column of a signature."""

    name: str
    type: str


class Signature(Record):
    """What a model takes and gives."""

    inputs: tuple[Field_, ...] = ()
    outputs: tuple[Field_, ...] = ()


class GitState(Record):
    """Where the code stood: the commit, and the uncommitted difference as a blob."""

    commit: str
    branch: str = ""
    dirty: bool = False
    diff: Digest | None = None


class Finding(Record):
    """What could run code when one file of a model is read, or why that cannot be told."""

    file: str
    """Path in the model; members of an archive follow a `!`."""
    name: str
    """A dotted name that the file refers to, or a word such as `unknown-format`."""
    reason: str


class Scan(Record):
    """What reading the files, never loading them, told of what they could run."""

    tables: ClassVar[tuple[str, ...]] = ("findings",)
    verdict: Literal["clean", "unsafe"]
    findings: tuple[Finding, ...] = ()
    scanner: str
    """Version of the scan's rules."""


class EnvironmentLock(Record):
    """What was installed: exact versions, interpreter and platform."""

    python: str
    platform: str
    packages: dict[str, str]
    sources: dict[str, str] = Field(default_factory=dict)
    """Where a package came from that was not taken from an index: a checkout, a commit, an archive."""


class Hardware(Record):
    """What the process had to compute with."""

    machine: str
    processor: str = ""
    """Model of the processor; empty when the system does not tell."""
    cores: int | None = None
    """Cores that the process may use."""
    memory: int | None = None
    """Bytes that the process may use."""
    gpus: tuple[str, ...] = ()
    """Those that the driver or an imported torch names."""


class Execution(Record):
    """How the code ran that made a version, and what speaks against running it again."""

    kind: Literal["clean", "interactive", "script"]
    """`clean`: a whole run of a notebook, each cell once and in order; `interactive`: cells as somebody ran them."""
    reasons: tuple[str, ...] = ()
    """Which cells ran out of order, were edited or skipped since, or what of a script is in no commit."""

    @property
    def repeatable(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons


class MaskedSecret(Record):
    """A secret that was taken out of a notebook or a diff before it was stored; never the secret itself."""

    kind: str
    where: str


class ModelVersion(Record):
    """One registered model: what it is, what it was made of, and where it serves."""

    shown: ClassVar[tuple[str, ...]] = (
        "ref",
        "flavor",
        "metrics",
        "aliases",
        "environments",
        "inputs",
        "created_at",
        "created_by",
    )
    name: str
    version: int
    digest: Digest
    """Of flavor, files, signature and inputs."""
    flavor: str
    files: tuple[ModelFile, ...]
    signature: Signature = Signature()
    inputs: tuple[str, ...] = ()
    """References of the dataset versions that it was trained on."""
    metrics: dict[str, float] = Field(default_factory=dict)
    parameters: dict[str, str] = Field(default_factory=dict)
    """Each value as JSON text."""
    run: str = ""
    notebook: Digest | None = None
    git: GitState | None = None
    lock: EnvironmentLock | None = None
    hardware: Hardware | None = None
    seconds: float | None = None
    """From the start of its run to its registration; None when the run began with it."""
    seeds: dict[str, int | str] = Field(default_factory=dict)
    """Where a seed was given: of the estimator, of the run's parameters, of Python's hashes."""
    execution: Execution | None = None
    """None for a version of which that is not known."""
    masked: tuple[MaskedSecret, ...] = ()
    """What was masked in its notebook and its diff."""
    importance: dict[str, float] = Field(default_factory=dict)
    """How much each feature matters, as shares; drift is ranked by it. Empty when the model does not tell."""
    trust: tuple[str, ...] = ()
    """Names that loading must be told to trust."""
    scan: Scan | None = None
    """What the files could run; None for a version from before there were scans."""
    tags: dict[str, str] = Field(default_factory=dict)
    description: str = ""
    """Markdown."""
    state: State = "active"
    aliases: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    created_at: Timestamp
    created_by: str

    @property
    def ref(self) -> str:
        """`name@version`."""
        return f"{self.name}@{self.version}"


class Model(Record):
    """A model: a name, its line of versions, and who points where."""

    shown: ClassVar[tuple[str, ...]] = ("name", "latest", "environments", "aliases", "updated_at", "description")
    name: str
    description: str = ""
    """Markdown."""
    latest: int
    """Number of the newest active version; 0 when there is none."""
    state: State = "active"
    tags: dict[str, str] = Field(default_factory=dict)
    aliases: dict[str, int] = Field(default_factory=dict)
    environments: dict[str, int] = Field(default_factory=dict)
    created_at: Timestamp
    updated_at: Timestamp


class Register(Request):
    name: str = Field(description="Name of the model")
    flavor: str
    files: tuple[ModelFile, ...] = Field(min_length=1)
    signature: Signature = Signature()
    inputs: tuple[str, ...] = ()
    metrics: dict[str, float] = Field(default_factory=dict)
    parameters: dict[str, str] = Field(default_factory=dict)
    run: str = ""
    notebook: Digest | None = None
    git: GitState | None = None
    lock: EnvironmentLock | None = None
    hardware: Hardware | None = None
    seconds: float | None = Field(default=None, ge=0)
    seeds: dict[str, int | str] = Field(default_factory=dict)
    execution: Execution | None = None
    masked: tuple[MaskedSecret, ...] = ()
    importance: dict[str, float] = Field(default_factory=dict, description="How much each feature matters")
    trust: tuple[str, ...] = ()
    scan: Scan | None = None
    tags: dict[str, str] = Field(default_factory=dict)
    description: str = ""
    new: bool = Field(default=False, description="Make a version even when an equal one is the latest")


class ListModels(SearchRequest):
    search: str = Field(default="", description="Part of the name")
    state: Listed = Field(default="active", description="Only those in this state")


class ShowModel(Request):
    model: str = Field(description="Name of the model")


class ListVersions(SearchRequest):
    model: str = Field(description="Name of the model")
    state: Listed = Field(default="active", description="Only those in this state")


class SearchVersions(SearchRequest):
    state: Listed = Field(default="active", description="Only those in this state")


class ShowVersion(Request):
    model: str = Field(description="Reference: name, name@3, name@alias, name@production")


class SetAlias(Request):
    model: str = Field(description="Reference of the version")
    alias: str = Field(description="The free pointer to set or move")


class DeleteAlias(Request):
    model: str = Field(description="Name of the model")
    alias: str = Field(description="The pointer to take away")


class AliasMove(Record):
    """Where an alias points, and where it pointed before."""

    model: str
    alias: str
    version: int | None
    previous: int | None


_SUBJECT = "Name of the model, or reference of a version: name@3"


class SetTags(Request):
    model: str = Field(description=_SUBJECT)
    tags: dict[str, str] = Field(min_length=1, description="Keys with their new values")


class DeleteTag(Request):
    model: str = Field(description=_SUBJECT)
    key: str = Field(description="The tag to take away")


class Tags(Record):
    """All tags of a model or of one version."""

    ref: str
    tags: dict[str, str]


class Describe(Request):
    model: str = Field(description=_SUBJECT)
    description: str = Field(description="Markdown; empty takes it away")


class Description(Record):
    """What is written about a model or one version."""

    ref: str
    description: str


class ChangeState(Request):
    model: str = Field(description=_SUBJECT)
    comment: str = Field(default="", description="Why")


class StateChange(Record):
    """The state that a model or one version is in now, and the one before."""

    ref: str
    state: State
    previous: State


class RenameModel(Request):
    model: str = Field(description="Name of the model")
    to: str = Field(description="Its new name")


class NoRequest(Request):
    """Nothing to say."""
