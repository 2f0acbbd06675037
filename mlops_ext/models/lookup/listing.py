"""What the registry's lists can be searched by, and the lists: models, versions of one, versions of all."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, select

from mlops_ext.models.lookup.references import find_model, versions_query
from mlops_ext.models.lookup.rows import model_records, version_records
from mlops_ext.models.tables import aliases, model_metrics, model_parameters, model_tags, model_versions, models
from mlops_ext.models.types import ListModels, ListVersions, Model, ModelVersion, SearchVersions
from mlops_ext.operations import operation
from mlops_ext.records import Page
from mlops_ext.refs import Ref
from mlops_ext.store.filters import Field, Fields, Keyed, found
from mlops_ext.store.listing import Listing
from mlops_ext.store.search import Sort, contains
from mlops_ext.workspace import Workspace

__all__ = ["list_models", "search", "versions"]

_MODEL, _VERSION = models.c, model_versions.c


def _beside(table: Any) -> Any:
    """Find a version's rows in a table of its own."""
    return (table.c.model_id == _VERSION.model_id) & (table.c.version == _VERSION.version)


MODELS = Fields(
    attributes={
        "name": Field(_MODEL.name, "name"),
        "description": Field(_MODEL.description),
        "state": Field(_MODEL.state),
        "latest": Field(_MODEL.latest, "number"),
        "created_at": Field(_MODEL.created_at, "time"),
        "updated_at": Field(_MODEL.updated_at, "time"),
        "aliases": Field(aliases.c.alias, "name", within=aliases.c.model_id == _MODEL.id, sortable=False),
    },
    keyed={
        "tags": Keyed(
            model_tags.c.key, model_tags.c.value, (model_tags.c.model_id == _MODEL.id) & (model_tags.c.version == 0)
        )
    },
    order=(Sort(_MODEL.name),),
)

_VERSION_ATTRIBUTES = {
    "name": Field(_MODEL.name, "name"),
    "version": Field(_VERSION.version, "number"),
    "version_number": Field(_VERSION.version, "number"),
    "digest": Field(_VERSION.digest),
    "flavor": Field(_VERSION.flavor),
    "run": Field(_VERSION.run),
    "run_id": Field(_VERSION.run),
    "description": Field(_VERSION.description),
    "state": Field(_VERSION.state),
    "created_at": Field(_VERSION.created_at, "time"),
    "created_by": Field(_VERSION.created_by),
    "aliases": Field(aliases.c.alias, "name", within=_beside(aliases), sortable=False),
}
_VERSION_PAIRS = {
    "metrics": Keyed(model_metrics.c.key, model_metrics.c.value, _beside(model_metrics), "number"),
    "params": Keyed(model_parameters.c.name, model_parameters.c.value, _beside(model_parameters), "json"),
    "tags": Keyed(model_tags.c.key, model_tags.c.value, _beside(model_tags)),
}
OF_ONE = Fields(_VERSION_ATTRIBUTES, (Sort(_VERSION.version, descending=True),), _VERSION_PAIRS)
OF_ALL = Fields(
    _VERSION_ATTRIBUTES,
    tuple(Sort(each, descending=True) for each in (_VERSION.created_at, _VERSION.model_id, _VERSION.version)),
    _VERSION_PAIRS,
)


@operation("models.list", "GET /models")
def list_models(ws: Workspace, request: ListModels) -> Page[Model]:
    """List the models by name, with their newest versions, aliases and environments."""
    query = select(models)
    if request.state != "any":
        query = query.where(_MODEL.state == request.state)
    if request.search:
        query = query.where(contains(_MODEL.name, request.search))
    with ws.catalog.read() as connection:
        rows, following = found(connection, query, MODELS, request)
        return Page[Model](items=model_records(connection, rows), next=following)


@operation("models.versions", "GET /models/{model}/versions")
def versions(ws: Workspace, request: ListVersions) -> Page[ModelVersion]:
    """List the versions of a model, newest first; `models.version` shows the environment lock as well."""
    with ws.catalog.read() as connection:
        model = find_model(connection, Ref.parse(request.model, kind="model").name)
        rows, following = _of_one(request.state).page(connection, request, model_id=model.id)
        return Page[ModelVersion](items=version_records(connection, rows), next=following)


@operation("models.search", "GET /model-versions")
def search(ws: Workspace, request: SearchVersions) -> Page[ModelVersion]:
    """Search the versions of all models, newest first."""
    with ws.catalog.read() as connection:
        rows, following = _of_all(request.state).page(connection, request)
        return Page[ModelVersion](items=version_records(connection, rows), next=following)


@lru_cache
def _of_one(state: str) -> Listing:
    return Listing(versions_query(state).where(_VERSION.model_id == bindparam("model_id")), OF_ONE)


@lru_cache
def _of_all(state: str) -> Listing:
    return Listing(versions_query(state), OF_ALL)
