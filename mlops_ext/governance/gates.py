"""The gates that come with the package: metric, improvement, schema and lineage."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mlops_ext.errors import InvalidValue
from mlops_ext.governance.compatibility import misfits
from mlops_ext.models import service as registry
from mlops_ext.models.decisions import GateResult, ListDeployments
from mlops_ext.models.gates import GateContext, gate
from mlops_ext.models.types import ModelVersion, NoRequest
from mlops_ext.monitoring import service as monitoring
from mlops_ext.monitoring.types import ListReports, MetricEstimate, Report, ShowReport
from mlops_ext.operations import every
from mlops_ext.workspace import Workspace

__all__ = ["improvement", "in_order", "lineage", "metric", "schema"]

_PARTS = ("run", "inputs", "git", "lock")


@gate("metric", "minimum", "maximum")
def metric(ws: Workspace, context: GateContext) -> GateResult:  # noqa: ARG001
    """Pass when a metric of the version is at least `minimum` and at most `maximum`."""
    name = _text(context.options, "metric")
    minimum, maximum = _number(context.options, "minimum"), _number(context.options, "maximum")
    if minimum is None and maximum is None:
        raise InvalidValue("neither minimum nor maximum is given", hint="Write minimum = 0.6")
    bound = " and ".join(
        f"{sign} {limit:g}" for sign, limit in (("at least", minimum), ("at most", maximum)) if limit is not None
    )
    if name not in context.version.metrics:
        known = ", ".join(sorted(context.version.metrics)) or "none"
        message = f"{context.version.ref} has no metric {name!r} (it has: {known})"
        return GateResult(gate="metric", passed=False, value="missing", bound=bound, message=message)
    value = context.version.metrics[name]
    if not math.isfinite(value):
        return GateResult(gate="metric", passed=False, value=value, bound=bound, message=f"{name} is {value}")
    passed = (minimum is None or value >= minimum) and (maximum is None or value <= maximum)
    message = f"{name} is {value:.6g}, {'as asked' if passed else 'not'} {bound}"
    return GateResult(gate="metric", passed=passed, value=value, bound=bound, message=message)


@gate("metric", "minimum", "on", "better")
def improvement(ws: Workspace, context: GateContext) -> GateResult:
    """Pass when a stored comparison shows a gain over the serving version whose interval excludes none.

    The comparison is a report of the kind `comparison` on this version against the champion; its
    metric of the kind `difference` is challenger minus champion. Options: `metric`, `minimum` gain
    (0 when left out), `on` the window that must be compared (else the newest comparison counts),
    `better = "lower"` for metrics of which less is better.
    """
    name, window = _text(context.options, "metric"), context.options.get("on", "")
    least = _number(context.options, "minimum") or 0.0
    lower = context.options.get("better", "higher") == "lower"
    champion, version = context.champion, context.version
    if champion is None:
        return GateResult(
            gate="improvement", passed=True, message=f"{context.environment} serves nothing yet to compare with"
        )
    if champion.version == version.version:
        return GateResult(
            gate="improvement", passed=True, message=f"{context.environment} serves {version.ref} already"
        )
    bound = f"gain above {least:g} in {name}, over all of its interval"
    compared = _comparison(ws, version, champion, window, name)
    if compared is None:
        on = f" on {window}" if window else ""
        message = f"no stored comparison of {version.ref} with {champion.ref}{on} tells of {name}"
        return GateResult(gate="improvement", passed=False, value="missing", bound=bound, message=message)
    report, gain = compared
    worst = -gain.high if lower else gain.low
    passed = math.isfinite(worst) and worst > least
    verdict = "a gain" if passed else "not a sure gain"
    message = (
        f"{name} differs by {gain.value:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}] from {champion.ref} "
        f"on {report.window}: {verdict}"
    )
    return GateResult(gate="improvement", passed=passed, value=gain.value, bound=bound, message=message)


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


def _comparison(
    ws: Workspace, version: ModelVersion, champion: ModelVersion, window: str, name: str
) -> tuple[Report, MetricEstimate] | None:
    """Give the newest stored comparison of the two versions that tells of a metric, and what it tells.

    The report's model is the challenger, and `champion` in its details what it was compared with.
    """
    cursor = ""
    while True:
        request = ListReports(model=version.ref, kind="comparison", window=window, cursor=cursor)
        page = ws.call(monitoring.reports, request)
        for listed in page.items:
            report = ws.call(monitoring.show, ShowReport(report=listed.id))
            gain = next((each for each in report.metrics if each.name == name and each.kind == "difference"), None)
            if gain is not None and _bare(str(report.details.get("champion", ""))) == champion.ref:
                return report, gain
        cursor = page.next
        if not cursor:
            return None


def _bare(ref: str) -> str:
    return ref.removeprefix("model:")


def _text(options: Mapping[str, Any], key: str) -> str:
    value = options.get(key)
    if not isinstance(value, str) or not value:
        raise InvalidValue(f"{key} = {value!r}", hint=f'Write {key} = "auc"')
    return value


def _number(options: Mapping[str, Any], key: str) -> float | None:
    value = options.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidValue(f"{key} = {value!r}", hint=f"Write {key} = 0.6")
    return float(value)
