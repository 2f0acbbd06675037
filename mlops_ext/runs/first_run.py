"""What the first run of a version was given: notebook, parameters, data; for whoever runs it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mlops_ext.datasets import service as datasets
from mlops_ext.datasets.again import FirstTime
from mlops_ext.datasets.types import ShowDataset
from mlops_ext.errors import DamagedBlob, InvalidValue, NotFound, StoreUnavailable
from mlops_ext.models import service as registry
from mlops_ext.models.provenance.masking import masks_in
from mlops_ext.models.types import ModelVersion, ShowVersion
from mlops_ext.refs import Number, Ref
from mlops_ext.runs import service
from mlops_ext.runs.execution.states import INJECTED
from mlops_ext.runs.notebooks.files import Notebook
from mlops_ext.runs.notebooks.parameters import is_tagged, parameters_of
from mlops_ext.runs.reuse import pins_of
from mlops_ext.runs.types import ShowJob
from mlops_ext.tracking import origin
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import Run, ShowRun
from mlops_ext.workspace import Workspace

__all__ = ["first_time_of", "parameters_given", "pins_found", "read_source", "refuse_masks", "source_of"]


def first_time_of(ws: Workspace, ref: str) -> FirstTime:
    """Tell a run that makes a version again what the first one had made."""
    version = ws.call(registry.version, ShowVersion(model=ref))
    made = ws.call(tracking.show, ShowRun(run=version.run)).outputs if version.run else ()
    return FirstTime(version.ref, {**pins_of(made), f"model:{version.name}": version.version})


def source_of(version: ModelVersion) -> str:
    """Give the blob of a version's notebook."""
    if version.notebook is None:
        script = version.execution is not None and version.execution.kind == "script"
        why = "a script registered it" if script else "it was imported, or registered without one"
        hint = "Run the script again" if script else "Run again what made it"
        raise InvalidValue(f"{version.ref} has no notebook: {why}", hint=f"{hint}: it registers the next version")
    return version.notebook


def refuse_masks(version: ModelVersion, data: bytes, named: str) -> None:
    """Refuse code that lacks its secrets: it would fail, or do something else."""
    places = [each.where for each in masks_in(data.decode("utf-8-sig"))]
    if places:
        raise InvalidValue(
            f"the notebook of {version.ref} was stored without the secrets in {'; '.join(places)}",
            hint=f"Read them from the environment or from parameters in the notebook, then: mlops run {named}",
        )


def read_source(ws: Workspace, version: ModelVersion, digest: str) -> bytes:
    """Read the notebook of a version; an error names the version."""
    try:
        return ws.get_blob(digest)
    except (NotFound, DamagedBlob, StoreUnavailable) as error:
        raise type(error)(f"the notebook of {version.ref} cannot be read: {error.message}", hint=error.hint) from error


def parameters_given(ws: Workspace, run: Run | None, notebook: Notebook) -> dict[str, Any]:
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


def pins_found(ws: Workspace, version: ModelVersion) -> Mapping[str, int]:
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
