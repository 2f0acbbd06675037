"""Settings: argument, then MLOPS_* variables, then mlops.toml, then defaults; each value knows where it came from."""

from __future__ import annotations

import getpass
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from typing_extensions import Self

from mlops_ext.discovery import FILE, find_root, git_root
from mlops_ext.errors import InvalidValue, did_you_mean
from mlops_ext.records import Record

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = [
    "FILE",
    "AlertSettings",
    "Channel",
    "DatasetSettings",
    "JobLimit",
    "JobSettings",
    "RemoteSettings",
    "Setting",
    "Settings",
    "Trigger",
    "Webhook",
    "explain",
    "find_root",
    "git_root",
    "line_of",
    "read_settings",
]


RemoteName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")]
"""A word, so that no remote is called as a folder or a URL is."""


class WorkspaceSettings(BaseModel):
    """The section [workspace]."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    catalog: str = ""
    blobs: str = ""
    hash: Literal["b3", "sha256"] = "b3"
    actor: str = ""
    display: Literal["rich", "minimal"] = "rich"


class AuditSettings(BaseModel):
    """The section [audit]."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    anchor: str = ""
    plain_http: tuple[str, ...] = ()


class GateSettings(BaseModel):
    """The section [gates]."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    timeout: str = "1h"


class Trigger(BaseModel):
    """One [[triggers]]: which event queues which notebook or pipeline."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    on: str = "alert.raised"
    model: str = ""
    kind: str = ""
    monitor: str = ""
    dataset: str = ""
    environment: str = ""
    webhook: str = ""
    notebook: str = ""
    pipeline: str = ""
    parameters: dict[str, Any] = {}
    grid: dict[str, Any] = {}
    memory: str = ""
    tags: tuple[str, ...] = ()
    cache: bool = False
    secrets: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _runs_one_thing(self) -> Self:
        if bool(self.notebook) == bool(self.pipeline):
            raise ValueError("a trigger names a notebook or a pipeline, one of them")
        if self.grid and not self.notebook:
            raise ValueError("a trigger has a grid for a notebook only")
        return self


class Webhook(BaseModel):
    """One [[webhooks]]: whose signed messages are taken."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    secret: str = ""


class Channel(BaseModel):
    """One [[alerts.channels]]: who is told of alerts; its URL and secret stand in variables of the environment."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    kind: Literal["apprise", "webhook"] = "apprise"
    url_env: str
    secret_env: str = ""
    severity: Literal["info", "warning", "critical"] = "warning"
    plain_http: tuple[str, ...] = ()


class AlertSettings(BaseModel):
    """The section [alerts]."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    cool_down: str = "1h"
    most_per_day: int = Field(default=50, ge=1)
    channels: tuple[Channel, ...] = ()


class DatasetSettings(BaseModel):
    """The section [datasets]: patterns of columns whose values are hidden, by class."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    classes: dict[Literal["pii", "restricted"], tuple[str, ...]] = {}


class RemoteSettings(BaseModel):
    """One [remotes.NAME]: where versions are pushed to and pulled from."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    url: str = Field(min_length=1)
    options: dict[str, Any] = {}


class JobLimit(BaseModel):
    """One [[runs.limits]]: how many jobs of a notebook, or with a tag, may run at once."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    notebook: str = ""
    tag: str = ""
    jobs: int = Field(ge=1)

    @model_validator(mode="after")
    def _is_about_one_thing(self) -> Self:
        if bool(self.notebook) == bool(self.tag):
            raise ValueError("a limit names a notebook or a tag, one of them")
        return self


class JobSettings(BaseModel):
    """The section [runs]: what holds for every job."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    memory: str = ""
    concurrency: int | None = Field(default=None, ge=1)
    limits: tuple[JobLimit, ...] = ()


class Settings(BaseModel):
    """All of mlops.toml; `policy` is read by the registry, which knows gates, schedules and pipelines by the runs."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    version: Literal[1] = 1
    workspace: WorkspaceSettings = WorkspaceSettings()
    audit: AuditSettings = AuditSettings()
    gates: GateSettings = GateSettings()
    alerts: AlertSettings = AlertSettings()
    datasets: DatasetSettings = DatasetSettings()
    runs: JobSettings = JobSettings()
    remotes: dict[RemoteName, RemoteSettings] = {}
    policy: dict[str, Any] = Field(default_factory=dict)
    triggers: tuple[Trigger, ...] = ()
    webhooks: tuple[Webhook, ...] = ()
    schedules: tuple[dict[str, Any], ...] = ()
    pipelines: dict[str, Any] = Field(default_factory=dict)
    monitors: dict[str, Any] = Field(default_factory=dict)
    origins: dict[str, str] = Field(default_factory=dict, exclude=True)


class Setting(Record):
    """One setting, its value and where it came from."""

    key: str
    value: str
    origin: str


