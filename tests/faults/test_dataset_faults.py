"""Snapshots under load and faults: nothing acknowledged is lost, nothing half is seen, gc takes the leftovers."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from mlops_ext.datasets.edge import load, snapshot, verify
from mlops_ext.datasets.service import versions
from mlops_ext.datasets.types import ListDatasetVersions
from mlops_ext.errors import StoreReadOnly
from mlops_ext.governance.upkeep.fsck import fsck
from mlops_ext.store.schema import blob_intents
from mlops_ext.workspace import Workspace
from tests.faults.test_full_disk import fill, small_disk  # noqa: F401
from tests.store.notes import problems

ROOT = Path(__file__).parents[2]


def start(folder, first, number, step=0, writers=1):
    given = map(str, (folder, first, number, step, writers))
    command = [sys.executable, "-m", "tests.faults.snapshotter", *given]
    return subprocess.Popen(command, cwd=ROOT, env=dict(os.environ), stdout=subprocess.PIPE, text=True)


def numbers(ws):
    return sorted(each.version for each in ws.call(versions, ListDatasetVersions(dataset="t", limit=1000)))


def collect(ws):
    ws.catalog.measure(lambda change: change.execute(blob_intents.delete()))
    ws.ledger.doom()
    ws.ledger.sweep(timedelta(0))


def test_eight_writers_of_one_dataset_lose_nothing(workspace):
    workspace.ensure()
    together = start(workspace.root, 0, 3, writers=8)
    said = [line.split() for line in together.communicate(timeout=240)[0].splitlines()]
    assert together.returncode == 0
    assert numbers(workspace) == list(range(1, 25))
    assert sorted(ref for ref, _ in said) == sorted(f"t@{number}" for number in range(1, 25))
    for ref, each in said:
        assert load(ref, workspace=workspace)["x"].iloc[0] == int(each) * 1000
    assert problems(workspace) == []


@pytest.mark.parametrize("step", [4, *(pytest.param(each, marks=pytest.mark.deep) for each in (1, 2, 3, 5))])
def test_a_writer_that_is_killed_leaves_whole_versions_only(tmp_path, monkeypatch, step):
    monkeypatch.delenv("MLOPS_CATALOG", raising=False)
    ws = Workspace(tmp_path)
    first = snapshot(pd.DataFrame({"x": [1]}), "t", workspace=ws)
    writer = start(tmp_path, 7, 1, step)
    said = writer.communicate(timeout=120)[0].splitlines()
    assert writer.returncode == -9
    assert said == []
    for number in numbers(ws):
        verify(f"t@{number}", workspace=ws)
    before = len(numbers(ws))
    ws.database.close()
    ws = Workspace(tmp_path)
    snapshot(pd.DataFrame({"x": range(7000, 7100)}), "t", workspace=ws)
    assert len(numbers(ws)) in (before, before + 1)
    collect(ws)
    assert fsck(ws).damages == ()
    assert {place for place, _ in ws.ledger.store.locations()} == known(ws)
    assert load(first, workspace=ws)["x"].tolist() == [1]
    assert problems(ws) == []


def test_a_snapshot_on_a_full_disk_is_refused_whole(small_disk):  # noqa: F811
    ws = Workspace(small_disk)
    kept = snapshot(pd.DataFrame({"x": range(50)}), "t", workspace=ws)
    ballast = fill(small_disk)
    with pytest.raises(StoreReadOnly, match="space"):
        snapshot(pd.DataFrame({"x": range(100, 90_000)}), "t", workspace=ws)
    assert load("t", workspace=ws)["x"].tolist() == list(range(50))
    ballast.unlink()
    assert numbers(ws) == [1]
    assert snapshot(pd.DataFrame({"x": range(60)}), "t", workspace=ws).ref == "t@2"
    collect(ws)
    assert fsck(ws).damages == ()
    verify(kept, workspace=ws)
    ws.database.close()


def known(ws):
    from sqlalchemy import select

    from mlops_ext.store.schema import blobs

    with ws.catalog.read() as connection:
        return set(connection.execute(select(blobs.c.location)).scalars())
