"""The registry's tests name gates of their own, as an installed package would bring them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mlops_ext.errors import NotFound
from mlops_ext.models import gates, policy
from mlops_ext.models.decisions import GateResult
from mlops_ext.models.gates import Gate, GateContext, OptionedGate
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
        "no": _no,
        "raises": _raises,
        "mute": _mute,
    }

    def load(group: str, name: str) -> Gate:
        if name not in held:
            raise NotFound(f"the gate {name!r} is not installed", hint="Install the package that brings it")
        return held[name]

    for module in (gates, policy):
        monkeypatch.setattr(module, "load_plugin", load)
    monkeypatch.setattr(policy, "installed", lambda group: sorted(held))
    return held.__setitem__


@pytest.fixture(autouse=True)
def _gates(install: Callable[[str, Gate], None]) -> None:
    """Every test here has the gates yes, no, raises and mute."""
