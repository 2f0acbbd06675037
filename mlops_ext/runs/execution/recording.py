"""Recording: one execution of a notebook as one tracked run, from its first cell to its executed notebook."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbformat.v4 import new_notebook

from mlops_ext.datasets.again import FirstTime
from mlops_ext.datasets.used import LOCKED, NOTES, PINS
from mlops_ext.errors import InvalidValue, MlopsError
from mlops_ext.runs.execution.cells import Outcome, execute
from mlops_ext.runs.execution.control import Control
from mlops_ext.runs.execution.links import new_notes, record_links
from mlops_ext.runs.execution.made import Stamps, keep, keep_logs, stamps
from mlops_ext.runs.execution.memory import Memory
from mlops_ext.runs.execution.states import INJECTED, NotebookStates, is_injected
from mlops_ext.runs.execution.streams import Streams
from mlops_ext.runs.kernels.forks import Warm
from mlops_ext.runs.notebooks.conversion import jsonable
from mlops_ext.runs.notebooks.files import read_notebook
from mlops_ext.runs.notebooks.parameters import TAG, parameters_of
from mlops_ext.runs.notebooks.secrecy import mask_notebook, mask_parameters, mask_text, secrets_of
from mlops_ext.tracking import origin
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import FinishRun, LogRun, ShowRun, StartRun
from mlops_ext.tracking.values import to_json
from mlops_ext.workspace import REPRODUCES, Workspace

__all__ = ["RUN_VARIABLE", "Plan", "record"]

RUN_VARIABLE = "MLOPS_RUN"
_IN_KERNEL = "JPY_PARENT_PID"
_BEAT_SECONDS = 30.0
log = logging.getLogger("mlops_ext.runs")


@dataclass
class Plan:
    """What is known of an execution before it begins, and its outcome afterwards.

    Attributes
    ----------
    notebook : str
        Path of the source, as it is shown.
    source : bytes
        The source as it was before the run; empty when it cannot be read.
    digest : str
        The blob that holds these bytes already; empty when none is known.
    output : str
        Path or address for the executed notebook; empty to keep it in the workspace only.
    parameters : dict
        The values that were given, as JSON.
    folder : Path
        Where the notebook works.
    helpers : Path
        Where its own modules lie, when it works elsewhere.
    collects : bool
        Whether the files that it makes in its folder are kept as artifacts.
    logs : Path
        A folder for what cells print beyond what the notebook holds; kept as artifacts too.
    pins : mapping of str to int
        The version that loading by a bare name gives: of a dataset, and of a model as `model:NAME`.
    locked : bool
        Whether loading by another bare name is refused.
    hidden : mapping
        Values that were declared to be secret; those that are no parameters stand in the kernel's environment.
    first : FirstTime or None
        The run that this one repeats, so that nothing is registered.
    memory : Memory
        The limit of the kernel, and evidence when it dies.
    warm : Warm or None
        Where its kernel may be forked.
    """

    workspace: Workspace
    notebook: str
    source: bytes
    output: str
    parameters: dict[str, Any]
    experiment: str = "default"
    job: str = ""
    digest: str = ""
    folder: Path | None = None
    helpers: Path | None = None
    collects: bool = False
    logs: Path | None = None
    pins: Mapping[str, int] = field(default_factory=dict)
    warm: Warm | None = None
    locked: bool = False
    hidden: Mapping[str, Any] = field(default_factory=dict)
    first: FirstTime | None = None
    control: Control = field(default_factory=Control)
    memory: Memory = field(default_factory=lambda: Memory("", ""))
    outcome: Outcome | None = None

    @classmethod
    def of_command(cls, nb: Any, output: str | None, source: str | None) -> Plan:
        """Make the plan of a run that papermill's own command started."""
        path = Path(source or nb.metadata.papermill.get("input_path") or "-")
        data = path.read_bytes() if path.is_file() else b""
        asked = {name: jsonable(value) for name, value in nb.metadata.papermill.get("parameters", {}).items()}
        return cls(Workspace.find(), path.name, data, output or "", asked)

    @property
    def secrets(self) -> dict[str, Any]:
        """The values that no copy may show."""
        return {**secrets_of(self.parameters, self.hidden), **self.hidden}


def record(plan: Plan, nb: Any, kernel_name: str, language: str, options: Mapping[str, Any]) -> Any:
    """Execute a notebook as a tracked run.

    Parameters
    ----------
    options : mapping
        papermill's options for an engine.

    Returns
    -------
    NotebookNode
        The executed notebook; for a job, whose notebook is written, an empty one. `plan.outcome` says how it ended.
    """
    managing = {
        name: options[name] for name in ("progress_bar", "log_output", "autosave_cell_every") if name in options
    }
    running = {name: value for name, value in options.items() if name not in ("progress_bar", "autosave_cell_every")}
    run = _start(plan)
    plan.control.run = run
    _prepare(nb, plan)
    states = NotebookStates(nb, plan.secrets, Streams(plan.logs), output_path=plan.output or None, **managing)
    environment = _environment(plan, run)
    count_injected = INJECTED.encode() in plan.source and _has_injected(plan)
    before = _files(plan)
    environment[NOTES] = str(notes := new_notes())
    states.notebook_start()
    with _alive(plan.workspace, run):
        outcome = execute(
            states,
            plan.control,
            kernel_name,
            language,
            environment,
            running,
            count_injected=count_injected,
            warm=plan.warm,
            memory=plan.memory,
        )
    record_links(plan.workspace, run, notes)
    if plan.collects and plan.folder is not None:
        states.warnings += keep(plan.workspace, run, plan.folder, before, _files(plan), plan.secrets)
    if plan.logs is not None:
        keep_logs(plan.workspace, run, plan.logs, lambda text: mask_text(text, plan.secrets))
    plan.outcome = _finish(plan, run, states, outcome, count_injected)
    if outcome.raised is not None and not plan.job:
        raise outcome.raised
    # papermill would serialize it once more, and write nothing.
    return new_notebook() if plan.job else states.nb  # type: ignore[no-untyped-call]


