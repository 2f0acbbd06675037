"""How many approvals policy asks for, whose count, and how long a promotion waits for them: the gate `approvals`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from mlops_ext.errors import InvalidValue, did_you_mean
from mlops_ext.models.promotion.gates import GateContext, gate
from mlops_ext.models.promotion.types import GateResult, GateRule
from mlops_ext.workspace import Workspace

__all__ = ["GATE", "Requirement", "approvals", "requirement"]

GATE = "approvals"
KINDS = ("os_user", "jupyter_token", "jupyterhub", "oidc", "ci")
PEOPLE = ("os_user", "jupyter_token", "jupyterhub", "oidc")
DAYS = 7.0


@dataclass(frozen=True)
class Requirement:
    """What the gate's options ask for.

    Attributes
    ----------
    count : int
        How many different people must approve.
    auth : tuple of str
        Ways to be known that count.
    wait : timedelta
        After this the promotion expires.
    """

    count: int = 1
    auth: tuple[str, ...] = PEOPLE
    wait: timedelta = timedelta(days=DAYS)

    def answer(self, given: int) -> GateResult:
        """Give the gate's answer when so many have approved."""
        done = given >= self.count
        asked = f"{self.count} approval{'s' if self.count > 1 else ''}"
        who = "by people who neither asked for it nor made the version"
        message = f"{given} of {asked} {who}" + ("" if done else "; mlops approve, or mlops reject with --comment")
        return GateResult(gate=GATE, passed=done, pending=not done, value=str(given), bound=asked, message=message)


def requirement(rules: Sequence[GateRule]) -> Requirement:
    """Read what the gate `approvals` among these asks for.

    Raises
    ------
    InvalidValue
        An option is wrong.
    """
    options = next((rule.options for rule in rules if rule.gate == GATE), None)
    return Requirement(count=0) if options is None else _read(options)


@gate("count", "auth", "expires_days")
def approvals(ws: Workspace, context: GateContext) -> GateResult:  # noqa: ARG001
    """Wait for `count` approvals (1) by people known in a way among `auth`, at most `expires_days` (7).

    Neither who asks for the promotion nor who made the version counts, and nobody anonymous.
    """
    return _read(context.options).answer(0)


def _read(options: Mapping[str, Any]) -> Requirement:
    count, days = options.get("count", 1), options.get("expires_days", DAYS)
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= 100:
        raise InvalidValue(f"count = {count!r}", hint="Write count = 2")
    if isinstance(days, bool) or not isinstance(days, int | float) or not 0 < days <= 3650:
        raise InvalidValue(f"expires_days = {days!r}", hint="Write expires_days = 7")
    auth = options.get("auth", PEOPLE)
    if not isinstance(auth, list | tuple) or not auth:
        raise InvalidValue(f"auth = {auth!r}", hint=f"Write a list of {', '.join(KINDS)}")
    for kind in auth:
        if kind not in KINDS:
            raise InvalidValue(f"auth = {kind!r}", hint=did_you_mean(str(kind), KINDS))
    return Requirement(count, tuple(auth), timedelta(days=float(days)))
