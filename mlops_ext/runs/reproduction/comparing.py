"""Comparing: a version beside what came out when it was made again, within tolerances, and what may explain it."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass

from mlops_ext.datasets import service as datasets
from mlops_ext.datasets.types import DatasetVersion, ShowDataset
from mlops_ext.errors import InvalidValue, MlopsError
from mlops_ext.models.comparison import Difference, recorded
from mlops_ext.models.promotion import policy
from mlops_ext.models.reproductions import ComparedMetric, ComparedPredictions, Verdict
from mlops_ext.models.types import ModelVersion, NoRequest
from mlops_ext.refs import Ref
from mlops_ext.runs.reproduction.predicting import ask
from mlops_ext.workspace import Workspace

__all__ = ["ABSOLUTE", "RELATIVE", "Tolerances", "metrics_of", "predictions_of", "verdict_of", "what_differs"]

RELATIVE, ABSOLUTE = 1e-6, 1e-9
_ROWS = 1000
_CAUSES = ("input", "parameter", "environment", "package", "code")
_OUTCOMES = {("code", "execution")}


@dataclass(frozen=True)
class Tolerances:
    """How far apart two values may be: `absolute` + `relative` · the size of the first."""

    relative: float = RELATIVE
    absolute: float = ABSOLUTE

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not (math.isfinite(value) and value >= 0):
                raise InvalidValue(f"a tolerance of {value!r} ({name})", hint="Give a number that is not below 0")

    def near(self, before: float, after: float) -> bool:
        """Tell whether a value is as near to the first one as they ask; NaN is near NaN, and inf near itself.

        Examples
        --------
        >>> Tolerances(0.01, 0.0).near(100.0, 101.0), Tolerances(0.0, 0.5).near(100.0, 101.0)
        (True, False)
        """
        if math.isnan(before) or math.isnan(after):
            return math.isnan(before) and math.isnan(after)
        return before == after or abs(after - before) <= self.absolute + self.relative * abs(before)


def metrics_of(before: ModelVersion, after: ModelVersion, tolerances: Tolerances) -> tuple[ComparedMetric, ...]:
    """Hold each metric of one against that of the other; one that a side lacks is not within."""
    names = sorted({*before.metrics, *after.metrics})
    return tuple(_metric(name, before.metrics.get(name), after.metrics.get(name), tolerances) for name in names)


def _metric(name: str, before: float | None, after: float | None, tolerances: Tolerances) -> ComparedMetric:
    if before is None or after is None:
        return ComparedMetric(name=name, before=before, after=after, within=False)
    near = tolerances.near(before, after)
    return ComparedMetric(name=name, before=before, after=after, difference=after - before, within=near)


def predictions_of(
    ws: Workspace,
    before: ModelVersion,
    after: ModelVersion,
    tolerances: Tolerances,
    *,
    on: str = "",
    trust: Collection[str] = (),
    python: str,
) -> ComparedPredictions:
    """Let both answer the same rows: the first of the dataset that is named, else of one that the version is made of.

    Parameters
    ----------
    on : str
        Reference of a dataset version.
    trust : collection of str
        Names to trust beside those that policy trusts.
    python : str
        The interpreter in which both are loaded.
    """
    found = ws.call(datasets.show, ShowDataset(dataset=on)) if on else _own_rows(ws, before)
    if found is None:
        return ComparedPredictions(dataset="", why_not=_no_rows(before))
    known = frozenset(trust) | frozenset(ws.call(policy.show, NoRequest()).policy.trust)
    both = (tolerances.relative, tolerances.absolute)
    answers = ask(ws, (before, after), found.ref, _ROWS, tolerances=both, trust=known, python=python)
    return ComparedPredictions(dataset=found.ref, **asdict(answers))


def _own_rows(ws: Workspace, version: ModelVersion) -> DatasetVersion | None:
    """Find a dataset version that went into a model and has all columns that the model takes."""
    names = {field.name for field in version.signature.inputs}
    for ref in map(Ref.parse, version.inputs):
        if ref.kind != "dataset" or not names:
            continue
        try:
            found = ws.call(datasets.show, ShowDataset(dataset=str(Ref(ref.name, ref.selector))))
        except MlopsError:
            continue
        if found.removed_at is None and names <= {column.name for column in found.schema_}:
            return found
    return None


def _no_rows(version: ModelVersion) -> str:
    if not version.signature.inputs:
        return f"{version.ref} has no signature, so that no rows are known that it takes; name a dataset: --on"
    return f"no dataset that {version.ref} was made of has the columns that it takes; name one: --on"


def what_differs(before: ModelVersion, after: ModelVersion) -> tuple[Difference, ...]:
    """List what went into the two that is not the same: data, parameters, environment, packages, threads, code."""
    found = [
        each
        for each in recorded(before, after)
        if each.about in _CAUSES and (each.about, each.name) not in _OUTCOMES and each.name != "branch"
    ]
    return (*found, *_threads(before, after))


def _threads(before: ModelVersion, after: ModelVersion) -> Iterator[Difference]:
    """Say when the two had different numbers of cores, by which libraries choose their threads."""
    cores = [str(each.hardware.cores or "") if each.hardware else "" for each in (before, after)]
    if cores[0] != cores[1]:
        yield Difference(about="environment", name="cores for threads", before=cores[0], after=cores[1])


def verdict_of(
    metrics: Sequence[ComparedMetric],
    predictions: ComparedPredictions,
    differences: Sequence[Difference],
    *,
    same_files: bool,
) -> tuple[Verdict, str]:
    """Give the verdict and its reason; equal files answer alike, whatever could not be asked."""
    apart = [each.name for each in metrics if not each.within]
    asked = not predictions.why_not
    if apart or (asked and not predictions.within):
        what = [f"metrics: {', '.join(apart)}"] * bool(apart)
        if asked and predictions.different:
            what.append(f"{predictions.different} of {predictions.answers} predictions on {predictions.dataset}")
        return "differs", f"{' and '.join(what)} beyond the tolerances; {_explained(differences)}"
    if not metrics and not asked and not same_files:
        return "not_comparable", f"the version has no metrics, and predictions were not compared: {predictions.why_not}"
    what = [f"{len(metrics)} metrics"] * bool(metrics)
    if asked:
        what.append(f"{predictions.answers} predictions on {predictions.dataset}")
    if same_files:
        what.append("all files, byte for byte,")
    return "reproduced", f"{' and '.join(what)} agree within the tolerances"


def _explained(differences: Sequence[Difference]) -> str:
    if not differences:
        return "nothing that is recorded of data, parameters, environment or code explains it: it is not deterministic"
    named = [f"{each.about} {each.name} ({each.before or 'none'} → {each.after or 'none'})" for each in differences[:5]]
    more = f" and {len(differences) - 5} more" if len(differences) > 5 else ""
    if len(differences) == 1:
        return f"one input differs: {named[0]}"
    return f"{len(differences)} inputs differ: {', '.join(named)}{more}"
