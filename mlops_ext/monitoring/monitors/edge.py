"""Monitors from a notebook: declare one, feed it rows, run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_ext.errors import InvalidValue, refuse_text
from mlops_ext.monitoring.monitors import service
from mlops_ext.monitoring.monitors.observing import observe as observe_batch
from mlops_ext.monitoring.monitors.profiles import pinned
from mlops_ext.monitoring.monitors.running import run
from mlops_ext.monitoring.monitors.types import (
    AddMonitor,
    Monitor,
    MonitorKind,
    Observe,
    Observed,
    RunMonitor,
    RunMonitors,
    ShowMonitor,
)
from mlops_ext.monitoring.service import text_of
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from datetime import datetime

    from mlops_ext.models.types import ModelVersion

__all__ = ["monitor", "observe", "run_monitor"]


def monitor(  # noqa: PLR0913  the notebook gives all of them by name
    name: str,
    *,
    kind: MonitorKind = "drift",
    reference: str | Any = "",
    data: str = "",
    model: str | ModelVersion = "",
    predictions: bool = False,
    columns: Sequence[str] = (),
    categorical: Sequence[str] = (),
    numeric: Sequence[str] = (),
    statistics: Sequence[str] = (),
    importance: Mapping[str, float] | None = None,
    alpha: float = 0.05,
    windows: int = 52,
    bound: float = 0.1,
    window: str = "1d",
    cron: str = "",
    tz: str = "UTC",
    channels: Sequence[str] = (),
    retrain: str = "",
    parameters: Mapping[str, Any] | None = None,
    workspace: Workspace | None = None,
    **settings: Any,
) -> Monitor:
    """Watch a dataset, the predictions that a model logs, or a stream of rows; a monitor of that name is changed.

    Of the kind `drift` it alarms when a column drifts, of the kind `quality` when a check of the data fails, with a
    chance of at most `alpha` of any false alarm of a test in `windows` windows in a row. Of the kind `performance` it
    alarms when the model's metric, measured with labels or estimated without them, leaves its band.

    Parameters
    ----------
    name : str
        Its name.
    kind : {"drift", "quality", "performance"}
        What is judged.
    reference : str, Path or DatasetVersion
        What windows are compared with, such as `flights@1` or a file that `store_reference` wrote, pinned now; the
        model's training data when left out.
    data : str
        Name of a dataset: each new version is judged, or with `cron` the latest by the clock.
    model : str or ModelVersion
        The model that this concerns, such as `delay@production`; its alerts are alerts of that model.
    predictions : bool
        Watch the features that the model's predictions log, window by window.
    columns, categorical, numeric, statistics, importance
        As for `drift`; of a model's monitor the columns that it takes when left out.
    alpha : float
        Chance of any false alarm in `windows` windows in a row.
    windows : int
        How many windows share `alpha`, such as 52 weeks.
    bound : float
        Least PSI that matters.
    window : str
        Without `data` and `predictions` rows are observed: how long a window of them is, such as `1d` or `10000 rows`.
    cron, tz : str
        When it runs by the clock, and in which time zone; whoever ticks runs it.
    channels : sequence of str
        Channels of mlops.toml that its alerts go to; all when left out.
    retrain : str
        Pipeline, or path of a notebook, that an alert starts; once until the alert is resolved.
    parameters : mapping, optional
        For what is started; `{window}`, `{details.data}` and the like are filled from the alert.
    workspace : Workspace, optional
        Where; the one found from here when left out.
    **settings
        `grace`, `exact_rows`, `on_new_data`, `severity`; of drift `together`, `text`, `season` with `at`; of quality
        `keys`, `at`, `max_age`, `missing`, `outside`, `volume`; of performance `metric`, `limit`, `against`,
        `tolerance`; as `mlops monitors add --help` tells them.

    Returns
    -------
    Monitor

    Raises
    ------
    InvalidValue, NotFound
        The reference, a column, the window, a channel or the cron expression is wrong.

    Examples
    --------
    >>> mlops.monitor("arrivals", reference="flights@1", data="flights", columns=["dest", "temp"])  # doctest: +SKIP
    >>> mlops.monitor("rows", kind="quality", data="flights", reference="flights@1", keys=["id"])  # doctest: +SKIP
    >>> mlops.monitor("auc", kind="performance", model="delay@production", against="2013-02")  # doctest: +SKIP
    >>> mlops.monitor("live", model="delay@production", window="1h", channels=["ops"])  # doctest: +SKIP
    """
    for word in ("text", "keys"):
        settings[word] = _names(settings.get(word, ()), word)
    request = AddMonitor(
        monitor=name,
        kind=kind,
        reference=str(reference) if isinstance(reference, Path) else text_of(reference),
        data=data,
        model=text_of(model),
        predictions=predictions,
        columns=_names(columns, "columns"),
        categorical=_names(categorical, "categorical"),
        numeric=_names(numeric, "numeric"),
        statistics=_names(statistics, "statistics"),
        importance=dict(importance or {}),
        alpha=alpha,
        windows=windows,
        bound=bound,
        window=window,
        cron=cron,
        tz=tz,
        channels=_names(channels, "channels"),
        retrain=retrain,
        parameters=dict(parameters or {}),
        **settings,
    )
    ws = workspace or Workspace.find()
    return ws.call(service.add, pinned(ws, request))


def observe(
    name: str,
    rows: Any,
    *,
    batch: str = "",
    at: datetime | None = None,
    workspace: Workspace | None = None,
) -> Observed:
    """Count a batch of rows into a monitor's window; they are durable when this returns.

    Parameters
    ----------
    name : str
        The monitor; one without `data` and `predictions`.
    rows : frame
        pandas, Polars, Arrow, or a mapping of columns; the columns that are watched are kept.
    batch : str
        Id that tells repetitions: the same batch again, from here or elsewhere, changes nothing. Without one every
        call counts.
    at : datetime, optional
        When the rows were seen, in UTC without a time zone; now when left out.
    workspace : Workspace, optional
        Where; the one found from here when left out.

    Returns
    -------
    Observed
        `new` is False for a repetition, `kept` is False when the window is judged already or the monitor is paused.

    Raises
    ------
    NotFound, InvalidValue
        There is no such monitor, or no column of the batch is watched.

    Examples
    --------
    >>> mlops.observe("live", features, batch=request_id)  # doctest: +SKIP
    """
    from mlops_ext.monitoring.monitors.states import Rows, rows_of

    ws = workspace or Workspace.find()
    watched = ws.call(service.show, ShowMonitor(monitor=name)).columns
    table = rows_of(rows, watched)
    if not table.num_rows:
        raise InvalidValue("a batch without rows", hint="Give at least one row")
    content = ws.put_blob(Rows(table).pack())
    return ws.call(observe_batch, Observe(monitor=name, batch=batch, content=content, at=at))


def run_monitor(name: str, *, window: str = "", close: bool = False, workspace: Workspace | None = None) -> RunMonitors:
    """Judge what a monitor has not judged yet.

    Parameters
    ----------
    name : str
        The monitor.
    window : str
        Only this one, once more when it was judged: a version such as `flights@3`, or the name of a window.
    close : bool
        Of a stream: judge what was collected so far, without waiting for the window's end.
    workspace : Workspace, optional
        Where; the one found from here when left out.

    Returns
    -------
    RunMonitors
        `.windows` has what was judged, each with status, drifted columns, report and alert.
    """
    ws = workspace or Workspace.find()
    return ws.call(run, RunMonitor(monitor=name, window=window, close=close))


def _names(names: Sequence[str], what: str) -> tuple[str, ...]:
    refuse_text(what, names)
    return tuple(names)
