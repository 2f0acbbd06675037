"""Gates on what is recorded: signature, age, order of times, order of environments."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

import mlops_ext as mlops
from mlops_ext.errors import InvalidValue, MlopsError
from mlops_ext.governance import gates
from mlops_ext.governance.gates import recorded
from mlops_ext.models.promotion.gates import GateContext
from mlops_ext.models.promotion.types import GateResult
from mlops_ext.models.types import Field_, ModelVersion, Signature
from mlops_ext.records import now
from mlops_ext.workspace import Workspace
from tests.models.support import registered

pytestmark = pytest.mark.sqlite


def ask(gate: Any, ws: Workspace, version: ModelVersion, **options: Any) -> GateResult:
    return gate(ws, GateContext(version, None, "production", options))


def test_a_signature_says_what_goes_in_and_out(workspace: Workspace) -> None:
    field = (Field_(name="a", type="int64"),)
    whole = registered(workspace, signature=Signature(inputs=field, outputs=field))
    half = registered(workspace, content=b"two", signature=Signature(inputs=field))
    none = registered(workspace, content=b"three")
    assert [ask(gates.signature, workspace, each).passed for each in (whole, half, none)] == [True, False, False]
    assert ask(gates.signature, workspace, half, outputs=False).passed
    assert "no inputs and outputs" in ask(gates.signature, workspace, none).message


@pytest.mark.parametrize(("hours", "passed"), [(47, True), (49, False)])
def test_a_version_ages(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, hours: int, passed: bool) -> None:
    version = registered(workspace)
    later = now() + timedelta(hours=hours)
    monkeypatch.setattr(recorded, "now", lambda: later)
    result = ask(gates.max_age, workspace, version, days=2)
    assert (result.passed, result.bound) == (passed, "at most 2 days")
    with pytest.raises(InvalidValue):
        ask(gates.max_age, workspace, version)


@pytest.mark.parametrize(
    ("last", "first", "passed"),
    [
        ('"2013-01-24"', '"2013-01-25"', True),
        ('"2013-01-24"', '"2013-01-24"', False),
        ('"2013-02-01"', '"2013-01-25T00:00:00+00:00"', False),
        ('"2013-01-24T23:30:00-05:00"', '"2013-01-25T03:00:00+00:00"', False),
        ("1", "2", True),
        ("3", "2", False),
    ],
)
def test_evaluation_lies_after_training(workspace: Workspace, last: str, first: str, passed: bool) -> None:
    version = registered(workspace, parameters={"until": last, "from": first})
    assert ask(gates.time_split, workspace, version, trained_until="until", evaluated_from="from").passed is passed


def test_a_split_that_is_not_recorded_or_no_time_fails(workspace: Workspace) -> None:
    version = registered(workspace, parameters={"until": '"soon"', "from": '"2013-01-01"'})
    missing = ask(gates.time_split, workspace, version, trained_until="till", evaluated_from="from")
    assert (missing.passed, missing.value) == (False, "missing")
    with pytest.raises(MlopsError, match="is no time"):
        ask(gates.time_split, workspace, version, trained_until="until", evaluated_from="from")


def days(first: str, rows: int) -> pd.DataFrame:
    return pd.DataFrame({"at": pd.date_range(first, periods=rows, freq="D", tz="UTC"), "x": range(rows)})


def test_the_data_of_training_must_end_before_those_of_evaluation(workspace: Workspace) -> None:
    mlops.snapshot(days("2013-01-01", 31), "january")
    mlops.snapshot(days("2013-02-01", 28), "february")
    mlops.snapshot(days("2013-01-20", 20), "late")
    version = registered(workspace, inputs=("dataset:january@1",))
    assert ask(gates.time_split, workspace, version, at="at", dataset="february@1").passed
    assert not ask(gates.time_split, workspace, version, at="at", dataset="late@1").passed
    unknown = registered(workspace, content=b"two")
    assert ask(gates.time_split, workspace, unknown, at="at", dataset="february@1").value == "missing"
