"""Gates that look at what is recorded: metrics, signature, lineage, age, order and times."""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta, timezone

from mlops_ext.errors import InvalidValue
from mlops_ext.governance.compatibility import misfits
from mlops_ext.governance.gates.options import number, text
from mlops_ext.models import service as registry
from mlops_ext.models.promotion.gates import GateContext, gate
from mlops_ext.models.promotion.types import GateResult, ListDeployments
from mlops_ext.models.types import NoRequest
from mlops_ext.operations import every
from mlops_ext.records import now
from mlops_ext.workspace import Workspace

__all__ = ["in_order", "lineage", "max_age", "metric", "schema", "signature", "time_split"]

_PARTS = ("run", "inputs", "git", "lock")


@gate("metric", "minimum", "maximum")
def metric(ws: Workspace, context: GateContext) -> GateResult:  # noqa: ARG001
    """Pass when a metric of the version is at least `minimum` and at most `maximum`."""
    name = text(context.options, "metric")
    minimum, maximum = number(context.options, "minimum"), number(context.options, "maximum")
    if minimum is None and maximum is None:
        raise InvalidValue("neither minimum nor maximum is given", hint="Write minimum = 0.6")
    bound = " and ".join(
        f"{sign} {limit:g}" for sign, limit in (("at least", minimum), ("at most", maximum)) if limit is not None
    )
    if name not in context.version.metrics:
        known = ", ".join(sorted(context.version.metrics)) or "none"
        message = f"{context.version.ref} has no metric {name!r} (it has: {known})"
        return GateResult(gate="metric", passed=False, value="missing", bound=bound, message=message, about=name)
    value = context.version.metrics[name]
    if not math.isfinite(value):
        message = f"{name} is {value}: not a number that could be compared"
        return GateResult(gate="metric", passed=False, value=value, bound=bound, message=message, about=name)
    passed = (minimum is None or value >= minimum) and (maximum is None or value <= maximum)
    message = f"{name} is {value:.6g}, {'as asked' if passed else 'not'} {bound}"
    return GateResult(gate="metric", passed=passed, value=value, bound=bound, message=message, about=name)


@gate()
def schema(ws: Workspace, context: GateContext) -> GateResult:  # noqa: ARG001
    """Pass when callers of the serving version can call this one with what they send."""
    version, champion = context.version, context.champion
    if not version.signature.inputs:
        message = f"{version.ref} has no signature; register it with example="
        return GateResult(gate="schema", passed=False, value="no signature", bound="a signature", message=message)
    if champion is None or not champion.signature.inputs:
        lacking = "serves nothing yet" if champion is None else f"serves {champion.ref}, which has no signature"
        return GateResult(gate="schema", passed=True, message=f"{context.environment} {lacking}: nothing to fit")
    found = misfits(version.signature, champion.signature)
    if found:
        message = f"callers of {champion.ref} cannot call it: {'; '.join(found)}"
        return GateResult(
            gate="schema", passed=False, value=f"{len(found)} misfits", bound=f"fits {champion.ref}", message=message
        )
    return GateResult(
        gate="schema", passed=True, bound=f"fits {champion.ref}", message=f"takes what {champion.ref} takes"
    )


@gate("require")
def lineage(ws: Workspace, context: GateContext) -> GateResult:  # noqa: ARG001
    """Pass when it is known what the version was made of: run, inputs, git state and environment lock."""
    required = context.options.get("require", _PARTS)
    if not isinstance(required, list | tuple) or not set(required) <= set(_PARTS):
        raise InvalidValue(f"require = {required!r}", hint=f"Write a list of {', '.join(_PARTS)}")
    missing = [part for part in required if not getattr(context.version, part)]
    message = f"unknown: {', '.join(missing)}" if missing else f"known: {', '.join(required)}"
    return GateResult(
        gate="lineage",
        passed=not missing,
        value=f"{len(required) - len(missing)} of {len(required)} known",
        bound=f"{len(required)} of {len(required)} known",
        message=message,
    )


@gate()
def in_order(ws: Workspace, context: GateContext) -> GateResult:
    """Pass when the version has served the environment before this one."""
    environments = ws.call(registry.show_policy, NoRequest()).policy.environments
    place = environments.index(context.environment) if context.environment in environments else 0
    if place == 0:
        return GateResult(gate="in_order", passed=True, message=f"{context.environment} comes first")
    former = environments[place - 1]
    history = every(ws, registry.deployments, ListDeployments(model=context.version.name, environment=former))
    passed = any(entry.version == context.version.version for entry in history)
    message = f"{context.version.ref} has {'' if passed else 'never '}served {former}"
    bound = f"served {former}"
    return GateResult(
        gate="in_order",
        passed=passed,
        value=bound if passed else f"never served {former}",
        bound=bound,
        message=message,
    )


