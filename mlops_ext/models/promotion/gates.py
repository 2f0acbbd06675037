"""The port for gates: what a gate is asked, what it answers, and how gates are found and evaluated."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from mlops_ext.errors import InvalidValue, MlopsError, did_you_mean
from mlops_ext.models.plugins import load_plugin
from mlops_ext.models.promotion.policy import GATES
from mlops_ext.models.promotion.types import GateResult, GateRule
from mlops_ext.models.types import ModelVersion
from mlops_ext.workspace import Workspace

__all__ = ["Gate", "GateContext", "OptionedGate", "evaluate", "gate", "is_heavy"]


@dataclass(frozen=True)
class GateContext:
    """What a gate is asked about.

    Attributes
    ----------
    version : ModelVersion
        The one that wants in.
    champion : ModelVersion or None
        The one that the environment serves now.
    environment : str
        Where it wants to.
    options : mapping
        What policy says beside the gate's name.
    """

    version: ModelVersion
    champion: ModelVersion | None
    environment: str
    options: Mapping[str, Any] = field(default_factory=dict)


class Gate(Protocol):
    """A check before a promotion, found by the entry point group `mlops_ext.gates`.

    It may read the workspace and take its time: it runs outside any transaction. An attribute
    `options`, when there is one, lists the options that policy may give it. A gate runs in a process
    of its own, never in a server, unless its attribute `heavy` says False: it then loads no model,
    runs no notebook and answers at once.
    """

    def __call__(self, ws: Workspace, context: GateContext, /) -> GateResult:
        """Answer whether the version may pass, with value, bound and a sentence."""
        ...


@dataclass(frozen=True)
class OptionedGate:
    """A gate that knows its options and refuses others.

    Attributes
    ----------
    heavy : bool
        It loads a model, runs a notebook or takes long.
    heavy_with : tuple of str
        Options that make it heavy when policy gives them.
    """

    function: Callable[[Workspace, GateContext], GateResult]
    options: tuple[str, ...]
    heavy: bool = False
    heavy_with: tuple[str, ...] = ()

    def __call__(self, ws: Workspace, context: GateContext, /) -> GateResult:
        """Ask the function, unless policy gives an option that it does not know."""
        for key in context.options:
            if key not in self.options:
                raise InvalidValue(f"unknown option {key!r}", hint=did_you_mean(key, self.options))
        return self.function(ws, context)


def gate(
    *options: str, heavy: bool = False, heavy_with: Sequence[str] = ()
) -> Callable[[Callable[[Workspace, GateContext], GateResult]], OptionedGate]:
    """Make a function a gate that takes these options from policy.

    Parameters
    ----------
    *options : str
        Their names.
    heavy : bool
        It must run in a process of its own: it loads a model, runs a notebook or takes long.
    heavy_with : sequence of str
        It must when policy gives one of these options.

    Examples
    --------
    >>> @gate("most")
    ... def few_files(ws, context):
    ...     files = len(context.version.files)
    ...     return GateResult(gate="few_files", passed=files <= context.options["most"], message=f"{files} files")
    """
    return lambda function: OptionedGate(function, options, heavy, tuple(heavy_with))


def evaluate(
    ws: Workspace,
    version: ModelVersion,
    champion: ModelVersion | None,
    environment: str,
    rules: Sequence[GateRule],
    *,
    heavy: bool = True,
) -> tuple[GateResult, ...]:
    """Ask all gates of an environment; one that is missing or raises counts as failed, with its error.

    Parameters
    ----------
    version, champion : ModelVersion
        The candidate, and what the environment serves now (or None).
    rules : sequence of GateRule
        From the applied policy.
    heavy : bool
        Ask heavy gates too; else they are pending.
    """
    return tuple(
        _ask(ws, GateContext(version, champion, environment, rule.options), rule.gate)
        if heavy or not is_heavy(rule)
        else GateResult(
            gate=rule.gate, passed=False, pending=True, message="not asked here: it runs in a process of its own"
        )
        for rule in rules
    )


def is_heavy(rule: GateRule) -> bool:
    """Tell whether a gate must run in a process of its own; one that does not load only says so."""
    try:
        asked = load_plugin(GATES, rule.gate)
    except MlopsError:
        return False
    return bool(getattr(asked, "heavy", True)) or any(key in rule.options for key in getattr(asked, "heavy_with", ()))


def _ask(ws: Workspace, context: GateContext, name: str) -> GateResult:
    try:
        asked: Gate = load_plugin(GATES, name)
        result = asked(ws, context)
    except MlopsError as error:
        return GateResult(gate=name, passed=False, message=str(error))
    except Exception as error:  # noqa: BLE001 - a gate is anyone's code, and its failure must refuse, never pass
        return GateResult(gate=name, passed=False, message=f"the gate failed: {type(error).__name__}: {error}")
    if not isinstance(result, GateResult):
        return GateResult(gate=name, passed=False, message=f"the gate answered {result!r}, which is no GateResult")
    if isinstance(result.value, float) and not math.isfinite(result.value):
        message = f"{result.message}; {result.value} is no number to decide by" if result.passed else result.message
        return result.model_copy(update={"gate": name, "passed": False, "pending": False, "message": message})
    return result.model_copy(update={"gate": name})
