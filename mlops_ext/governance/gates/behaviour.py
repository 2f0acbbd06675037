"""Gates that let a version predict a named dataset version: calibration, fairness, and what it is worth at all."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mlops_ext.errors import InvalidValue, MissingExtra
from mlops_ext.governance.gates.options import DATA, choice, number, text
from mlops_ext.models.promotion.gates import GateContext, gate
from mlops_ext.models.promotion.types import GateResult
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from mlops_ext.governance.gates.scoring import Rows
    from mlops_ext.monitoring.performance.measure import Scored

__all__ = ["baselines", "calibration", "fairness"]

LEAST_ROWS = 30
_FOLDS = 5


@gate("maximum", *DATA, heavy=True)
def calibration(ws: Workspace, context: GateContext) -> GateResult:
    """Pass when the expected calibration error (15 equally wide bins) on `dataset` is at most `maximum`."""
    from mlops_ext.governance.gates.scoring import rows_of, score
    from mlops_ext.monitoring.performance.measure import measure

    maximum = _needed(context, "maximum")
    rows = rows_of(ws, context)
    found = score(ws, context.version, rows)
    if found.score is None:
        raise InvalidValue(f"{context.version.ref} gives no probabilities", hint="Calibration is about probabilities")
    ece = next(each for each in measure(found).metrics if each.name == "ece")
    bound = f"at most {maximum:g}"
    message = (
        f"the calibration error is {ece.value:.4f} [{ece.low:.4f}, {ece.high:.4f}] "
        f"on {len(rows.label):,} rows of {rows.ref}"
    )
    return GateResult(gate="calibration", passed=ece.value <= maximum, value=ece.value, bound=bound, message=message)


@gate("metric", "sensitive", "minimum", "maximum", "least_rows", *DATA, heavy=True)
def fairness(ws: Workspace, context: GateContext) -> GateResult:
    """Pass when a disparity between the groups of the column `sensitive` of `dataset` keeps within its bound.

    `metric` is the difference or the ratio (such as equalized_odds_ratio) of demographic_parity, equalized_odds or
    equal_opportunity, as Fairlearn defines them; differences take `maximum`, ratios `minimum`. Groups of
    fewer than `least_rows` (30) rows say nothing: they are left out and named.
    """
    from mlops_ext.governance.gates.scoring import rows_of, score
    from mlops_ext.monitoring.groups.judgement import judge_groups
    from mlops_ext.monitoring.groups.rates import MEASURES
    from mlops_ext.monitoring.performance.measure import DEFAULT

    name = choice(context.options, "metric", MEASURES)
    key = "minimum" if name.endswith("_ratio") else "maximum"
    limit, sensitive = _needed(context, key), text(context.options, "sensitive")
    rows = rows_of(ws, context)
    if sensitive not in rows.frame:
        raise InvalidValue(f"{rows.ref} has no column {sensitive!r}", hint="Name the column of the groups")
    found = score(ws, context.version, rows)
    least = number(context.options, "least_rows")
    groups, disparities, small = judge_groups(
        found, rows.frame, [sensitive], LEAST_ROWS if least is None else int(least), DEFAULT
    )
    value = next(each.value for each in disparities if each.measure == name)
    passed = math.isfinite(value.value) and (value.value >= limit if key == "minimum" else value.value <= limit)
    left = f"; too few rows to tell: {', '.join(small)}" if small else ""
    told = ", ".join(
        f"{group.group} n={group.rows} selected {group.selection_rate.value:.3f} "
        f"TPR {group.true_positive_rate.value:.3f} FPR {group.false_positive_rate.value:.3f}"
        for group in groups
    )
    bound = f"{'at least' if key == 'minimum' else 'at most'} {limit:g}"
    message = f"{name} is {value.value:.4f} between the groups of {sensitive} on {rows.ref}: {told}{left}"
    return GateResult(gate="fairness", passed=passed, value=value.value, bound=bound, message=message)


@gate("metric", "minimum", *DATA, heavy=True)
def baselines(ws: Workspace, context: GateContext) -> GateResult:
    """Pass when the version beats a dummy and a linear model on `dataset` by more than `minimum` (0), surely.

    Both baselines are fitted on the other four fifths of the same rows for each fifth that they predict, so
    they know the dataset better than the version, which has perhaps never seen it.
    """
    from mlops_ext.governance.gates.scoring import rows_of, score
    from mlops_ext.monitoring.performance.comparison import compare_scored
    from mlops_ext.monitoring.types import BETTER, BINARY

    name = choice(context.options, "metric", BINARY)
    least = number(context.options, "minimum") or 0.0
    rows = rows_of(ws, context)
    mine = score(ws, context.version, rows)
    table = rows.frame[[field.name for field in context.version.signature.inputs]]
    worst, told = math.inf, []
    for kind, estimator in _estimators(table).items():
        found = compare_scored(_out_of_fold(estimator, table, rows), mine)
        gain = next((each for each in found.metrics if each.name == name), None)
        if gain is None:
            raise InvalidValue(f"no metric {name!r} of {context.version.ref}", hint="It gives no probabilities")
        surely = -gain.high if BETTER[name] == "lower" else gain.low
        worst = min(worst, surely) if math.isfinite(surely) else math.nan
        told.append(f"{gain.value:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}] over {kind}")
    bound = f"a sure gain above {least:g} in {name}"
    message = f"{name} differs by {', '.join(told)} on {rows.ref}"
    passed = math.isfinite(worst) and worst > least
    return GateResult(gate="baselines", passed=passed, value=worst, bound=bound, message=message)


def _out_of_fold(estimator: Any, table: Any, rows: Rows) -> Scored:
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    from mlops_ext.monitoring.performance.measure import Scored

    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    found = cross_val_predict(estimator, table, rows.label, cv=folds, method="predict_proba")[:, 1]
    return Scored(rows.block, rows.label, found, found >= rows.threshold)


def _estimators(table: Any) -> dict[str, Any]:
    """Make the two baselines: the share of ones, and a logistic regression on scaled and one-hot columns."""
    try:
        from sklearn.compose import make_column_transformer
        from sklearn.dummy import DummyClassifier
        from sklearn.impute import SimpleImputer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder, StandardScaler
    except ImportError as error:
        raise MissingExtra.of("scikit-learn", "models") from error
    numbers = list(table.select_dtypes("number").columns)
    others = [name for name in table.columns if name not in numbers]
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=50), others),
    )
    linear = make_pipeline(columns, LogisticRegression(max_iter=1000))
    return {"a dummy": DummyClassifier(strategy="prior"), "a linear model": linear}


def _needed(context: GateContext, key: str) -> float:
    value = number(context.options, key)
    if value is None:
        raise InvalidValue(f"{key} is not given", hint=f"Write {key} = 0.1")
    return value
