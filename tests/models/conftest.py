"""The registry's tests name gates of their own, as an installed package would bring them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mlops_ext.errors import NotFound
from mlops_ext.governance.clean_run import clean_run
from mlops_ext.governance.gates import in_order
from mlops_ext.models.promotion import gates, policy
from mlops_ext.models.promotion.gates import Gate, GateContext, OptionedGate
from mlops_ext.models.promotion.requirement import approvals
from mlops_ext.models.promotion.types import GateResult
from mlops_ext.workspace import Workspace


def _yes(ws: Workspace, context: GateContext) -> GateResult:
    return GateResult(gate="", passed=True, message="yes")


def _no(ws: Workspace, context: GateContext) -> GateResult:
    return GateResult(gate="", passed=False, value=0.5, bound="at least 0.6", message="0.5 is not enough")


def _raises(ws: Workspace, context: GateContext) -> GateResult:
    raise ZeroDivisionError("by nothing")


def _mute(ws: Workspace, context: GateContext) -> Any:
    return True


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Gate], None]:
    """Install a gate under a name, for the length of one test."""
    held: dict[str, Gate] = {
        "yes": OptionedGate(_yes, ("level",)),
        "no": OptionedGate(_no, ()),
        "raises": OptionedGate(_raises, ()),
        "mute": OptionedGate(_mute, ()),
        "approvals": approvals,
        "clean_run": clean_run,
        "in_order": in_order,
    }

    def load(group: str, name: str) -> Gate:
        if name not in held:
            raise NotFound(f"the gate {name!r} is not installed", hint="Install the package that brings it")
        return held[name]

    def install(name: str, gate: Gate) -> None:
        # Bare functions count as heavy; these are asked in this process, where they were made.
        if not hasattr(gate, "heavy"):
            gate.heavy = False
        held[name] = gate

    for module in (gates, policy):
        monkeypatch.setattr(module, "load_plugin", load)
    monkeypatch.setattr(policy, "installed", lambda group: sorted(held))
    return install


@pytest.fixture(autouse=True)
def _gates(install: Callable[[str, Gate], None]) -> None:
    """Every test here has the gates yes, no, raises and mute."""