def _environment(plan: Plan, run: str) -> dict[str, str]:
    """Give the kernel's environment: the run to log to, the workspace, and where the notebook's modules lie."""
    environment = {**os.environ, RUN_VARIABLE: run, "MLOPS_WORKSPACE": str(plan.workspace.root)}
    environment |= {name: str(value) for name, value in plan.hidden.items() if name not in plan.parameters}
    if plan.pins:
        environment[PINS] = json.dumps(dict(plan.pins))
    if plan.first is not None:
        environment[REPRODUCES] = plan.first.to_json()
    if plan.locked:
        environment[LOCKED] = "1"
    if plan.helpers is not None:
        paths = [str(plan.helpers), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment["PYTHONPATH"] = os.pathsep.join(paths)
    return environment


def _files(plan: Plan) -> Stamps | None:
    if not plan.collects or plan.folder is None:
        return None
    return stamps(plan.folder, [Path(plan.output).parent, plan.workspace.root / plan.notebook])


@contextmanager
def _alive(ws: Workspace, run: str) -> Iterator[None]:
    """Renew the run's lease until the block ends."""
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(_BEAT_SECONDS):
            try:
                ws.call(tracking.log, LogRun(run=run))
            except MlopsError as trouble:
                log.warning("the lease of run %s was not renewed: %s", run, trouble)

    thread = threading.Thread(target=renew, name="mlops-run", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _start(plan: Plan) -> str:
    """Start the run, or take the one that the environment names, and log the parameters."""
    ws = plan.workspace
    named = os.environ.get(RUN_VARIABLE, "")
    inside = _IN_KERNEL in os.environ
    if named and not inside:
        run = ws.call(tracking.show, ShowRun(run=named)).id
    else:
        request = StartRun(
            experiment=plan.experiment or "default",
            notebook=plan.notebook,
            source=_kept_source(plan) if plan.source else None,
            parent=named,
            job=plan.job,
            git_commit=origin.git_commit(plan.folder or Path.cwd()),
        )
        run = ws.call(tracking.start, request).id
    logged = {name: to_json(value) for name, value in mask_parameters(_effective(plan), plan.hidden).items()}
    ws.call(tracking.log, LogRun(run=run, parameters=logged))
    return run


def _kept_source(plan: Plan) -> str:
    """Keep the source as it is shown with the run, without secrets; the job alone holds the bytes that run."""
    text, found = mask_notebook(plan.source.decode("utf-8-sig"), {})
    if not found and plan.digest:
        return plan.digest
    return plan.workspace.put_blob(text.encode() if found else plan.source)


def _effective(plan: Plan) -> dict[str, Any]:
    """Give the values that the cells see: the literal defaults, and over them what was given."""
    values: dict[str, Any] = {}
    if plan.source:
        try:
            declared = parameters_of(read_notebook(plan.source, plan.notebook), plan.notebook)
        except InvalidValue:
            declared = ()
        known = (each for each in declared if each.value is not None or each.default == "None")
        values = {each.name: each.value for each in known}
    return {**values, **plan.parameters}


def _prepare(nb: Any, plan: Plan) -> None:
    """Put the injected cell behind the last one that declares, and what is shown of the run into the metadata."""
    nb.metadata.papermill["parameters"] = mask_parameters(plan.parameters, plan.hidden)
    nb.metadata.papermill["input_path"] = plan.notebook
    nb.metadata.papermill["output_path"] = plan.output
    nb.metadata["mlops"] = {"run": plan.control.run}
    injected = [cell for cell in nb.cells if is_injected(cell)]
    tagged = [place for place, cell in enumerate(nb.cells) if TAG in cell.metadata.get("tags", [])]
    if len(injected) == 1 and tagged and nb.cells.index(injected[0]) < tagged[-1]:
        last = nb.cells[tagged[-1]]
        nb.cells = [cell for cell in nb.cells if cell is not injected[0]]
        nb.cells.insert(next(i for i, cell in enumerate(nb.cells) if cell is last) + 1, injected[0])


def _has_injected(plan: Plan) -> bool:
    cells = json.loads(plan.source)["cells"] if b'"cells"' in plan.source else []
    return any(INJECTED in (cell.get("metadata", {}).get("tags") or ()) for cell in cells)


def _finish(plan: Plan, run: str, states: NotebookStates, outcome: Outcome, count_injected: bool) -> Outcome:
    """Write the executed notebook and end the run as what happened."""
    ws, error, status = plan.workspace, mask_text(outcome.error, plan.secrets), outcome.status
    if outcome.fault is not None:
        fault = outcome.fault.model_dump(mode="json")
        masked = {name: mask_text(value, plan.secrets) for name, value in fault.items() if isinstance(value, str)}
        states.nb.metadata["mlops"]["error"] = fault | masked
    states.close()
    if states.warnings:
        ws.call(tracking.log, LogRun(run=run, tags={"warning": "; ".join(states.warnings)}))
    try:
        states.notebook_complete()
    except OSError as trouble:
        status = "failed" if status == "succeeded" else status
        error = "; ".join(filter(None, (error, f"could not write {plan.output}: {trouble.strerror}")))
    request = FinishRun(
        run=run,
        status=status,
        error=error,
        output=ws.put_blob(states.completed.encode()),
        cells=states.states(count_injected),
    )
    ws.call(tracking.finish, request)
    return Outcome(status, error, outcome.raised)
