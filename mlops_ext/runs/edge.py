"""`mlops.run`: a notebook as a job, from a notebook, a script or the command line."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, get_args

from mlops_ext.errors import InvalidValue, NotFound, did_you_mean
from mlops_ext.models.provenance.masking import mask_notebook
from mlops_ext.runs import service
from mlops_ext.runs.attempts.requirements import check_requirements
from mlops_ext.runs.following import following
from mlops_ext.runs.notebooks.conversion import jsonable
from mlops_ext.runs.notebooks.files import locate, read_notebook
from mlops_ext.runs.notebooks.secrecy import secrets_of, value_of
from mlops_ext.runs.queue.worker import Listener, Place, Progress, Worker
from mlops_ext.runs.remote.cluster import cluster_at
from mlops_ext.runs.types import CancelJob, Job, RetryCause, SubmitJob
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import Run, ShowRun
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from mlops_ext.runs.kernels.warm import Parents

__all__ = ["RunSettings", "found", "placed", "queue", "run", "run_job", "run_of"]


class RunSettings(TypedDict, total=False):
    """How a notebook is run, beside its parameters; `run` tells what each means."""

    experiment: str
    timeout: float | None
    cell_timeout: float | None
    kernel: str
    cwd: str | Path
    isolated: bool
    locked: bool
    retries: int
    retry_on: Sequence[RetryCause]
    secrets: Sequence[str]
    memory: str
    cache: bool
    tags: Sequence[str]


def run(
    notebook: str | Path,
    output: str | Path | None = None,
    parameters: Mapping[str, Any] | None = None,
    *,
    wait: bool = True,
    on: str = "",
    on_progress: Progress | None = None,
    on_output: Listener | None = None,
    workspace: Workspace | None = None,
    **settings: Unpack[RunSettings],
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
    on : str
        A Dask cluster to run it on, such as `dask://scheduler:8786`, whose workers need no disk in common with this
        machine; this machine when left out.
    on_progress : callable, optional
        Called with the cells that have ended, all cells, and the seconds since the start.
    on_output : callable, optional
        Called with the pieces of text that the cells put out, while they run. With neither this nor `on_progress`,
        a notebook that waits shows how far the run is and the end of what it printed.
    workspace : Workspace, optional
        The one that is found from here when left out.
    experiment : str
        The experiment that the run belongs to; `default` when left out.
    timeout, cell_timeout : float, optional
        Seconds after which the run is stopped, as a whole or because one cell takes longer.
    kernel : str
        Name of a kernel to use instead of the notebook's own.
    cwd : str or Path
        Folder to work in; the notebook's own when left out. Files that the run makes there become its artifacts.
    locked : bool
        Load by a bare name what mlops.lock says, and refuse one that it does not name.
    isolated : bool
        Work in a new, empty folder, from which the notebook's helper modules are still found.
    retries : int
        How often to try again.
    retry_on : sequence of {"died", "timeout"}
        What is worth another try.
    secrets : sequence of str
        Names whose values are secret: of parameters, or of variables for the kernel's environment. A value that is
        not among the parameters is that of the variable MLOPS_SECRET_NAME or NAME here. It is stored nowhere.
    memory : str
        How much it may use, such as "2GiB"; what mlops.toml says when left out.
    cache : bool
        Give the earlier successful run when one has the same code cells and modules beside them, parameters, dataset
        and model versions, and environment, instead of running it again; only runs asked for so are looked at. Files
        that cells read by themselves are not compared, nor are the values of secrets.
    tags : sequence of str
        What the limits in mlops.toml may count it by.

    Returns
    -------
    Run or Job
        The tracked run with its status, metrics and outputs; the queued job when `wait` is false.

    Raises
    ------
    InvalidValue, NotFound
        The notebook, the output, a parameter or a setting is wrong; nothing was started.
    RunFailed, KernelDied, TimedOut, Cancelled
        Only when the job ended before there was a run; otherwise the run's status tells.

    Examples
    --------
    >>> mlops.run("train.ipynb", parameters={"month": 2}).metrics     # doctest: +SKIP
    """
    ws = workspace or Workspace.find()
    if wait:
        check_requirements()
    with cluster_at(on) as place:
        job = queue(notebook, output, parameters, workspace=ws, **settings)
        if not wait:
            return job
        if on_progress is None and on_output is None and (view := following(job.notebook, ws)):
            on_progress, on_output = view.progress, view.output
        return run_of(run_job(job, parameters, on_progress, ws, on_output, place=place), ws)


