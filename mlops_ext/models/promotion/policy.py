"""Policy: the environments in order and the gates that guard each; read from a file, in force once applied."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Text, insert, select, type_coerce

from mlops_ext.errors import CheckRefused, Conflict, InvalidValue, MlopsError, did_you_mean
from mlops_ext.models.plugins import installed, load_plugin
from mlops_ext.models.promotion.standing import void
from mlops_ext.models.promotion.types import AppliedPolicy, ApplyPolicy, GateRule, Policy
from mlops_ext.models.tables import aliases, models, policies, promotions
from mlops_ext.models.types import NoRequest
from mlops_ext.operations import operation
from mlops_ext.refs import check_label, check_name
from mlops_ext.settings import FILE, Settings, line_of
from mlops_ext.store.catalog import Change
from mlops_ext.store.hashing import canonical_json, digest_of
from mlops_ext.store.prepared import Prepared
from mlops_ext.workspace import Workspace

__all__ = [
    "apply",
    "changes",
    "checked",
    "current_policy",
    "difference",
    "policy_digest",
    "read_policy",
    "refuse_guarded",
    "show",
]

GATES = "mlops_ext.gates"
BUILT_IN = Policy(gates={"production": (GateRule(gate="clean_run"),)})
"""In force until one is applied."""

# The policy as it is stored: it is read again and again, and parsed once.
_TEXT = type_coerce(policies.c.policy, Text).label("text")
_NEWEST = Prepared(
    select(policies.c.number, policies.c.digest, _TEXT, policies.c.applied_at, policies.c.applied_by)
    .order_by(policies.c.number.desc())
    .limit(1)
)


@operation("policy.show", "GET /policy")
def show(ws: Workspace, request: NoRequest) -> AppliedPolicy:  # noqa: ARG001
    """Show the policy in force: environments and gates, since when and by whom."""
    with ws.catalog.read() as connection:
        return current_policy(connection)


@operation("policy.apply", "PUT /policy", writes=True)
def apply(ws: Workspace, request: ApplyPolicy) -> AppliedPolicy:
    """Put a policy in force; promotion asks this one only, whatever a local file says."""
    policy = checked(request.policy)
    digest = policy_digest(policy, ws.algorithm)

    def change_policy(change: Change) -> AppliedPolicy:
        newest = change.execute(_NEWEST).one_or_none()
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
        data = {"digest": digest, "former": "" if newest is None else newest.digest, "policy": row["policy"]}
        ids = void(change, "another policy is in force", promotions.c.policy_digest != digest)
        change.event("policy.applied", "policy", data | ({"voided": ids} if ids else {}))
        return AppliedPolicy(policy=policy, digest=digest, applied_at=change.now, applied_by=change.actor)

    return ws.catalog.write(change_policy)


def current_policy(reader: Connection | Change) -> AppliedPolicy:
    """Give the policy in force: the one applied last, else the built-in one, which asks production for a clean run."""
    newest = reader.execute(_NEWEST).one_or_none()
    return AppliedPolicy(policy=BUILT_IN) if newest is None else _applied(newest)


def policy_digest(policy: Policy, algorithm: str) -> str:
    """Hash a policy's content."""
    return digest_of(canonical_json(policy.model_dump(mode="json")), algorithm)


def read_policy(settings: Settings, text: str = "", source: str = FILE) -> Policy:
    """Read the section [policy] of mlops.toml; a file without one has the built-in policy.

    Parameters
    ----------
    settings : Settings
        Of a workspace; `settings.policy` holds the section as written.
    text : str
        The file, so that a fault can be told with its line.
    source : str
        Its name.

    Raises
    ------
    InvalidValue
        An unknown key, gate or option, or a wrong value; the line and the nearest known one are named.

    Examples
    --------
    >>> rules = {"production": [{"gate": "metric", "metric": "auc", "minimum": 0.6}]}
    >>> read_policy(Settings(policy={"gates": rules})).gates["production"]  # doctest: +SKIP
    (GateRule(gate='metric', options={'metric': 'auc', 'minimum': 0.6}),)
    """
    section, page = settings.policy, _Page(text, source)
    if not section:
        return BUILT_IN
    for key in section:
        if key not in Policy.model_fields:
            hint = did_you_mean(key, Policy.model_fields)
            raise InvalidValue(f"{page.at(key)}: unknown key 'policy.{key}'", hint=hint)
    plain = {key: value for key, value in section.items() if key != "gates"}
    try:
        policy = Policy.model_validate(plain)
    except ValidationError as error:
        fault = error.errors()[0]
        key = str(fault["loc"][0])
        hint = "Write true or false" if key == "in_order" else "Write a list of names"
        raise InvalidValue(f"{page.at(key)}: policy.{key} = {section[key]!r}", hint=hint) from error
    gates = section.get("gates", {})
    if not isinstance(gates, Mapping):
        raise InvalidValue(
            f"{page.at('gates')}: policy.gates = {gates!r}", hint="Write sections [[policy.gates.production]]"
        )
    goals = (*policy.environments, *policy.guarded_aliases)
    for name in gates:
        if name not in goals:
            hint = did_you_mean(name, goals)
            raise InvalidValue(f"{page.at('gates', name)}: gates for the unknown environment {name!r}", hint=hint)
    rules = {name: _rules(page, name, gates[name]) for name in gates}
    return checked(policy.model_copy(update={"gates": rules}))


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


