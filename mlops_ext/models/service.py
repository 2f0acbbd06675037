"""What the registry does: show, point by alias; all else stands beside, each thing in a file of its own."""

from __future__ import annotations

from mlops_ext.models import comparison, registration, reproductions
from mlops_ext.models.curation import editing, states
from mlops_ext.models.curation.subjects import MODELS
from mlops_ext.models.lookup import listing
from mlops_ext.models.lookup.references import find_model, find_version
from mlops_ext.models.lookup.rows import model_records, version_record
from mlops_ext.models.promotion import approvals, history, policy, reviews, why
from mlops_ext.models.promotion import service as promotion
from mlops_ext.models.promotion.policy import current_policy, refuse_guarded
from mlops_ext.models.types import (
    AliasMove,
    DeleteAlias,
    Model,
    ModelVersion,
    SetAlias,
    ShowModel,
    ShowVersion,
)
from mlops_ext.operations import operation
from mlops_ext.refs import Ref, check_label
from mlops_ext.store import curation
from mlops_ext.store.catalog import Change
from mlops_ext.store.curation import WHOLE, Subject
from mlops_ext.workspace import Workspace

__all__ = [
    "alias",
    "apply_policy",
    "approve",
    "archive",
    "break_glass",
    "check",
    "compare",
    "delete_",
    "deployments",
    "describe",
    "explain",
    "list_models",
    "note_reproduction",
    "promote",
    "promotions",
    "read_policy",
    "register",
    "reject",
    "rename",
    "reproduction",
    "restore",
    "review",
    "reviews_due",
    "rollback",
    "search",
    "show",
    "show_policy",
    "show_promotion",
    "tag",
    "unalias",
    "untag",
    "version",
    "versions",
]

register = registration.register
list_models, versions, search = listing.list_models, listing.versions, listing.search
tag, untag, describe, rename = editing.tag, editing.untag, editing.describe, editing.rename
compare = comparison.compare
note_reproduction = reproductions.note
reproduction = reproductions.show
archive, delete_, restore = states.archive, states.delete, states.restore
check, promote, break_glass = promotion.check, promotion.promote, promotion.break_glass
promotions, show_promotion = promotion.list_promotions, promotion.show_promotion
approve, reject = approvals.approve, approvals.reject
reviews_due, review = reviews.list_reviews, reviews.review
rollback, deployments = history.rollback, history.list_deployments
explain = why.why
show_policy, apply_policy, read_policy = policy.show, policy.apply, policy.read_policy


@operation("models.show", "GET /models/{model}")
def show(ws: Workspace, request: ShowModel) -> Model:
    """Show a model: its newest version, and which versions its aliases and environments point to."""
    with ws.catalog.read() as connection:
        row = find_model(connection, Ref.parse(request.model, kind="model").name)
        return model_records(connection, [row])[0]


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
        subject = Subject(MODELS, row.model_id, row.name, row.version, row)
        previous = curation.point(change, subject, label)
        return AliasMove(model=row.name, alias=label, version=row.version, previous=previous)

    return ws.catalog.write(point)


@operation("models.unalias", "DELETE /models/{model}/aliases/{alias}", command="alias delete", writes=True)
def unalias(ws: Workspace, request: DeleteAlias) -> AliasMove:
    """Take an alias away."""

    def remove(change: Change) -> AliasMove:
        # Without a champion a gate that compares has nothing to compare with, so taking it away is guarded, too.
        refuse_guarded(change, request.alias)
        model = find_model(change, Ref.parse(request.model, kind="model").name)
        previous = curation.unpoint(change, Subject(MODELS, model.id, model.name, WHOLE, model), request.alias)
        return AliasMove(model=model.name, alias=request.alias, version=None, previous=previous)

    return ws.catalog.write(remove)
