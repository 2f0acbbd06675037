"""Logging from a notebook or a script: to the run that is active, which opens by itself at the first log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from mlops_ext.errors import InvalidValue, did_you_mean
from mlops_ext.operations import every
from mlops_ext.records import Page
from mlops_ext.tracking import active, service
from mlops_ext.tracking.active import ActiveRun
from mlops_ext.tracking.service import RunEnded
from mlops_ext.tracking.types import (
    Artifact,
    AttachNotebook,
    ListMetric,
    ListRuns,
    MetricPoint,
    MetricValue,
    Run,
    RunStatus,
)
from mlops_ext.tracking.values import to_float, to_json
from mlops_ext.workspace import Workspace

__all__ = [
    "active_run",
    "attach",
    "end_run",
    "log_artifact",
    "log_figure",
    "log_metric",
    "log_metrics",
    "log_param",
    "log_params",
    "metric_history",
    "runs",
    "set_tag",
    "set_tags",
    "start_run",
]


def start_run(
    name: str = "",
    experiment: str = "",
    *,
    tags: Mapping[str, str] | None = None,
    workspace: Workspace | None = None,
) -> ActiveRun:
    """Start a run by hand; without it the first log starts one.

    Parameters
    ----------
    name : str
        What to call it.
    experiment : str
        The group to compare it in; that of the run around it, else `default`.
    tags : mapping of str to str, optional
        Anything worth finding it by.
    workspace : Workspace, optional
        Where; the one found from here when left out.

    Returns
    -------
    ActiveRun
        A context manager that ends the run; inside another run it is nested.

    Examples
    --------
    >>> with start_run("trial 1"):       # doctest: +SKIP
    ...     log_metric("auc", 0.71)
    """
    ws = workspace or Workspace.find()
    return active.start(ws, name=name, experiment=experiment, tags=_tags(tags or {}))


def end_run(status: RunStatus = "succeeded", *, workspace: Workspace | None = None) -> Run | None:
    """End the active run and give it; None when none is active.

    A run that a job started is ended by the job, not here.

    Raises
    ------
    InvalidValue
        No run can end in that state.
    """
    if status not in get_args(RunStatus):
        raise InvalidValue(f"no run ends as {status!r}", hint=did_you_mean(str(status), get_args(RunStatus)))
    return active.end(workspace or Workspace.find(), status)


def active_run(*, workspace: Workspace | None = None) -> Run | None:
    """Give the run that logs go to now; None before the first log."""
    run = active.current(workspace or Workspace.find())
    return run.record if run else None


def log_param(name: str, value: Any, *, workspace: Workspace | None = None) -> None:
    """Log one parameter of the active run; see `log_params`."""
    log_params({name: value}, workspace=workspace)


def log_params(parameters: Mapping[str, Any], *, workspace: Workspace | None = None) -> None:
    """Log parameters of the active run, all or none.

    Parameters
    ----------
    parameters : mapping of str to object
        Kept as JSON; NumPy values are unwrapped, what JSON does not know is kept as its text.

    Raises
    ------
    Conflict
        One of them was logged before with another value.
    """
    _log(workspace, parameters={str(name): to_json(value) for name, value in parameters.items()})


def log_metric(key: str, value: Any, step: int = 0, *, workspace: Workspace | None = None) -> None:
    """Log one point of a metric; see `log_metrics`."""
    _log(workspace, metrics=(_point(key, value, int(step)),))


def log_metrics(metrics: Mapping[str, Any], step: int = 0, *, workspace: Workspace | None = None) -> None:
    """Log a point of each metric at one step, or a whole history of each, all or none.

    The latest point, which lists show, is the one with the highest step, then time, then value.

    Parameters
    ----------
    metrics : mapping of str to float or sequence of float
        NaN and infinity are kept, and fail every gate. A list, an array or a Series holds the points of successive
        steps; logging them at once costs a small part of logging them one by one.
    step : int
        Where in the training, for a sequence where it begins; may be negative.

    Raises
    ------
    InvalidValue
        A value is no number.

    Examples
    --------
    >>> log_metrics({"loss": [0.9, 0.5, 0.4], "auc": 0.71})       # doctest: +SKIP
    """
    first = int(step)
    points = tuple(
        _point(key, value, first + place)
        for key, given in metrics.items()
        for place, value in enumerate(_history(given))
    )
    _log(workspace, metrics=points)


def metric_history(run: str | Run | ActiveRun, key: str, *, workspace: Workspace | None = None) -> Page[MetricValue]:
    """Give every point of one metric of a run, by step and time; `.df` gives them as a DataFrame.

    Parameters
    ----------
    run : str, Run or ActiveRun
        Its id, `run:ID` or the record.
    key : str
        Name of the metric.
    workspace : Workspace, optional
        Where; the one found from here when left out.

    Raises
    ------
    NotFound
        There is no such run, or it has no such metric.

    Examples
    --------
    >>> metric_history(active_run(), "loss").df       # doctest: +SKIP
    """
    ws, wanted = workspace or Workspace.find(), run if isinstance(run, str) else run.id
    asked = ListMetric(run=wanted, key=key, limit=1000)
    return Page(items=tuple(every(ws, service.metric, asked)))


def log_artifact(data: str | Path | bytes, name: str = "", *, workspace: Workspace | None = None) -> Artifact:
    """Keep a file or bytes with the active run.

    Parameters
    ----------
    data : str, Path or bytes
        A file's path, or the content itself.
    name : str
        Path to keep it under, such as `plots/roc.png`; the file's own name when left out.

    Raises
    ------
    InvalidValue
        There is no such file, bytes have no name, or the name leads outside.
    """
    ws = workspace or Workspace.find()
    source: Path | bytes = data if isinstance(data, bytes) else Path(data)
    if isinstance(source, Path) and not source.is_file():
        raise InvalidValue(f"no file {str(data)!r}", hint="Give the path of a file, or bytes and a name")
    path = name or (source.name if isinstance(source, Path) else "")
    if not path:
        raise InvalidValue("bytes need a name", hint="mlops.log_artifact(data, 'report.html')")
    size = source.stat().st_size if isinstance(source, Path) else len(source)
    artifact = Artifact(path=path, digest=ws.put_blob(source), size=size)
    _log(ws, artifacts=(artifact,))
    return artifact


def log_figure(figure: Any, name: str, *, workspace: Workspace | None = None) -> Artifact:
    """Keep a figure with the active run: plotly as JSON or HTML, matplotlib as the format of its name.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure or matplotlib.figure.Figure
        The figure.
    name : str
        Such as `roc.html`, `roc.json` or `roc.png`; without a suffix plotly becomes .json, matplotlib .png.

    Raises
    ------
    InvalidValue
        It is no figure, or cannot be written in that format.
    """
    return log_artifact(*_drawn(figure, name), workspace=workspace)


def set_tag(key: str, value: Any, *, workspace: Workspace | None = None) -> None:
    """Set one tag of the active run; the last value counts."""
    set_tags({key: value}, workspace=workspace)


def set_tags(tags: Mapping[str, Any], *, workspace: Workspace | None = None) -> None:
    """Set tags of the active run; the last value of each counts."""
    _log(workspace, tags=_tags(tags))


def runs(
    experiment: str = "", status: str = "", *, limit: int = 100, cursor: str = "", workspace: Workspace | None = None
) -> Page[Run]:
    """List the runs, the newest first; `.df` gives them as a DataFrame."""
    ws = workspace or Workspace.find()
    return ws.call(service.list_, ListRuns(experiment=experiment, status=status, limit=limit, cursor=cursor))


def attach(run: str | Run, notebook: str | Path, *, workspace: Workspace | None = None) -> Run:
    """Keep an executed notebook with its run; plain papermill tells a kernel nothing of its output.

    Parameters
    ----------
    run : str or Run
        Its id, `run:ID` or the record.
    notebook : str or Path
        File of the executed notebook.

    Raises
    ------
    InvalidValue
        There is no such file.
    NotFound
        There is no such run.
    """
    ws, path = workspace or Workspace.find(), Path(notebook)
    if not path.is_file():
        raise InvalidValue(f"no file {str(notebook)!r}", hint="Give the notebook that papermill wrote")
    wanted = run if isinstance(run, str) else run.id
    return ws.call(service.attach, AttachNotebook(run=wanted, output=ws.put_blob(path)))


def _log(workspace: Workspace | None, **entries: Any) -> None:
    ws = workspace or Workspace.find()
    run = active.ensure(ws)
    try:
        run.log(**entries)
    except RunEnded:
        # It was counted as lost, say while the machine slept: a run nobody started by hand is followed by another.
        if not run.lazy:
            raise
        active.ensure(ws).log(**entries)


def _point(key: str, value: Any, step: int) -> MetricPoint:
    return MetricPoint(key=str(key), value=to_float(str(key), value), step=step)


def _history(given: Any) -> Sequence[Any]:
    """Give the points of successive steps; a number, or what holds one, is a single point."""
    if isinstance(given, list | tuple) or getattr(given, "ndim", 0) == 1:
        return list(given)
    return (given,)


def _tags(tags: Mapping[str, Any]) -> dict[str, str]:
    return {str(key): value if isinstance(value, str) else to_json(value) for key, value in tags.items()}


def _drawn(figure: Any, name: str) -> tuple[bytes, str]:
    """Write a figure in the format that its name asks for."""
    suffix = Path(name).suffix.lstrip(".").lower()
    if hasattr(figure, "to_plotly_json"):
        if suffix in ("", "json"):
            return figure.to_json().encode(), name if suffix else f"{name}.json"
        if suffix == "html":
            return figure.to_html(include_plotlyjs="cdn").encode(), name
        raise InvalidValue(f"a plotly figure is not kept as {suffix!r}", hint="Name it .json or .html")
    if not hasattr(figure, "savefig"):
        raise InvalidValue(f"not a figure: {type(figure).__name__}", hint="Give a figure of plotly or matplotlib")
    import io

    buffer = io.BytesIO()
    try:
        figure.savefig(buffer, format=suffix or "png")
    except ValueError as error:
        raise InvalidValue(f"the figure cannot be kept as {suffix!r}: {error}", hint="Name it .png or .svg") from error
    return buffer.getvalue(), name if suffix else f"{name}.png"
