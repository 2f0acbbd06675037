"""How a run ended, in one record for programs: what `mlops run --json` writes."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from mlops_ext.errors import Cancelled, InvalidValue, KernelDied, MlopsError, RunFailed, TimedOut
from mlops_ext.runs.types import Job, RunFault, RunResult
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import Run, ShowRun
from mlops_ext.workspace import Workspace

__all__ = ["ENDS", "exit_code", "result_of"]

_WARNING = re.compile(r"^(?:.*:\d+: )?(\w*Warning): ", re.MULTILINE)

ENDS: dict[str, type[MlopsError]] = {
    "failed": RunFailed,
    "lost": KernelDied,
    "kernel_died": KernelDied,
    "timed_out": TimedOut,
    "cancelled": Cancelled,
    "invalid": InvalidValue,
    "rejected": InvalidValue,
}
"""What each end but success means; the class carries the exit code."""


def exit_code(status: str) -> int:
    """Give the exit code of a run or job that ended so.

    Examples
    --------
    >>> exit_code("succeeded"), exit_code("failed"), exit_code("kernel_died")
    (0, 1, 3)
    """
    return ENDS[status].exit_code if status in ENDS else 0


def result_of(ws: Workspace, job: Job) -> RunResult:
    """Tell how a job ended.

    Parameters
    ----------
    job : Job
        One that has ended.
    """
    run = ws.call(tracking.show, ShowRun(run=job.run)) if job.run else None
    executed = _executed(ws, run)
    about = executed.get("metadata", {}).get("mlops", {})
    told = about if isinstance(about, dict) else {}
    return RunResult(
        status=job.status,
        exit_code=exit_code(job.status),
        error=_fault(job, told),
        cells=run.cells if run else (),
        output=job.output if run else "",
        run=job.run,
        job=job.id,
        parameters=job.parameters,
        metrics=run.metrics if run else {},
        models=tuple(ref for ref in run.outputs if ref.startswith("model:")) if run else (),
        reused=bool(job.reused),
        artifacts=tuple(each.path for each in run.artifacts) if run else (),
        warnings=(*told.get("warnings", ()), *_warned(executed)),
    )


def _executed(ws: Workspace, run: Run | None) -> dict[str, Any]:
    """Read the executed notebook, whose metadata say how its run went."""
    found = {} if run is None or run.output is None else json.loads(ws.get_blob(run.output))
    return found if isinstance(found, dict) else {}


def _warned(executed: dict[str, Any]) -> Iterator[str]:
    """Count the warnings that cells wrote to stderr, by their class; the code cells are counted from 1."""
    code = [each for each in executed.get("cells", ()) if each.get("cell_type") == "code"]
    source = [each for each in code if "injected-parameters" not in each.get("metadata", {}).get("tags", ())]
    for number, cell in enumerate(source, 1):
        written = [each for each in cell.get("outputs", ()) if each.get("name") == "stderr"]
        text = "\n".join("".join(each.get("text", "")) for each in written)
        counts = Counter(match[1] for match in _WARNING.finditer(text))
        if counts:
            kinds = ", ".join(f"{kind} ({count})" if count > 1 else kind for kind, count in counts.most_common())
            total = sum(counts.values())
            yield f"cell {number} wrote {total} warning{'s' * (total > 1)} to stderr: {kinds}"


def _fault(job: Job, told: dict[str, Any]) -> RunFault | None:
    if job.status == "succeeded":
        return None
    if "error" in told:
        return RunFault.model_validate(told["error"])
    return RunFault(cell=0, type=job.status, message=job.error)
