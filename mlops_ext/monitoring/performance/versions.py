"""Two versions of models on the same rows of a dataset: each metric of both, and its difference with an interval."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from mlops_ext.errors import InvalidValue
from mlops_ext.models.comparison import CompareVersions, ScoreDifference, VersionComparison
from mlops_ext.monitoring.drift.columns import Floats
from mlops_ext.monitoring.performance.blocks import LOG_CLIP, day_weights, interval
from mlops_ext.monitoring.performance.labelled import Labelled, labelled_rows
from mlops_ext.monitoring.performance.measure import Bootstrap, Scored
from mlops_ext.monitoring.performance.regression import Sums, by_block, error_metrics, error_sums
from mlops_ext.monitoring.types import BETTER
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from mlops_ext.models.types import ModelVersion

__all__ = ["compare"]


@dataclass(frozen=True)
class _Answers:
    """What one version said of the rows; `classes` are the columns of `probability`."""

    predicted: npt.NDArray[Any]
    probability: Floats | None
    classes: npt.NDArray[Any] | None


def compare(
    before: str | ModelVersion,
    after: str | ModelVersion,
    *,
    on: str = "",
    target: str = "",
    at: str = "",
    trust: Collection[str] = (),
    draws: int = 200,
    seed: int = 2013,
    workspace: Workspace | None = None,
) -> VersionComparison:
    """Compare two versions, of one model or two: what they were made of, and on a dataset how well they do.

    Parameters
    ----------
    before, after : str or ModelVersion
        The versions.
    on : str
        A dataset version on whose rows both are scored, here and never in a server.
    target : str
        Its column with the truth. With two classes the metrics are AUC, Brier score, log loss, calibration error,
        F1 and accuracy; with more, log loss and accuracy; of numbers RMSE, MAE and R².
    at : str
        Its column of times, whose days are resampled whole; without one, 100 groups of rows drawn once.
    trust : collection of str
        As for `load_model`.
    draws, seed : int
        Of the bootstrap: both are resampled by the same draws, so that what they share cancels.

    Returns
    -------
    VersionComparison
        Shows itself; `.differences`, `.scores`, `.notebook_diff`.

    Raises
    ------
    InvalidValue
        The dataset lacks the target or a feature, or one version classifies and the other does not.

    References
    ----------
    Efron, Tibshirani, "An Introduction to the Bootstrap", ch. 8 and 13 (1993).
    """
    from mlops_ext.models import service

    ws = workspace or Workspace.find()
    names = [each if isinstance(each, str) else each.ref for each in (before, after)]
    found = ws.call(service.compare, CompareVersions(model=names[0], other=names[1]))
    if not on:
        return found
    if not target:
        raise InvalidValue("no target is named", hint="Write target= with the column that holds the truth")
    rows = labelled_rows(ws, on, target, at)
    answers = [_answers(ws, ref, rows, at, trust) for ref in (found.before, found.after)]
    scores = _scores(rows, answers[0], answers[1], Bootstrap(draws, seed))
    return found.model_copy(update={"dataset": rows.ref, "scores": scores})


def _answers(ws: Workspace, ref: str, rows: Labelled, at: str, trust: Collection[str]) -> _Answers:
    from mlops_ext.models import service
    from mlops_ext.models.edge import load_model
    from mlops_ext.models.types import ShowVersion

    version = ws.call(service.version, ShowVersion(model=ref))
    names = [field.name for field in version.signature.inputs]
    missing = [name for name in names if name not in rows.frame]
    if missing and len(names) > 1:
        raise InvalidValue(f"{rows.ref} lacks {', '.join(missing)}, which {ref} takes", hint="Name another dataset")
    table = (
        rows.frame[names] if names and not missing else rows.frame.drop(columns=[rows.target, *([at] if at else [])])
    )
    model = load_model(ref, trust=trust, workspace=ws)
    predicted = np.asarray(model.predict(table) if hasattr(model, "predict") else model(table))
    if not hasattr(model, "predict_proba"):
        return _Answers(predicted, None, getattr(model, "classes_", None))
    probability = np.asarray(model.predict_proba(table), dtype=np.float64)
    return _Answers(predicted, probability, np.asarray(model.classes_))


def _scores(rows: Labelled, before: _Answers, after: _Answers, bootstrap: Bootstrap) -> tuple[ScoreDifference, ...]:
    truth = rows.truth
    kinds = {before.classes is not None, after.classes is not None}
    if len(kinds) > 1:
        raise InvalidValue("one version classifies, the other does not", hint="Compare versions that answer alike")
    if kinds == {False}:
        sides = [_errors(rows.block, truth, each) for each in (before, after)]
        return _linear(sides, bootstrap)
    classes = np.unique(truth)
    if len(classes) == 2 and all(_knows(each, classes) for each in (before, after)):
        return _binary(rows.block, truth, classes, (before, after), bootstrap)
    sides = [_hits(rows.block, truth, each) for each in (before, after)]
    return _linear(sides, bootstrap)


def _knows(answers: _Answers, classes: npt.NDArray[Any]) -> bool:
    return answers.classes is not None and np.array_equal(answers.classes, classes)


def _binary(
    block: npt.NDArray[np.int64],
    truth: npt.NDArray[Any],
    classes: npt.NDArray[Any],
    answers: tuple[_Answers, _Answers],
    bootstrap: Bootstrap,
) -> tuple[ScoreDifference, ...]:
    from mlops_ext.monitoring.performance.comparison import compare_scored

    label = (truth == classes[1]).astype(np.float64)
    scored = [
        Scored(block, label, None if each.probability is None else each.probability[:, 1], each.predicted == classes[1])
        for each in answers
    ]
    found = compare_scored(scored[0], scored[1], bootstrap)
    values = found.details["values"]
    return tuple(
        _difference(each.name, values[each.name]["champion"], values[each.name]["challenger"], each.low, each.high)
        for each in found.metrics
    )


def _errors(block: npt.NDArray[np.int64], truth: npt.NDArray[Any], answers: _Answers) -> Sums:
    """Sum up by block what RMSE, MAE and R² follow from."""
    try:
        wanted, said = truth.astype(np.float64), answers.predicted.astype(np.float64).reshape(len(truth))
    except (TypeError, ValueError) as fault:
        raise InvalidValue(f"the target or a prediction is no number: {fault}", hint="Name a numeric target") from fault
    return error_sums(block, wanted, said)


def _hits(block: npt.NDArray[np.int64], truth: npt.NDArray[Any], answers: _Answers) -> Sums:
    """Sum up by block what accuracy and log loss follow from; a class that a model does not know has probability 0."""
    sums = by_block(block, hit=(answers.predicted == truth).astype(np.float64))
    if answers.probability is None or answers.classes is None:
        return sums
    given = np.zeros(len(truth))
    for position, each in enumerate(answers.classes):
        held = truth == each
        given[held] = answers.probability[held, position]
    return sums | by_block(block, log=-np.log(np.clip(given, LOG_CLIP, 1.0)))


def _metrics(sums: Sums, weights: Floats) -> dict[str, Floats]:
    """Compute what the sums tell of, for every weighting of the blocks."""
    if "hit" not in sums:
        return error_metrics(sums, weights)
    total = {name: weights @ each for name, each in sums.items()}
    found = {"accuracy": total["hit"] / total["rows"]}
    return found | ({"log_loss": total["log"] / total["rows"]} if "log" in total else {})


def _linear(sides: list[Sums], bootstrap: Bootstrap) -> tuple[ScoreDifference, ...]:
    blocks = len(sides[0]["rows"])
    whole = [_metrics(each, np.ones((1, blocks))) for each in sides]
    weights = day_weights(blocks, bootstrap.draws, bootstrap.seed)
    drawn = [_metrics(each, weights) for each in sides]
    return tuple(
        _difference(
            name,
            float(whole[0][name][0]),
            float(whole[1][name][0]),
            *(interval(drawn[1][name] - drawn[0][name], bootstrap.level) if blocks > 1 else (np.nan, np.nan)),
        )
        for name in whole[0]
        if name in whole[1]
    )


def _difference(name: str, before: float, after: float, low: float, high: float) -> ScoreDifference:
    sign = 1 if BETTER[name] == "higher" else -1
    better: Literal["before", "after", "neither"] = "neither"
    if min(sign * low, sign * high) > 0:
        better = "after"
    elif max(sign * low, sign * high) < 0:
        better = "before"
    return ScoreDifference(
        metric=name, before=before, after=after, difference=after - before, low=low, high=high, better=better
    )
