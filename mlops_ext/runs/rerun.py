"""`mlops.rerun`: the notebook of a model version once more, as a whole run, and what came out beside what had."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from mlops_ext.datasets import service as datasets
from mlops_ext.datasets.types import ShowDataset
from mlops_ext.errors import DamagedBlob, InvalidValue, NotFound, RunFailed, StoreUnavailable
from mlops_ext.models import comparison
from mlops_ext.models import service as registry
from mlops_ext.models.comparison import CompareVersions, Difference
from mlops_ext.models.provenance.masking import masks_in
from mlops_ext.models.types import Execution, ModelVersion, ShowVersion
from mlops_ext.records import Record
from mlops_ext.refs import Number, Ref
from mlops_ext.runs import service
from mlops_ext.runs.attempts.requirements import check_requirements
from mlops_ext.runs.edge import run_job
from mlops_ext.runs.execution.states import INJECTED
from mlops_ext.runs.notebooks.files import Notebook, read_notebook
from mlops_ext.runs.notebooks.parameters import is_tagged, parameters_of
from mlops_ext.runs.queue.worker import Progress
from mlops_ext.runs.types import Job, ShowJob, SubmitJob
from mlops_ext.tracking import origin
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import Run, ShowRun
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
    source = _source_of(version)
    data = _read(ws, version, source)
    notebook = read_notebook(data, f"the notebook of {version.ref}")
    _refuse_masks(version, data, named)
    request = SubmitJob(
        notebook=named if (ws.root / named).is_relative_to(ws.root) else Path(named).name,
        source=source,
        parameters=_parameters(ws, run, notebook),
        experiment=run.experiment if run else "",
        timeout_seconds=timeout,
        trigger=f"model:{version.ref}",
        pins={} if latest_data else _pins(ws, version),
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


def _source_of(version: ModelVersion) -> str:
    """Give the blob of a version's notebook."""
    if version.notebook is None:
        script = version.execution is not None and version.execution.kind == "script"
        why = "a script registered it" if script else "it was imported, or registered without one"
        hint = "Run the script again" if script else "Run again what made it"
        raise InvalidValue(f"{version.ref} has no notebook: {why}", hint=f"{hint}: it registers the next version")
    return version.notebook


def _refuse_masks(version: ModelVersion, data: bytes, named: str) -> None:
    """Refuse code that lacks its secrets: it would fail, or do something else."""
    places = [each.where for each in masks_in(data.decode("utf-8-sig"))]
    if places:
        raise InvalidValue(
            f"the notebook of {version.ref} was stored without the secrets in {'; '.join(places)}",
            hint=f"Read them from the environment or from parameters in the notebook, then: mlops run {named}",
        )


def _read(ws: Workspace, version: ModelVersion, digest: str) -> bytes:
    try:
        return ws.get_blob(digest)
    except (NotFound, DamagedBlob, StoreUnavailable) as error:
        raise type(error)(f"the notebook of {version.ref} cannot be read: {error.message}", hint=error.hint) from error


def _parameters(ws: Workspace, run: Run | None, notebook: Notebook) -> dict[str, Any]:
    """Give the parameters that the first run was given.

    Those of a job stand in the job; those that plain papermill injected in a cell that is part of the
    notebook. Cells that somebody ran by hand hold their values themselves.
    """
    if run is None or not is_tagged(notebook):
        return {}
    injected: dict[str, Any] = {}
    for cell in notebook.code:
        if INJECTED in cell.tags:
            injected |= origin.parse_injected(cell.source) or {}
    if run.job:
        return dict(ws.call(service.show, ShowJob(job=run.job)).parameters)
    if run.source is None:
        return injected
    declared = {each.name for each in parameters_of(notebook, run.notebook)}
    return {name: json.loads(text) for name, text in run.parameters.items() if name in declared}


def _pins(ws: Workspace, version: ModelVersion) -> Mapping[str, int]:
    """Give the dataset versions that the first run found; what it made itself it makes again."""
    pins: dict[str, int] = {}
    for text in version.inputs:
        ref = Ref.parse(text)
        if ref.kind != "dataset" or not isinstance(ref.selector, Number):
            continue
        made_by = ws.call(datasets.show, ShowDataset(dataset=str(Ref(ref.name, ref.selector)))).run
        if not made_by or made_by != version.run:
            pins[ref.name] = max(pins.get(ref.name, 0), ref.selector.number)
    return pins
