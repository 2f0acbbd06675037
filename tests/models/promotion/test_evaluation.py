"""Heavy gates: asked in a process of its own, which may be killed, and taken over by another."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import update

from mlops_ext.errors import CheckRefused, Conflict, RunFailed
from mlops_ext.models import service
from mlops_ext.models.promotion import edge as promoting
from mlops_ext.models.promotion import evaluation
from mlops_ext.models.promotion.cases import case_in
from mlops_ext.models.promotion.settlement import Ask, begin, settle
from mlops_ext.models.promotion.types import GateResult, GateRule, ListPromotions, Promote, Promotion, ShowPromotion
from mlops_ext.models.tables import promotions
from mlops_ext.models.types import ShowModel
from mlops_ext.records import now
from mlops_ext.store.catalog import Actor
from mlops_ext.workspace import Workspace
from tests.models.support import actions, applied, promoted, registered

pytestmark = pytest.mark.sqlite

GATES = """
import os, signal, subprocess, sys
from pathlib import Path
from mlops_ext.models.promotion.types import GateResult

def waits(ws, context):
    Path("asked").write_text(str(os.getpid()))
    said = Path("answer").read_text()
    return GateResult(gate="", passed=said == "yes", value=said, bound="yes", message=f"said {said}")

def apart(ws, context):
    return GateResult(gate="", passed=os.getpid() != int(Path("caller").read_text()), message=ws.actor.name)

def dies(ws, context):
    os.kill(os.getpid(), signal.SIGKILL)

def hangs(ws, context):
    child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True)
    Path("pids").write_text(f"{os.getpid()} {child.pid}")
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)
    while True:
        signal.pause()
