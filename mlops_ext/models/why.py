"""Why an environment serves what it serves: the decision, its grounds, and what changed with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row

from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.models.cases import known_goal
from mlops_ext.models.decisions import Promotion, ShowWhy, Why
from mlops_ext.models.references import Reader, current_deployment, find_model, find_version
from mlops_ext.models.rows import version_record
from mlops_ext.models.standing import promotion_record, promotion_rows
from mlops_ext.models.tables import promotions
from mlops_ext.models.types import ModelVersion
from mlops_ext.operations import operation
from mlops_ext.refs import Label, Ref
from mlops_ext.workspace import Workspace

__all__ = ["why"]


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
        decided = _decision(connection, model.id, version.version, ref.selector.label, entry)
        if entry is None and decided is None:
            raise NotFound(f"{request.model} was set before it was guarded", hint="No decision is recorded for it")
        former = entry.previous if entry is not None else decided.previous if decided is not None else None
        row = None if former is None else find_version(connection, f"{ref.name}@{former}", deleted=True)
        before = None if row is None else version_record(connection, row)
        return Why(**_told(version, ref.selector.label), **_decided(entry, decided), **_changed(version, before))


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


def _changed(version: ModelVersion, before: ModelVersion | None) -> dict[str, Any]:
    """List what differs from the version that was served before."""
    if before is None:
        return {"previous": None}
    pairs: dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
        "metric": (before.metrics, version.metrics),
        "parameter": (before.parameters, version.parameters),
        "input": (_columns(before), _columns(version)),
        "package": (_packages(before), _packages(version)),
    }
    found = [line for kind, (old, new) in pairs.items() for line in _differences(kind, old, new)]
    found += [f"- data {ref}" for ref in before.inputs if ref not in version.inputs]
    found += [f"+ data {ref}" for ref in version.inputs if ref not in before.inputs]
    if before.flavor != version.flavor:
        found.append(f"flavor: {before.flavor} → {version.flavor}")
    return {"previous": before.version, "changes": tuple(found)}


def _differences(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    names = sorted({*old, *new})
    return [
        f"{kind} {name}: {_short(old.get(name))} → {_short(new.get(name))}"
        for name in names
        if old.get(name) != new.get(name)
    ]


def _short(value: Any) -> str:
    if value is None:
        return "none"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _columns(version: ModelVersion) -> dict[str, str]:
    return {field.name: field.type for field in version.signature.inputs}


def _packages(version: ModelVersion) -> Mapping[str, str]:
    return {} if version.lock is None else version.lock.packages
