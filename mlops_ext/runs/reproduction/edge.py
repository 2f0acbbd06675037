"""`mlops.reproduce`: a version made again in a cold kernel, compared, and put on record as evidence."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from typing import Any, Literal, get_args

from mlops_ext.datasets import service as datasets
from mlops_ext.datasets.curation import service as curation
from mlops_ext.datasets.curation.types import ChangeDatasetState
from mlops_ext.datasets.types import ShowDataset
from mlops_ext.errors import InvalidValue, MlopsError, did_you_mean
from mlops_ext.models import reproductions
from mlops_ext.models import service as registry
from mlops_ext.models.candidates import candidates_of, version_of
from mlops_ext.models.reproductions import ComparedPredictions, NoteReproduction, Reproduction
from mlops_ext.models.types import ModelVersion, ShowVersion
from mlops_ext.refs import Number, Ref
from mlops_ext.runs import service
from mlops_ext.runs.attempts.requirements import check_requirements
from mlops_ext.runs.edge import run_job
from mlops_ext.runs.queue.worker import Listener, Progress
from mlops_ext.runs.reproduction.comparing import (
    ABSOLUTE,
    RELATIVE,
    Tolerances,
    metrics_of,
    predictions_of,
    verdict_of,
    what_differs,
)
from mlops_ext.runs.reproduction.environments import Built, build, with_kernel
from mlops_ext.runs.reproduction.starting import pinned_text, start
from mlops_ext.runs.types import Job
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import ShowRun
from mlops_ext.workspace import Workspace

__all__ = ["Environment", "reproduce"]

Environment = Literal["check", "build"]


def reproduce(  # noqa: PLR0913 - keywords that a notebook gives as it needs them
    ref: str | ModelVersion,
    *,
    on: str = "",
    relative: float = RELATIVE,
    absolute: float = ABSOLUTE,
    env: Environment = "check",
    trust: Collection[str] = (),
    secrets: Mapping[str, Any] | None = None,
    timeout: float | None = None,
    on_progress: Progress | None = None,
    on_output: Listener | None = None,
    workspace: Workspace | None = None,
) -> Reproduction:
    """Make a version again, from its notebook, parameters, data and environment, and compare what comes out.

    The notebook runs whole, in a cold kernel. What it registers is compared with the version and registered nowhere;
    what else it would change is refused. The verdict is put on record.

    Parameters
    ----------
    ref : str or ModelVersion
        The version, such as `delay@3`.
    on : str
        A dataset version whose first 1,000 rows both models answer; the data that the version was made of when left
        out.
    relative, absolute : float
        Values agree when they differ by at most `absolute` + `relative` · the size of the version's own.
    env : {"check", "build"}
        Run in what is installed here and list what differs from the version's lock, or install the lock first.
    trust : collection of str
        As for `load_model`, to compare predictions.
    secrets : mapping, optional
        Values of the run's secrets; those of the environment otherwise.
    timeout : float, optional
        Seconds after which the run is stopped.
    on_progress, on_output : callable, optional
        As for `run`.
    workspace : Workspace, optional
        The one that is found from here when left out.

    Returns
    -------
    Reproduction
        `.verdict` is `reproduced`, `differs` or `not_comparable`; `.differences` lists what went in that is not the
        same.

    Raises
    ------
    InvalidValue
        The version has no notebook, was made by hand, or needs a secret that is not here.
    NotFound, StoreUnavailable, DamagedBlob
        Notebook or data are gone, or the environment could not be built.
    KernelDied, TimedOut, Cancelled
        The run did not come to its end; nothing is put on record.

    Examples
    --------
    >>> mlops.reproduce("delay@3").verdict  # doctest: +SKIP
    """
    ws = workspace or Workspace.find()
    check_requirements()
    if env not in get_args(Environment):
        raise InvalidValue(f"env={env!r} is unknown", hint=did_you_mean(env, get_args(Environment)))
    tolerances = Tolerances(relative, absolute)
    version = ws.call(registry.version, ShowVersion(model=ref if isinstance(ref, str) else ref.ref))
    built = build(ws, version) if env == "build" else None
    with with_kernel(built) as kernel:
        job = start(ws, version.ref, timeout=timeout, kernel=kernel, secrets=secrets)
        ended = run_job(job, secrets, on_progress, ws, on_output)
        if ended.status not in ("succeeded", "failed"):
            service.raise_for_status(ended)
        _hide_data(ws, ended)
        found = _compared(ws, version, ended, tolerances, on=on, trust=trust, built=built)
    record = ws.put_blob(found.model_dump_json(by_alias=True).encode())
    ws.call(reproductions.note, NoteReproduction(model=version.ref, reproduction=found, record=record))
    return found


def _compared(
    ws: Workspace,
    version: ModelVersion,
    job: Job,
    tolerances: Tolerances,
    *,
    on: str,
    trust: Collection[str],
    built: Built | None,
) -> Reproduction:
    told = {
        "model": version.ref,
        "relative": tolerances.relative,
        "absolute": tolerances.absolute,
        "environment": "build" if built else "check",
        "pinned": pinned_text(job.pins),
        "run": job.run,
        "job": job.id,
    }
    notes = [*(built.notes if built else ()), *(_uncommitted(version))]
    made = _made_again(ws, version, job)
    if made is None:
        why = f"it failed: {job.error}" if job.status == "failed" else f"it registered no {version.name!r}"
        return Reproduction(
            **told, verdict="not_comparable", reason=f"nothing came out to compare: {why}", notes=tuple(notes)
        )
    metrics = metrics_of(version, made, tolerances)
    python = str(built.python) if built else sys.executable
    predictions = _asked(ws, (version, made), tolerances, on=on, trust=trust, python=python)
    differences = what_differs(version, made)
    same = {each.path: each.digest for each in version.files} == {each.path: each.digest for each in made.files}
    verdict, reason = verdict_of(metrics, predictions, differences, same_files=same)
    if job.status == "failed":
        notes.append(f"after it had registered {version.name!r}, the notebook ended early: {job.error}")
    return Reproduction(
        **told,
        verdict=verdict,
        reason=reason,
        metrics=metrics,
        predictions=predictions,
        same_files=same,
        differences=differences,
        notes=tuple(notes),
    )


def _asked(
    ws: Workspace, both: tuple[ModelVersion, ModelVersion], tolerances: Tolerances, *, on: str, **options: Any
) -> ComparedPredictions:
    """Compare predictions; a dataset that was asked for by name must be there."""
    if on:
        ws.call(datasets.show, ShowDataset(dataset=on))
    return predictions_of(ws, *both, tolerances, on=on, **options)


def _made_again(ws: Workspace, version: ModelVersion, job: Job) -> ModelVersion | None:
    """Give what came out in the version's place: a run may register several of one name."""
    if not job.run:
        return None
    found = candidates_of(ws, job.run, version.name)
    if not found:
        return None
    first = ws.call(tracking.show, ShowRun(run=version.run)).outputs if version.run else ()
    ours = [ref.selector for ref in map(Ref.parse, first) if ref.kind == "model" and ref.name == version.name]
    place = ours.index(Number(version.version)) if Number(version.version) in ours else len(found) - 1
    return version_of(ws, found[min(place, len(found) - 1)], version.version)


def _uncommitted(version: ModelVersion) -> list[str]:
    dirty = version.git is not None and version.git.dirty
    text = f"{version.ref} was made of code that was not committed; modules beside the notebook are as they are now"
    return [text] * dirty


def _hide_data(ws: Workspace, job: Job) -> None:
    """Archive the dataset versions that the run made anew, so that no bare name finds them."""
    run = ws.call(tracking.show, ShowRun(run=job.run)) if job.run else None
    for ref in map(Ref.parse, run.outputs if run else ()):
        if ref.kind != "dataset":
            continue
        text = str(Ref(ref.name, ref.selector))
        try:
            if ws.call(datasets.show, ShowDataset(dataset=text)).run == job.run:
                request = ChangeDatasetState(dataset=text, comment=f"made while {job.reproduces} was made again")
                ws.call(curation.archive, request)
        except MlopsError as trouble:
            sys.stderr.write(f"mlops: {text} stays, though a reproduction made it: {trouble.message}\n")
