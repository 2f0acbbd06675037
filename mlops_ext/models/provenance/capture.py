"""What registering records of how a version came to be: code, cells, environment, hardware, time, seeds."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from mlops_ext.models.provenance.execution import captured, execution_of, notebook_of, of_script
from mlops_ext.models.provenance.hardware import hardware
from mlops_ext.models.provenance.masking import mask_notebook, masks_in, said
from mlops_ext.models.provenance.seeds import seeds_of
from mlops_ext.models.provenance.surroundings import code_state, environment_lock
from mlops_ext.models.types import EnvironmentLock, Execution, GitState, Hardware, MaskedSecret
from mlops_ext.records import now
from mlops_ext.tracking import origin
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from mlops_ext.tracking.active import ActiveRun
    from mlops_ext.tracking.types import Run

__all__ = ["Provenance", "provenance"]


class Provenance(TypedDict):
    """The fields of `Register` that tell where a version comes from."""

    notebook: str | None
    git: GitState | None
    lock: EnvironmentLock
    hardware: Hardware
    seconds: float | None
    seeds: dict[str, int | str]
    execution: Execution
    masked: tuple[MaskedSecret, ...]


def provenance(ws: Workspace, model: Any, run: ActiveRun, logged: Run, parameters: Mapping[str, str]) -> Provenance:
    """Gather where a version comes from; notebook and diff are stored without their secrets, which is said.

    Parameters
    ----------
    model : object
        The estimator, which may hold seeds.
    run : ActiveRun
        The run that this process logs to, and `logged` its record.
    parameters : mapping
        Of the version, each as JSON text.
    """
    code = code_state(Path.cwd())
    execution, notebook, found = _executed(ws, logged, None if origin.shell() else of_script(code))
    found = (*found, *(code.masked if code else ()))
    if found:
        sys.stderr.write(f"mlops: {said(found)}\n")
    diff = ws.put_blob(code.diff.encode()) if code and code.diff else None
    return Provenance(
        notebook=notebook,
        git=GitState(commit=code.commit, branch=code.branch, dirty=code.dirty, diff=diff) if code else None,
        lock=environment_lock(),
        hardware=hardware(),
        seconds=None if run.lazy else max(0.0, (now() - logged.started_at).total_seconds()),
        seeds=seeds_of(model, parameters),
        execution=execution,
        masked=found,
    )


def _executed(
    ws: Workspace, logged: Run, script: Execution | None
) -> tuple[Execution, str | None, tuple[MaskedSecret, ...]]:
    """Give how the code ran, and the cells of this kernel in the order they ran as a notebook without secrets."""
    if script is not None:
        return script, logged.source, ()
    matched, cells, path = captured()
    execution = execution_of(matched, cells, path)
    if origin.is_batch() and logged.source is not None:
        # A job's notebook is stored already, as it was before the run, without its secrets.
        return execution, logged.source, masks_in(ws.get_blob(logged.source).decode("utf-8-sig"))
    made = notebook_of(matched, execution, path.name if path else "")
    text, found = mask_notebook(json.dumps(made, ensure_ascii=False, indent=1) + "\n")
    return execution, ws.put_blob(text.encode()), found
