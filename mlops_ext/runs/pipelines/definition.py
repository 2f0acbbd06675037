"""What a pipeline is declared as: in mlops.toml, where every key is checked, or in Python."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mlops_ext.errors import InvalidValue, NotFound, did_you_mean
from mlops_ext.settings import FILE, line_of, read_settings
from mlops_ext.workspace import Workspace

__all__ = ["PipelineSettings", "StepSettings", "pipelines_of", "read_pipeline"]


class StepSettings(BaseModel):
    """One [pipelines.NAME.steps.STEP]."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    notebook: str = ""
    function: str = ""
    parameters: dict[str, Any] = Field(default_factory=dict)
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    kernel: str = ""
    timeout_seconds: float | None = Field(default=None, gt=0)
    max_attempts: int = Field(default=1, ge=1, le=20)
    cache: bool = True
    memory: str = ""
    tags: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()


class PipelineSettings(BaseModel):
    """One [pipelines.NAME]."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    parameters: dict[str, Any] = Field(default_factory=dict)
    steps: dict[str, StepSettings]


def pipelines_of(ws: Workspace) -> dict[str, PipelineSettings]:
    """Read all pipelines of mlops.toml.

    Raises
    ------
    InvalidValue
        An unknown key or a wrong value: the line and the nearest key are named.
    """
    return {name: read_pipeline(ws, name) for name in read_settings(ws.root).pipelines}


def read_pipeline(ws: Workspace, name: str) -> PipelineSettings:
    """Read one pipeline of mlops.toml.

    Raises
    ------
    NotFound
        There is none of that name.
    InvalidValue
        An unknown key or a wrong value: the line and the nearest key are named.
    """
    known = read_settings(ws.root).pipelines
    if name not in known:
        raise NotFound.of("pipeline", name, known)
    text = (ws.root / FILE).read_text(encoding="utf-8")
    try:
        found = PipelineSettings.model_validate(known[name])
    except ValidationError as error:
        fault = error.errors()[0]
        place = f"{ws.root / FILE}{line_of(text, ('pipelines', name, *fault['loc']))}"
        if fault["type"] == "extra_forbidden":
            model = StepSettings if len(fault["loc"]) > 2 else PipelineSettings
            key = str(fault["loc"][-1])
            raise InvalidValue(f"{place}: unknown key {key!r}", hint=did_you_mean(key, model.model_fields)) from error
        at = ".".join(map(str, fault["loc"]))
        raise InvalidValue(f"{place}: {at}: {fault['msg'].lower()}", hint="See docs/pipelines.md") from error
    for step, settings in found.steps.items():
        if bool(settings.notebook) == bool(settings.function):
            place = f"{ws.root / FILE}{line_of(text, ('pipelines', name, 'steps', step))}"
            raise InvalidValue(f"{place}: the step {step!r} names no one thing to run", hint="A notebook or a function")
    return found
