"""gc keeps what is needed and says why; fsck names every damaged blob and repairs it."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pandas as pd
import pytest
from sqlalchemy import select

from mlops_ext.datasets.curation import service as curation
from mlops_ext.datasets.curation.types import ChangeDatasetState, SetDatasetAlias, SetDatasetTags
from mlops_ext.datasets.edge import load, snapshot
from mlops_ext.errors import Conflict, DamagedBlob, NotFound, StoreUnavailable
from mlops_ext.governance import audit
from mlops_ext.governance.types import ListEvents
from mlops_ext.governance.upkeep.copies import find_copies
from mlops_ext.governance.upkeep.fsck import fsck
from mlops_ext.governance.upkeep.service import keep_rules_applied, plan, prune
from mlops_ext.governance.upkeep.types import PlanGc, Prune
from mlops_ext.models.promotion.history import rollback
from mlops_ext.models.promotion.service import promote
from mlops_ext.models.promotion.types import Promote, Rollback
from mlops_ext.store.schema import blob_intents, blobs
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.curation import runs as kept_runs
from mlops_ext.tracking.curation.types import ChangeRunState
from mlops_ext.tracking.types import Artifact, LogRun, MetricPoint, ShowRun, StartRun
from mlops_ext.workspace import Workspace
from tests.models.support import registered


def keep(ws, *numbers):
    return [snapshot(pd.DataFrame({"x": [number], "same": [1]}), "t", workspace=ws) for number in numbers]


def going(made):
    return sorted(each.ref for each in made.versions if each.goes)


def collect(ws, **rules):
    done = keep_rules_applied(ws, PlanGc(**rules))
    ws.ledger.doom()
    ws.ledger.sweep(timedelta(0))
    return done


def free_leases(ws):
    """Let leases end, as they do a day later."""
    ws.catalog.measure(lambda change: change.execute(blob_intents.delete()))


def test_gc_removes_only_what_no_rule_keeps_and_says_why_the_rest_stays(workspace):
    keep(workspace, 1, 2, 3, 4, 5)
    workspace.call(curation.tag, SetDatasetTags(dataset="t@2", tags={"a": "b"}))
    workspace.call(curation.alias, SetDatasetAlias(dataset="t@3", alias="golden"))
    registered(workspace, inputs=("dataset:t@1",))
    assert workspace.call(promote, Promote(model="delay@1", to="production")).state == "promoted"
    asked = {"keep_last": 1, "keep_tagged": True}
    made = workspace.call(plan, PlanGc(**asked))
    assert going(made) == ["t@4"]
    why = {each.ref: each.why for each in made.versions}
    assert "delay@1 serves production" in why["t@1"]
    assert (why["t@2"], why["t@5"]) == ("it has tags", "the newest version")
    assert "golden" in why["t@3"]
    assert going(workspace.call(plan, PlanGc())) == []
    free_leases(workspace)
    collect(workspace, **asked)
    with pytest.raises(NotFound, match="removed by gc"):
        load("t@4", workspace=workspace)
    for number in (1, 2, 3, 5):
        assert load(f"t@{number}", workspace=workspace)["x"].tolist() == [number]
    assert fsck(workspace).damages == ()
    assert keep(workspace, 6)[0].ref == "t@6"


def test_what_is_deleted_goes_after_its_grace_and_its_number_stays_taken(workspace):
    keep(workspace, 1, 2)
    workspace.call(curation.delete, ChangeDatasetState(dataset="t@2"))
    assert going(workspace.call(plan, PlanGc())) == []
    free_leases(workspace)
    assert going(collect(workspace, grace="0s")) == ["t@2"]
    with pytest.raises(Conflict, match="removed by gc"):
        workspace.call(curation.restore, ChangeDatasetState(dataset="t@2"))
    assert keep(workspace, 2)[0].ref == "t@3"
    assert load("t@3", workspace=workspace)["x"].tolist() == [2]


def test_a_version_that_a_served_model_was_made_of_is_never_removed(workspace):
    keep(workspace, 1, 2)
    registered(workspace, inputs=("dataset:t@1",))
    workspace.call(promote, Promote(model="delay@1", to="production"))
    with pytest.raises(Conflict, match="delay@1 serves production"):
        workspace.call(prune, Prune(dataset="t@1"))


def test_what_a_rollback_can_return_to_stays_as_far_back_as_asked(workspace):
    keep(workspace, 1, 2, 3, 4, 5)
    for number in (1, 2, 3):
        registered(workspace, inputs=(f"dataset:t@{number}",))
        workspace.call(promote, Promote(model=f"delay@{number}", to="production"))
    registered(workspace, inputs=("dataset:t@4",))
    assert going(workspace.call(plan, PlanGc(keep_last=1))) == ["t@4"]
    assert going(workspace.call(plan, PlanGc(keep_last=1, rollbacks=1))) == ["t@1", "t@4"]
    assert going(workspace.call(plan, PlanGc(keep_last=1, rollbacks=0))) == ["t@1", "t@2", "t@4"]
    with pytest.raises(Conflict, match="delay@1 served production, which a rollback can return to"):
        workspace.call(prune, Prune(dataset="t@1"))
    workspace.call(rollback, Rollback(model="delay@production"))
    assert going(workspace.call(plan, PlanGc(keep_last=1, rollbacks=0))) == ["t@1", "t@3", "t@4"]
    free_leases(workspace)
    collect(workspace, keep_last=1, rollbacks=1)
    assert [load(f"t@{number}", workspace=workspace)["x"].tolist() for number in (2, 3)] == [[2], [3]]
    with pytest.raises(NotFound, match="removed by gc"):
        load("t@1", workspace=workspace)


@pytest.mark.parametrize("harm", ["missing", "flipped"])
def test_every_damaged_blob_is_named_and_repaired_from_a_second_store(tmp_path, monkeypatch, harm):
    monkeypatch.delenv("MLOPS_CATALOG", raising=False)
    ws = Workspace(tmp_path / "one")
    ws.root.mkdir()
    version = keep(ws, 1)[0]
    registered(ws)
    shutil.copytree(ws.root, tmp_path / "two")
    with ws.catalog.read() as connection:
        rows = connection.execute(select(blobs)).all()
    for row in rows:
        path = ws.ledger.store.local_path(row.location)
        whole = path.read_bytes()
        place = len(whole) // 2
        if harm == "missing":
            path.unlink()
        else:
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        (damage,) = fsck(ws).damages
        assert (damage.digest, damage.problem) == (row.digest, harm)
        assert bool(damage.parts) == bool(damage.owners)
        with pytest.raises((DamagedBlob, StoreUnavailable)):
            ws.get_blob(row.digest)
        (mended,) = fsck(ws, find_copies(ws, str(tmp_path / "two"))).damages
        assert mended.repaired
        assert mended.first_byte == (None if harm == "missing" else place)
        assert ws.get_blob(row.digest) == whole
    assert fsck(ws).damages == ()
    assert load(version, workspace=ws)["x"].tolist() == [1]


def test_a_deleted_run_loses_its_files_after_the_grace_unless_a_model_was_made_by_it(workspace):
    ids = {}
    for name in ("gone", "behind", "kept", "restored"):
        run = ids[name] = workspace.call(tracking.start, StartRun(experiment=name)).id
        figure = Artifact(path="a.txt", digest=workspace.put_blob(name.encode()), size=len(name))
        workspace.call(tracking.log, LogRun(run=run, artifacts=(figure,), metrics=(MetricPoint(key="auc", value=1),)))
    registered(workspace, run=ids["behind"])
    for name in ("gone", "behind", "restored"):
        workspace.call(kept_runs.delete_, ChangeRunState(run=ids[name]))
    workspace.call(kept_runs.restore, ChangeRunState(run=ids["restored"]))
    free_leases(workspace)
    assert (workspace.call(plan, PlanGc()).runs, collect(workspace).runs) == (0, 0), "the grace is not over"
    made = workspace.call(plan, PlanGc(grace="0s"))
    assert (made.runs, made.blobs, made.bytes) == (1, 1, len("gone"))
    assert (collect(workspace, grace="0s").runs, collect(workspace, grace="0s").runs) == (1, 0)
    for name, run in ids.items():
        (figure,) = workspace.call(tracking.show, ShowRun(run=run)).artifacts
        if name == "gone":
            with pytest.raises(NotFound):
                workspace.get_blob(figure.digest)
        else:
            assert workspace.get_blob(figure.digest) == name.encode()
    assert workspace.call(tracking.show, ShowRun(run=ids["gone"])).metrics == {"auc": 1}
    [event] = workspace.call(audit.log, ListEvents(filter="action = 'run.pruned'"))
    assert (event.subject, event.data["blobs"]) == (f"run:{ids['gone']}", 1)
