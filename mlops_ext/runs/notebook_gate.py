"""The gate `notebook`: a notebook of the user's own decides, run through papermill as any job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlops_ext.errors import InvalidValue
from mlops_ext.models.promotion.gates import GateContext, gate
from mlops_ext.models.promotion.types import GateResult
from mlops_ext.runs.edge import run
from mlops_ext.runs.notebooks.files import locate, read_notebook
from mlops_ext.runs.notebooks.parameters import parameters_of
from mlops_ext.tracking.types import Run
from mlops_ext.workspace import Workspace

__all__ = ["notebook"]


@gate("notebook", "parameters", "metric", "minimum", "maximum", "timeout", heavy=True)
def notebook(ws: Workspace, context: GateContext) -> GateResult:
    """Pass when a notebook runs to its end and, with `metric`, logs it within `minimum` and `maximum`.

    Of `model`, `champion` and `environment` it is handed what its tagged cell declares, as references,
    and the option `parameters` on top. `timeout` is in seconds.
    """
    name, given = context.options.get("notebook"), context.options.get("parameters", {})
    if not isinstance(name, str) or not isinstance(given, Mapping):
        raise InvalidValue(f"notebook = {name!r}", hint='Write notebook = "check.ipynb", parameters = { rows = 100 }')
    path = locate(name, ws.root)
    declared = {each.name for each in parameters_of(read_notebook(path.read_bytes(), name), name)}
    about = {
        "model": context.version.ref,
        "champion": "" if context.champion is None else context.champion.ref,
        "environment": context.environment,
    }
    handed = {key: value for key, value in about.items() if key in declared} | dict(given)
    found = run(path, parameters=handed, experiment="gates", timeout=context.options.get("timeout"), workspace=ws)
    if not isinstance(found, Run):
        raise InvalidValue(f"{name} left no run", hint="Look at the job")
    if found.status != "succeeded":
        message = f"{name} {found.status}: {found.error or 'see the run'} (run:{found.id})"
        return GateResult(gate="notebook", passed=False, value=found.status, bound="succeeded", message=message)
    return _judged(name, found, context.options)


def _judged(name: str, found: Run, options: Mapping[str, Any]) -> GateResult:
    """Compare the metric that policy names with its bounds."""
    metric = options.get("metric")
    if metric is None:
        return GateResult(
            gate="notebook", passed=True, value="succeeded", bound="succeeded", message=f"{name} ran (run:{found.id})"
        )
    limits = {key: options[key] for key in ("minimum", "maximum") if key in options}
    if not limits or not all(isinstance(each, int | float) for each in limits.values()):
        raise InvalidValue(f"metric = {metric!r} without bounds", hint="Write minimum = 0.6")
    bound = " and ".join(f"{'at least' if key == 'minimum' else 'at most'} {each:g}" for key, each in limits.items())
    if metric not in found.metrics:
        message = f"{name} logged no {metric!r} (run:{found.id})"
        return GateResult(gate="notebook", passed=False, value="missing", bound=bound, message=message)
    value = found.metrics[metric]
    passed = limits.get("minimum", value) <= value <= limits.get("maximum", value)
    message = f"{metric} is {value:.6g} (run:{found.id})"
    return GateResult(gate="notebook", passed=passed, value=value, bound=bound, message=message)