def changes(local: Policy, applied: Policy) -> tuple[str, ...]:
    """List what applying a policy would change: a line each, + for what comes and - for what goes."""
    plain = [name for name in type(local).model_fields if name != "gates"]
    pairs = [(name, getattr(applied, name), getattr(local, name)) for name in plain]
    found = [f"{name}: {old!r} → {new!r}" for name, old, new in pairs if old != new]
    for goal in sorted({*local.gates, *applied.gates}):
        new, old = local.gates.get(goal, ()), applied.gates.get(goal, ())
        found += [f"+ {goal}: {rule.gate} {rule.options or ''}".rstrip() for rule in new if rule not in old]
        found += [f"- {goal}: {rule.gate} {rule.options or ''}".rstrip() for rule in old if rule not in new]
    return tuple(found)


@dataclass(frozen=True)
class _Page:
    """The file that a policy is read from; knows in which line a key of [policy] stands."""

    text: str
    source: str

    def at(self, *path: str | int) -> str:
        return f"{self.source}{line_of(self.text, ('policy', *path))}"


def _rules(page: _Page, goal: str, entries: Any) -> tuple[GateRule, ...]:
    if not isinstance(entries, list):
        raise InvalidValue(
            f"{page.at('gates', goal)}: policy.gates.{goal} is no list",
            hint=f"Write [[policy.gates.{goal}]], in doubled brackets",
        )
    return tuple(_rule(page, goal, number, entry) for number, entry in enumerate(entries))


def _rule(page: _Page, goal: str, number: int, entry: Any) -> GateRule:
    path = ("gates", goal, number)
    if not isinstance(entry, Mapping) or not isinstance(entry.get("gate"), str):
        raise InvalidValue(
            f"{page.at(*path)}: policy.gates.{goal}: no gate is named in {entry!r}", hint='Write gate = "metric"'
        )
    name, options = entry["gate"], {key: value for key, value in entry.items() if key != "gate"}
    if name not in installed(GATES):
        raise InvalidValue(
            f"{page.at(*path, 'gate')}: policy.gates.{goal}: no gate {name!r} is installed",
            hint=did_you_mean(name, installed(GATES)),
        )
    known = getattr(load_plugin(GATES, name), "options", None)
    for key in options:
        if known is not None and key not in known:
            raise InvalidValue(
                f"{page.at(*path, key)}: policy.gates.{goal}: gate {name!r} has no option {key!r}",
                hint=did_you_mean(key, known),
            )
    return GateRule(gate=name, options=options)


def checked(policy: Policy) -> Policy:
    """Refuse a policy that could not be obeyed; give it in its one form."""
    environments = tuple(check_name(name) for name in policy.environments)
    guarded = tuple(sorted(check_label(name, environments) for name in policy.guarded_aliases))
    if not environments:
        raise InvalidValue("a policy without environments", hint='Write environments = ["production"]')
    goals = (*environments, *guarded)
    for name in goals:
        if goals.count(name) > 1:
            raise InvalidValue(f"environment {name!r} stands twice", hint="Name each once")
        if name == "latest" or re.fullmatch(r"v?\d+", name):
            raise InvalidValue(f"{name!r} cannot be an environment", hint="It would read as a version; choose a word")
    gates = {check_name(name): rules for name, rules in policy.gates.items()}
    for name in gates:
        if name not in goals:
            raise InvalidValue(f"gates for the unknown environment {name!r}", hint=did_you_mean(name, goals))
    named = {name: gates[name] for name in sorted(gates) if gates[name]}
    return policy.model_copy(update={"environments": environments, "guarded_aliases": guarded, "gates": named})


def refuse_guarded(reader: Connection | Change, alias: str) -> None:
    """Refuse to move an alias past its gates or to take it away, whichever door asks.

    Raises
    ------
    CheckRefused
        The policy in force guards it.
    """
    if alias in current_policy(reader).policy.guarded_aliases:
        raise CheckRefused(
            f"the alias {alias!r} is guarded by policy",
            hint=f"Move it through its gates: mlops promote … --to {alias}; to free it, take it out of the policy",
        )


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
        policy=_parsed(row.text),
        digest=row.digest,
        applied_at=row.applied_at,
        applied_by=row.applied_by,
    )


@lru_cache(maxsize=16)
def _parsed(text: str) -> Policy:
    return Policy.model_validate_json(text)
