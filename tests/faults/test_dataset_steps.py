"""kill -9, a full disk and a read-only one at every change of files that an action makes: whole before or whole after.

Whatever the step: nothing that was acknowledged is lost, what is seen is the state before or the one after, no file of
the user's is touched, errors are sentences, and the next try succeeds.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from itertools import cycle
from pathlib import Path

import pytest
from sqlalchemy import select, text

from mlops_ext.datasets.curation import edge as curation
from mlops_ext.datasets.edge import snapshot, verify
from mlops_ext.datasets.service import list_, versions
from mlops_ext.datasets.types import ListDatasets, ListDatasetVersions
from mlops_ext.governance.upkeep.fsck import fsck
from mlops_ext.store.schema import blob_intents, events
from mlops_ext.workspace import Workspace
from tests.faults.steps import ACTIONS, FAULTS, ROWS, Stepper, frame
from tests.faults.test_dataset_faults import collect, known
from tests.store.notes import problems

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="faults are put in by the dynamic linker of Linux")
BY_STEPS = ("gc", "fsck", "expect", "check", "snapshot")
"""Actions of several transactions: each of their changes is whole, and they come one after the other."""


@pytest.fixture(scope="module")
def stepper(tmp_path_factory, request):
    compiler = shutil.which("cc")
    if compiler is None:
        said = "no C compiler (Debian: apt-get install gcc)"
        (pytest.fail if request.config.getoption("--require-all") else pytest.skip)(said)
    library = tmp_path_factory.mktemp("steps") / "steps.so"
    source = Path(__file__).with_name("steps.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    made = Stepper(library)
    yield made
    made.close()


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A folder with a project of three versions, and a file that two of its blobs were harmed in but not its copy."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLOPS_CATALOG", "MLOPS_BLOBS", "MLOPS_WORKSPACE"):
            patch.delenv(name, raising=False)
        folder = tmp_path_factory.mktemp("base")
        (folder / "temporary").mkdir()
        project = folder / "project"
        project.mkdir()
        whole = frame(2 * ROWS)
        whole[: ROWS + 20].to_csv(project / "rows.csv", index=False)
        (project / "notes.txt").write_text("of the user's", encoding="utf-8")
        ws = Workspace(project)
        one = snapshot(whole[: ROWS - 30], "t", workspace=ws)
        snapshot(whole[:ROWS], "t", workspace=ws)
        snapshot(whole[:ROWS].assign(more=range(ROWS)), "t", workspace=ws)
        curation.alias_dataset("t@3", "golden", workspace=ws)
        curation.tag_dataset(one, {"kept": "yes"}, workspace=ws)
        ws.catalog.measure(lambda change: change.execute(blob_intents.delete()))
        ws.database.close()
        shutil.copytree(project, folder / "copy")
        yield folder


def prepared(base, folder, action):
    shutil.copytree(base, folder, dirs_exist_ok=True)
    project = folder / "project"
    if action == "snapshot first":
        shutil.rmtree(project / ".mlops")
    if action == "fsck":
        harmed = sorted((project / ".mlops" / "blobs").glob("*/*/*"))
        harmed[0].unlink()
        data = harmed[1].read_bytes()
        harmed[1].write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    return project


def state(ws):
    """All that a user can see: of each thing its fields, and what the trail says."""
    names = [each.name for each in ws.call(list_, ListDatasets(state="any"))]
    seen = {name: ws.call(versions, ListDatasetVersions(dataset=name, state="any")) for name in names}
    held = {
        each.ref: each.model_dump(exclude={"created_at", "removed_at", "origin"})
        for page in seen.values()
        for each in page
    }
    held |= {
        f"{ref} gone": each.removed_at is not None for page in seen.values() for each in page for ref in [each.ref]
    }
    held |= {f"blob {each.digest}": each.problem for each in fsck(ws).damages}
    if not ws.exists():
        return held, []
    with ws.catalog.read() as connection:
        said = connection.execute(select(events.c.action, events.c.subject).order_by(events.c.seq)).all()
    return held, [tuple(each) for each in said]


def files(folder):
    """The user's files and what they hold."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".mlops" not in path.relative_to(folder).parts
    }


def is_between(before, found, after):
    """Tell whether each thing is as it was or as it shall be, and the trail has gone part of the way."""
    way = after[1][: len(found[1])] == found[1] and len(before[1]) <= len(found[1])
    names = before[0].keys() | found[0].keys() | after[0].keys()
    return way and all(found[0].get(name) in (before[0].get(name), after[0].get(name)) for name in names)


def check(ws, action, ended, before, after):
    assert ended.is_ours, ended.error
    found = state(ws)
    if ended.done:
        assert found == after
    elif action in BY_STEPS:
        assert is_between(before, found, after)
    else:
        assert found in (before, after)
    if not ws.exists():
        return
    assert problems(ws) == []
    with ws.catalog.read() as connection:
        assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
    for ref, fields in found[0].items():
        if isinstance(fields, dict) and fields["state"] != "deleted" and action != "fsck":
            verify(ref, workspace=ws)


def strike(stepper, base, folder, action, fault, step, before, after):
    """Let the fault come at one step, look at what is there, and do it again."""
    project = prepared(base, folder, action)
    mine = files(project)
    ended = stepper.do(action, folder, step, fault)
    assert (ended.signal == 9) if fault == "kill" else not ended.signal, ended
    ws = Workspace(project)
    check(ws, action, ended, before, after)
    now = files(project)
    whole = {name: data for name, data in now.items() if name in mine}
    assert whole == mine, "no file of the user's is moved or altered"
    if fault == "full":
        assert not list(project.rglob("*.tmp")), "what could not be finished is taken away"
    ws.database.close()
    again = stepper.do(action, folder)
    assert again.done, again.error
    assert state(ws) == after
    left_only_what_is_known(ws)
    ws.database.close()


def left_only_what_is_known(ws):
    if ws.exists():
        collect(ws)
        assert {place for place, _ in ws.ledger.store.locations()} == known(ws)
        assert fsck(ws).damages == ()


def run(stepper, base, tmp_path, action, fault, choose):
    folder = tmp_path / "whole"
    project = prepared(base, folder, action)
    ws = Workspace(project)
    before = state(ws)
    ws.database.close()
    ended = stepper.do(action, folder, 0, fault)
    assert ended.done, ended.error
    after = state(ws)
    ws.database.close()
    for step in choose(ended.count):
        case = tmp_path / f"{step}"
        strike(stepper, base, case, action, fault, step, before, after)
        shutil.rmtree(case)


@pytest.mark.parametrize(("action", "fault"), list(zip(ACTIONS, cycle(FAULTS), strict=False)))
def test_a_fault_in_the_middle_leaves_all_or_nothing(stepper, base, tmp_path, action, fault):
    run(stepper, base, tmp_path, action, fault, lambda count: [1 + count // 2] if count else [])


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_fault_at_any_step_leaves_all_or_nothing(stepper, base, tmp_path, action, fault):
    """Every step; of the hundreds that make the tables of a new store, every fifth."""
    run(stepper, base, tmp_path, action, fault, lambda count: range(1, count + 1, 1 + count // 150))
