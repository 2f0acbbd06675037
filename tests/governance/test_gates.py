"""The gates that come with the package: each with value, bound and a sentence, and through a promotion."""

from __future__ import annotations

import math
from typing import Any

import pytest

from mlops_ext.errors import CheckRefused
from mlops_ext.governance import gates
from mlops_ext.governance.compatibility import misfits
from mlops_ext.models import service
from mlops_ext.models.promotion.gates import GateContext
from mlops_ext.models.promotion.types import GateResult, GateRule
from mlops_ext.models.signatures.casting import fits
from mlops_ext.models.types import EnvironmentLock, Field_, ModelVersion, Signature
from mlops_ext.monitoring import service as monitoring
from mlops_ext.monitoring.types import MetricEstimate, SaveReport
from mlops_ext.workspace import Workspace
from tests.models.support import applied, promoted, registered

pytestmark = pytest.mark.sqlite


def ask(
    gate: Any, ws: Workspace, version: ModelVersion, champion: ModelVersion | None = None, **options: Any
) -> GateResult:
    return gate(ws, GateContext(version, champion, "production", options))


@pytest.mark.parametrize(
    ("value", "options", "passed"),
    [
        (0.6, {"minimum": 0.6}, True),
        (0.59, {"minimum": 0.6}, False),
        (0.1, {"maximum": 0.2}, True),
        (0.3, {"maximum": 0.2}, False),
        (0.5, {"minimum": 0.4, "maximum": 0.6}, True),
        (math.nan, {"minimum": 0.0}, False),
        (math.inf, {"minimum": 0.0}, False),
        (-math.inf, {"maximum": 0.0}, False),
    ],
)
def test_the_metric_gate_compares_with_its_bounds(
    workspace: Workspace, value: float, options: dict, passed: bool
) -> None:
    version = registered(workspace, metrics={"auc": value})
    result = ask(gates.metric, workspace, version, metric="auc", **options)
    assert result.passed is passed
    assert result.message.startswith("auc is")
    assert result.bound


def test_a_missing_metric_fails_and_names_those_there_are(workspace: Workspace) -> None:
    version = registered(workspace, metrics={"brier": 0.1})
    result = ask(gates.metric, workspace, version, metric="auc", minimum=0.6)
    assert (result.passed, result.value) == (False, "missing")
    assert "brier" in result.message


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"metric": "auc"},
        {"metric": 3, "minimum": 1},
        {"metric": "auc", "minimum": "high"},
        {"metric": "auc", "minimum": True},
    ],
)
def test_wrong_options_refuse_the_promotion(workspace: Workspace, options: dict) -> None:
    registered(workspace, metrics={"auc": 0.9})
    applied(workspace, production=(GateRule(gate="metric", options=options),))
    with pytest.raises(CheckRefused, match="metric"):
        promoted(workspace, "delay")


def test_a_refusal_says_what_would_make_it_pass(workspace: Workspace) -> None:
    registered(workspace, metrics={"auc": 0.55})
    applied(workspace, production=(GateRule(gate="metric", options={"metric": "auc", "minimum": 0.6}),))
    with pytest.raises(CheckRefused) as refusal:
        promoted(workspace, "delay")
    assert refusal.value.message == "delay@1 may not go to production: metric: auc is 0.55, not at least 0.6"
    assert refusal.value.hint == "It passes when auc is at least 0.6 (it is 0.55)"


def compared(
    ws: Workspace, low: float, high: float, *, champion: str = "delay@1", window: str = "2013-03", name: str = "auc"
) -> None:
    gain = MetricEstimate(name=name, value=(low + high) / 2, low=low, high=high, kind="difference")
    request = SaveReport(
        kind="comparison",
        model="delay@2",
        window=window,
        status="compared",
        metrics=(gain,),
        details={"champion": champion},
    )
    ws.call(monitoring.report, request)


@pytest.fixture
def pair(workspace: Workspace) -> tuple[ModelVersion, ModelVersion]:
    return registered(workspace), registered(workspace, content=b"two")


