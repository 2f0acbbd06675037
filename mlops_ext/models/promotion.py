"""Promotion and rollback: which version an environment serves, decided by the gates of the applied policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, func, insert, select, update

from mlops_ext.errors import CheckRefused, Conflict, InvalidValue, NotFound
from mlops_ext.models.decisions import (
    AppliedPolicy,
    CheckGates,
    Deployment,
    GateResult,
    GateResults,
    ListDeployments,
    Promote,
    Rollback,
)
from mlops_ext.models.gates import evaluate
from mlops_ext.models.policy import current_policy, difference
from mlops_ext.models.references import Reader, current_deployment, find_model, find_version
from mlops_ext.models.rows import deployment_record, version_record
from mlops_ext.models.tables import deployments, models
from mlops_ext.models.types import ModelVersion
from mlops_ext.operations import operation
from mlops_ext.records import Page
from mlops_ext.refs import Label, Ref, check_name
from mlops_ext.store.catalog import Change
from mlops_ext.store.search import paged
from mlops_ext.workspace import Workspace

__all__ = ["check", "list_deployments", "promote", "rollback"]

TRIES = 5
MAX_COMMENT = 10_000


@dataclass(frozen=True)
class _Case:
    """What a decision rests on; the transaction that acts on it looks again whether it still holds."""

    model_id: str
    version: ModelVersion
    environment: str
    policy: AppliedPolicy
    champion: ModelVersion | None
    entry: Row[Any] | None

    @property
    def ref(self) -> str:
        return f"model:{self.version.ref}"


@dataclass(frozen=True)
class _Entry:
    """An entry of an environment's history before it is written."""

    model_id: str
    environment: str
    version: int
    current: Row[Any] | None
    below: int | None
    action: Literal["promote", "rollback"]
    comment: str
    gates: tuple[GateResult, ...] = ()
    policy_digest: str = ""


@operation("models.check", "GET /model-versions/{model}/gates", command="check")
def check(ws: Workspace, request: CheckGates) -> GateResults:
    """Ask the gates of an environment about a version, without promoting it."""
    case = _case(ws, request.model, request.to)
    gates = _ask(ws, case)
    return GateResults(
        model=case.version.ref,
        environment=case.environment,
        passed=all(gate.passed for gate in gates),
        gates=gates,
    )


@operation("models.promote", "POST /model-versions/{model}/deployments", command="promote", writes=True)
def promote(ws: Workspace, request: Promote) -> Deployment:
    """Let an environment serve a version, when all its gates pass."""
    comment = _comment(request.comment)
    case = _case(ws, request.model, request.to)
    for _ in range(TRIES):
        if case.entry is not None and case.entry.version == case.version.version:
            return deployment_record(case.entry, case.version.name)
        gates = _ask(ws, case)
        if not all(gate.passed for gate in gates):
            raise _refuse(ws, case, gates, comment)
        deployment = _deploy(ws, case, gates, comment)
        if deployment is not None:
            return deployment.model_copy(update={"note": difference(ws.settings, case.policy)})
        # Policy or champion changed while the gates were asked: their answers were for another question.
        case = _case(ws, case.version.ref, request.to)
    raise Conflict(
        f"{case.environment} of model {case.version.name!r} keeps changing while its gates are asked",
        hint="Agree who promotes, then try again",
    )


@operation("models.rollback", "POST /model-versions/{model}/rollbacks", command="rollback", writes=True)
def rollback(ws: Workspace, request: Rollback) -> Deployment:
    """Let an environment serve again what it served before; each further rollback goes further back."""
    comment = _comment(request.comment)
    ref = Ref.parse(request.model, kind="model")
    if not isinstance(ref.selector, Label):
        raise InvalidValue(f"{request.model!r} names no environment", hint=f"Write {ref.name}@production")
    environment = ref.selector.label

    def return_to(change: Change) -> Deployment:
        model = find_model(change, ref.name)
        _known_environment(change, environment)
        current = current_deployment(change, model.id, environment)
        if current is None:
            raise NotFound(
                f"nothing of model {model.name!r} is deployed to {environment}",
                hint=f"Promote a version: mlops promote {model.name}@latest --to {environment}",
            )
        if request.version == current.version:
            return deployment_record(current, model.name)
        version, below = _goal(change, model, current, request.version)
        row = _append(change, _Entry(model.id, environment, version, current, below, "rollback", comment))
        change.event(
            "model.rolled_back",
            f"model:{model.name}@{version}",
            _moved(environment, current.version, version, comment, f"model:{model.name}@{environment}"),
        )
        return deployment_record(row, model.name)

    return ws.catalog.write(return_to)


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


