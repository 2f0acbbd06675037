"""The gate `improvement`: a sure gain over the serving version, stored or scored anew."""

from __future__ import annotations

import math

from mlops_ext.errors import InvalidValue
from mlops_ext.governance.gates.options import choice, number, text
from mlops_ext.models.promotion.gates import GateContext, gate
from mlops_ext.models.promotion.types import GateResult
from mlops_ext.models.types import ModelVersion
from mlops_ext.monitoring import service as monitoring
from mlops_ext.monitoring.types import ListReports, MetricEstimate, ShowReport
from mlops_ext.operations import every
from mlops_ext.workspace import Workspace

__all__ = ["improvement"]


@gate("metric", "minimum", "on", "better", "dataset", "label", "at", heavy_with=("dataset",))
def improvement(ws: Workspace, context: GateContext) -> GateResult:
    """Pass when the version gains on the serving one by more than `minimum` (0) over all of the gain's interval.

    With `dataset` and `label` both are scored on that dataset version, in a process of their own. Else the
    newest stored comparison of the two counts, `on` names its window. `better = "lower"` is for metrics of
    which less is better.
    """
    name = text(context.options, "metric")
    least = number(context.options, "minimum") or 0.0
    lower = choice(context.options, "better", ("higher", "lower")) == "lower"
    champion, version = context.champion, context.version
    if champion is None or champion.version == version.version:
        serves = "nothing yet to compare with" if champion is None else f"{version.ref} already"
        return GateResult(gate="improvement", passed=True, message=f"{context.environment} serves {serves}")
    bound = f"gain above {least:g} in {name}, over all of its interval"
    compared = (_scored if "dataset" in context.options else _stored)(ws, context, champion, name)
    if compared is None:
        window = context.options.get("on", "")
        on = f" on {window}" if window else ""
        message = f"no stored comparison of {version.ref} with {champion.ref}{on} tells of {name}"
        return GateResult(gate="improvement", passed=False, value="missing", bound=bound, message=message)
    where, gain = compared
    worst = -gain.high if lower else gain.low
    passed = math.isfinite(worst) and worst > least
    verdict = "a gain" if passed else "not a sure gain"
    message = (
        f"{name} differs by {gain.value:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}] from {champion.ref} "
        f"on {where}: {verdict}"
    )
    return GateResult(gate="improvement", passed=passed, value=gain.value, bound=bound, message=message)


def _stored(
    ws: Workspace, context: GateContext, champion: ModelVersion, name: str
) -> tuple[str, MetricEstimate] | None:
    """Give the newest stored comparison of the two versions that tells of a metric, and what it tells.

    The report's model is the challenger, and `champion` in its details what it was compared with.
    """
    request = ListReports(model=context.version.ref, kind="comparison", window=context.options.get("on", ""))
    for listed in every(ws, monitoring.reports, request):
        report = ws.call(monitoring.show, ShowReport(report=listed.id))
        gain = next((each for each in report.metrics if each.name == name and each.kind == "difference"), None)
        if gain is not None and str(report.details.get("champion", "")).removeprefix("model:") == champion.ref:
            return report.window, gain
    return None


def _scored(
    ws: Workspace, context: GateContext, champion: ModelVersion, name: str
) -> tuple[str, MetricEstimate] | None:
    """Score both versions on the named dataset version and compare them by the same draws."""
    from mlops_ext.monitoring.performance.versions import compare

    options = context.options
    found = compare(
        champion,
        context.version,
        on=text(options, "dataset").removeprefix("dataset:"),
        target=text(options, "label"),
        at=options.get("at", ""),
        workspace=ws,
    )
    gain = next((each for each in found.scores if each.metric == name), None)
    if gain is None:
        raise InvalidValue(f"no metric {name!r} of both", hint=f"Known: {', '.join(m.metric for m in found.scores)}")
    return found.dataset, MetricEstimate(
        name=name, value=gain.difference, low=gain.low, high=gain.high, kind="difference"
    )
