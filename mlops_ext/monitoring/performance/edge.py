"""Performance from a notebook: predictions and labels logged, windows judged and estimated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mlops_ext.errors import InvalidValue, NotFound, refuse_text
from mlops_ext.monitoring import service
from mlops_ext.monitoring.performance.batches import log
from mlops_ext.monitoring.performance.windows import joined_window
from mlops_ext.monitoring.service import text_of
from mlops_ext.monitoring.types import LogBatch, LoggedBatch, Report
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from mlops_ext.models.types import ModelVersion
    from mlops_ext.monitoring.performance.custom import Metric

__all__ = ["compare_window", "estimate", "log_labels", "log_predictions", "performance"]


def log_predictions(  # noqa: PLR0913  the notebook gives all of them by name
    ref: str | ModelVersion,
    features: Any,
    prediction: Any,
    ids: Any,
    *,
    at: Any,
    probability: Any = None,
    classes: Sequence[Any] | None = None,
    task: str = "",
    columns: Sequence[str] | None = None,
    sample: float = 1.0,
    window: str = "",
    workspace: Workspace | None = None,
) -> LoggedBatch:
    """Keep what a model predicted, so that it can be judged when labels come.

    Parameters
    ----------
    ref : str or ModelVersion
        The model version.
    features : frame or None
        What the model was given, kept beside; None keeps nothing of it.
    prediction : array_like, shape (rows,)
        0 or 1, a class, or a number.
    ids : array_like of int or str, shape (rows,)
        What labels are joined by.
    at : time or array_like of times
        When each was predicted; without a time zone it is UTC. Days of it are what intervals resample.
    probability : array_like of float, shape (rows,) or (rows, classes), or frame, optional
        Probability of 1, or of each class.
    classes : sequence, optional
        What the columns of an array of probabilities are, such as `model.classes_`.
    task : {"", "binary", "multiclass", "regression"}
        What the predictions are. Left out, names or probabilities of classes are `multiclass`, 0 and 1 `binary`, and
        other numbers a `regression`; say it where classes are whole numbers without probabilities.
    columns : sequence of str, optional
        The features that are kept; all when left out.
    sample : float
        Share of the rows that are kept, above 0 to 1. The id alone decides, so that the same rows are kept again, and
        by every version that is asked about them.
    window : str
        Name of the window, such as `2013-03`.
    workspace : Workspace, optional
        Where; the one found from here when left out.

    Returns
    -------
    LoggedBatch
        `new` is False when the same batch was there already.
    """
    from mlops_ext.monitoring.performance.predictions import prediction_table, sampled

    table = prediction_table(ids, prediction, probability, at, features, task=task, classes=classes, columns=columns)
    table = sampled(table, sample)
    return _log(ref, "predictions", table, window, workspace)


def log_labels(
    ref: str | ModelVersion, ids: Any, labels: Any, *, at: Any, window: str = "", workspace: Workspace | None = None
) -> LoggedBatch:
    """Keep labels as they become known; they count for all versions of the model.

    Parameters
    ----------
    ref : str or ModelVersion
        The model version.
    ids : array_like of int or str, shape (rows,)
        The ids that were predicted.
    labels : array_like, shape (rows,)
        0 or 1, a class, or a number: what was predicted.
    at : time or array_like of times
        When each label became known; of two labels of one id the later counts.
    window : str
        Name of the window; labels without one are joined with every window.
    workspace : Workspace, optional
        Where; the one found from here when left out.
    """
    from mlops_ext.monitoring.performance.predictions import label_table

    return _log(ref, "labels", label_table(ids, labels, at), window, workspace)


def performance(
    ref: str | ModelVersion,
    window: str,
    *,
    threshold: float = 0.5,
    task: str = "",
    metrics: Sequence[str | Metric] = (),
    slices: Sequence[str] = (),
    draws: int = 200,
    seed: int = 2013,
    workspace: Workspace | None = None,
) -> Report:
    """Judge a window whose labels are known, every metric with an interval from resampled days; save the report.

    Of two classes: AUC, Brier score, log loss, calibration error, F1 and accuracy. Of several: macro F1, accuracy, log
    loss, calibration error of the class that was said, and what is mistaken for what most. Of numbers: RMSE, MAE, R²
    and the median absolute error.

    Parameters
    ----------
    ref : str or ModelVersion
        The model version.
    window : str
        Name of the window under which predictions were logged.
    threshold : float
        Probability from which the decision is 1, for F1 and accuracy; without probabilities the logged ones count.
    task : {"", "binary", "multiclass", "regression"}
        What to judge the window as; seen by what was logged when left out.
    metrics : sequence of str or callable
        Further ones: a function of a frame of the labelled rows (`label`, `prediction`, `probability`, `at`, features
        as `feature:NAME`) that gives a number, or the name of an entry point of the group `mlops_ext.metrics`. It is
        called once for each draw. Its attribute `better`, `"higher"` or `"lower"`, lets bands and comparisons know it.
    slices : sequence of str
        Logged features of few values by whose labels the window is judged once more, such as `["origin"]`;
        `details["slices"]` holds it, and the dashboard's picker.
    draws, seed : int
        Of the bootstrap.
    workspace : Workspace, optional
        Where; the one found from here when left out.

    Returns
    -------
    Report
        Of the kind `performance`; when the window was estimated before, `details` holds the estimate's error. With
        probabilities `details["reliability"]` is the calibration curve; `figures.reliability_curve` draws it.

    Raises
    ------
    NotFound
        No predictions, no labels of them, or no such feature are logged.
    InvalidValue
        A feature to slice by is hidden, or has too many values.
    """
    from mlops_ext.monitoring.performance.reporting import Judging, measured_window

    refuse_text("metrics", metrics)
    refuse_text("slices", slices)
    ws = workspace or Workspace.find()
    how = Judging(threshold, task, tuple(metrics), tuple(slices), draws, seed)
    return ws.call(service.report, measured_window(ws, ref, window, how))


def estimate(
    ref: str | ModelVersion,
    window: str,
    *,
    threshold: float = 0.5,
    calibrate_on: Sequence[str] = (),
    draws: int = 200,
    seed: int = 2013,
    workspace: Workspace | None = None,
) -> Report:
    """Estimate a window before its labels are known, from the model's probabilities (CBPE); save the report.

    Parameters
    ----------
    ref : str or ModelVersion
        The model version.
    window : str
        Name of the window.
    threshold : float
        Probability from which the decision is 1.
    calibrate_on : sequence of str
        Earlier windows of this version with labels, to calibrate the probabilities on by isotonic regression;
        none takes the model at its word, which is too rosy when it is overconfident.
    draws, seed : int
        Of the bootstrap. Its interval knows nothing of wrong probabilities.
    workspace : Workspace, optional
        Where; the one found from here when left out.

    Raises
    ------
    NotFound
        No predictions are logged.
    InvalidValue
        They have no probabilities.
    """
    from mlops_ext.monitoring.performance.reporting import Judging, estimated_window

    ws = workspace or Workspace.find()
    how = Judging(threshold, draws=draws, seed=seed)
    return ws.call(service.report, estimated_window(ws, ref, window, how, calibrate_on))


def compare_window(
    champion: str | ModelVersion,
    challenger: str | ModelVersion,
    window: str,
    *,
    metric: str | Metric = "",
    task: str = "",
    draws: int = 200,
    seed: int = 2013,
    workspace: Workspace | None = None,
) -> Report:
    """Compare two model versions on the labelled rows that both predicted; save the report.

    Parameters
    ----------
    champion, challenger : str or ModelVersion
        The one that serves, and the one that wants to.
    window : str
        Name of the window under which both logged predictions.
    metric : str or callable
        What `status` is said by: `better`, `worse` or `no_clear_gain`; AUC, macro F1 or RMSE when left out. A function
        as for `performance`, which must say `better`.
    task : {"", "binary", "multiclass", "regression"}
        As for `performance`.
    draws, seed : int
        Of the bootstrap; both models are resampled by the same days.
    workspace : Workspace, optional
        Where; the one found from here when left out.

    Returns
    -------
    Report
        Of the kind `comparison` on the challenger; its metrics are challenger minus champion.

    Raises
    ------
    NotFound
        One of them has no predictions, or no row that both predicted has a label.
    """
    from mlops_ext.monitoring.performance.answers import judged_of
    from mlops_ext.monitoring.performance.comparison import compare_scored, outcome
    from mlops_ext.monitoring.performance.custom import metrics_named, with_metrics
    from mlops_ext.monitoring.performance.measure import Bootstrap
    from mlops_ext.monitoring.performance.reporting import report_on

    own = {} if isinstance(metric, str) else metrics_named([metric])
    name = next(iter(own), "") or str(metric)
    ws = workspace or Workspace.find()
    more = bool(own)
    first, before = joined_window(ws, champion, window, features=more)
    second, after = joined_window(ws, challenger, window, features=more)
    left, right = before.labelled().set_index("id"), after.frame.set_index("id")
    shared = left.index.intersection(right.index, sort=False)
    if shared.empty:
        raise NotFound(
            f"no labelled row of {window!r} was predicted by both {first} and {second}", hint="Score both on it"
        )
    left, right = left.loc[shared], right.loc[shared].assign(at=left.loc[shared, "at"], label=left.loc[shared, "label"])
    sides = [with_metrics(judged_of(side, None, task), side, own) for side in (left, right)]
    found = compare_scored(sides[0], sides[1], Bootstrap(draws, seed))
    chosen = next((each for each in found.metrics if each.name == name or not name), None)
    way = found.details["better"].get(chosen.name) if chosen is not None else None
    if chosen is None or way is None:
        known = ", ".join(found.details["better"])
        raise InvalidValue(f"no metric {name!r} of both whose better side is known", hint=f"Known: {known}")
    details = {"champion": first, "challenger": second, "metric": chosen.name, "rows": len(shared)}
    about = {"model": second, "reference": f"model:{first}", "window": window, "label_coverage": before.coverage}
    request = report_on(about, "comparison", outcome(chosen, way), found, details)
    return ws.call(service.report, request)


def _log(ref: str | ModelVersion, kind: Any, table: Any, window: str, workspace: Workspace | None) -> LoggedBatch:
    from mlops_ext.monitoring.performance.predictions import write_batch

    ws = workspace or Workspace.find()
    pinned = service.model_ref(ws, text_of(ref))
    batch = ws.put_blob(write_batch(table, window))
    return ws.call(log, LogBatch(model=pinned, kind=kind, batch=batch, rows=table.num_rows, window=window))
