"""Groups from a notebook: bias between them, the slices that fare worst, and those that moved a metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mlops_ext.errors import InvalidValue, NotFound, did_you_mean
from mlops_ext.monitoring import service
from mlops_ext.monitoring.drift.columns import Floats
from mlops_ext.monitoring.groups.judgement import judge_groups
from mlops_ext.monitoring.groups.slicing import check_column, slice_columns
from mlops_ext.monitoring.groups.types import Attribution, BiasReport, Rate, WorstSlice, WorstSlices
from mlops_ext.monitoring.hiding import hidden_features, refuse_hidden
from mlops_ext.monitoring.performance.blocks import LOG_CLIP
from mlops_ext.monitoring.performance.measure import DEFAULT, Bootstrap, Scored
from mlops_ext.monitoring.performance.predictions import FEATURE, scored_of
from mlops_ext.monitoring.performance.windows import joined_window
from mlops_ext.monitoring.types import MetricEstimate, ReportKind, SaveReport
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

    from mlops_ext.models.types import ModelVersion

__all__ = ["LossMetric", "attribute", "bias", "worst_slices"]

LossMetric = Literal["log_loss", "brier", "error"]
LEAST_ROWS = 30


@dataclass(frozen=True)
class _Window:
    model: str
    name: str
    frame: pd.DataFrame
    scored: Scored
    coverage: float


def bias(  # noqa: PLR0913  the notebook gives all of them by name
    ref: str | ModelVersion,
    window: str,
    by: str | Sequence[str],
    *,
    groups: pd.DataFrame | None = None,
    intersections: bool = True,
    threshold: float | None = None,
    least: int = LEAST_ROWS,
    draws: int = DEFAULT.draws,
    seed: int = DEFAULT.seed,
    save: bool = True,
    workspace: Workspace | None = None,
) -> BiasReport:
    """Tell how a version treats groups in a window: rates with intervals, and the disparity between them.

    Parameters
    ----------
    ref : str or ModelVersion
        The model version.
    window : str
        Name of a window with labels.
    by : str or sequence of str
        Columns of the groups: logged features, or columns of `groups`.
    groups : pandas.DataFrame, optional
        What the model must not see: a column `id`, and what to group by.
    intersections : bool
        Look at every pair of columns as well.
    threshold : float, optional
        Decide by probability from here on; the logged decisions when left out.
    least : int
        Groups of fewer rows are not compared, only named.
    draws, seed : int
        Of the bootstrap over whole days.
    save : bool
        Keep it as a report.
    workspace : Workspace, optional
        Where; the one found from here when left out.

    Returns
    -------
    BiasReport
        Shows itself; `.disparities`, `.groups`, `.df`.

    Raises
    ------
    NotFound
        Nothing is logged of the window, or no such column.
    InvalidValue
        Fewer than two groups of a column have enough rows; or a column's values are hidden.

    References
    ----------
    Agarwal et al., "A reductions approach to fair classification", ICML (2018).
    """
    ws = workspace or Workspace.find()
    columns = [by] if isinstance(by, str) else list(by)
    found = _window(ws, ref, window, threshold)
    frame = found.frame if groups is None else _with_groups(found.frame, groups)
    refuse_hidden(ws, found.model, [name for name in columns if groups is None or name not in groups])
    bootstrap = Bootstrap(draws, seed)
    sets = [(name,) for name in columns] + (list(combinations(columns, 2)) if intersections else [])
    parts = [judge_groups(found.scored, frame, each, least, bootstrap) for each in sets]
    report = BiasReport(
        model=found.model,
        window=window,
        rows=len(frame),
        label_coverage=found.coverage,
        groups=tuple(group for part in parts for group in part[0]),
        disparities=tuple(each for part in parts for each in part[1]),
        suppressed=tuple(each for part in parts for each in part[2]),
        method=f"rows with a label; intervals of {draws} draws of whole days; groups of at least {least} rows",
    )
    metrics = tuple(_estimate(f"{each.measure}[{each.by}]", each.value) for each in report.disparities)
    return _kept(ws, report, "bias", found, metrics) if save else report


def worst_slices(
    ref: str | ModelVersion,
    window: str,
    *,
    columns: Sequence[str] = (),
    metric: LossMetric | Literal[""] = "",
    most: int = 10,
    alpha: float = 0.05,
    save: bool = True,
    workspace: Workspace | None = None,
) -> WorstSlices:
    """Find the slices of a labelled window on which a version does worst, among all values and pairs of features.

    Parameters
    ----------
    ref : str or ModelVersion
        The model version; its features must have been logged.
    window : str
        Name of the window.
    columns : sequence of str
        Which features; all when left out. Numbers are cut at their quartiles.
    metric : {"log_loss", "brier", "error"}
        The loss of a row; `log_loss` when there are probabilities, else `error`.
    most : int
        How many slices to give.
    alpha : float
        Share of false alarms among them.
    save : bool
        Keep it as a report.
    workspace : Workspace, optional
        Where; the one found from here when left out.

    References
    ----------
    Sagadeeva, Boehm, "SliceLine: fast, linear-algebra-based slice finding", SIGMOD (2021).
    """
    from mlops_ext.monitoring.groups.worst import LEAST_ROWS as SLICE_ROWS
    from mlops_ext.monitoring.groups.worst import find_worst

    ws = workspace or Workspace.find()
    found = _window(ws, ref, window, None)
    metric, loss = _loss(found, metric)
    sliced = slice_columns([found.frame], _shown(ws, found, columns))
    worst, searched = find_worst(sliced, loss, found.scored.day, most=most, alpha=alpha)
    slices = tuple(
        WorstSlice(
            slice=each.name,
            rows=each.rows,
            loss=each.loss,
            elsewhere=Rate(
                value=each.excess, low=each.excess - 1.96 * each.error, high=each.excess + 1.96 * each.error
            ),
            q_value=each.q_value,
        )
        for each in worst
    )
    method = (
        f"slices of at least {SLICE_ROWS} rows and pairs of them; Benjamini-Hochberg at {alpha:g} over "
        f"{searched}, errors robust to days; ranked by SliceLine's score"
    )
    report = WorstSlices(
        model=found.model, window=window, metric=metric, rows=len(loss), searched=searched, slices=slices, method=method
    )
    return _kept(ws, report, "slices", found, ()) if save else report


def attribute(  # noqa: PLR0913  the notebook gives all of them by name
    ref: str | ModelVersion,
    before: str,
    after: str,
    *,
    columns: Sequence[str] = (),
    metric: LossMetric | Literal[""] = "",
    most: int = 20,
    draws: int = DEFAULT.draws,
    seed: int = DEFAULT.seed,
    save: bool = True,
    workspace: Workspace | None = None,
) -> Attribution:
    """Tell which slices moved a version's mean loss from one labelled window to another.

    Parameters
    ----------
    ref : str or ModelVersion
        The model version; its features must have been logged.
    before, after : str
        Names of the windows.
    columns : sequence of str
        Which features; all when left out. For each of them the slices sum to the whole change.
    metric : {"log_loss", "brier", "error"}
        The loss of a row; `log_loss` when there are probabilities, else `error`.
    most : int
        How many slices to give, the strongest first.
    draws, seed : int
        Of the bootstrap over whole days, of each window apart.
    save : bool
        Keep it as a report.
    workspace : Workspace, optional
        Where; the one found from here when left out.

    References
    ----------
    Kitagawa, "Components of a difference between two rates", J. Am. Stat. Assoc. 50 (1955).
    """
    from mlops_ext.monitoring.groups.attribution import Loss, moved_between

    ws = workspace or Workspace.find()
    sides = [_window(ws, ref, name, None) for name in (before, after)]
    metric, first = _loss(sides[0], metric)
    losses = (first, _loss(sides[1], metric)[1])
    shared = [name for name in _shown(ws, sides[0], columns) if name in sides[1].frame]
    windows = [Loss(side.frame, loss, side.scored.day) for side, loss in zip(sides, losses, strict=True)]
    moved, change = moved_between(windows[0], windows[1], shared, Bootstrap(draws, seed))
    report = Attribution(
        model=sides[1].model,
        before=before,
        after=after,
        metric=metric,
        change=change,
        moved=tuple(moved[:most]),
        method=f"Kitagawa's decomposition of the mean {metric}; intervals of {draws} draws of whole days",
    )
    return _kept(ws, report, "attribution", sides[1], (_estimate(f"change of {metric}", change),)) if save else report


def _window(ws: Workspace, ref: str | ModelVersion, window: str, threshold: float | None) -> _Window:
    pinned, joined = joined_window(ws, ref, window, features=True)
    rows = joined.labelled()
    if rows.empty:
        raise NotFound(f"no labels of {window!r} for {pinned}", hint="Log them with log_labels")
    frame = rows.rename(columns=lambda name: name.removeprefix(FEATURE)).reset_index(drop=True)
    return _Window(pinned, window, frame, scored_of(rows, rows["label"], threshold), joined.coverage)


def _features(frame: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    own = ("id", "at", "prediction", "probability", "label")
    known = [name for name in frame.columns if name not in own]
    if not known:
        raise NotFound("no features are logged of this window", hint="Log them: log_predictions(ref, features, …)")
    for name in columns:
        check_column(name, known)
    return list(columns) or known


def _shown(ws: Workspace, found: _Window, columns: Sequence[str]) -> list[str]:
    """Give the features to slice by: all whose values may be shown, or those that were named."""
    if columns:
        refuse_hidden(ws, found.model, columns)
        return _features(found.frame, columns)
    hidden = hidden_features(ws, found.model)
    return [name for name in _features(found.frame, ()) if name not in hidden]


def _with_groups(frame: pd.DataFrame, groups: pd.DataFrame) -> pd.DataFrame:
    if "id" not in groups:
        raise InvalidValue("the groups have no column 'id'", hint="Give the ids that predictions were logged with")
    told = groups.assign(id=groups["id"].astype(str))
    if told["id"].duplicated().any():
        raise InvalidValue("an id stands twice among the groups", hint="Give each id once")
    own = [name for name in frame.columns if name == "id" or name not in told]
    return frame[own].merge(told, on="id", how="left", validate="one_to_one")


def _loss(found: _Window, metric: str) -> tuple[LossMetric, Floats]:
    scored = found.scored
    chosen: str = metric or ("error" if scored.score is None else "log_loss")
    if chosen == "error":
        return "error", (scored.label != scored.predicted).astype(np.float64)
    if chosen not in ("log_loss", "brier"):
        raise InvalidValue(f"no loss {metric!r} of a row", hint=did_you_mean(metric, ("log_loss", "brier", "error")))
    if scored.score is None:
        raise InvalidValue(f"predictions of {found.name!r} have no probabilities", hint="Log them with probability=")
    if chosen == "brier":
        return "brier", (scored.score - scored.label) ** 2
    given = np.clip(np.where(scored.label == 1, scored.score, 1 - scored.score), LOG_CLIP, 1.0)
    return "log_loss", -np.log(given)


def _estimate(name: str, rate: Rate) -> MetricEstimate:
    return MetricEstimate(name=name, value=rate.value, low=rate.low, high=rate.high)


def _kept(ws: Workspace, report: Any, kind: ReportKind, found: _Window, metrics: tuple[MetricEstimate, ...]) -> Any:
    """Save a report; its tables go into the details."""
    request = SaveReport(
        kind=kind,
        model=found.model,
        window=found.name,
        status="measured",
        metrics=metrics,
        label_coverage=found.coverage,
        details=report.model_dump(mode="json", exclude={"model", "window", "report"}),
    )
    return report.model_copy(update={"report": ws.call(service.report, request).ref})
