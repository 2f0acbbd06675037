"""Executing cells: one kernel, one cell after the other, each with its true end."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_client.kernelspec import NoSuchKernel
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat.v4 import output_from_msg
from papermill.clientwrap import PapermillNotebookClient
from papermill.log import logger

from mlops_ext.runs.execution.control import Control
from mlops_ext.runs.execution.faults import fault_of, said
from mlops_ext.runs.execution.memory import Memory
from mlops_ext.runs.execution.states import NotebookStates, is_injected
from mlops_ext.runs.kernels.forks import Warm
from mlops_ext.runs.kernels.specs import Kernels, new_kernel_manager, remove_sockets
from mlops_ext.runs.types import RunFault
from mlops_ext.tracking.types import RunStatus

__all__ = ["Outcome", "execute"]

_SHOWN = {"stream": "stream", "error": "error", "execute_result": "result", "display_data": "result"}
_LISTEN_SECONDS = 60
_CLEAN_EXITS = ("", "0", "None")


@dataclass(frozen=True)
class Outcome:
    """How the cells of a notebook ended.

    Attributes
    ----------
    error : str
        One line: the cell, the line, what was raised.
    raised : Exception or None
        What papermill's caller is to see, beside the outputs of the notebook.
    fault : RunFault or None
        The same as data.
    """

    status: RunStatus = "succeeded"
    error: str = ""
    raised: BaseException | None = None
    fault: RunFault | None = None


class _Client(PapermillNotebookClient):  # type: ignore[misc]
    """papermill's client, stopping where it is told to and calling no cell completed that has not run."""

    def __init__(
        self, states: NotebookStates, control: Control, count_injected: bool, memory: Memory, **options: Any
    ) -> None:
        super().__init__(states, **options)
        self.memory = memory
        self.control = control
        self.count_injected = count_injected
        self.outcome = Outcome()

    def start_new_kernel(self, **options: Any) -> None:
        """Start the kernel and hold it to its memory."""
        super().start_new_kernel(**options)
        pid = getattr(self.km.provisioner, "pid", None)
        trouble = self.memory.hold(pid) if pid else ""
        self.nb_man.warnings += [trouble] if trouble else []

    def papermill_execute_cells(self) -> None:
        """Execute cells until one fails, the notebook exits, or somebody stops it."""
        self.control.total = sum(self._counts(cell) for cell in self.nb.cells)
        for place, cell in enumerate(self.nb.cells):
            if self.control.reason:
                break
            self.nb_man.streams.name(place, f"cell-{self.nb_man.number(place, self.count_injected)}")
            self.nb_man.cell_start(cell, place)
            try:
                self.execute_cell(cell, place)
            except CellExecutionError as error:
                self._failed(cell, place, error)
                break
            self.nb_man.cell_end(self.nb.cells[place], place, "ok")
            self.control.done += self._counts(cell)
        self.control.closing = True

    def _failed(self, cell: Any, place: int, error: CellExecutionError) -> None:
        if self.control.reason:
            self.nb_man.cell_end(cell, place, "interrupted")
        elif error.ename == "SystemExit" and error.evalue in _CLEAN_EXITS:
            self.nb_man.cell_end(cell, place, "ok")
        else:
            self.nb_man.cell_end(cell, place, "failed")
            fault = fault_of(self.nb_man.number(place, self.count_injected), error)
            self.outcome = Outcome("failed", said(fault) + self.memory.of_error(error.ename), fault=fault)

    def output(self, outs: list[Any], msg: dict[str, Any], display_id: str | None, cell_index: int) -> Any:
        """Take an output; what is printed goes through the streams, which are bounded."""
        self._pass_on(msg, cell_index)
        hooked = self.output_hook_stack[msg["parent_header"].get("msg_id")]
        if msg["msg_type"] != "stream" or hooked or self.clear_before_next_output:
            return super().output(outs, msg, display_id, cell_index)
        content = msg["content"]
        self.nb_man.streams.add(outs, content["name"], content["text"], cell_index)
        return output_from_msg(msg)  # type: ignore[no-untyped-call]

    def _pass_on(self, msg: dict[str, Any], place: int) -> None:
        """Let who follows the job see an output as text."""
        content = msg["content"]
        kind = _SHOWN.get(msg["msg_type"])
        if self.control.live is None or kind is None:
            return
        if kind == "error":
            text = "\n".join(content.get("traceback", ())) + "\n"
        elif kind == "result":
            text = str(content.get("data", {}).get("text/plain", "")) + "\n"
        else:
            kind, text = content["name"], content["text"]
        self.control.live.add(self.nb_man.number(place, self.count_injected), kind, text)

    def _counts(self, cell: Any) -> bool:
        return bool(cell.cell_type == "code" and (self.count_injected or not is_injected(cell)))

    def place(self, place: int) -> str:
        """Name a cell as its reader counts it."""
        number = self.nb_man.number(place, self.count_injected)
        return f"cell {number}" if number else "the injected parameters"


