"""What each environment served: entries are added by promotion, and walked back by rollback."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, func, insert, select, update

from mlops_ext.errors import Conflict, InvalidValue, NotFound
from mlops_ext.models.lookup.references import current_deployment, find_model
from mlops_ext.models.lookup.rows import deployment_record
from mlops_ext.models.promotion.anchoring import anchor_aside
from mlops_ext.models.promotion.cases import checked_comment, known_goal
from mlops_ext.models.promotion.standing import void
from mlops_ext.models.promotion.types import Deployment, GateResult, ListDeployments, Rollback
from mlops_ext.models.tables import deployments, model_versions, models, promotions
from mlops_ext.operations import operation
from mlops_ext.records import Page
from mlops_ext.refs import Label, Ref
from mlops_ext.store.catalog import Change
from mlops_ext.store.search import paged
from mlops_ext.workspace import Workspace

__all__ = ["Entry", "enter", "list_deployments", "moved", "rollback", "voided"]


@dataclass(frozen=True)
class Entry:
    """An entry of an environment's history before it is written.

    Attributes
    ----------
    below : int or None
        The entry that a rollback from this one returns to.
    """

    model_id: str
    environment: str
    version: int
    current: Row[Any] | None
    below: int | None
    action: Literal["promote", "rollback"]
    comment: str
    gates: tuple[GateResult, ...] = ()
    policy_digest: str = ""
    promotion: str = ""


@operation("models.rollback", "POST /model-versions/{model}/rollbacks", command="rollback", writes=True)
def rollback(ws: Workspace, request: Rollback) -> Deployment:
    """Let an environment serve again what it served before; each further rollback goes further back."""
    comment = checked_comment(request.comment)
    ref = Ref.parse(request.model, kind="model")
    if not isinstance(ref.selector, Label):
        raise InvalidValue(f"{request.model!r} names no environment", hint=f"Write {ref.name}@production")
    environment = ref.selector.label

    def return_to(change: Change) -> Deployment:
        model = find_model(change, ref.name)
        known_goal(change, environment)
        current = current_deployment(change, model.id, environment)
        if current is None:
            raise NotFound(
                f"nothing of model {model.name!r} is deployed to {environment}",
                hint=f"Promote a version: mlops promote {model.name}@latest --to {environment}",
            )
        if request.version == current.version:
            return deployment_record(current, model.name)
        version, below = _goal(change, model, current, request.version)
        _refuse_gone(change, model, version)
        row = enter(change, Entry(model.id, environment, version, current, below, "rollback", comment))
        data = moved(environment, current.version, version, comment, f"model:{model.name}@{environment}")
        data |= voided(change, model.id, environment, f"{environment} was rolled back to version {version}")
        change.event("model.rolled_back", f"model:{model.name}@{version}", data)
        return deployment_record(row, model.name)

    deployment = ws.catalog.write(return_to)
    anchor_aside(ws)
    return deployment


@operation("models.deployments", "GET /models/{model}/deployments", command="models history")
def list_deployments(ws: Workspace, request: ListDeployments) -> Page[Deployment]:
    """List what each environment served of a model, newest first: who, when, why, from and to."""
    with ws.catalog.read() as connection:
        model = find_model(connection, Ref.parse(request.model, kind="model").name)
        query = select(deployments).where(deployments.c.model_id == model.id)
        if request.environment:
            query = query.where(deployments.c.environment == request.environment)
        return paged(
            connection,
            query,
            (deployments.c.number,),
            request.limit,
            request.cursor,
            lambda row: deployment_record(row, model.name),
            descending=True,
        )


def enter(change: Change, entry: Entry) -> Row[Any]:
    """Write an entry and give its row."""
    newest = change.execute(select(func.max(deployments.c.number)).where(deployments.c.model_id == entry.model_id))
    number = int(newest.scalar_one() or 0) + 1
    change.execute(
        insert(deployments).values(
            model_id=entry.model_id,
            number=number,
            environment=entry.environment,
            version=entry.version,
            previous=None if entry.current is None else entry.current.version,
            below=entry.below,
            action=entry.action,
            comment=entry.comment,
            gates=[gate.model_dump(mode="json") for gate in entry.gates],
            policy_digest=entry.policy_digest,
            promotion=entry.promotion,
            created_at=change.now,
            created_by=change.actor,
        )
    )
    change.execute(update(models).where(models.c.id == entry.model_id).values(updated_at=change.now))
    return change.execute(
        select(deployments).where(deployments.c.model_id == entry.model_id, deployments.c.number == number)
    ).one()


def moved(goal: str, former: int | None, to: int, comment: str, output: str) -> dict[str, Any]:
    """Say for an event what moved where."""
    return {"environment": goal, "from": former, "to": to, "comment": comment, "outputs": [output]}


def voided(change: Change, model_id: str, goal: str, reason: str) -> dict[str, list[str]]:
    """Void what waits for approval at a goal whose champion changes; say which for the event."""
    ids = void(change, reason, promotions.c.model_id == model_id, promotions.c.environment == goal)
    return {"voided": ids} if ids else {}


def _goal(change: Change, model: Row[Any], current: Row[Any], version: int | None) -> tuple[int, int | None]:
    """Give the version to return to, and the entry that a further rollback would return to.

    Each promotion lies upon the entry before it; a rollback goes down. A version that lies not
    below but was served before is gone forward to: it lies upon the current one.
    """
    query = select(deployments).where(
        deployments.c.model_id == model.id, deployments.c.environment == current.environment
    )
    entries = {row.number: row for row in change.execute(query)}
    entry = entries.get(current.below)
    while entry is not None and version is not None and entry.version != version:
        entry = entries.get(entry.below)
    if entry is not None:
        return int(entry.version), entry.below
    served = {row.version for row in entries.values()}
    if version in served:
        return int(version or 0), int(current.number)
    place = f"{current.environment} of model {model.name!r}"
    if version is None:
        raise Conflict(
            f"{place} served nothing before version {current.version}", hint="Promote the version that shall be served"
        )
    raise Conflict(
        f"{place} never served version {version}",
        hint=f"Promote it, so that its gates are asked: {model.name}@{version} --to {current.environment}",
    )


def _refuse_gone(change: Change, model: Row[Any], version: int) -> None:
    key = (model_versions.c.model_id == model.id) & (model_versions.c.version == version)
    state = change.execute(select(model_versions.c.state).where(key)).scalar_one()
    if state == "deleted":
        raise Conflict(
            f"{model.name}@{version} is deleted and cannot be served again",
            hint=f"Restore it, or name another with --version; mlops models history {model.name} lists them",
        )
