"""What a promotion rests on: version, goal, policy and champion, read together and looked at again before it acts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from mlops_ext.errors import Conflict, InvalidValue, NotFound
from mlops_ext.models.lookup.references import Reader, current_deployment, find_version
from mlops_ext.models.lookup.rows import version_record
from mlops_ext.models.promotion.policy import current_policy
from mlops_ext.models.promotion.types import AppliedPolicy, GateRule, Policy
from mlops_ext.models.tables import aliases, promotions
from mlops_ext.models.types import ModelVersion
from mlops_ext.refs import check_name
from mlops_ext.store.catalog import Change

__all__ = ["Case", "case_in", "checked_comment", "known_goal", "rules_of", "still_holds"]

MAX_COMMENT = 10_000


@dataclass(frozen=True)
class Case:
    """A version that wants to an environment or a guarded alias; the transaction that acts looks again.

    Attributes
    ----------
    goal : str
        The environment or the guarded alias.
    champion : ModelVersion or None
        What the goal serves.
    stamp : int
        Changes with whatever the goal serves, also when it serves the same again; 0 for nothing.
    """

    model_id: str
    version: ModelVersion
    goal: str
    policy: AppliedPolicy
    champion: ModelVersion | None
    stamp: int

    @property
    def ref(self) -> str:
        """Full reference of the version."""
        return f"model:{self.version.ref}"

    @property
    def rules(self) -> tuple[GateRule, ...]:
        """The gates that stand before the goal."""
        return rules_of(self.policy.policy, self.goal)

    @property
    def served(self) -> bool:
        """Whether the goal serves the version already."""
        return self.champion is not None and self.champion.version == self.version.version


def case_in(reader: Reader, text: str, goal: str) -> Case:
    """Read what a promotion would rest on.

    Raises
    ------
    NotFound
        No such version, environment or guarded alias.
    Conflict
        The version is archived or deleted.
    """
    row = find_version(reader, text)
    policy = known_goal(reader, goal)
    if row.state != "active":
        raise Conflict(
            f"{row.name}@{row.version} is {row.state} and cannot be promoted", hint="Restore it, or choose another"
        )
    serving, stamp = _serving(reader, row.model_id, goal, policy.policy)
    if serving == row.version and goal in policy.policy.guarded_aliases and not _decided(reader, row, goal):
        # It was set before policy guarded it: promoting it asks the gates, and it is no champion of itself.
        serving = 0
    champion = None
    if serving:
        champion = version_record(reader, find_version(reader, f"{row.name}@{serving}"))
    return Case(row.model_id, version_record(reader, row), goal, policy, champion, stamp)


def still_holds(change: Change, case: Case) -> bool:
    """Tell whether version, policy and champion are what the gates were asked about."""
    row = find_version(change, case.version.ref, deleted=True)
    policy = current_policy(change)
    _, stamp = _serving(change, case.model_id, case.goal, policy.policy)
    same = (row.digest, row.state) == (case.version.digest, "active")
    return same and policy.digest == case.policy.digest and stamp == case.stamp


def rules_of(policy: Policy, goal: str) -> tuple[GateRule, ...]:
    """Give the gates before a goal; `in_order` is one of them where policy keeps an order."""
    rules = policy.gates.get(goal, ())
    if policy.in_order and goal in policy.environments[1:]:
        return (GateRule(gate="in_order"), *rules)
    return rules


def known_goal(reader: Reader, goal: str) -> AppliedPolicy:
    """Give the policy in force, which must know the goal."""
    policy = current_policy(reader)
    goals = (*policy.policy.environments, *policy.policy.guarded_aliases)
    if check_name(goal) not in goals:
        raise NotFound.of("environment", goal, goals)
    return policy


def checked_comment(text: str) -> str:
    """Refuse a comment that no database should hold."""
    if len(text) > MAX_COMMENT or "\0" in text:
        raise InvalidValue("the comment is too long or has a NUL", hint=f"At most {MAX_COMMENT} characters fit")
    return text


def _serving(reader: Reader, model_id: str, goal: str, policy: Policy) -> tuple[int, int]:
    """Give the version that a goal serves and its stamp; zeros for nothing."""
    if goal in policy.guarded_aliases:
        key = (aliases.c.model_id == model_id) & (aliases.c.alias == goal)
        version = reader.execute(select(aliases.c.version).where(key)).scalar_one_or_none() or 0
        return int(version), int(version)
    entry = current_deployment(reader, model_id, goal)
    return (0, 0) if entry is None else (int(entry.version), int(entry.number))


def _decided(reader: Reader, row: Row[Any], goal: str) -> bool:
    """Tell whether the last promotion to a guarded alias was of this version."""
    same = (promotions.c.model_id == row.model_id) & (promotions.c.environment == goal)
    query = select(promotions.c.version).where(same, promotions.c.state == "promoted")
    last = reader.execute(query.order_by(promotions.c.id.desc()).limit(1)).scalar_one_or_none()
    return bool(last == row.version)
