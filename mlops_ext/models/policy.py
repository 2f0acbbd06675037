"""Policy: the environments in order and the gates that guard each; read from a file, in force once applied."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert, select

from mlops_ext.errors import Conflict, InvalidValue, MlopsError, did_you_mean
from mlops_ext.models.decisions import AppliedPolicy, ApplyPolicy, GateRule, Policy
from mlops_ext.models.plugins import installed, load_plugin
from mlops_ext.models.tables import aliases, models, policies
from mlops_ext.models.types import NoRequest
from mlops_ext.operations import operation
from mlops_ext.refs import check_name
from mlops_ext.settings import FILE, Settings
from mlops_ext.store.catalog import Change
from mlops_ext.store.hashing import canonical_json, digest_of
from mlops_ext.workspace import Workspace

__all__ = ["apply", "current_policy", "difference", "policy_digest", "read_policy", "show"]

GATES = "mlops_ext.gates"


@operation("policy.show", "GET /policy")
def show(ws: Workspace, request: NoRequest) -> AppliedPolicy:  # noqa: ARG001
    """Show the policy in force: environments and gates, since when and by whom."""
    with ws.catalog.read() as connection:
        return current_policy(connection)


@operation("policy.apply", "PUT /policy", writes=True)
def apply(ws: Workspace, request: ApplyPolicy) -> AppliedPolicy:
    """Put a policy in force; promotion asks this one only, whatever a local file says."""
    policy = _checked(request.policy)
    digest = policy_digest(policy, ws.algorithm)

    def change_policy(change: Change) -> AppliedPolicy:
        newest = change.execute(select(policies).order_by(policies.c.number.desc()).limit(1)).one_or_none()
        if newest is not None and newest.digest == digest:
            return _applied(newest)
        _refuse_taken(change, policy)
        row = {
            "number": 1 if newest is None else newest.number + 1,
            "digest": digest,
            "policy": policy.model_dump(mode="json"),
            "applied_at": change.now,
            "applied_by": change.actor,
        }
        change.execute(insert(policies).values(row))
        change.event(
            "policy.applied",
            "policy",
            {"digest": digest, "former": "" if newest is None else newest.digest, "policy": row["policy"]},
        )
        return AppliedPolicy(policy=policy, digest=digest, applied_at=change.now, applied_by=change.actor)

    return ws.catalog.write(change_policy)


def current_policy(reader: Connection | Change) -> AppliedPolicy:
    """Give the policy in force: the one applied last, else the built-in one without gates."""
    newest = reader.execute(select(policies).order_by(policies.c.number.desc()).limit(1)).one_or_none()
    return AppliedPolicy(policy=Policy()) if newest is None else _applied(newest)


def policy_digest(policy: Policy, algorithm: str) -> str:
    """Hash a policy's content."""
    return digest_of(canonical_json(policy.model_dump(mode="json")), algorithm)


def read_policy(settings: Settings) -> Policy:
    """Read the section [policy] of mlops.toml.

    Parameters
    ----------
    settings : Settings
        Of a workspace; `settings.policy` holds the section as written.

    Raises
    ------
    InvalidValue
        An unknown key, gate or option, or a wrong value; the nearest known one is named.

    Examples
    --------
    >>> rules = {"production": [{"gate": "metric", "metric": "auc", "minimum": 0.6}]}
    >>> read_policy(Settings(policy={"gates": rules})).gates["production"]  # doctest: +SKIP
    (GateRule(gate='metric', options={'metric': 'auc', 'minimum': 0.6}),)
    """
    section = settings.policy
    for key in section:
        if key not in Policy.model_fields:
            raise InvalidValue(f"{FILE}: unknown key 'policy.{key}'", hint=did_you_mean(key, Policy.model_fields))
    environments = section.get("environments", Policy().environments)
    if not isinstance(environments, list | tuple) or not all(isinstance(each, str) for each in environments):
        raise InvalidValue(f"{FILE}: policy.environments = {environments!r}", hint="Write a list of names")
    gates = section.get("gates", {})
    if not isinstance(gates, Mapping):
        raise InvalidValue(f"{FILE}: policy.gates = {gates!r}", hint="Write [[policy.gates.production]] sections")
    rules = {name: tuple(_rule(name, entry) for entry in _entries(name, gates[name])) for name in gates}
    return _checked(Policy(environments=tuple(environments), gates=rules))


def difference(settings: Settings, applied: AppliedPolicy) -> str:
    """Say in a sentence when the local file holds another policy than the one in force; empty when not."""
    if not settings.policy:
        return ""
    try:
        local = read_policy(settings)
    except MlopsError as error:
        return f"The policy in the local {FILE} cannot be read ({error.message}); the applied one was asked"
    if canonical_json(local.model_dump(mode="json")) == canonical_json(applied.policy.model_dump(mode="json")):
        return ""
    return f"The policy in the local {FILE} differs from the applied one, which was asked; mlops policy apply {FILE}"


def _entries(environment: str, entries: Any) -> list[Any]:
    if not isinstance(entries, list):
        raise InvalidValue(
            f"{FILE}: policy.gates.{environment} is no list",
            hint=f"Write [[policy.gates.{environment}]], in doubled brackets",
        )
    return entries


def _rule(environment: str, entry: Any) -> GateRule:
    place = f"{FILE}: policy.gates.{environment}"
    if not isinstance(entry, Mapping) or not isinstance(entry.get("gate"), str):
        raise InvalidValue(f"{place}: no gate is named in {entry!r}", hint='Write gate = "metric"')
    name, options = entry["gate"], {key: value for key, value in entry.items() if key != "gate"}
    if name not in installed(GATES):
        raise InvalidValue(f"{place}: no gate {name!r} is installed", hint=did_you_mean(name, installed(GATES)))
    known = getattr(load_plugin(GATES, name), "options", None)
    for key in options:
        if known is not None and key not in known:
            raise InvalidValue(f"{place}: gate {name!r} has no option {key!r}", hint=did_you_mean(key, known))
    return GateRule(gate=name, options=options)


def _checked(policy: Policy) -> Policy:
    environments = tuple(check_name(name) for name in policy.environments)
    if not environments:
        raise InvalidValue("a policy without environments", hint='Write environments = ["production"]')
    for name in environments:
        if environments.count(name) > 1:
            raise InvalidValue(f"environment {name!r} stands twice", hint="Name each once")
        if name == "latest" or re.fullmatch(r"v?\d+", name):
            raise InvalidValue(f"{name!r} cannot be an environment", hint="It would read as a version; choose a word")
    gates = {check_name(name): rules for name, rules in policy.gates.items()}
    for name in gates:
        if name not in environments:
            raise InvalidValue(f"gates for the unknown environment {name!r}", hint=did_you_mean(name, environments))
    return Policy(environments=environments, gates={name: gates[name] for name in sorted(gates) if gates[name]})


def _refuse_taken(change: Change, policy: Policy) -> None:
    query = select(models.c.name, aliases.c.alias).join(models, models.c.id == aliases.c.model_id)
    taken = change.execute(query.where(aliases.c.alias.in_(policy.environments)).limit(1)).one_or_none()
    if taken is not None:
        raise Conflict(
            f"{taken.alias!r} is an alias of model {taken.name!r} and cannot become an environment",
            hint=f"Delete the alias first: mlops alias delete {taken.name} {taken.alias}",
        )


def _applied(row: Any) -> AppliedPolicy:
    return AppliedPolicy(
        policy=Policy.model_validate(row.policy),
        digest=row.digest,
        applied_at=row.applied_at,
        applied_by=row.applied_by,
    )
