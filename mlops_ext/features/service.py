"""What can be done with feature views: define, list, show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, insert, select, update

from mlops_ext.datasets import resolve
from mlops_ext.datasets.types import DatasetVersion
from mlops_ext.errors import InvalidValue, NotFound, did_you_mean
from mlops_ext.features.tables import feature_view_versions, feature_views
from mlops_ext.features.types import DefineFeatureView, FeatureView, ListFeatureViews, ShowFeatureView
from mlops_ext.operations import operation
from mlops_ext.records import Page
from mlops_ext.refs import Latest, Number, Ref, check_name
from mlops_ext.store.search import contains, paged
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from mlops_ext.store.catalog import Change

__all__ = ["define", "definition_of", "list_", "show"]

_DEFINITION = ("dataset", "entity", "time", "created", "ttl_seconds", "features", "description")


@operation("features.define", "POST /feature-views/{name}/versions", writes=True)
def define(ws: Workspace, request: DefineFeatureView) -> FeatureView:
    """Define a feature view over a dataset; an equal definition makes no new version."""
    name = check_name(request.name)
    dataset = str(Ref.parse(request.dataset, "dataset"))
    with ws.catalog.read() as connection:
        version = resolve(connection, dataset)
    _check_columns(request, version)
    _check_ttl(request.ttl_seconds)
    return ws.catalog.write(lambda change: _define(change, name, version.ref, request))


@operation("features.list", "GET /feature-views")
def list_(ws: Workspace, request: ListFeatureViews) -> Page[FeatureView]:
    """List the feature views by name, each in its latest version."""
    table = feature_view_versions
    query = select(table).join(
        feature_views, (feature_views.c.name == table.c.name) & (feature_views.c.latest == table.c.version)
    )
    if request.search:
        query = query.where(contains(table.c.name, request.search))
    with ws.catalog.read() as connection:
        return paged(connection, query, (table.c.name,), request.limit, request.cursor, _view)


@operation("features.show", "GET /feature-views/{view}")
def show(ws: Workspace, request: ShowFeatureView) -> FeatureView:
    """Show a feature view; the latest version when the reference names none."""
    ref = Ref.parse(request.view, "feature_view")
    with ws.catalog.read() as connection:
        row = _find(connection, ref)
        if row is not None:
            return _view(row)
        known = {row.name: row.latest for row in connection.execute(select(feature_views))}
    if ref.name not in known:
        raise NotFound.of("feature view", ref.name, known)
    raise NotFound(
        f"no version {ref.selector} of feature view {ref.name!r}", hint=f"Its latest is {ref.name}@{known[ref.name]}"
    )


def definition_of(view: FeatureView | DefineFeatureView) -> dict[str, Any]:
    """Give what two definitions of a view must share to be the same."""
    return {
        **{each: getattr(view, each) for each in _DEFINITION},
        "dataset": str(Ref.parse(view.dataset, "dataset")),
    }


def _find(reader: Connection | Change, ref: Ref) -> Row[Any] | None:
    table = feature_view_versions
    query = select(table).where(table.c.name == ref.name)
    if isinstance(ref.selector, Number):
        query = query.where(table.c.version == ref.selector.number)
    elif not isinstance(ref.selector, Latest):
        raise InvalidValue(
            f"{ref.selector} is no version of a feature view", hint=f"Write {ref.name}@3 or {ref.name}@latest"
        )
    return reader.execute(query.order_by(table.c.version.desc()).limit(1)).one_or_none()


def _define(change: Change, name: str, read: str, request: DefineFeatureView) -> FeatureView:
    latest = _find(change, Ref(name))
    definition = definition_of(request)
    if latest is not None:
        view = _view(latest)
        if definition_of(view) == definition:
            return view
    version = latest.version + 1 if latest is not None else 1
    made = FeatureView(name=name, version=version, created_at=change.now, created_by=change.actor, **definition)
    if latest is None:
        change.execute(insert(feature_views).values(name=name, latest=version))
    else:
        change.execute(update(feature_views).where(feature_views.c.name == name).values(latest=version))
    change.execute(insert(feature_view_versions).values(made.model_dump()))
    subject = f"feature_view:{made.ref}"
    change.event("feature_view.defined", subject, {**definition, "inputs": [f"dataset:{read}"], "outputs": [subject]})
    return made


def _view(row: Row[Any]) -> FeatureView:
    held = dict(row._mapping)
    age = held["ttl_seconds"]
    return FeatureView(**{**held, "ttl_seconds": None if age is None or math.isnan(age) else age})


def _check_ttl(seconds: float | None) -> None:
    if seconds is not None and not (math.isfinite(seconds) and seconds > 0):
        raise InvalidValue(f"a ttl of {seconds} seconds", hint="Give a positive time, or none for any age")


def _check_columns(request: DefineFeatureView, version: DatasetVersion) -> None:
    types = {column.name: column.type for column in version.schema_}
    roles = [*request.entity, request.time, *([request.created] if request.created else []), *request.features]
    for name in roles:
        if name not in types:
            raise InvalidValue(f"{version.ref} has no column {name!r}", hint=did_you_mean(name, types))
    repeated = _repeated([*request.entity, *request.features])
    if repeated:
        raise InvalidValue(f"column {repeated!r} is named twice", hint="A column is an entity or a feature, once")
    for name in request.entity:
        if types[name].startswith("float"):
            raise InvalidValue(
                f"the entity column {name!r} is {types[name]}; a join on floating-point numbers is not exact",
                hint="Snapshot it as whole numbers or text",
            )
    for name in (request.time, request.created):
        if name and not types[name].startswith(("timestamp", "date")):
            raise InvalidValue(
                f"column {name!r} of {version.ref} is {types[name]}, not a time",
                hint="Convert it, such as with pd.to_datetime, and snapshot again",
            )


def _repeated(names: Sequence[str]) -> str:
    return next((name for place, name in enumerate(names) if name in names[:place]), "")
