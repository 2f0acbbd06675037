"""What a schedule or a trigger runs (a notebook, a sweep, a pipeline): checked early, prepared when it fires."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mlops_ext.cron import local
from mlops_ext.errors import InvalidValue
from mlops_ext.records import now
from mlops_ext.runs.execution.memory import bytes_of
from mlops_ext.runs.notebooks.conversion import check
from mlops_ext.runs.notebooks.files import locate, read_notebook
from mlops_ext.runs.pipelines import service as pipelines
from mlops_ext.runs.pipelines.types import StartPipeline
from mlops_ext.runs.queue import submission
from mlops_ext.runs.schedules.templates import fill
from mlops_ext.runs.schedules.types import AddSchedule
from mlops_ext.runs.sweeps import service as sweeps
from mlops_ext.runs.sweeps.grid import points_of
from mlops_ext.runs.sweeps.types import SubmitSweep
from mlops_ext.runs.types import SubmitJob
from mlops_ext.store.catalog import Change
from mlops_ext.workspace import Workspace

__all__ = ["Request", "Start", "check_target", "filled", "prepared", "request_of"]


Request = SubmitJob | SubmitSweep | StartPipeline


@dataclass(frozen=True)
class Start:
    """What will be started: the id it will have, and how it is written inside the transaction."""

    id: str
    enter: Callable[[Change], object]


def check_target(ws: Workspace, request: AddSchedule) -> None:
    """Refuse a schedule whose notebook, pipeline or parameters are wrong, so that it does not fail at night.

    Raises
    ------
    InvalidValue, NotFound
    """
    if bool(request.notebook) == bool(request.pipeline):
        raise InvalidValue(
            f"the schedule {request.schedule!r} names {'both' if request.notebook else 'neither'}",
            hint="Name a notebook or a pipeline, one of them",
        )
    if request.grid and not request.notebook:
        raise InvalidValue(f"the schedule {request.schedule!r} has a grid for a pipeline", hint="Name a notebook")
    bytes_of(request.memory)
    values = filled(request.parameters, now(), request.tz)
    if request.notebook:
        path = locate(request.notebook, ws.root)
        notebook = read_notebook(path.read_bytes(), path.name)
        for point in points_of(request.grid) if request.grid else ({},):
            check(notebook, path.name, {**values, **point})
    else:
        pipelines.prepare(ws, StartPipeline(pipeline=request.pipeline, parameters=values))


def request_of(target: Any, parameters: dict[str, Any], trigger: str, **options: Any) -> Request:
    """Ask for what a schedule or a trigger names: a pipeline, a sweep of a notebook over a grid, or one run of it.

    Parameters
    ----------
    target : object
        With `notebook`, `pipeline`, and how it is run: `grid`, `memory`, `tags`, `cache`, `secrets`.
    parameters : dict
        With the values of the event or the instant.
    trigger : str
        Reference of what asks for it.
    **options
        More fields of a job.
    """
    shared = {"memory": target.memory, "tags": tuple(target.tags), "secrets": tuple(target.secrets), "trigger": trigger}
    if target.pipeline:
        return StartPipeline(pipeline=target.pipeline, parameters=parameters, **shared)
    shared |= {"notebook": target.notebook, "cache": target.cache, **options}
    if not target.grid:
        return SubmitJob(parameters=parameters, **shared)
    return SubmitSweep(points=tuple({**parameters, **point} for point in points_of(target.grid)), **shared)


def prepared(ws: Workspace, request: Request) -> Start:
    """Read and check all of a job, a sweep or a pipeline's run, so that a transaction has only to enter it.

    Raises
    ------
    InvalidValue, NotFound
    """
    if isinstance(request, SubmitJob):
        job = submission.prepare(ws, request)
        return Start(job.id, lambda change: submission.enter(change, job))
    if isinstance(request, SubmitSweep):
        sweep = sweeps.prepare(ws, request)
        return Start(sweep.id, lambda change: sweeps.enter(change, sweep))
    run = pipelines.prepare(ws, request)
    return Start(run.id, lambda change: pipelines.enter(change, run))


def filled(parameters: dict[str, Any], instant: datetime, tz: str) -> dict[str, Any]:
    """Put the instant into the parameters: `{scheduled_for}` with its offset, `{day}` as its date.

    Examples
    --------
    >>> from datetime import timezone
    >>> filled({"day": "{day}"}, datetime(2026, 3, 29, 23, tzinfo=timezone.utc), "Europe/Berlin")
    {'day': '2026-03-30'}
    """
    shown = local(instant, tz)
    values: dict[str, Any] = fill(dict(parameters), {"scheduled_for": shown, "day": shown[:10]})
    return values
