"""What the registry does: list, show, point by alias; registering, promotion and policy stand beside."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from mlops_ext.errors import NotFound
from mlops_ext.models import approvals, history, policy, promotion, registration, reviews
from mlops_ext.models.policy import current_policy, refuse_guarded
from mlops_ext.models.references import find_model, find_version, version_rows
from mlops_ext.models.rows import plain_version, pointers, version_record, version_records
from mlops_ext.models.tables import aliases, model_versions, models
from mlops_ext.models.types import (
    AliasMove,
    DeleteAlias,
    ListModels,
    ListVersions,
    Model,
    ModelVersion,
    SetAlias,
    ShowModel,
    ShowVersion,
)
from mlops_ext.operations import operation
from mlops_ext.records import Page
from mlops_ext.refs import Ref, check_label
from mlops_ext.store.catalog import Change
from mlops_ext.store.search import contains, paged
from mlops_ext.workspace import Workspace

__all__ = [
    "alias",
    "apply_policy",
    "approve",
    "break_glass",
    "check",
    "deployments",
    "list_models",
    "promote",
    "promotions",
    "read_policy",
    "register",
    "reject",
    "review",
    "reviews_due",
    "rollback",
    "show",
    "show_policy",
    "show_promotion",
    "unalias",
    "version",
    "versions",
]

register = registration.register
check, promote, break_glass = promotion.check, promotion.promote, promotion.break_glass
promotions, show_promotion = promotion.list_promotions, promotion.show_promotion
approve, reject = approvals.approve, approvals.reject
reviews_due, review = reviews.list_reviews, reviews.review
rollback, deployments = history.rollback, history.list_deployments
show_policy, apply_policy, read_policy = policy.show, policy.apply, policy.read_policy


@operation("models.list", "GET /models")
def list_models(ws: Workspace, request: ListModels) -> Page[Model]:
    """List the models by name, with their newest versions, aliases and environments."""
    with ws.catalog.read() as connection:
        query = select(models)
        if request.search:
            query = query.where(contains(models.c.name, request.search))
        ids: dict[str, str] = {}

        def make(row: Row[Any]) -> Model:
            ids[row.name] = row.id
            return _model(row)

        page = paged(connection, query, (models.c.name,), request.limit, request.cursor, make)
        pointing = pointers(connection, list(ids.values()))
        items = tuple(_pointed(item, pointing[ids[item.name]]) for item in page.items)
        return Page[Model](items=items, next=page.next)


@operation("models.show", "GET /models/{model}")
def show(ws: Workspace, request: ShowModel) -> Model:
    """Show a model: its newest version, and which versions its aliases and environments point to."""
    with ws.catalog.read() as connection:
        row = find_model(connection, Ref.parse(request.model, kind="model").name)
        return _pointed(_model(row), pointers(connection, [row.id])[row.id])


@operation("models.versions", "GET /models/{model}/versions")
def versions(ws: Workspace, request: ListVersions) -> Page[ModelVersion]:
    """List the versions of a model, newest first; `models.version` shows the environment lock as well."""
    with ws.catalog.read() as connection:
        model = find_model(connection, Ref.parse(request.model, kind="model").name)
        page = paged(
            connection,
            version_rows(model.id),
            (model_versions.c.version,),
            request.limit,
            request.cursor,
            plain_version,
            descending=True,
        )
        return Page[ModelVersion](items=tuple(version_records(connection, model.id, page.items)), next=page.next)


@operation("models.version", "GET /model-versions/{model}")
def version(ws: Workspace, request: ShowVersion) -> ModelVersion:
    """Show one version: files, signature, what it was made of, and where it serves."""
    with ws.catalog.read() as connection:
        return version_record(connection, find_version(connection, request.model))


@operation("models.alias", "PUT /model-versions/{model}/aliases/{alias}", command="alias set", writes=True)
def alias(ws: Workspace, request: SetAlias) -> AliasMove:
    """Point an alias at a version, moving it when it points elsewhere."""

    def point(change: Change) -> AliasMove:
        label = check_label(request.alias, current_policy(change).policy.environments)
        refuse_guarded(change, label)
        row = find_version(change, request.model)
        key = (aliases.c.model_id == row.model_id) & (aliases.c.alias == label)
        previous = change.execute(select(aliases.c.version).where(key)).scalar_one_or_none()
        move = AliasMove(model=row.name, alias=label, version=row.version, previous=previous)
        if previous == row.version:
            return move
        if previous is None:
            change.execute(insert(aliases).values(model_id=row.model_id, alias=label, version=row.version))
        else:
            change.execute(update(aliases).where(key).values(version=row.version))
        change.execute(update(models).where(models.c.id == row.model_id).values(updated_at=change.now))
        data = {"alias": label, "from": previous, "to": row.version}
        change.event("alias.set", f"model:{row.name}@{row.version}", data)
        return move

    return ws.catalog.write(point)


@operation("models.unalias", "DELETE /models/{model}/aliases/{alias}", command="alias delete", writes=True)
def unalias(ws: Workspace, request: DeleteAlias) -> AliasMove:
    """Take an alias away."""

    def remove(change: Change) -> AliasMove:
        model = find_model(change, Ref.parse(request.model, kind="model").name)
        query = select(aliases.c.alias, aliases.c.version).where(aliases.c.model_id == model.id)
        known = {row.alias: row.version for row in change.execute(query)}
        if request.alias not in known:
            raise NotFound.of(f"alias of model {model.name!r}", request.alias, known)
        change.execute(delete(aliases).where(aliases.c.model_id == model.id, aliases.c.alias == request.alias))
        change.execute(update(models).where(models.c.id == model.id).values(updated_at=change.now))
        previous = known[request.alias]
        data = {"alias": request.alias, "from": previous, "to": None}
        change.event("alias.deleted", f"model:{model.name}@{previous}", data)
        return AliasMove(model=model.name, alias=request.alias, version=None, previous=previous)

    return ws.catalog.write(remove)


def _model(row: Row[Any]) -> Model:
    return Model(
        name=row.name,
        description=row.description,
        latest=row.latest,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _pointed(model: Model, pointing: tuple[dict[str, int], dict[str, int]]) -> Model:
    return model.model_copy(update={"aliases": pointing[0], "environments": pointing[1]})
