"""Policy: read from a file, applied as an event, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_ext.errors import CheckRefused, Conflict, InvalidValue, NotFound
from mlops_ext.models import service
from mlops_ext.models.promotion import edge as promoting
from mlops_ext.models.promotion.policy import BUILT_IN, changes, read_policy
from mlops_ext.models.promotion.types import ApplyPolicy, GateRule, Policy
from mlops_ext.models.types import DeleteAlias, NoRequest, SetAlias, ShowVersion
from mlops_ext.settings import read_settings
from mlops_ext.store.catalog import Actor
from mlops_ext.workspace import Workspace
from tests.models.support import actions, applied, promoted, registered


def read(workspace: Workspace, text: str) -> Policy:
    (workspace.root / "mlops.toml").write_text("version = 1\n" + text)
    return read_policy(read_settings(workspace.root))


def test_the_built_in_policy_has_three_environments_and_asks_production_for_a_clean_run(workspace: Workspace) -> None:
    shown = workspace.call(service.show_policy, NoRequest())
    assert shown.policy.environments == ("development", "staging", "production")
    assert shown.policy.gates == {"production": (GateRule(gate="clean_run"),)}
    assert (shown.digest, shown.applied_at) == ("", None)
    assert not workspace.exists()


def test_a_policy_is_read_from_the_file(workspace: Workspace) -> None:
    policy = read(
        workspace,
        '[policy]\nenvironments = ["test", "live"]\n'
        '[[policy.gates.live]]\ngate = "yes"\nlevel = 0.6\n[[policy.gates.live]]\ngate = "no"\n',
    )
    assert policy.environments == ("test", "live")
    assert policy.gates == {"live": (GateRule(gate="yes", options={"level": 0.6}), GateRule(gate="no"))}


def test_a_file_without_policy_gives_the_built_in_one(workspace: Workspace) -> None:
    assert read(workspace, "") == BUILT_IN


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[policy]\nenviroments = []", "Did you mean 'environments'"),
        ('[policy]\nenvironments = "production"', "list of names"),
        ("[policy]\nenvironments = []", "without environments"),
        ('[policy]\nenvironments = ["a", "a"]', "stands twice"),
        ('[policy]\nenvironments = ["latest"]', "cannot be an environment"),
        ('[policy]\nenvironments = ["v3"]', "cannot be an environment"),
        ('[[policy.gates.prodution]]\ngate = "yes"', "Did you mean 'production'"),
        ('[[policy.gates.production]]\ngate = "yse"', "Did you mean 'yes'"),
        ('[[policy.gates.production]]\ngate = "yes"\nlevle = 1', "Did you mean 'level'"),
        ("[[policy.gates.production]]\nlevel = 1", "no gate is named"),
        ('[policy.gates.production]\ngate = "yes"', "doubled brackets"),
        ("[policy]\ngates = 3", "sections"),
    ],
)
def test_a_wrong_file_is_refused_with_the_nearest(workspace: Workspace, text: str, said: str) -> None:
    with pytest.raises(InvalidValue, match=said):
        read(workspace, text)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[policy]\nenviroments = []", 3),
        ('[policy]\nin_order = "yes!"', 3),
        ('[[policy.gates.production]]\ngate = "yes"\n[[policy.gates.prodution]]\ngate = "yes"', 4),
        ('[[policy.gates.production]]\ngate = "yes"\n[[policy.gates.production]]\ngate = "yse"', 5),
        ('[[policy.gates.production]]\ngate = "yes"\n[[policy.gates.production]]\ngate = "yes"\n\nlevle = 1', 7),
        ('[policy]\ngates.production = [{gate = "yse"}]', 3),
    ],
)
def test_a_fault_in_a_policy_file_is_told_with_its_line(workspace: Workspace, text: str, line: int) -> None:
    whole = "version = 1\n" + text
    (workspace.root / "mlops.toml").write_text(whole)
    with pytest.raises(InvalidValue) as fault:
        read_policy(read_settings(workspace.root), whole, "mlops.toml")
    assert fault.value.message.startswith(f"mlops.toml line {line}:"), fault.value


def test_a_policy_that_is_applied_anew_says_what_it_changes(workspace: Workspace) -> None:
    old = Policy(gates={"staging": (GateRule(gate="yes"),)})
    new = Policy(in_order=True, gates={"production": (GateRule(gate="no", options={"a": 1}),)})
    assert changes(old, old) == ()
    assert changes(new, old) == ("in_order: False → True", "+ production: no {'a': 1}", "- staging: yes")


def test_a_guarded_alias_moves_through_its_gates_only(workspace: Workspace) -> None:
    registered(workspace)
    policy = Policy(guarded_aliases=("champion",), gates={"champion": (GateRule(gate="yes"),)})
    workspace.call(service.apply_policy, ApplyPolicy(policy=policy))
    with pytest.raises(CheckRefused, match="guarded by policy"):
        workspace.call(service.alias, SetAlias(model="delay", alias="champion"))
    promotion = promoted(workspace, "delay", "champion")
    assert (promotion.state, [gate.gate for gate in promotion.gates]) == ("promoted", ["yes"])
    assert workspace.call(service.version, ShowVersion(model="delay@champion")).version == 1
    refusing = policy.model_copy(update={"gates": {"champion": (GateRule(gate="no"),)}})
    workspace.call(service.apply_policy, ApplyPolicy(policy=refusing))
    registered(workspace, content=b"two")
    with pytest.raises(CheckRefused, match="not enough"):
        promoted(workspace, "delay@2", "champion")
    with pytest.raises(CheckRefused, match="guarded by policy"):
        workspace.call(service.unalias, DeleteAlias(model="delay", alias="champion"))
    assert workspace.call(service.version, ShowVersion(model="delay@champion")).version == 1
    applied(workspace)
    assert workspace.call(service.unalias, DeleteAlias(model="delay", alias="champion")).previous == 1


def test_an_alias_that_was_set_before_it_was_guarded_is_decided_when_it_is_promoted(workspace: Workspace) -> None:
    registered(workspace)
    workspace.call(service.alias, SetAlias(model="delay", alias="champion"))
    rules = {"champion": (GateRule(gate="no"),)}
    workspace.call(service.apply_policy, ApplyPolicy(policy=Policy(guarded_aliases=("champion",), gates=rules)))
    with pytest.raises(NotFound, match="set before policy guarded it") as undecided:
        promoting.why("delay@champion", workspace=workspace)
    assert "mlops promote delay@1 --to champion" in undecided.value.hint
    with pytest.raises(CheckRefused, match="not enough"):
        promoted(workspace, "delay", "champion")
    rules = {"champion": (GateRule(gate="yes"), GateRule(gate="approvals"))}
    workspace.call(service.apply_policy, ApplyPolicy(policy=Policy(guarded_aliases=("champion",), gates=rules)))
    waiting = promoted(workspace.acting_as(Actor("bob")), "delay", "champion")
    assert (waiting.state, waiting.previous) == ("awaiting_approval", None)
    promoting.approve(waiting, workspace=workspace.acting_as(Actor("carol")))
    assert promoting.why("delay@champion", workspace=workspace).promotion == waiting.id
    before = actions(workspace)
    assert promoted(workspace, "delay", "champion").id == waiting.id
    assert actions(workspace) == before


def test_with_an_order_a_version_must_have_served_the_environment_before(workspace: Workspace) -> None:
    registered(workspace)
    workspace.call(service.apply_policy, ApplyPolicy(policy=Policy(in_order=True)))
    with pytest.raises(CheckRefused, match="never served staging"):
        promoted(workspace, "delay")
    for environment in ("development", "staging", "production"):
        assert promoted(workspace, "delay", environment).state == "promoted"


def test_applying_is_one_event_and_the_same_again_none(workspace: Workspace) -> None:
    policy = Policy(gates={"production": (GateRule(gate="yes", options={"level": 1}),)})
    first = workspace.call(service.apply_policy, ApplyPolicy(policy=policy))
    assert first.digest.startswith("b3:")
    assert workspace.call(service.apply_policy, ApplyPolicy(policy=policy)) == first
    assert workspace.call(service.show_policy, NoRequest()) == first
    applied(workspace)
    assert workspace.call(service.apply_policy, ApplyPolicy(policy=policy)).applied_at != first.applied_at
    assert actions(workspace) == ["policy.applied"] * 3


def test_an_environment_may_not_take_the_name_of_an_alias(workspace: Workspace) -> None:
    registered(workspace)
    workspace.call(service.alias, SetAlias(model="delay", alias="canary"))
    with pytest.raises(Conflict, match="is an alias of model 'delay'"):
        workspace.call(service.apply_policy, ApplyPolicy(policy=Policy(environments=("canary",))))


@given(st.dictionaries(st.text(min_size=1, max_size=5), st.integers() | st.floats() | st.text(max_size=5), max_size=4))
def test_equal_policies_have_equal_digests_whatever_the_order_of_options(options: dict) -> None:
    from mlops_ext.models.promotion.policy import policy_digest

    backwards = dict(reversed(list(options.items())))
    one, other = (Policy(gates={"production": (GateRule(gate="yes", options=each),)}) for each in (options, backwards))
    assert policy_digest(one, "b3") == policy_digest(other, "b3")
