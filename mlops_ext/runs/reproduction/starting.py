"""What a reproduction starts from: the notebook, parameters, secrets and data of the version's first run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlops_ext.datasets import service as datasets
from mlops_ext.datasets.types import ShowDataset
from mlops_ext.errors import DamagedBlob, InvalidValue, NotFound, StoreUnavailable
from mlops_ext.models import service as registry
from mlops_ext.models.types import ModelVersion, ShowVersion
from mlops_ext.refs import Number, Ref
from mlops_ext.runs import service
from mlops_ext.runs.first_run import (
    first_time_of,
    parameters_given,
    pins_found,
    read_source,
    refuse_masks,
    source_of,
)
from mlops_ext.runs.notebooks.files import read_notebook
from mlops_ext.runs.notebooks.secrecy import MASK, value_of
from mlops_ext.runs.types import Job, ShowJob, SubmitJob
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import Run, ShowRun
from mlops_ext.workspace import Workspace

__all__ = ["pinned_text", "start"]


def start(
    ws: Workspace, ref: str, *, timeout: float | None = None, kernel: str = "", secrets: Mapping[str, Any] | None = None
) -> Job:
    """Queue the run that makes a version again, in a cold kernel.

    Parameters
    ----------
    ref : str
        The version.
    timeout : float, optional
        Seconds after which it is stopped.
    kernel : str
        Of a built environment; the first run's own when empty.
    secrets : mapping, optional
        Values of its secrets; the environment's otherwise.

    Raises
    ------
    InvalidValue
        The version has no notebook, was made by cells run by hand, or needs a secret that is not here.
    NotFound, StoreUnavailable, DamagedBlob
        The notebook or the data is gone.
    """
    version = ws.call(registry.version, ShowVersion(model=ref))
    source = source_of(version)
    _refuse_interactive(version)
    data = read_source(ws, version, source)
    run = ws.call(tracking.show, ShowRun(run=version.run)) if version.run else None
    named = run.notebook if run and run.notebook else "notebook.ipynb"
    notebook = read_notebook(data, f"the notebook of {version.ref}")
    refuse_masks(version, data, named)
    given = parameters_given(ws, run, notebook)
    former = ws.call(service.show, ShowJob(job=run.job)) if run and run.job else None
    masked = {name for name, value in given.items() if value == MASK}
    needed = tuple(sorted(masked | set(former.secrets if former else ())))
    for name in needed:
        value_of(name, secrets or {})
    request = SubmitJob(
        notebook=named if (ws.root / named).is_relative_to(ws.root) else Path(named).name,
        source=source,
        parameters={name: value for name, value in given.items() if name not in masked},
        experiment=run.experiment if run else "",
        timeout_seconds=timeout,
        cell_timeout_seconds=former.cell_timeout_seconds if former else None,
        kernel=kernel or _kernel_of(former),
        folder=former.folder if former and (ws.root / former.folder).is_dir() else "",
        isolated=former.isolated if former else False,
        memory=former.memory if former else "",
        trigger=f"model:{version.ref}",
        pins=_pins(ws, version, run),
        secrets=needed,
        cold=True,
        reproduces=version.ref,
    )
    return ws.call(service.submit, request)


def pinned_text(pins: Mapping[str, int]) -> tuple[str, ...]:
    """Write pins as references."""
    named = {(name if name.startswith("model:") else f"dataset:{name}"): number for name, number in pins.items()}
    return tuple(f"{name}@{number}" for name, number in sorted(named.items()))


def _refuse_interactive(version: ModelVersion) -> None:
    execution = version.execution
    if execution is not None and execution.kind != "clean":
        how = "cells run by hand" if execution.kind == "interactive" else "a script"
        why = f" ({'; '.join(execution.reasons)})" if execution.reasons else ""
        remedy = f"Make a whole run of it first: mlops rerun {version.ref}, then reproduce what that registers"
        raise InvalidValue(
            f"{version.ref} was made by {how}{why}: no run of it can be repeated",
            hint=remedy if execution.kind == "interactive" else "Register it from a notebook that runs as a job",
        )


def _kernel_of(former: Job | None) -> str:
    """Give the kernel that the first run was asked to use, if it is here; else the notebook's own, as ever."""
    from mlops_ext.runs.kernels.names import check_kernel

    if former is None or not former.kernel:
        return ""
    check_kernel(former.kernel)
    return former.kernel


def _pins(ws: Workspace, version: ModelVersion, run: Run | None) -> dict[str, int]:
    """Give what loading by a bare name gave the first run; what is gone is named before anything starts."""
    for ref in map(Ref.parse, version.inputs):
        if ref.kind == "dataset":
            _look_at(ws, version, str(Ref(ref.name, ref.selector)))
    return {**first_time_of(ws, version.ref).made, **_models_read(run), **pins_found(ws, version)}


def _models_read(run: Run | None) -> dict[str, int]:
    """Give the versions of models that the run read."""
    read: dict[str, int] = {}
    for ref in map(Ref.parse, run.inputs if run else ()):
        if ref.kind == "model" and isinstance(ref.selector, Number):
            read[f"model:{ref.name}"] = ref.selector.number
    return read


def _look_at(ws: Workspace, version: ModelVersion, dataset: str) -> None:
    try:
        held = ws.call(datasets.show, ShowDataset(dataset=dataset))
        if held.removed_at is None:
            ws.get_blob(held.manifest)
    except (NotFound, DamagedBlob, StoreUnavailable) as error:
        raise type(error)(
            f"{version.ref} was made of {dataset}, which is no longer there: {error.message}",
            hint=error.hint or "Bring it back from a backup: mlops restore",
        ) from error
    if held.removed_at is not None:
        raise NotFound(
            f"{version.ref} was made of {dataset}, whose rows gc took on {held.removed_at:%Y-%m-%d}",
            hint="Bring them back from a backup: mlops restore",
        )