def _case(ws: Workspace, text: str, environment: str) -> _Case:
    with ws.catalog.read() as connection:
        row = find_version(connection, text)
        policy = _known_environment(connection, environment)
        entry = current_deployment(connection, row.model_id, environment)
        champion = None
        if entry is not None:
            champion = version_record(connection, find_version(connection, f"{row.name}@{entry.version}"))
        return _Case(row.model_id, version_record(connection, row), environment, policy, champion, entry)


def _ask(ws: Workspace, case: _Case) -> tuple[GateResult, ...]:
    rules = case.policy.policy.gates.get(case.environment, ())
    return evaluate(ws, case.version, case.champion, case.environment, rules)


def _deploy(ws: Workspace, case: _Case, gates: tuple[GateResult, ...], comment: str) -> Deployment | None:
    """Write the deployment, or give None when what the gates were asked about no longer holds."""

    def enter(change: Change) -> Deployment | None:
        current = current_deployment(change, case.model_id, case.environment)
        version = find_version(change, case.version.ref)
        same_champion = (current and current.number) == (case.entry and case.entry.number)
        same_policy = current_policy(change).digest == case.policy.digest
        if not (same_champion and same_policy and version.digest == case.version.digest):
            return None
        entry = _Entry(
            case.model_id,
            case.environment,
            version.version,
            current,
            None if current is None else int(current.number),
            "promote",
            comment,
            gates,
            case.policy.digest,
        )
        row = _append(change, entry)
        former = None if current is None else int(current.version)
        moved = _moved(
            case.environment, former, version.version, comment, f"model:{case.version.name}@{case.environment}"
        )
        change.event("model.promoted", case.ref, moved | _decision(case, gates))
        return deployment_record(row, case.version.name)

    return ws.catalog.write(enter)


def _refuse(ws: Workspace, case: _Case, gates: tuple[GateResult, ...], comment: str) -> CheckRefused:
    """Record the refusal, which is a decision too, and give the error that tells of it."""
    former = None if case.champion is None else case.champion.version
    data = {"environment": case.environment, "from": former, "to": case.version.version, "comment": comment}
    ws.catalog.write(lambda change: change.event("model.promotion_refused", case.ref, data | _decision(case, gates)))
    failed = [gate for gate in gates if not gate.passed]
    reasons = "; ".join(f"{gate.gate}: {gate.message}" for gate in failed)
    hint = "It passes when " + ", and ".join(_remedy(gate) for gate in failed)
    note = difference(ws.settings, case.policy)
    return CheckRefused(
        f"{case.version.ref} may not go to {case.environment}: {reasons}", hint=f"{hint}. {note}" if note else hint
    )


def _remedy(gate: GateResult) -> str:
    if gate.value is not None and gate.bound is not None:
        return f"{gate.gate} is {gate.bound} (it is {_short(gate.value)})"
    return f"the gate {gate.gate} does"


def _short(value: float | str) -> str:
    return f"{value:.6g}" if isinstance(value, float) else value


def _decision(case: _Case, gates: tuple[GateResult, ...]) -> dict[str, Any]:
    return {
        "digest": case.version.digest,
        "policy": case.policy.digest,
        "gates": [gate.model_dump(mode="json") for gate in gates],
    }


def _moved(environment: str, former: int | None, to: int, comment: str, output: str) -> dict[str, Any]:
    return {"environment": environment, "from": former, "to": to, "comment": comment, "outputs": [output]}


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


def _append(change: Change, entry: _Entry) -> Row[Any]:
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
            created_at=change.now,
            created_by=change.actor,
        )
    )
    change.execute(update(models).where(models.c.id == entry.model_id).values(updated_at=change.now))
    return change.execute(
        select(deployments).where(deployments.c.model_id == entry.model_id, deployments.c.number == number)
    ).one()


def _known_environment(reader: Reader, environment: str) -> AppliedPolicy:
    policy = current_policy(reader)
    name = check_name(environment)
    if name not in policy.policy.environments:
        raise NotFound.of("environment", name, policy.policy.environments)
    return policy


def _comment(text: str) -> str:
    if len(text) > MAX_COMMENT or "\0" in text:
        raise InvalidValue("the comment is too long or has a NUL", hint=f"At most {MAX_COMMENT} characters fit")
    return text