def execute(
    states: NotebookStates,
    control: Control,
    kernel_name: str,
    language: str,
    environment: Mapping[str, str],
    options: Mapping[str, Any],
    *,
    count_injected: bool = False,
    warm: Warm | None = None,
    memory: Memory | None = None,
) -> Outcome:
    """Execute all cells in a new kernel.

    Parameters
    ----------
    environment : mapping
        The kernel's environment.
    options : mapping
        papermill's options for an engine: start_timeout, execution_timeout, log_output, …
    warm : Warm, optional
        Where the kernel may be forked.
    memory : Memory, optional
        The kernel's limit; none when left out.
    """
    memory = memory or Memory("", "")
    specs = Kernels(language, warm)
    manager = new_kernel_manager(kernel_name, specs)
    # Its own option takes whole seconds only.
    seconds = options.get("execution_timeout") or options.get("timeout")
    given = {**options, "timeout_func": lambda _: seconds}
    # nbclient stops listening four seconds after a cell has ended, and what a busy machine brings later is lost.
    given["iopub_timeout"] = _LISTEN_SECONDS
    given["startup_timeout"] = options.get("start_timeout", 60)
    for name in ("timeout", "execution_timeout", "start_timeout"):
        given.pop(name, None)
    client = _Client(states, control, count_injected, memory, km=manager, kernel_name=kernel_name, log=logger, **given)
    client.owns_km = True
    control.attend(manager)
    try:
        client.execute(env=dict(environment))
    except (DeadKernelError, CellTimeoutError, NoSuchKernel, RuntimeError, KeyboardInterrupt) as error:
        return _broken(client, states, manager, error)
    finally:
        control.end()
        remove_sockets(manager)
        memory.release()
        states.warnings += specs.warnings
    if control.reason:
        return _stopped(control)
    return client.outcome


def _broken(client: _Client, states: NotebookStates, manager: Any, error: BaseException) -> Outcome:
    """Tell what it means that the execution did not come to its end."""
    place, stopped = states.running(), client.control.reason or isinstance(error, KeyboardInterrupt)
    at = "" if place is None else f"{client.place(place)}: "
    cell = 0 if place is None else states.number(place, client.count_injected)
    if place is not None:
        timed_out = isinstance(error, CellTimeoutError)
        states.cell_end(states.nb.cells[place], place, "interrupted" if stopped or timed_out else "failed")
    if client.control.reason:
        return _stopped(client.control, error)
    if isinstance(error, KeyboardInterrupt):
        return Outcome("cancelled", "interrupted", error)
    if isinstance(error, NoSuchKernel):
        return Outcome("failed", f"no kernel {error.name!r} is installed", error)
    if isinstance(error, CellTimeoutError):
        late = str(error).splitlines()[0]
        return Outcome("timed_out", f"{at}{late}", error, RunFault(cell=cell, type="CellTimeout", message=late))
    death = _death(manager, error, client.memory)
    return Outcome("kernel_died", f"{at}{death}", error, RunFault(cell=cell, type="KernelDied", message=death))


def _stopped(control: Control, raised: BaseException | None = None) -> Outcome:
    reasons: dict[str, Outcome] = {
        "cancelled": Outcome("cancelled", "cancelled", raised),
        "timed_out": Outcome("timed_out", "the job ran longer than its timeout", raised),
        "lost": Outcome("lost", "another worker took the job over", raised),
    }
    return reasons[control.reason]


def _death(manager: Any, error: BaseException, memory: Memory) -> str:
    process = getattr(getattr(manager, "provisioner", None), "process", None)
    code = process.poll() if process is not None else None
    if code is None:
        return f"the kernel died: {error}"
    if code < 0:
        proof = memory.evidence(process.pid) if process and code == -signal.SIGKILL else ""
        killed = f"the kernel was killed by signal {-code} ({signal.Signals(-code).name})"
        return f"{killed}: {proof}" if proof else killed
    return f"the kernel exited with code {code}"
