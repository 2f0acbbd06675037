"""`mlops.run`: a notebook as a job, from a notebook, a script or the command line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlops_ext.errors import NotFound
from mlops_ext.runs import service
from mlops_ext.runs.conversion import jsonable
from mlops_ext.runs.requirements import check_requirements
from mlops_ext.runs.secrecy import is_secret
from mlops_ext.runs.types import CancelJob, Job, SubmitJob
from mlops_ext.runs.worker import Progress, Worker
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import Run, ShowRun
from mlops_ext.workspace import Workspace

__all__ = ["run", "run_job"]


def run(
    notebook: str | Path,
    output: str | Path | None = None,
    parameters: Mapping[str, Any] | None = None,
    *,
    wait: bool = True,
    experiment: str = "",
    timeout: float | None = None,
    on_progress: Progress | None = None,
    workspace: Workspace | None = None,
) -> Run | Job:
    """Run a notebook with other parameters, in a kernel of its own.

    Parameters
    ----------
    notebook : str or Path
        Below the workspace's folder.
    output : str or Path, optional
        For the executed notebook; `runs/NAME-JOB.ipynb` when left out.
    parameters : mapping, optional
        Name to value; checked against what the notebook declares before anything starts.
    wait : bool
        Run it here and now; otherwise a worker will.
    experiment : str
        The experiment that the run belongs to; `default` when left out.
    timeout : float, optional
        Seconds after which the run is stopped.
    on_progress : callable, optional
        Called with the cells that have ended, all cells, and the seconds since the start.
    workspace : Workspace, optional
        The one that is found from here when left out.

    Returns
    -------
    Run or Job
        The tracked run with its status, metrics and outputs; the queued job when `wait` is false.

    Raises
    ------
    InvalidValue, NotFound
        The notebook, the output or a parameter is wrong; nothing was started.
    RunFailed, KernelDied, TimedOut, Cancelled
        Only when the job ended before there was a run; otherwise the run's status tells.

    Examples
    --------
    >>> mlops.run("train.ipynb", parameters={"month": 2}).metrics     # doctest: +SKIP
    """
    ws = workspace or Workspace.find()
    given = dict(parameters or {})
    if wait:
        check_requirements()
    request = SubmitJob(
        notebook=_found(notebook),
        parameters={name: jsonable(value) for name, value in given.items()},
        output=_placed(output, ws.root),
        experiment=experiment,
        timeout_seconds=timeout,
    )
    job = ws.call(service.submit, request)
    if not wait:
        return job
    job = run_job(job, {name: value for name, value in given.items() if is_secret(name)}, on_progress, ws)
    if not job.run:
        service.raise_for_status(job)
        raise NotFound(f"job {job.id} left no run")
    return ws.call(tracking.show, ShowRun(run=job.run))


def run_job(
    job: Job,
    secrets: Mapping[str, Any] | None = None,
    on_progress: Progress | None = None,
    workspace: Workspace | None = None,
) -> Job:
    """Run a queued job in this process's own worker and give it when it has ended; Ctrl-C cancels it.

    Parameters
    ----------
    job : Job
        What `jobs.submit` gave.
    secrets : mapping, optional
        Values of its secret parameters.
    on_progress : callable, optional
        As for `run`.
    """
    ws = workspace or Workspace.find()
    worker = Worker(ws, secrets=secrets)
    try:
        return worker.run_job(job.id, on_progress)
    except KeyboardInterrupt:
        ws.call(service.cancel, CancelJob(job=job.id))
        return worker.run_job(job.id, on_progress)


def _found(notebook: str | Path) -> str:
    """Give the whole path of a notebook that is found from the working folder; the workspace looks for others."""
    here = Path(notebook).expanduser()
    return str(here.resolve()) if here.exists() else str(here)


def _placed(output: str | Path | None, root: Path) -> str:
    """Read an output's path from the working folder when that lies in the workspace, else from the workspace."""
    if not output:
        return ""
    here = Path(output).expanduser()
    return str(here.resolve()) if Path.cwd().is_relative_to(root) else str(here)