def queue(
    notebook: str | Path,
    output: str | Path | None = None,
    parameters: Mapping[str, Any] | None = None,
    *,
    workspace: Workspace | None = None,
    **settings: Unpack[RunSettings],
) -> Job:
    """Queue a notebook; the arguments are those of `run`."""
    ws = workspace or Workspace.find()
    causes = tuple(settings.get("retry_on", ("died",)))
    for cause in causes:
        if cause not in get_args(RetryCause):
            raise InvalidValue(f"no cause {cause!r} to retry on", hint=did_you_mean(cause, get_args(RetryCause)))
    secrets = tuple(settings.get("secrets", ()))
    for name in secrets:
        # Without its value nothing is queued here.
        value_of(name, parameters or {})
    _warn_of_secrets(Path(notebook).expanduser())
    request = SubmitJob(
        notebook=found(notebook),
        parameters={name: jsonable(value) for name, value in (parameters or {}).items()},
        output=placed(output, ws.root),
        experiment=settings.get("experiment", ""),
        timeout_seconds=settings.get("timeout"),
        cell_timeout_seconds=settings.get("cell_timeout"),
        kernel=settings.get("kernel", ""),
        folder=placed(settings.get("cwd"), ws.root),
        isolated=settings.get("isolated", False),
        pins=_locked_pins(ws, notebook, parameters or {}) if settings.get("locked") else {},
        locked=settings.get("locked", False),
        max_attempts=settings.get("retries", 0) + 1,
        retry_on=causes,
        secrets=secrets,
        memory=settings.get("memory", ""),
        cache=settings.get("cache", False),
        tags=tuple(settings.get("tags", ())),
    )
    job = ws.call(service.submit, request)
    if job.reused:
        sys.stderr.write(f"mlops: {job.notebook} was not run: run {job.reused} gave the result for the same before\n")
    return job


def run_of(job: Job, workspace: Workspace) -> Run:
    """Give the run of a job that has ended.

    Raises
    ------
    RunFailed, KernelDied, TimedOut, Cancelled, InvalidValue
        The job ended before there was a run.
    """
    if not job.run:
        service.raise_for_status(job)
        raise NotFound(f"job {job.id} left no run")
    return workspace.call(tracking.show, ShowRun(run=job.run))


def run_job(
    job: Job,
    parameters: Mapping[str, Any] | None = None,
    on_progress: Progress | None = None,
    workspace: Workspace | None = None,
    on_output: Listener | None = None,
    parents: Parents | None = None,
    *,
    place: Place | None = None,
) -> Job:
    """Run a queued job in this process's own worker and give it when it has ended; Ctrl-C cancels it.

    Parameters
    ----------
    job : Job
        What `jobs.submit` gave.
    parameters : mapping, optional
        As they were given, with the values of the secret ones, which are stored nowhere.
    on_progress, on_output : callable, optional
        As for `run`.
    parents : Parents, optional
        Where its process and kernel are forked, when several jobs share them; without them both start cold.
    place : Place, optional
        Where it runs; this machine when left out.
    """
    ws = workspace or Workspace.find()
    given = dict(parameters or {})
    known = secrets_of(given, job.secrets) | {name: value_of(name, given) for name in job.secrets}
    worker = Worker(ws, secrets=known, parents=parents, place=place)
    try:
        return worker.run_job(job.id, on_progress, on_output)
    except KeyboardInterrupt:
        ws.call(service.cancel, CancelJob(job=job.id))
        return worker.run_job(job.id, on_progress, on_output)


def _warn_of_secrets(notebook: Path) -> None:
    """Say which secrets stand in the code of a notebook, which is queued as it is, since it could not run otherwise."""
    try:
        found = mask_notebook(notebook.read_text(encoding="utf-8")).found
    except (OSError, ValueError, TypeError, AttributeError):
        # What cannot be read as a notebook is refused when it is submitted, in a sentence.
        return
    code = [each for each in found if each.where.startswith("cell ")]
    if code:
        sys.stderr.write(
            f"mlops: {notebook.name} holds {code[0].kind} in {code[0].where}; its bytes are kept with the job, "
            "since they are what runs: give secrets as parameters\n"
        )


def _locked_pins(ws: Workspace, notebook: str | Path, parameters: Mapping[str, Any]) -> dict[str, int]:
    """Give what mlops.lock pins, for a notebook that loads nothing else by a bare name."""
    from mlops_ext.runs.ci.lock import check_locked, pins_for

    path = locate(found(notebook), ws.root)
    check_locked(ws, read_notebook(path.read_bytes(), path.name), path.name, parameters)
    return pins_for(ws)


def found(notebook: str | Path) -> str:
    """Give the whole path of a notebook that is found from the working folder; the workspace looks for others."""
    here = Path(notebook).expanduser()
    return str(here.resolve()) if here.exists() else str(here)


def placed(output: str | Path | None, root: Path) -> str:
    """Read an output's path from the working folder when that lies in the workspace, else from the workspace."""
    if not output:
        return ""
    here = Path(output).expanduser()
    return str(here.resolve()) if Path.cwd().is_relative_to(root) else str(here)
