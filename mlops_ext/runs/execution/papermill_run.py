"""One job given to papermill: its stored bytes, its converted parameters, our engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import papermill
from papermill.engines import papermill_engines
from papermill.exceptions import PapermillException
from papermill.translators import PythonTranslator, papermill_translators

from mlops_ext.errors import InvalidValue, MlopsError
from mlops_ext.runs.execution.control import Control
from mlops_ext.runs.execution.engine import MlopsEngine
from mlops_ext.runs.execution.live import Live
from mlops_ext.runs.execution.memory import Memory
from mlops_ext.runs.execution.recording import Plan
from mlops_ext.runs.first_run import first_time_of
from mlops_ext.runs.kernels.forks import Warm
from mlops_ext.runs.notebooks import formats
from mlops_ext.runs.notebooks.conversion import check, jsonable
from mlops_ext.runs.notebooks.files import read_notebook
from mlops_ext.runs.notebooks.parameters import source_of
from mlops_ext.runs.queue.recovery import job_status
from mlops_ext.runs.types import Job, JobStatus
from mlops_ext.workspace import Workspace

__all__ = ["Rejected", "execute"]


class Rejected(MlopsError):
    """The job cannot be run as it is."""

    code = "rejected"
    exit_code = 2


class _ExactPython(PythonTranslator):  # type: ignore[misc]
    """papermill writes dates, tuples and sets as text; this writes every value as itself."""

    @classmethod
    def codify(cls, parameters: dict[str, Any], comment: str = "Parameters") -> str:
        lines = [f"{name} = {source_of(value)}" for name, value in parameters.items()]
        return "\n".join([cls.comment(comment), *lines]) + "\n"


def execute(
    ws: Workspace, job: Job, folder: Path, given: dict[str, Any], control: Control, warm: Warm | None = None
) -> tuple[JobStatus, str]:
    """Execute a job's notebook.

    Parameters
    ----------
    folder : Path
        The attempt's own folder.
    given : dict
        The parameters with their secrets, and the secrets that are no parameters.
    warm : Warm, optional
        Where the kernel may be forked.

    Returns
    -------
    tuple of str
        The job's status and its error, empty when there is none.

    Raises
    ------
    Rejected
        The stored notebook cannot be read, or the parameters do not fit it; nothing was started.
    """
    papermill_engines.register("mlops", MlopsEngine)
    papermill_translators.register("python", _ExactPython)
    data = ws.get_blob(job.source)
    source = folder / "source.ipynb"
    try:
        values = check(read_notebook(data, job.notebook), job.notebook, {name: given[name] for name in job.parameters})
        source.write_text(formats.current(data), encoding="utf-8")
    except (InvalidValue, nbformat.ValidationError, nbformat.reader.NotJSONError, KeyError, AttributeError) as error:
        raise Rejected(f"{job.notebook} cannot be run: {error}") from error
    working = _working_folder(ws, job, folder)
    helpers = (ws.root / job.notebook).parent
    plan = Plan(
        ws,
        job.notebook,
        data,
        str(ws.root / job.output),
        {name: jsonable(value) for name, value in values.items()},
        experiment=job.experiment,
        job=job.id,
        digest=job.source,
        folder=working,
        helpers=helpers if job.isolated else None,
        collects=True,
        logs=folder / "printed",
        pins=job.pins,
        hidden={name: given[name] for name in job.secrets},
        locked=job.locked,
        first=first_time_of(ws, job.reproduces) if job.reproduces else None,
        warm=warm and replace(warm, folders=(str(working), str(helpers))),
        control=control,
        memory=Memory(job.memory, folder.name),
    )
    control.live = Live(plan.secrets)
    _papermill(plan, source, values, job)
    if plan.outcome is None:
        return "failed", "the execution did not begin"
    return job_status(plan.outcome.status), plan.outcome.error


def _working_folder(ws: Workspace, job: Job, attempt: Path) -> Path:
    """Give the folder that was asked for, a new one, the notebook's, or the attempt's own when that is gone."""
    if job.isolated:
        new = attempt / "work"
        new.mkdir(exist_ok=True)
        return new
    wanted = ws.root / job.folder if job.folder else (ws.root / job.notebook).parent
    if wanted.is_dir():
        return wanted
    if job.folder:
        raise Rejected(f"the working folder {job.folder!r} is gone", hint="Make it again, or leave it out")
    return attempt


def _papermill(plan: Plan, source: Path, values: dict[str, Any], job: Job) -> None:
    try:
        papermill.execute_notebook(
            # papermill formats paths with the parameters, so a brace must be written twice.
            str(source).replace("{", "{{").replace("}", "}}"),
            # The engine writes the output itself, atomically.
            None,
            parameters=values,
            engine_name="mlops",
            kernel_name=job.kernel or None,
            execution_timeout=job.cell_timeout_seconds,
            progress_bar=False,
            cwd=str(plan.folder),
            mlops_plan=plan,
        )
    except PapermillException as error:
        raise Rejected(str(error)) from error
