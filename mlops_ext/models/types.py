"""Models, versions, environments, deployments, gates and policy as records."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from mlops_ext.records import Digest, PageRequest, Record, Request, Timestamp

__all__ = [
    "AliasMove",
    "AppliedPolicy",
    "ApplyPolicy",
    "CheckGates",
    "DeleteAlias",
    "Deployment",
    "EnvironmentLock",
    "Field_",
    "GateResult",
    "GateResults",
    "GateRule",
    "GitState",
    "ListDeployments",
    "ListModels",
    "ListVersions",
    "Model",
    "ModelFile",
    "ModelVersion",
    "NoRequest",
    "Policy",
    "Promote",
    "Register",
    "Rollback",
    "SetAlias",
    "ShowModel",
    "ShowVersion",
    "Signature",
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


class EnvironmentLock(Record):
    """What was installed: exact versions, interpreter and platform."""

    python: str
    platform: str
    packages: dict[str, str]


class ModelVersion(Record):
    """One registered model: what it is, what it was made of, and where it serves."""

    shown: ClassVar = ("ref", "flavor", "metrics", "aliases", "environments", "inputs", "created_at", "created_by")
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
    trust: tuple[str, ...] = ()
    """Types in the files that loading must be told to trust."""
    tags: dict[str, str] = Field(default_factory=dict)
    description: str = ""
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

    shown: ClassVar = ("name", "latest", "environments", "aliases", "updated_at", "description")
    name: str
    description: str = ""
    latest: int
    """Number of the newest version; 0 before the first."""
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
    trust: tuple[str, ...] = ()
    tags: dict[str, str] = Field(default_factory=dict)
    description: str = ""
    new: bool = Field(default=False, description="Make a version even when an equal one is the latest")


class ListModels(PageRequest):
    search: str = Field(default="", description="Part of the name")


class ShowModel(Request):
    model: str = Field(description="Name of the model")


class ListVersions(PageRequest):
    model: str = Field(description="Name of the model")


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


class Promote(Request):
    model: str = Field(description="Reference of the version to promote")
    to: str = Field(description="Environment that shall serve it")
    comment: str = Field(default="", description="Why")


class Rollback(Request):
    model: str = Field(description="name@environment to roll back")
    version: int | None = Field(default=None, ge=1, description="Version to go to; the one served before when left out")
    comment: str = Field(default="", description="Why")


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


class CheckGates(Request):
    model: str = Field(description="Reference of the version")
    to: str = Field(description="Environment whose gates to ask")


class GateRule(Record):
    """One gate that an environment asks for, with its options."""

    gate: str
    options: dict[str, Any] = Field(default_factory=dict)


class Policy(Record):
    """Environments in order, each with the gates that guard it."""

    environments: tuple[str, ...] = ("development", "staging", "production")
    gates: dict[str, tuple[GateRule, ...]] = Field(default_factory=dict)


class NoRequest(Request):
    """Nothing to say."""


class ApplyPolicy(Request):
    policy: Policy


class AppliedPolicy(Record):
    """The policy in force; `digest` is empty while the built-in one is."""

    policy: Policy
    digest: str = ""
    applied_at: Timestamp | None = None
    applied_by: str = ""