"""


@pytest.fixture
def heavy(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, install: Callable[..., None]) -> Path:
    """Install heavy gates as a package would, for child processes to find; `waits` talks through two pipes."""
    package = tmp_path / "package"
    about = package / "patient-1.dist-info"
    about.mkdir(parents=True)
    (package / "patient_gates.py").write_text(GATES)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: patient\nVersion: 1\n")
    names = ("waits", "apart", "dies", "hangs")
    lines = "".join(f"{name} = patient_gates:{name}\n" for name in names)
    (about / "entry_points.txt").write_text(f"[mlops_ext.gates]\n{lines}")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(package), os.environ.get("PYTHONPATH", "")]))
    for name in names:
        install(name, _not_here())
    for name in ("asked", "answer"):
        os.mkfifo(workspace.root / name)
    (workspace.root / "caller").write_text(str(os.getpid()))
    return workspace.root


def _not_here() -> Any:
    def asked(ws: Workspace, context: object) -> GateResult:
        raise AssertionError("asked in the process that serves")

    asked.heavy = True
    return asked


def shown(ws: Workspace, promotion: Promotion) -> Promotion:
    return ws.call(service.show_promotion, ShowPromotion(promotion=promotion.id))


def test_a_heavy_gate_is_asked_in_another_process_as_the_one_who_promotes(workspace: Workspace, heavy: Path) -> None:
    registered(workspace)
    applied(workspace, production=(GateRule(gate="apart"), GateRule(gate="yes", options={"level": 1})))
    promotion = workspace.acting_as(Actor("bob", "jupyterhub")).call(
        service.promote, Promote(model="delay", to="production")
    )
    assert (promotion.state, promotion.http_status) == ("evaluating", 202)
    with pytest.raises(CheckRefused, match="'yes' is not installed"):
        promoted(workspace, "delay")
    ended = shown(workspace, promotion)
    assert (ended.gates[0].passed, ended.gates[0].message) == (True, "bob")
    assert actions(workspace)[2:] == ["model.promotion_requested", "model.promotion_refused"]


def test_a_killed_evaluation_is_taken_over_and_promotes_once(workspace: Workspace, heavy: Path) -> None:
    registered(workspace)
    applied(workspace, production=(GateRule(gate="waits"),))
    with ThreadPoolExecutor(1) as pool:
        promoting_ = pool.submit(promoted, Workspace(workspace.root), "delay")
        first = int((heavy / "asked").read_text())
        os.kill(first, signal.SIGKILL)
        second = int((heavy / "asked").read_text())
        assert workspace.call(service.show, ShowModel(model="delay")).environments == {}
        (heavy / "answer").write_text("yes")
        promotion = promoting_.result()
    assert second != first
    assert (promotion.state, promotion.gates[0].value) == ("promoted", "yes")
    assert actions(workspace)[2:] == ["model.promotion_requested", "model.promoted"]


def test_a_promotion_that_breaks_every_process_has_failed(workspace: Workspace, heavy: Path) -> None:
    registered(workspace)
    applied(workspace, production=(GateRule(gate="dies"),))
    with pytest.raises(RunFailed, match="3 processes died"):
        promoted(workspace, "delay")
    assert actions(workspace)[2:] == ["model.promotion_requested", "model.promotion_failed"]


def test_a_gate_that_hangs_has_failed_when_its_time_is_over_and_leaves_no_process(
    workspace: Workspace, heavy: Path
) -> None:
    registered(workspace)
    (workspace.root / "mlops.toml").write_text('[gates]\ntimeout = "1s"\n')
    applied(workspace, production=(GateRule(gate="hangs"), GateRule(gate="apart")))
    with pytest.raises(CheckRefused, match="hangs: the gate gave no answer within 1s and was killed") as refused:
        promoted(Workspace(workspace.root), "delay")
    assert "hangs is an answer within 1s" in refused.value.hint
    assert not [pid for pid in (heavy / "pids").read_text().split() if psutil.pid_exists(int(pid))]
    (kept,) = workspace.call(service.promotions, ListPromotions(model="delay")).items
    assert [(gate.gate, gate.passed) for gate in kept.gates] == [("hangs", False), ("apart", True)]
    checked = promoting.check("delay", "production", workspace=workspace)
    assert [(gate.gate, gate.passed) for gate in checked.gates] == [("hangs", False), ("apart", True)]


def test_a_gate_dies_with_the_process_that_watches_over_it(workspace: Workspace, heavy: Path) -> None:
    registered(workspace)
    applied(workspace, production=(GateRule(gate="waits"),))
    workspace.call(service.promote, Promote(model="delay", to="production"))
    asked = psutil.Process(int((heavy / "asked").read_text()))
    asked.parent().kill()
    assert psutil.wait_procs([asked], timeout=30)[1] == []


def test_a_check_says_which_gate_killed_its_process(workspace: Workspace, heavy: Path) -> None:
    registered(workspace)
    applied(workspace, production=(GateRule(gate="dies"),))
    with pytest.raises(RunFailed, match="the process ended with -9 while it asked the gate 'dies'"):
        promoting.check("delay", "production", workspace=workspace)


def test_two_who_ask_for_the_same_wait_for_one_evaluation(workspace: Workspace, heavy: Path) -> None:
    registered(workspace)
    applied(workspace, production=(GateRule(gate="waits"),))
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(promoted, Workspace(workspace.root), "delay") for _ in range(2)]
        (heavy / "asked").read_text()
        (heavy / "answer").write_text("yes")
        ids = {each.result().id for each in both}
    assert len(ids) == 1
    assert actions(workspace).count("model.promoted") == 1


def test_a_policy_applied_while_the_child_asks_is_asked_as_well(workspace: Workspace, heavy: Path) -> None:
    registered(workspace)
    applied(workspace, production=(GateRule(gate="waits"),))
    with ThreadPoolExecutor(1) as pool:
        promoting_ = pool.submit(promoted, Workspace(workspace.root), "delay")
        (heavy / "asked").read_text()
        applied(workspace, production=(GateRule(gate="waits", options={"strict": True}),))
        (heavy / "answer").write_text("yes")
        (heavy / "asked").read_text()
        (heavy / "answer").write_text("no")
        with pytest.raises(CheckRefused, match="said no"):
            promoting_.result()
    assert actions(workspace)[2:] == ["model.promotion_requested", "policy.applied", "model.promotion_refused"]


def test_who_lost_the_lease_decides_nothing(workspace: Workspace) -> None:
    registered(workspace)
    with workspace.catalog.read() as connection:
        case = case_in(connection, "delay", "production")
    promotion = begin(workspace, case, "")
    assert promotion.stalled
    assert evaluation._claim(workspace, promotion.id, "one") == 1
    assert not shown(workspace, promotion).stalled
    assert evaluation._claim(workspace, promotion.id, "two") == 0
    late = update(promotions).values(lease_until=now() - timedelta(seconds=1))
    workspace.catalog.measure(lambda change: change.execute(late))
    assert shown(workspace, promotion).stalled
    assert evaluation._claim(workspace, promotion.id, "two") == 2
    with pytest.raises(Conflict, match="another process"):
        settle(workspace, case, (), Ask("", promotion.id, "one"))
    assert workspace.call(service.show, ShowModel(model="delay")).environments == {}
    ended = settle(workspace, case, (), Ask("", promotion.id, "two"))
    assert ended is not None
    assert ended.state == "promoted"
    with pytest.raises(Conflict, match="another process"):
        settle(workspace, case_of(workspace), (), Ask("", promotion.id, "two"))


def case_of(ws: Workspace) -> Any:
    with ws.catalog.read() as connection:
        return case_in(connection, "delay", "production")


def test_a_check_leaves_heavy_gates_pending_in_the_server_and_asks_them_apart_at_the_edge(
    workspace: Workspace, heavy: Path
) -> None:
    registered(workspace)
    applied(workspace, production=(GateRule(gate="apart"),))
    before = actions(workspace)
    here = workspace.call(service.check, service.check.request(model="delay", to="production"))
    assert [(gate.verdict, here.passed) for gate in here.gates] == [("pending", False)]
    apart = promoting.check("delay", "production", workspace=workspace)
    assert [(gate.verdict, apart.passed) for gate in apart.gates] == [("passed", True)]
    assert actions(workspace) == before
