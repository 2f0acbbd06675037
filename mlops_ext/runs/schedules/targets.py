"""What a schedule runs: a notebook or a pipeline, checked when the schedule is made and prepared when it fires."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mlops_ext.cron import local
from mlops_ext.errors import InvalidValue
from mlops_ext.records import now
from mlops_ext.runs.notebooks.conversion import check
from mlops_ext.runs.notebooks.files import locate, read_notebook
from mlops_ext.runs.pipelines import service as pipelines
from mlops_ext.runs.pipelines.types import StartPipeline
from mlops_ext.runs.queue import submission
from mlops_ext.runs.schedules.templates import fill
from mlops_ext.runs.schedules.types import AddSchedule
from mlops_ext.runs.types import SubmitJob
from mlops_ext.store.catalog import Change
from mlops_ext.workspace import Workspace

__all__ = ["Start", "check_target", "filled", "prepared"]


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
    values = filled(request.parameters, now(), request.tz)
    if request.notebook:
        path = locate(request.notebook, ws.root)
        check(read_notebook(path.read_bytes(), path.name), path.name, values)
    else:
        pipelines.prepare(ws, StartPipeline(pipeline=request.pipeline, parameters=values))


def prepared(ws: Workspace, request: SubmitJob | StartPipeline) -> Start:
    """Read and check all of a job or of a pipeline's run, so that a transaction has only to enter it.

    Raises
    ------
    InvalidValue, NotFound
    """
    if isinstance(request, SubmitJob):
        job = submission.prepare(ws, request)
        return Start(job.id, lambda change: submission.enter(change, job))
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
