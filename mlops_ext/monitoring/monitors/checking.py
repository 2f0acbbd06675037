"""A monitor is checked when it is declared, so that it does not fail at night."""

from __future__ import annotations

from typing import Any

from mlops_ext.cron import check_cron
from mlops_ext.datasets.service import show as show_dataset
from mlops_ext.datasets.types import DatasetVersion, ShowDataset
from mlops_ext.durations import duration_of
from mlops_ext.errors import InvalidValue, NotFound, did_you_mean
from mlops_ext.models.service import version as show_version
from mlops_ext.models.types import ModelVersion, ShowVersion
from mlops_ext.monitoring.monitors.profiles import checked_profile, is_file
from mlops_ext.monitoring.monitors.spans import span_of
from mlops_ext.monitoring.monitors.types import AddMonitor
from mlops_ext.monitoring.service import model_name
from mlops_ext.refs import Ref, check_name
from mlops_ext.workspace import Workspace

__all__ = ["checked"]


def checked(ws: Workspace, request: AddMonitor) -> dict[str, Any]:
    """Check all of a declaration; give what is pinned by it.

    Returns
    -------
    dict
        `reference` (full), `columns`, `model_name`, and `newest`, the latest version of the dataset that is watched.

    Raises
    ------
    InvalidValue, NotFound
        What is wrong with it, and the nearest that is known.
    """
    check_name(request.monitor)
    if request.data and request.predictions:
        raise InvalidValue(
            f"the monitor {request.monitor!r} watches a dataset and predictions", hint="Make a monitor for each"
        )
    if request.predictions and not request.model:
        raise InvalidValue("predictions of no model", hint="Name the model, such as model = 'delay@production'")
    if request.cron:
        check_cron(request.cron, request.tz)
    _check_stream(request)
    _check_kind(request)
    known = [channel.name for channel in ws.settings.alerts.channels]
    for name in request.channels:
        if name not in known:
            raise NotFound(f"no channel {name!r} in mlops.toml", hint=did_you_mean(name, known))
    model = ws.call(show_version, ShowVersion(model=request.model)) if request.model else None
    reference, columns = _compared(ws, request, model)
    return {
        "reference": reference,
        "columns": columns,
        "model": request.model,
        "model_name": model_name(request.model),
        "newest": ws.call(show_dataset, ShowDataset(dataset=_name(request.data))).version if request.data else 0,
    }


def _compared(ws: Workspace, request: AddMonitor, model: ModelVersion | None) -> tuple[str, list[str]]:
    """Give the full reference of what windows are compared with, and the columns that are watched."""
    if request.kind == "performance":
        return "", []
    if request.profile is not None or is_file(request.reference):
        source, columns = checked_profile(ws, request)
        taken = {field.name for field in model.signature.inputs} if model is not None and not request.data else set()
        kept = [name for name in columns if name in taken] if taken and not request.columns else columns
        return source, kept or columns
    reference = _reference(ws, request, model)
    return f"dataset:{reference.ref}", _columns(request, reference, model)


def _check_stream(request: AddMonitor) -> None:
    span_of(request.window)
    if duration_of(request.grace, "grace").total_seconds() < 0:
        raise InvalidValue(f"grace is {request.grace!r}", hint="Write it as '5m', or '0s'")
    if request.statistics:
        from mlops_ext.monitoring.drift.statistics import wanted

        wanted(request.statistics)
    wrong = [name for name, weight in request.importance.items() if not 0 <= weight < float("inf")]
    if wrong:
        raise InvalidValue(f"the importance of {wrong[0]!r} is no number of at least 0", hint="Give shares or gains")


_ONLY = {
    "drift": ("together", "text", "season", "categorical", "numeric", "statistics", "importance", "profile"),
    "quality": ("keys", "max_age", "missing", "outside", "volume"),
    "performance": ("metric", "limit", "against", "tolerance"),
}
"""What only one kind of monitor knows."""


def _check_kind(request: AddMonitor) -> None:
    """Refuse what another kind of monitor is told, and a performance that is held to nothing."""
    fields = type(request).model_fields
    for kind, names in _ONLY.items():
        for name in names if kind != request.kind else ():
            if getattr(request, name) != fields[name].default:
                raise InvalidValue(
                    f"{name} is for monitors of {kind}, and {request.monitor!r} is one of {request.kind}",
                    hint=f"Leave it out, or make a monitor of the kind {kind}",
                )
    if request.max_age:
        duration_of(request.max_age, "max_age")
    if (request.kind == "drift" and bool(request.season) != bool(request.at)) or (request.season and not request.data):
        raise InvalidValue(
            f"season is {request.season!r} and at is {request.at!r}",
            hint="Give both, such as season = 'month' and at = 'time_hour', and the dataset that is watched",
        )
    if request.kind != "performance":
        return
    if not request.model or request.data:
        raise InvalidValue("performance of no model's predictions", hint="Name the model, and no data")
    if (request.limit is None) == (not request.against):
        raise InvalidValue(
            "performance that is held to nothing, or to two things", hint="Give limit = 0.7, or against = '2013-02'"
        )


def _reference(ws: Workspace, request: AddMonitor, model: ModelVersion | None) -> DatasetVersion:
    """Find the version to compare with: the one named, else what the model was trained on."""
    if request.reference:
        return ws.call(show_dataset, ShowDataset(dataset=request.reference.removeprefix("dataset:")))
    if model is None:
        raise InvalidValue("no reference to compare with", hint="Write reference = 'flights@1', or name a model")
    trained = [each for each in model.inputs if each.startswith("dataset:")]
    if len(trained) != 1:
        found = ", ".join(trained) or "none"
        raise InvalidValue(
            f"{model.ref} was trained on {found}, not on one dataset", hint="Write reference = 'flights@1'"
        )
    return ws.call(show_dataset, ShowDataset(dataset=trained[0].removeprefix("dataset:")))


def _columns(request: AddMonitor, reference: DatasetVersion, model: ModelVersion | None) -> list[str]:
    """Give the columns that are watched: those named, else what the model takes, else all of the reference."""
    known = [column.name for column in reference.schema_]
    named = (*request.columns, *request.categorical, *request.numeric, *request.importance)
    own = (*request.text, *request.keys, *([request.at] if request.at else ()))
    for name in (*named, *own):
        if name not in known:
            raise InvalidValue(f"no column {name!r} in {reference.ref}", hint=did_you_mean(name, known))
    both = sorted(set(request.categorical) & set(request.numeric))
    if both:
        raise InvalidValue(f"column {both[0]!r} is named categorical and numeric", hint="Name it once")
    if request.columns:
        return list(dict.fromkeys(request.columns))
    taken = [field.name for field in model.signature.inputs] if model is not None and not request.data else []
    return [name for name in taken if name in known] or known


def _name(data: str) -> str:
    return Ref.parse(data, "dataset").name