def read_settings(root: Path, overrides: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of a folder.

    Parameters
    ----------
    root : Path
        Folder that may hold mlops.toml.
    overrides : mapping, optional
        Values of [workspace] given as arguments.

    Raises
    ------
    InvalidValue
        The file is no TOML, or has an unknown key or a wrong value: the line and the nearest key are named.
    """
    path = root / FILE
    given = {name: os.environ.get(f"MLOPS_{name.upper()}") for name in WorkspaceSettings.model_fields}
    written = _written(path)
    if not written or max(written[:2]) < time.time_ns() - _SETTLED:
        return _settled(path, written, tuple(given.items()), tuple(sorted((overrides or {}).items())))
    return _read(path, given, overrides or {})


_SETTLED = 2_000_000_000
"""Nanoseconds after which a file that is written again shows another time, on every file system."""


def _written(path: Path) -> tuple[int, ...]:
    """Give what tells one content of a file from the next; nothing when there is none."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError:  # reading it says why
        return (sys.maxsize, sys.maxsize)
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


@lru_cache(maxsize=8)
def _settled(
    path: Path, _: tuple[int, ...], given: tuple[tuple[str, str | None], ...], overrides: tuple[tuple[str, str], ...]
) -> Settings:
    """Read a file once for as long as it stays as it is: a server asks at every request."""
    return _read(path, dict(given), dict(overrides))


def _read(path: Path, given: Mapping[str, str | None], overrides: Mapping[str, str]) -> Settings:
    text = _read_text(path)
    data = parse_toml(text, str(path))
    section, origins = data.get("workspace", {}), {}
    if not isinstance(section, dict):
        raise InvalidValue(f"{path}{line_of(text, ('workspace',))}: workspace is no section", hint="Write [workspace]")
    section = dict(section)
    for key in WorkspaceSettings.model_fields:
        origins[key] = str(path) if key in section else "default"
        if (value := given[key]) is not None:
            section[key], origins[key] = value, f"MLOPS_{key.upper()}"
        if key in overrides:
            section[key], origins[key] = overrides[key], "argument"
    if section:
        data["workspace"] = section
    if "origins" in data:
        raise InvalidValue(f"{path}{line_of(text, ('origins',))}: unknown key 'origins'", hint="Leave it out")
    try:
        return Settings.model_validate({**data, "origins": origins})
    except ValidationError as error:
        origin = _origin_of(error, origins)
        raise explain(error, origin or str(path), "" if origin else text, Settings) from error


def _read_text(path: Path) -> str:
    """Read mlops.toml; none reads as empty."""
    try:
        return path.read_text(encoding="utf-8") if path.is_file() else ""
    except UnicodeDecodeError as error:
        raise InvalidValue(f"{path} is no UTF-8 text: byte {error.start}", hint="Save it as UTF-8") from error
    except OSError as error:
        raise InvalidValue(f"cannot read {path}: {error.strerror}", hint="Make it readable") from error


def _origin_of(error: ValidationError, origins: Mapping[str, str]) -> str:
    """Name the variable or argument that a faulty value came from; empty for the file."""
    place = error.errors()[0]["loc"]
    origin = origins.get(str(place[1]), "") if place[0] == "workspace" and len(place) > 1 else ""
    return origin if origin.startswith("MLOPS_") or origin == "argument" else ""


def parse_toml(text: str, source: str) -> dict[str, Any]:
    """Read TOML, or say in which line it goes wrong."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidValue(f"{source} is no TOML: {error}", hint="Mend that line") from error


def explain(error: ValidationError, source: str, text: str, model: type[BaseModel]) -> InvalidValue:
    """Turn the first fault that pydantic found into a sentence with line, value and nearest key."""
    faults = error.errors()
    # A key that is written wrong is missing too; what was written says more.
    fault = next((each for each in faults if each["type"] == "extra_forbidden"), faults[0])
    path = ".".join(str(part) for part in fault["loc"])
    key = str(fault["loc"][-1]) if fault["loc"] else ""
    place = f"{source}{line_of(text, fault['loc'])}"
    if fault["type"] == "extra_forbidden":
        return InvalidValue(f"{place}: unknown key {path!r}", hint=did_you_mean(key, _keys(model, fault["loc"][:-1])))
    return InvalidValue(f"{place}: {path} = {fault['input']!r}: {fault['msg'].lower()}", hint="See docs/settings.md")


def line_of(text: str, path: Sequence[str | int]) -> str:
    """Find the line that writes a key, else the nearest that holds it; ` line 3`, or nothing.

    Parameters
    ----------
    text : str
        TOML.
    path : sequence of str or int
        Keys; a number is the place in an array of tables.
    """
    section: list[str | int] = []
    counts: dict[str, int] = {}
    nearest, depth = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*(\[\[?)([^\]]*)\]", line)
        if header:
            section = list(_parts(header[2]))
            if header[1] == "[[":
                counts[header[2]] = counts.get(header[2], -1) + 1
                section.append(counts[header[2]])
        written = section if header else [*section, *_parts(line.partition("=")[0])] if "=" in line else []
        if path and written[: len(path)] == list(path):
            return f" line {number}"
        if len(written) > depth and list(path[: len(written)]) == written:
            nearest, depth = f" line {number}", len(written)
    return nearest


def _parts(dotted: str) -> list[str]:
    return [part.strip().strip("\"'") for part in dotted.split(".")]


def _keys(model: type[BaseModel], path: Sequence[Any]) -> list[str]:
    for part in path:
        field = model.model_fields.get(str(part))
        if field is None:
            continue
        inner = field.annotation
        for candidate in (inner, *getattr(inner, "__args__", ())):
            if get_origin(candidate) is None and isinstance(candidate, type) and issubclass(candidate, BaseModel):
                model = candidate
                break
    return [name for name in model.model_fields if name != "origins"]


def default_actor() -> str:
    """Give the name of the user who runs this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"
