"""The gate `clean_run`: the version comes from code that can be run again as it stands."""

from __future__ import annotations

from mlops_ext.models.promotion.gates import GateContext, gate
from mlops_ext.models.promotion.types import GateResult
from mlops_ext.workspace import Workspace

__all__ = ["clean_run"]

_BOUND = "a whole run"


@gate()
def clean_run(ws: Workspace, context: GateContext) -> GateResult:  # noqa: ARG001
    """Pass when a whole run of a notebook made the version, or a script that was committed, with nothing changed.

    A whole run is a job, a papermill run, or a kernel in which every cell of the notebook file ran once,
    in order and unedited since, up to the one that registers. `mlops rerun` makes one of an interactive version.
    """
    version, execution = context.version, context.version.execution
    if execution is None:
        message = f"how {version.ref} was made is not known; run its notebook as a job, which registers it again"
        return GateResult(gate="clean_run", passed=False, value="unknown", bound=_BOUND, message=message)
    if execution.repeatable:
        told = "a whole run of its notebook" if execution.kind == "clean" else "a committed script"
        return GateResult(
            gate="clean_run",
            passed=True,
            value=execution.kind,
            bound=_BOUND,
            message=f"{version.ref} comes from {told}",
        )
    reasons = "; ".join(execution.reasons)
    if execution.kind == "script":
        message = f"{version.ref} was registered by a script: {reasons}; commit it, then run it again"
        return GateResult(gate="clean_run", passed=False, value="script", bound="a committed script", message=message)
    remedy = f"mlops rerun {version.ref}"
    message = (
        f"{version.ref} was registered from cells run by hand: {reasons}; this makes a whole run of them: {remedy}"
    )
    return GateResult(
        gate="clean_run", passed=False, value=execution.kind, bound=f"{_BOUND}, as {remedy} makes", message=message
    )
