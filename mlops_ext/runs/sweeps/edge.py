"""`mlops.sweep`: a notebook with many parameters, from a notebook, a script or the command line."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_ext.runs import edge
from mlops_ext.runs.attempts.requirements import check_requirements
from mlops_ext.runs.notebooks.secrecy import secrets_of, value_of
from mlops_ext.runs.queue.worker import Place, Worker
from mlops_ext.runs.remote.cluster import cluster_at
from mlops_ext.runs.sweeps import service
from mlops_ext.runs.sweeps.grid import Grid, points_of
from mlops_ext.runs.sweeps.types import NameSweep, SubmitSweep, Sweep
from mlops_ext.store.filesystem import write_whole
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["queue", "sweep", "work_off"]

Done = Callable[[int, int], None]
"""Called with the runs that have ended, and all."""


def sweep(  # noqa: PLR0913 - keywords that a notebook gives as it needs them
    notebook: str | Path,
    grid: Grid,
    output: str | Path | None = None,
    *,
    random: int | None = None,
    seed: int = 0,
    jobs: int = 1,
    wait: bool = True,
    on: str = "",
    on_progress: Done | None = None,
    workspace: Workspace | None = None,
    **settings: Unpack[edge.RunSettings],
) -> Sweep:
    """Run a notebook once for each set of parameters of a grid.

    Parameters
    ----------
    notebook : str or Path
        Below the workspace's folder.
    grid : mapping or sequence of mappings
        One mapping of lists means their product; a list of mappings is taken as it is.
    output : str or Path, optional
        Folder for the executed notebooks and `sweep.csv`; chosen when left out.
    random : int, optional
        Take only so many points, drawn without repetition with `seed`.
    jobs : int
        How many run at once.
    wait : bool
        Run them here and now; otherwise a worker will.
    on : str
        A Dask cluster to run them on, as for `run`.
    on_progress : callable, optional
        Told of every run that ends.
    workspace : Workspace, optional
        The one that is found from here when left out.
    **settings
        As for `run`: experiment, timeout, cell_timeout, kernel, retries, secrets, memory, tags, cache.

    Returns
    -------
    Sweep
        With `.points`, `.df`, `.best(metric)` and `.figure(metric)`.

    Raises
    ------
    InvalidValue, NotFound
        The notebook, the grid or a parameter is wrong; nothing was started.

    Examples
    --------
    >>> mlops.sweep("train.ipynb", {"lr": [0.1, 0.01]}, jobs=2).best("auc")     # doctest: +SKIP
    """
    ws = workspace or Workspace.find()
    if wait:
        check_requirements()
    points = points_of(grid, random, seed)
    given = {"secrets": settings.get("secrets", ()), "points": points}
    with cluster_at(on) as place:
        queued = queue(notebook, points, output, workspace=ws, **settings)
        if not wait:
            return queued
        return work_off(queued, given, jobs=jobs, on_progress=on_progress, workspace=ws, place=place)


def queue(
    notebook: str | Path,
    points: list[dict[str, Any]],
    output: str | Path | None = None,
    *,
    workspace: Workspace,
    **settings: Unpack[edge.RunSettings],
) -> Sweep:
    """Queue a sweep; the arguments are those of `sweep`."""
    request = SubmitSweep(
        notebook=edge.found(notebook),
        points=tuple(points),
        folder=edge.placed(output, workspace.root),
        experiment=settings.get("experiment", ""),
        max_attempts=settings.get("retries", 0) + 1,
        timeout_seconds=settings.get("timeout"),
        cell_timeout_seconds=settings.get("cell_timeout"),
        kernel=settings.get("kernel", ""),
        secrets=tuple(settings.get("secrets", ())),
        memory=settings.get("memory", ""),
        tags=tuple(settings.get("tags", ())),
        cache=settings.get("cache", False),
    )
    return workspace.call(service.submit, request)


def work_off(
    queued: Sweep,
    given: Mapping[str, Any] | None = None,
    *,
    jobs: int = 1,
    on_progress: Done | None = None,
    workspace: Workspace,
    place: Place | None = None,
) -> Sweep:
    """Run what is queued of a sweep in this process's own worker; Ctrl-C cancels the rest.

    Parameters
    ----------
    given : mapping, optional
        `secrets` and `points` as they were given: values that are stored nowhere, the same for all points.
    place : Place, optional
        Where they run; this machine when left out.
    """
    ws, name = workspace, NameSweep(sweep=queued.id)
    declared = (given or {}).get("secrets", ())
    known: dict[str, Any] = {}
    for point in (given or {}).get("points", ()):
        known |= secrets_of(point, declared)
    known |= {each: value_of(each, known) for each in declared}
    worker = Worker(ws, jobs, secrets=known, place=place)

    def tell() -> bool:
        now = ws.call(service.show, name)
        if on_progress is not None:
            on_progress(now.total - now.unfinished, now.total)
        return bool(now.unfinished)

    try:
        worker.run_triggered(queued.ref, tell)
    except KeyboardInterrupt:
        ws.call(service.cancel, name)
        worker.run_triggered(queued.ref, tell)
    ended = ws.call(service.show, name)
    write_table(ended, ws.root / ended.folder / "sweep.csv")
    return ended


def write_table(ended: Sweep, path: Path) -> None:
    """Write a sweep's points as CSV: a column a parameter, a column a metric."""
    parameters = list(dict.fromkeys(name for each in ended.points for name in each.parameters))
    metrics = list(dict.fromkeys(name for each in ended.points for name in each.metrics))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["point", *parameters, "status", *metrics, "seconds", "output", "error"])
    for each in ended.points:
        values = [*map(each.parameters.get, parameters), each.status, *map(each.metrics.get, metrics)]
        writer.writerow([each.point, *values, each.seconds, each.output, each.error])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text.getvalue().encode())