@pytest.mark.parametrize(
    ("low", "high", "options", "passed"),
    [
        (0.001, 0.02, {}, True),
        (0.0, 0.02, {}, False),
        (-0.01, 0.02, {}, False),
        (-0.02, -0.01, {}, False),
        (0.001, 0.02, {"minimum": 0.005}, False),
        (-0.02, -0.01, {"better": "lower"}, True),
        (math.nan, math.nan, {}, False),
    ],
)
def test_improvement_asks_that_the_interval_excludes_no_gain(
    workspace: Workspace, pair: tuple[ModelVersion, ModelVersion], low: float, high: float, options: dict, passed: bool
) -> None:
    compared(workspace, low, high)
    result = ask(gates.improvement, workspace, pair[1], pair[0], metric="auc", **options)
    assert result.passed is passed


def test_improvement_counts_only_comparisons_with_the_champion_on_the_window(
    workspace: Workspace, pair: tuple[ModelVersion, ModelVersion]
) -> None:
    champion, challenger = pair
    compared(workspace, 0.1, 0.2, champion="delay@9")
    compared(workspace, 0.1, 0.2, name="f1")
    result = ask(gates.improvement, workspace, challenger, champion, metric="auc")
    assert (result.passed, result.value) == (False, "missing")
    compared(workspace, 0.1, 0.2, window="2013-03")
    compared(workspace, -0.2, 0.1, window="2013-04", champion="model:delay@1")
    assert not ask(gates.improvement, workspace, challenger, champion, metric="auc").passed
    assert ask(gates.improvement, workspace, challenger, champion, metric="auc", on="2013-03").passed


def test_improvement_passes_when_there_is_no_champion(workspace: Workspace) -> None:
    result = ask(gates.improvement, workspace, registered(workspace), None, metric="auc")
    assert result.passed
    assert "nothing yet" in result.message


def signature(**fields: str) -> Signature:
    return Signature(inputs=tuple(Field_(name=name, type=kind) for name, kind in fields.items()))


@pytest.mark.parametrize(
    ("new", "passed"),
    [
        ({"a": "int64", "b": "float32"}, True),
        ({"a": "int64"}, True),
        ({"b": "float64", "a": "int64"}, True),
        ({"a": "int32", "b": "float32"}, False),
        ({"a": "int64", "b": "float32", "c": "int8"}, False),
        ({}, False),
    ],
)
def test_schema_asks_that_callers_need_not_change(workspace: Workspace, new: dict, passed: bool) -> None:
    champion = registered(workspace, signature=signature(a="int64", b="float32"))
    challenger = registered(workspace, content=b"two", signature=signature(**new))
    assert ask(gates.schema, workspace, challenger, champion).passed is passed


def test_schema_passes_when_nothing_serves(workspace: Workspace) -> None:
    assert ask(gates.schema, workspace, registered(workspace, signature=signature(a="int64"))).passed


def test_outputs_that_callers_read_must_stay() -> None:
    old = Signature(outputs=(Field_(name="prediction", type="int64"), Field_(name="probability", type="float64[n, 2]")))
    assert misfits(Signature(outputs=old.outputs[:1]), old) == ["it does not give 'probability'"]
    assert misfits(old, Signature(outputs=old.outputs[:1])) == []


def test_types_fit_exactly_when_numpy_casts_them_safely() -> None:
    import numpy as np

    names = [f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)] + [
        "float16",
        "float32",
        "float64",
    ]
    for value in names:
        for target in names:
            # NumPy calls int64 to float64 safe, although it loses digits beyond 2^53.
            lossy = value in ("int64", "uint64") and target == "float64"
            assert fits(value, target) == (np.can_cast(value, target, "safe") and not lossy), (value, target)


def test_lineage_asks_for_what_is_required(workspace: Workspace) -> None:
    lock = EnvironmentLock(python="3.11", platform="x", packages={})
    version = registered(workspace, run="a" * 32, inputs=("flights@1",), lock=lock)
    result = ask(gates.lineage, workspace, version)
    assert (result.passed, result.message, result.value) == (False, "unknown: git", "3 of 4 known")
    assert ask(gates.lineage, workspace, version, require=["run", "inputs", "lock"]).passed


def test_the_gates_are_installed_under_their_names() -> None:
    from mlops_ext.models.plugins import installed, load_plugin

    assert {"metric", "improvement", "schema", "lineage"} <= set(installed("mlops_ext.gates"))
    assert load_plugin("mlops_ext.gates", "metric") is gates.metric
    assert service.read_policy is not None
