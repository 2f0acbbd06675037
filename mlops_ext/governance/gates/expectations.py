"""The gate `expectations`: the data that a version was made of met what it is held to."""

from __future__ import annotations

from mlops_ext.datasets import service as datasets
from mlops_ext.datasets.types import ShowDataset
from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.governance.gates.options import choice
from mlops_ext.models.promotion.gates import GateContext, gate
from mlops_ext.models.promotion.types import GateResult
from mlops_ext.workspace import Workspace

__all__ = ["expectations"]


@gate("datasets", "unchecked")
def expectations(ws: Workspace, context: GateContext) -> GateResult:
    """Pass when every dataset version among the inputs met the expectations of its dataset.

    Options: `datasets`, names that are asked about instead of all; `unchecked`, what a version is that
    was not checked against the present expectations: `refuse` (the default) or `pass`.
    """
    names = context.options.get("datasets")
    if names is not None and not (isinstance(names, list | tuple) and all(isinstance(each, str) for each in names)):
        raise InvalidValue(f"datasets = {names!r}", hint='Write datasets = ["flights"]')
    lenient = choice(context.options, "unchecked", ("refuse", "pass")) == "pass"
    given = [ref.removeprefix("dataset:") for ref in context.version.inputs if ref.startswith("dataset:")]
    asked = [ref for ref in given if names is None or ref.partition("@")[0] in names]
    missing = sorted(set(names or ()) - {ref.partition("@")[0] for ref in given})
    if not asked or missing:
        said = f"no version of {', '.join(missing)}" if missing else "no dataset"
        message = f"{said} is among the inputs of {context.version.ref}; register it with inputs="
        return GateResult(gate="expectations", passed=False, value="no data", bound="all passed", message=message)
    problems = [said for ref in asked if (said := _problem(ws, ref, lenient=lenient))]
    value = f"{len(asked) - len(problems)} of {len(asked)} passed"
    message = "; ".join(problems) or f"{', '.join(asked)} met the expectations"
    return GateResult(gate="expectations", passed=not problems, value=value, bound="all passed", message=message)


def _problem(ws: Workspace, ref: str, *, lenient: bool) -> str:
    try:
        version = ws.call(datasets.show, ShowDataset(dataset=ref))
    except NotFound as error:
        return f"{ref}: {error.message}"
    if version.checked == "failed":
        return f"{version.ref} failed its expectations (see: mlops datasets check {version.ref})"
    if not version.checked and not lenient:
        return f"{version.ref} was not checked (run: mlops datasets check {version.ref})"
    return ""
