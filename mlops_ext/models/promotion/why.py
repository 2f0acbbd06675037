"""Why an environment serves what it serves: the decision, its grounds, and what changed with it."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field
from sqlalchemy import Row

from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.models.comparison import CompareVersions, Difference, compare
from mlops_ext.models.lookup.references import Reader, current_deployment, find_model, find_version
from mlops_ext.models.lookup.rows import version_record
from mlops_ext.models.promotion.cases import known_goal
from mlops_ext.models.promotion.standing import promotion_record, promotion_rows
from mlops_ext.models.promotion.types import Approval, GateResult, Promotion
from mlops_ext.models.reproductions import NotedReproduction, newest
from mlops_ext.models.tables import promotions
from mlops_ext.models.types import ModelVersion
from mlops_ext.operations import operation
from mlops_ext.records import Record, Request, Timestamp
from mlops_ext.refs import Label, Ref
from mlops_ext.workspace import Workspace

__all__ = ["ShowWhy", "Why", "why"]


class ShowWhy(Request):
    """Which place to explain."""

    model: str = Field(description="name@environment, or name@alias of a guarded alias")


class Why(Record):
    """Why an environment serves what it serves: who decided on what grounds, and what changed."""

    tables: ClassVar[tuple[str, ...]] = ("gates", "approvals", "changes")
    model: str
    version: int
    environment: str
    since: Timestamp
    action: Literal["promote", "rollback"]
    by: str
    comment: str = ""
    promotion: str = ""
    requested_by: str = ""
    gates: tuple[GateResult, ...] = ()
    approvals: tuple[Approval, ...] = ()
    advisory: bool = False
    break_glass: bool = False
    policy: str = ""
    registered_by: str
    run: str = ""
    notebook: str = ""
    """Digest of the executed notebook."""
    commit: str = ""
    data: tuple[str, ...] = ()
    metrics: dict[str, float] = Field(default_factory=dict)
    reproduction: NotedReproduction | None = None
    """Whether the version came out again, when somebody made it again."""
    previous: int | None = None
    changes: tuple[Difference, ...] = ()
    """What differs from the version that was served before."""

    @property
    def ref(self) -> str:
        """`name@environment`."""
        return f"{self.model}@{self.environment}"


@operation("models.why", "GET /model-versions/{model}/why", command="why")
def why(ws: Workspace, request: ShowWhy) -> Why:
    """Say why an environment or a guarded alias serves what it serves.

    Gates with their values, who asked and who approved, run, notebook, data, and what differs from the
    version before.
    """
    ref = Ref.parse(request.model, kind="model")
    if not isinstance(ref.selector, Label):
        raise InvalidValue(f"{request.model!r} names no environment", hint=f"Write {ref.name}@production")
    with ws.catalog.read() as connection:
        model = find_model(connection, ref.name)
        known_goal(connection, ref.selector.label)
        version = version_record(connection, find_version(connection, request.model))
        entry = current_deployment(connection, model.id, ref.selector.label)
        reproduced = newest(connection, model.id, version.version, version.ref)
        decided = _decision(connection, model.id, version.version, ref.selector.label, entry)
        if entry is None and decided is None:
            raise NotFound(
                f"no decision is recorded for {request.model}: it was set before policy guarded it",
                hint=f"Let its gates decide: mlops promote {version.ref} --to {ref.selector.label}",
            )
        former = entry.previous if entry is not None else decided.previous if decided is not None else None
        row = None if former is None else find_version(connection, f"{ref.name}@{former}", deleted=True)
    changes: tuple[Difference, ...] = ()
    if row is not None and row.state != "deleted":
        found = ws.call(compare, CompareVersions(model=f"{ref.name}@{former}", other=version.ref))
        changes = found.differences
    told = _told(version, ref.selector.label) | _decided(entry, decided)
    return Why(**told, reproduction=reproduced, previous=former, changes=changes)


def _decision(reader: Reader, model_id: str, version: int, goal: str, entry: Row[Any] | None) -> Promotion | None:
    """Give the promotion behind an entry; behind a rollback, the one that had brought the version there."""
    key = (promotions.c.model_id == model_id) & (promotions.c.version == version) & (promotions.c.environment == goal)
    if entry is not None and entry.promotion:
        key = promotions.c.id == entry.promotion
    query = promotion_rows().where(key, promotions.c.state == "promoted")
    row = reader.execute(query.order_by(promotions.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else promotion_record(reader, row)


def _told(version: ModelVersion, goal: str) -> dict[str, Any]:
    return {
        "model": version.name,
        "version": version.version,
        "environment": goal,
        "registered_by": version.created_by,
        "run": version.run,
        "notebook": version.notebook or "",
        "commit": "" if version.git is None else version.git.commit,
        "data": version.inputs,
        "metrics": version.metrics,
    }


def _decided(entry: Row[Any] | None, decided: Promotion | None) -> dict[str, Any]:
    """Say who moved it when, and on what grounds; a rollback stands on the promotion before."""
    told: dict[str, Any] = {}
    if decided is not None:
        told = {
            "since": decided.ended_at,
            "action": "promote",
            "by": decided.requested_by,
            "promotion": decided.id,
            "requested_by": decided.requested_by,
            "comment": decided.comment,
            "gates": decided.gates,
            "approvals": decided.approvals,
            "advisory": decided.advisory,
            "break_glass": decided.break_glass,
            "policy": decided.policy,
        }
    if entry is not None:
        told |= {"since": entry.created_at, "action": entry.action, "by": entry.created_by, "comment": entry.comment}
        told = {"gates": entry.gates, "policy": entry.policy_digest} | told
    return told
