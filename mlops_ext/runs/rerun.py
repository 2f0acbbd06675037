"""`mlops.rerun`: the notebook of a model version once more, as a whole run, and what came out beside what had."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from mlops_ext.errors import RunFailed
from mlops_ext.models import comparison
from mlops_ext.models import service as registry
from mlops_ext.models.comparison import CompareVersions, Difference
from mlops_ext.models.types import Execution, ModelVersion, ShowVersion
from mlops_ext.records import Record
from mlops_ext.refs import Ref
from mlops_ext.runs import service
from mlops_ext.runs.attempts.requirements import check_requirements
from mlops_ext.runs.edge import run_job
from mlops_ext.runs.first_run import parameters_given, pins_found, read_source, refuse_masks, source_of
from mlops_ext.runs.notebooks.files import read_notebook
from mlops_ext.runs.queue.worker import Progress
from mlops_ext.runs.types import Job, SubmitJob
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import ShowRun
from mlops_ext.workspace import Workspace

__all__ = ["MetricChange", "Rerun", "finish", "queue", "rerun"]


class MetricChange(Record):
    """One metric of the version that was run again, and of what came out."""

    shown: ClassVar[tuple[str, ...]] = ("name", "before", "after")
    name: str
    before: float | None = None
    after: float | None = None


class Rerun(Record):
    """What running a version again made."""

    tables: ClassVar[tuple[str, ...]] = ("metrics", "differences")
    of: str
    model: str
    """Reference of the version that it made; the same when it is equal and came from a whole run already."""
    same_content: bool
    """Whether files, signature and inputs are equal, bit for bit."""
    execution: Execution | None
    run: str
    job: str
    pinned: tuple[str, ...] = ()
    """Dataset versions that loading by a bare name gave, as in the first run."""
    metrics: tuple[MetricChange, ...] = ()
    differences: tuple[Difference, ...] = ()
    """Of environment, packages, parameters and inputs."""


def rerun(
    ref: str | ModelVersion,
    *,
    wait: bool = True,
    latest_data: bool = False,
    timeout: float | None = None,
    on_progress: Progress | None = None,
    workspace: Workspace | None = None,
) -> Rerun | Job:
    """Run the notebook of a version again, with its run's parameters and data, from the first cell to the last.

    Parameters
    ----------
    ref : str or ModelVersion
        The version, such as `delay@7`.
    wait : bool
        Run it here and now; otherwise a worker will.
    latest_data : bool
        Let what is loaded by a bare name be the newest, instead of the version that the first run loaded.
    timeout : float, optional
        Seconds after which the run is stopped.
    on_progress : callable, optional
        As for `run`.
    workspace : Workspace, optional
        The one that is found from here when left out.

    Returns
    -------
    Rerun or Job
        The new version with its metrics beside the old ones; the queued job when `wait` is false.

    Raises
    ------
    InvalidValue
        The version has no notebook, or one that was stored without the secrets in its code.
    NotFound, DamagedBlob, StoreUnavailable
        Its notebook is missing or damaged.
    RunFailed, KernelDied, TimedOut, Cancelled
        The run did not succeed, or registered no version of the model.

    Examples
    --------
    >>> mlops.rerun("delay@7").metrics  # doctest: +SKIP
    """
    ws = workspace or Workspace.find()
    if wait:
        check_requirements()
    job = queue(ref, latest_data=latest_data, timeout=timeout, workspace=ws)
    return finish(run_job(job, on_progress=on_progress, workspace=ws), ws) if wait else job


def queue(
    ref: str | ModelVersion, *, latest_data: bool = False, timeout: float | None = None, workspace: Workspace
) -> Job:
    """Queue the notebook of a version; the arguments are those of `rerun`."""
    ws = workspace
    version = ws.call(registry.version, ShowVersion(model=ref if isinstance(ref, str) else ref.ref))
    run = ws.call(tracking.show, ShowRun(run=version.run)) if version.run else None
    named = run.notebook if run and run.notebook else "notebook.ipynb"
    source = source_of(version)
    data = read_source(ws, version, source)
    notebook = read_notebook(data, f"the notebook of {version.ref}")
    refuse_masks(version, data, named)
    request = SubmitJob(
        notebook=named if (ws.root / named).is_relative_to(ws.root) else Path(named).name,
        source=source,
        parameters=parameters_given(ws, run, notebook),
        experiment=run.experiment if run else "",
        timeout_seconds=timeout,
        trigger=f"model:{version.ref}",
        pins={} if latest_data else pins_found(ws, version),
        cold=True,
    )
    return ws.call(service.submit, request)


def finish(job: Job, workspace: Workspace) -> Rerun:
    """Compare what a rerun that has ended made with what it was made of.

    Raises
    ------
    RunFailed, KernelDied, TimedOut, Cancelled
        It did not succeed, or registered no version of the model.
    """
    ws = workspace
    service.raise_for_status(job)
    before = ws.call(registry.version, ShowVersion(model=job.trigger.removeprefix("model:")))
    run = ws.call(tracking.show, ShowRun(run=job.run))
    made = [ref for ref in map(Ref.parse, run.outputs) if ref.kind == "model" and ref.name == before.name]
    if not made:
        raise RunFailed(f"the rerun of {before.ref} registered no version of {before.name!r}", hint=f"See {job.output}")
    after = ws.call(registry.version, ShowVersion(model=str(made[-1])))
    found = ws.call(comparison.compare, CompareVersions(model=before.ref, other=after.ref))
    names = sorted({*before.metrics, *after.metrics})
    return Rerun(
        of=before.ref,
        model=after.ref,
        same_content=found.same_content,
        execution=after.execution,
        run=job.run,
        job=job.id,
        pinned=tuple(f"{name}@{number}" for name, number in sorted(job.pins.items())),
        metrics=tuple(
            MetricChange(name=name, before=before.metrics.get(name), after=after.metrics.get(name)) for name in names
        ),
        differences=tuple(
            each for about in ("environment", "package", "parameter", "input") for each in found.of(about)
        ),
    )