@gate("outputs")
def signature(ws: Workspace, context: GateContext) -> GateResult:  # noqa: ARG001
    """Pass when the version says what it takes and, unless `outputs = false`, what it gives."""
    found = context.version.signature
    outputs = context.options.get("outputs", True)
    if not isinstance(outputs, bool):
        raise InvalidValue(f"outputs = {outputs!r}", hint="Write outputs = false")
    missing = [name for name, fields in (("inputs", found.inputs), ("outputs", found.outputs)) if not fields]
    if not outputs:
        missing = [name for name in missing if name != "outputs"]
    has = f"{len(found.inputs)} inputs, {len(found.outputs)} outputs"
    bound = "inputs and outputs" if outputs else "inputs"
    lack = f"no {' and '.join(missing)}; register it with example="
    message = lack if missing else f"{context.version.ref} has {has}"
    return GateResult(gate="signature", passed=not missing, value=has, bound=bound, message=message)


@gate("days")
def max_age(ws: Workspace, context: GateContext) -> GateResult:  # noqa: ARG001
    """Pass when the version was registered at most `days` ago."""
    days = number(context.options, "days")
    if days is None or days <= 0:
        raise InvalidValue(f"days = {context.options.get('days')!r}", hint="Write days = 30")
    age = (now() - context.version.created_at) / timedelta(days=1)
    message = f"{context.version.ref} is {age:.1f} days old"
    return GateResult(gate="max_age", passed=age <= days, value=age, bound=f"at most {days:g} days", message=message)


@gate("trained_until", "evaluated_from", "at", "dataset", heavy_with=("dataset",))
def time_split(ws: Workspace, context: GateContext) -> GateResult:
    """Pass when a version was evaluated on a time after the one it was trained on.

    Either `trained_until` and `evaluated_from` name the recorded parameters that hold the last time of
    training and the first of evaluation, or `at` names the time column of the datasets it was trained on,
    all of which must lie before that of `dataset`. ISO times compare as times, numbers as numbers.
    """
    if "dataset" in context.options:
        return _split_of_data(ws, context)
    names = [text(context.options, key) for key in ("trained_until", "evaluated_from")]
    known = context.version.parameters
    missing = [name for name in names if name not in known]
    if missing:
        message = f"{context.version.ref} has no parameter {' and '.join(missing)}; register it with params="
        return GateResult(
            gate="time_split", passed=False, value="missing", bound=f"{names[0]} before {names[1]}", message=message
        )
    last, first = (json.loads(known[name]) for name in names)
    return _split(_time(last) < _time(first), last, first)


def _split_of_data(ws: Workspace, context: GateContext) -> GateResult:
    """Compare the newest training row with the oldest row of the evaluation's dataset."""
    import pyarrow.compute as pc

    from mlops_ext.datasets.edge import load

    at = text(context.options, "at")
    evaluated = load(text(context.options, "dataset"), as_="arrow", columns=[at], workspace=ws)
    named = [ref.removeprefix("dataset:") for ref in context.version.inputs if ref.startswith("dataset:")]
    tables = [load(ref, as_="arrow", workspace=ws) for ref in named]
    trained = [table[at] for table in tables if at in table.column_names]
    if not trained:
        message = f"no dataset that {context.version.ref} was trained on has the column {at!r}"
        return GateResult(gate="time_split", passed=False, value="missing", bound="a time of training", message=message)
    last, first = max(pc.max(column).as_py() for column in trained), pc.min(evaluated[at]).as_py()
    return _split(last < first, last, first)


def _split(passed: bool, last: object, first: object) -> GateResult:
    return GateResult(
        gate="time_split",
        passed=passed,
        value=f"trained until {last}",
        bound=f"before {first}",
        message=f"trained until {last}, evaluated from {first}",
    )


def _time(value: object) -> float:
    """Read a moment: a number as it is, an ISO time as seconds; UTC when it names no zone."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise InvalidValue(f"{value!r} is no time", hint="Record an ISO time, such as 2013-01-24") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
