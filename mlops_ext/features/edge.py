"""Feature views and their joins in the notebook: frames in, frames out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mlops_ext.datasets import service as datasets
from mlops_ext.datasets.again import first_time
from mlops_ext.datasets.types import ShowDataset
from mlops_ext.datasets.used import pinned
from mlops_ext.durations import duration_of
from mlops_ext.errors import InvalidValue, NotFound, did_you_mean
from mlops_ext.features import service
from mlops_ext.features.types import DefineFeatureView, FeatureView, ShowFeatureView
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["feature_view", "join"]

_DAY = 86_400
_NANOSECONDS = 10**9


def feature_view(
    name: str,
    *,
    dataset: str,
    entity: str | Sequence[str],
    time: str,
    features: Sequence[str] | None = None,
    ttl: timedelta | str | None = None,
    created: str = "",
    description: str = "",
    workspace: Workspace | None = None,
) -> FeatureView:
    """Define which columns of a dataset are features, of what, and since when.

    Parameters
    ----------
    name : str
        Name of the view.
    dataset : str
        Name of the dataset, whose latest version a join reads, or a reference to one version.
    entity : str or sequence of str
        The key columns.
    time : str
        Column of the event time.
    features : sequence of str, optional
        The feature columns; all others of the dataset when left out.
    ttl : timedelta or str, optional
        How old a row may be, such as ``"3h"`` or ``"1d 12h"``; any age when left out.
    created : str
        Column of the time when a row became known; a join then sees only what was known.
    description : str
        A sentence about it.
    workspace : Workspace, optional
        Where; the one found from here when left out.

    Returns
    -------
    FeatureView
        The new version, or the latest when it is defined alike.

    Examples
    --------
    >>> feature_view("weather", dataset="weather", entity="origin", time="time_hour", ttl="3h")  # doctest: +SKIP
    """
    ws = workspace or Workspace.find()
    keys = (entity,) if isinstance(entity, str) else tuple(entity)
    if features is None:
        version = ws.call(datasets.show, ShowDataset(dataset=pinned(dataset)))
        taken = {*keys, time, created}
        features = [column.name for column in version.schema_ if column.name not in taken]
        features = [each for each in features if not each.startswith("__index_level_")]
    if not keys or not features:
        raise InvalidValue(
            f"the view {name!r} has no {'features' if keys else 'entity'}", hint="Name at least one column"
        )
    request = DefineFeatureView(
        name=name,
        dataset=dataset,
        entity=keys,
        time=time,
        created=created,
        ttl_seconds=None if ttl is None else duration_of(ttl, "ttl").total_seconds(),
        features=tuple(features),
        description=description,
    )
    known = _known(ws, request) if first_time() else None
    return known or ws.call(service.define, request)


def _known(ws: Workspace, request: DefineFeatureView) -> FeatureView | None:
    """Give the latest version of a view where it is defined as asked: a reproduction may then do without defining."""
    try:
        view = ws.call(service.show, ShowFeatureView(view=request.name))
    except NotFound:
        return None
    return view if service.definition_of(view) == service.definition_of(request) else None


def join(
    frame: Any,
    *views: str | FeatureView,
    at: str,
    offset: timedelta | str | None = None,
    workspace: Workspace | None = None,
) -> Any:
    """Add the features of views to a frame, as they were known at each row's moment.

    Parameters
    ----------
    frame : pandas.DataFrame, polars.DataFrame or pyarrow.Table
        With the views' entity columns and the column `at`.
    *views : str or FeatureView
        Names or references; each is read from its dataset.
    at : str
        Column of the moments.
    offset : timedelta or str, optional
        Added to each moment; ``"-1h"`` gives what was known an hour before.
    workspace : Workspace, optional
        Where; the one found from here when left out.

    Returns
    -------
    pandas.DataFrame, polars.DataFrame or pyarrow.Table
        The frame with the features added: the same rows, order and index.

    Raises
    ------
    InvalidValue
        A column is missing or would stand in the result twice, or a key is a floating-point number.

    Examples
    --------
    >>> join(flights, "weather", at="sched_dep_time", offset="-1h")  # doctest: +SKIP
    """
    from mlops_ext.features import frames

    ws = workspace or Workspace.find()
    if not views:
        raise InvalidValue("no feature view to join", hint="Name one: join(frame, 'weather', at='time')")
    found = [
        each if isinstance(each, FeatureView) else ws.call(service.show, ShowFeatureView(view=each)) for each in views
    ]
    names = frames.column_names(frame)
    _check_names(names, found, at)
    shift = 0 if offset is None else round(duration_of(offset, "offset").total_seconds() * _NANOSECONDS)
    needed = list(dict.fromkeys([*(key for view in found for key in view.entity), at]))
    entities = frames.to_arrow(frame, needed)
    added: dict[str, pa.ChunkedArray] = {}
    for view in found:
        features = frames.read(ws, view, entities, at=at, offset=shift)
        added.update(zip(features.column_names, features.columns, strict=True))
    return frames.with_columns(frame, added)


def _check_names(names: list[str], views: Sequence[FeatureView], at: str) -> None:
    for name in dict.fromkeys([at, *(key for view in views for key in view.entity)]):
        if name not in names:
            raise InvalidValue(f"the frame has no column {name!r}", hint=did_you_mean(name, names))
    taken = dict.fromkeys(names, "the frame")
    for view in views:
        for feature in view.features:
            if feature in taken:
                raise InvalidValue(
                    f"the column {feature!r} of {view.ref} stands in {taken[feature]} already",
                    hint="Rename it, or define the view without it",
                )
            taken[feature] = view.ref
