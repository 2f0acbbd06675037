"""`mlops.schedule`: a notebook or pipeline by the clock, from a notebook or a script."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlops_ext.runs.notebooks.conversion import jsonable
from mlops_ext.runs.schedules import service
from mlops_ext.runs.schedules.types import AddSchedule, Misfire, Schedule
from mlops_ext.workspace import Workspace

__all__ = ["schedule"]


def schedule(
    name: str,
    notebook: str | Path = "",
    *,
    cron: str,
    tz: str = "UTC",
    parameters: Mapping[str, Any] | None = None,
    pipeline: str = "",
    misfire: Misfire = "once",
    workspace: Workspace | None = None,
    **settings: Any,
) -> Schedule:
    """Run a notebook or a pipeline by the clock; a schedule of that name is changed.

    Parameters
    ----------
    name : str
        Its name.
    notebook : str or Path
        Below the workspace's folder.
    cron : str
        Minute, hour, day, month, weekday as Debian's cron reads them; or `@hourly`, `@daily`, `@weekly`, `@monthly`.
    tz : str
        IANA name of the time zone in which `cron` is read.
    parameters : mapping, optional
        Name to value; `"{scheduled_for}"` and `"{day}"` give the instant and its date.
    pipeline : str
        Name of a pipeline, instead of a notebook.
    misfire : {"once", "skip", "all"}
        What is done with instants that are found late, because nothing ran: the newest once, nothing, or all.
    workspace : Workspace, optional
        The one that is found from here when left out.
    **settings
        `catch_up`, `grace_seconds`, `overlap`, `experiment`, `kernel`, `timeout_seconds`, `max_attempts`, `priority`,
        `grid` (lists of values: a sweep of the notebook), `memory`, `tags`, `cache`, `secrets`,
        as `mlops schedule add --help` tells them.

    Returns
    -------
    Schedule
        With its next five fires.

    Raises
    ------
    InvalidValue, NotFound
        The expression, the zone, the notebook or a parameter is wrong.

    Examples
    --------
    >>> mlops.schedule("nightly", "train.ipynb", cron="30 2 * * *", tz="Europe/Berlin").next  # doctest: +SKIP
    """
    ws = workspace or Workspace.find()
    given = {key: jsonable(value) for key, value in (parameters or {}).items()}
    about = {"schedule": name, "notebook": str(notebook), "pipeline": pipeline, "cron": cron, "tz": tz}
    return ws.call(service.add, AddSchedule(**about, parameters=given, misfire=misfire, **settings))
