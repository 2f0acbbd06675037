"""Submitting: a notebook's bytes and checked parameters become a queued job."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import insert, select

from mlops_ext.errors import Conflict, NotFound
from mlops_ext.records import new_id
from mlops_ext.runs import reuse
from mlops_ext.runs.execution.memory import bytes_of
from mlops_ext.runs.kernels.names import check_kernel
from mlops_ext.runs.notebooks.conversion import check, jsonable
from mlops_ext.runs.notebooks.files import locate, locate_folder, locate_output, locate_stored, read_notebook, shown
from mlops_ext.runs.notebooks.parameters import parameters_of
from mlops_ext.runs.notebooks.secrecy import MASK, mask_parameters
from mlops_ext.runs.notebooks.syntax import check_syntax
from mlops_ext.runs.queue.leases import job_of
from mlops_ext.runs.tables import jobs
from mlops_ext.runs.types import OPTIONS, Job, SubmitJob
from mlops_ext.store.catalog import Change
from mlops_ext.store.filesystem import write_whole
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import ShowRun
from mlops_ext.workspace import Workspace

__all__ = ["Prepared", "enter", "insert_row", "prepare", "refuse_windows"]

_TOLD = ("notebook", "source", "parameters", "output", "experiment", "priority", "max_attempts", "options", "trigger")


@dataclass(frozen=True)
class Prepared:
    """All that was read and checked before the transaction."""

    request: SubmitJob
    id: str
    notebook: str
    output: str
    source: str
    parameters: Mapping[str, Any]
    cells: int
    options: Mapping[str, Any]
    reused: str = ""
    """Id of the earlier run that is given instead."""


def prepare(ws: Workspace, request: SubmitJob) -> Prepared:
    """Read the notebook, check the parameters, store the bytes: what runs is what is submitted now.

    Raises
    ------
    InvalidValue, NotFound
        The notebook, the output's path or a parameter is wrong; nothing is queued.
    """
    refuse_windows()
    stored = request.source
    path = locate_stored(request.notebook, ws.root) if stored else locate(request.notebook, ws.root, ws.served)
    data = ws.get_blob(stored) if stored else path.read_bytes()
    notebook = read_notebook(data, path.name)
    values = {name: jsonable(each) for name, each in check(notebook, path.name, request.parameters).items()}
    declared = {each.name for each in parameters_of(notebook, path.name)}
    # Their values come to the attempt by another way.
    values |= dict.fromkeys(declared.intersection(request.secrets) - set(values), MASK)
    check_kernel(request.kernel)
    check_syntax(notebook, path.name, request.kernel)
    memory = request.memory or ws.settings.runs.memory
    bytes_of(memory)
    folder = locate_folder(request.folder, ws.root, ws.served) if request.folder else None
    job = new_id()
    chosen = f"runs/{path.stem}-{job}.ipynb"
    output = locate_output(request.output or chosen, path, ws.root, ws.served if request.output else None)
    place = {"folder": "" if folder is None else shown(folder, ws.root), "memory": memory}
    options = request.model_dump(mode="json", include=set(OPTIONS)) | place
    prepared = Prepared(
        request,
        job,
        shown(path, ws.root),
        shown(output, ws.root),
        ws.put_blob(data),
        mask_parameters(values, request.secrets),
        len(notebook.code),
        options,
    )
    return _reusing(ws, prepared) if request.cache else prepared


def _reusing(ws: Workspace, prepared: Prepared) -> Prepared:
    """Look for an earlier run of the same; its executed notebook goes where this job's would have gone."""
    asked = prepared.request.model_copy(update={"folder": prepared.options["folder"]})
    key = reuse.key_of_job(ws, prepared.notebook, prepared.source, prepared.parameters, asked)
    found = reuse.find_result(ws, key, prepared.request.pins)
    if found is None:
        return prepared
    try:
        executed = ws.call(tracking.show, ShowRun(run=found.run)).output
        data = ws.get_blob(executed) if executed else b""
    except NotFound:
        return prepared
    path = ws.root / prepared.output
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, data)
    options = {**prepared.options, "reused": found.run}
    return replace(prepared, options=options, reused=found.run)


def enter(change: Change, prepared: Prepared) -> Job:
    """Write the job and its event, inside a transaction."""
    job = insert_row(change, prepared)
    row = change.execute(select(jobs).where(jobs.c.id == job)).one()
    told = {name: getattr(row, name) for name in _TOLD}
    trigger = prepared.request.trigger
    inputs = [trigger] * bool(trigger) + [f"run:{prepared.reused}"] * bool(prepared.reused)
    change.event("job.submitted", f"job:{job}", {**told, "inputs": inputs})
    return job_of(row)


def insert_row(change: Change, prepared: Prepared) -> str:
    """Write the job without an event of its own, for who tells of several in one; give its id."""
    request = prepared.request
    row = {
        "id": prepared.id,
        "notebook": prepared.notebook,
        "parameters": dict(prepared.parameters),
        "output": prepared.output,
        "experiment": request.experiment,
        "status": "queued",
        "error": "",
        "attempt": 0,
        "max_attempts": request.max_attempts,
        "priority": request.priority,
        "timeout_seconds": request.timeout_seconds,
        "source": prepared.source,
        "trigger": request.trigger,
        "options": dict(prepared.options),
        "run": "",
        "cells_done": 0,
        "cells_total": prepared.cells,
        "created_at": change.now,
        "created_by": change.actor,
        "fence": 0,
        "host": "",
    }
    if prepared.reused:
        row |= {"status": "succeeded", "run": prepared.reused, "cells_done": prepared.cells}
        row |= {"started_at": change.now, "ended_at": change.now}
    change.execute(insert(jobs).values(**row))
    change.name_blobs(f"job:{prepared.id}", [prepared.source])
    return prepared.id


def refuse_windows() -> None:
    """Say that jobs need Linux or macOS."""
    if os.name == "nt":
        raise Conflict("jobs do not run on Windows", hint="Use WSL, or submit to a worker on Linux or macOS")
