"""Promotion and rollback: gates decide, races are seen, and history is walked as a stack."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from mlops_ext.errors import CheckRefused, Conflict, InvalidValue, NotFound
from mlops_ext.models import service
from mlops_ext.models.promotion.gates import GateContext
from mlops_ext.models.promotion.types import CheckGates, GateResult, GateRule, ListDeployments
from mlops_ext.models.types import ShowModel
from mlops_ext.store.schema import event_data
from mlops_ext.store.trail import decoded
from mlops_ext.workspace import Workspace
from tests.models.support import actions, applied, promoted, registered, rolled_back

RULE = (GateRule(gate="yes"),)


def serving(ws: Workspace, environment: str = "production") -> int | None:
    return ws.call(service.show, ShowModel(model="delay")).environments.get(environment)


def three(ws: Workspace) -> None:
    for number in (1, 2, 3):
        registered(ws, content=bytes([number]))


def last_data(ws: Workspace) -> dict:
    with ws.catalog.read() as connection:
        row = connection.execute(select(event_data.c.data).order_by(event_data.c.seq.desc()).limit(1)).scalar_one()
    return decoded(row)


def test_without_a_policy_no_gate_stands_before_any_environment(workspace: Workspace) -> None:
    three(workspace)
    promotion = promoted(workspace, "delay@2", comment="why not")
    assert (promotion.version, promotion.previous, promotion.state) == (2, None, "promoted")
    assert promotion.ref == "delay@production"
    (entry,) = workspace.call(service.deployments, ListDeployments(model="delay"))
    assert (entry.version, entry.action, entry.promotion) == (2, "promote", promotion.id)
    assert serving(workspace) == 2
    assert actions(workspace)[3:] == ["model.promoted"]


def test_promoting_what_is_served_changes_nothing(workspace: Workspace) -> None:
    three(workspace)
    first = promoted(workspace, "delay@2")
    assert promoted(workspace, "delay@2", comment="again") == first
    assert actions(workspace).count("model.promoted") == 1


def test_the_event_of_a_promotion_tells_who_decided_on_what(workspace: Workspace) -> None:
    three(workspace)
    applied(workspace, production=RULE)
    promoted(workspace, "delay@1")
    promoted(workspace, "delay@2", comment="better")
    data = last_data(workspace)
    assert {key: data[key] for key in ("environment", "from", "to", "comment", "outputs")} == {
        "environment": "production",
        "from": 1,
        "to": 2,
        "comment": "better",
        "outputs": ["model:delay@production"],
    }
    assert [gate["gate"] for gate in data["gates"]] == ["yes"]
    assert data["digest"].startswith("b3:")
    assert data["policy"].startswith("b3:")


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("gate", "said"),
    [
        ("no", "0.5 is not enough"),
        ("raises", "ZeroDivisionError: by nothing"),
        ("mute", "which is no GateResult"),
        ("absent", "'absent' is not installed"),
    ],
)
def test_a_gate_that_fails_raises_or_is_missing_refuses_and_the_refusal_is_recorded(
    workspace: Workspace, gate: str, said: str
) -> None:
    registered(workspace)
    applied(workspace, production=(*RULE, GateRule(gate=gate)))
    with pytest.raises(CheckRefused, match=said) as refusal:
        promoted(workspace, "delay")
    assert "It passes when" in refusal.value.hint
    assert serving(workspace) is None
    assert actions(workspace)[-1] == "model.promotion_refused"
    assert [result["passed"] for result in last_data(workspace)["gates"]] == [True, False]


@pytest.mark.sqlite
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_fails_every_gate_whatever_the_gate_says(
    workspace: Workspace, install: Callable[..., None], value: float
) -> None:
    install("lenient", lambda ws, context: GateResult(gate="", passed=True, value=value, message="fine"))
    version = registered(workspace, metrics={"auc": value})
    applied(workspace, production=(GateRule(gate="lenient"),))
    with pytest.raises(CheckRefused, match=f"fine; {value} is no number to decide by"):
        promoted(workspace, "delay")
    assert serving(workspace) is None
    assert str(version.metrics["auc"]) == str(value)
    assert {math.inf: "inf", -math.inf: "-inf"}.get(value, "nan") in version._repr_html_()
    shown = json.loads(version.model_dump_json())["metrics"]["auc"]
    assert shown == {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")


def test_a_gate_that_gets_an_unknown_option_refuses(workspace: Workspace) -> None:
    registered(workspace)
    applied(workspace, production=(GateRule(gate="yes", options={"levle": 1}),))
    with pytest.raises(CheckRefused, match="Did you mean 'level'"):
        promoted(workspace, "delay")


def test_checking_asks_the_gates_and_records_nothing(workspace: Workspace) -> None:
    registered(workspace)
    applied(workspace, production=(GateRule(gate="no"),))
    before = actions(workspace)
    results = workspace.call(service.check, CheckGates(model="delay", to="production"))
    assert not results.passed
    assert results.gates[0].bound == "at least 0.6"
    assert actions(workspace) == before


def test_a_local_policy_that_differs_is_said(workspace: Workspace) -> None:
    registered(workspace)
    (workspace.root / "mlops.toml").write_text('version = 1\n[policy]\nenvironments = ["production"]\n')
    ws = Workspace(workspace.root)
    assert "differs from the applied one" in promoted(ws, "delay").note
    applied(ws, staging=(GateRule(gate="no"),))
    with pytest.raises(CheckRefused) as refusal:
        promoted(ws, "delay", "staging")
    assert "differs from the applied one" in refusal.value.hint


def test_an_unknown_environment_is_said_with_the_nearest(workspace: Workspace) -> None:
    registered(workspace)
    with pytest.raises(NotFound, match="Did you mean 'production'"):
        promoted(workspace, "delay", "prodution")


def test_a_policy_applied_while_gates_are_asked_is_asked_as_well(
    workspace: Workspace, install: Callable[..., None]
) -> None:
    registered(workspace)

    def meanwhile(ws: Workspace, context: GateContext) -> GateResult:
        applied(Workspace(workspace.root), production=(GateRule(gate="no"),))
        return GateResult(gate="", passed=True, message="yes")

    install("meanwhile", meanwhile)
    applied(workspace, production=(GateRule(gate="meanwhile"),))
    with pytest.raises(CheckRefused, match="not enough"):
        promoted(workspace, "delay")
    assert serving(workspace) is None


def test_a_champion_that_changes_while_gates_are_asked_is_compared_with_again(
    workspace: Workspace, install: Callable[..., None]
) -> None:
    three(workspace)
    champions: list[int | None] = []

    def better(ws: Workspace, context: GateContext) -> GateResult:
        champions.append(context.champion.version if context.champion else None)
        if len(champions) == 1:
            promoted(Workspace(workspace.root), "delay@3")
        return GateResult(gate="", passed=True, message="yes")

    install("better", better)
    applied(workspace, production=(GateRule(gate="better"),))
    deployment = promoted(workspace, "delay@2")
    assert champions == [None, None, 3]
    assert (deployment.version, deployment.previous) == (2, 3)


def test_two_promoters_at_once_are_judged_one_after_the_other(
    workspace: Workspace, install: Callable[..., None]
) -> None:
    three(workspace)
    both = threading.Barrier(2, timeout=60)
    pairs: list[tuple[int, int | None]] = []

    def meet(ws: Workspace, context: GateContext) -> GateResult:
        pairs.append((context.version.version, context.champion.version if context.champion else None))
        if context.champion is None:
            both.wait()
        return GateResult(gate="", passed=True, message="yes")

    install("meet", meet)
    applied(workspace, production=(GateRule(gate="meet"),))
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda ref: promoted(Workspace(workspace.root), ref), ["delay@1", "delay@2"]))
    first, second = sorted(done, key=lambda promotion: promotion.ended_at)
    assert (first.previous, second.previous) == (None, first.version)
    assert (second.version, first.version) in pairs
    assert actions(workspace).count("model.promoted") == 2


def test_two_promoters_of_one_version_make_one_deployment(workspace: Workspace) -> None:
    three(workspace)
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: promoted(Workspace(workspace.root), "delay@1"), range(4)))
    assert {deployment.version for deployment in done} == {1}
    assert actions(workspace).count("model.promoted") == 1


def test_a_champion_that_never_rests_ends_in_a_conflict(workspace: Workspace, install: Callable[..., None]) -> None:
    three(workspace)
    turn = iter(range(100))

    def restless(ws: Workspace, context: GateContext) -> GateResult:
        if context.version.version == 1:
            promoted(Workspace(workspace.root), f"delay@{2 + next(turn) % 2}")
        return GateResult(gate="", passed=True, message="yes")

    install("restless", restless)
    applied(workspace, production=(GateRule(gate="restless"),))
    with pytest.raises(Conflict, match="keeps changing"):
        promoted(workspace, "delay@1")
    assert serving(workspace) in (2, 3)


def test_rollbacks_go_further_back_and_forward_again(workspace: Workspace) -> None:
    three(workspace)
    for number in (1, 2, 3):
        promoted(workspace, f"delay@{number}")
    assert [rolled_back(workspace).version for _ in range(2)] == [2, 1]
    with pytest.raises(Conflict, match="served nothing before version 1"):
        rolled_back(workspace)
    assert rolled_back(workspace, version=3).version == 3
    assert rolled_back(workspace).version == 1
    assert actions(workspace)[6:] == ["model.rolled_back"] * 4


def test_rolling_back_to_what_is_served_changes_nothing(workspace: Workspace) -> None:
    three(workspace)
    promoted(workspace, "delay@1")
    assert rolled_back(workspace, version=1).version == 1
    assert actions(workspace)[-1] == "model.promoted"


def test_a_version_that_was_never_served_is_no_goal_of_a_rollback(workspace: Workspace) -> None:
    three(workspace)
    promoted(workspace, "delay@1")
    promoted(workspace, "delay@3", "staging")
    with pytest.raises(Conflict, match="never served version 3"):
        rolled_back(workspace, version=3)
    with pytest.raises(NotFound, match="nothing of model 'delay' is deployed to development"):
        rolled_back(workspace, "delay@development")
    with pytest.raises(InvalidValue, match="names no environment"):
        rolled_back(workspace, "delay@3")


def test_the_history_tells_from_and_to_newest_first(workspace: Workspace) -> None:
    three(workspace)
    promoted(workspace, "delay@1")
    promoted(workspace, "delay@3", "staging")
    promoted(workspace, "delay@2")
    rolled_back(workspace)
    history = workspace.call(service.deployments, ListDeployments(model="delay", environment="production", limit=2))
    rest = workspace.call(
        service.deployments,
        ListDeployments(model="delay", environment="production", limit=2, cursor=history.next),
    )
    told = [(each.action, each.previous, each.version) for each in (*history, *rest)]
    assert told == [("rollback", 2, 1), ("promote", 1, 2), ("promote", None, 1)]
    assert len(workspace.call(service.deployments, ListDeployments(model="delay"))) == 4
