"""What a version leaves out since an earlier one noted it stays while the version does, and is named when damaged."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import select

from mlops_ext.datasets.curation import service as curation
from mlops_ext.datasets.curation.types import ChangeDatasetState
from mlops_ext.datasets.diff.edge import diff
from mlops_ext.datasets.edge import load, snapshot, verify
from mlops_ext.datasets.profile.service import profile
from mlops_ext.datasets.profile.types import ShowProfile
from mlops_ext.datasets.storage import cutting
from mlops_ext.datasets.storage.manifest import Manifest
from mlops_ext.errors import DamagedBlob, NotFound
from mlops_ext.governance.upkeep.copies import find_copies
from mlops_ext.governance.upkeep.fsck import fsck
from mlops_ext.store.schema import blobs
from mlops_ext.workspace import Workspace
from tests.governance.upkeep.test_upkeep import collect, free_leases, going

ROWS = 8_000


@pytest.fixture(autouse=True)
def small_segments(monkeypatch):
    monkeypatch.setattr(cutting, "SMALLEST_BYTES", 1 << 12)
    monkeypatch.setattr(cutting, "CELL_BYTES", 1 << 8)


def edits():
    """A table, a changed cell in it, and then some rows fewer."""
    random = np.random.default_rng(3)
    first = pd.DataFrame({"id": np.arange(ROWS) * 3, "value": random.normal(size=ROWS), "same": ["s"] * ROWS})
    for name in "abcd":
        first[name] = random.normal(size=ROWS).round(3)
    second = first.copy()
    second.loc[ROWS // 2, "value"] = 99.0
    return first, second, pd.concat([second[:1000], second[1100:]], ignore_index=True)


def kept(ws):
    """Snapshot the edits; all but the first leave out what the first noted, of segments and of columns."""
    versions = [snapshot(each, "t", workspace=ws) for each in edits()]
    manifests = [Manifest.from_bytes(ws.get_blob(each.manifest)) for each in versions]
    assert [each.base for each in manifests] == [None, versions[0].manifest, versions[0].manifest]
    assert manifests[2].like
    assert manifests[1].profile_base == manifests[0].profile
    return versions, manifests


def path_of(ws, digest):
    with ws.catalog.read() as connection:
        found = connection.execute(select(blobs).where(blobs.c.digest == digest)).one_or_none()
    return found and ws.ledger.store.local_path(found.location)


def remove(ws, *refs):
    for ref in refs:
        ws.call(curation.delete, ChangeDatasetState(dataset=ref))
    free_leases(ws)
    assert going(collect(ws, grace="0s")) == sorted(refs)


def test_gc_keeps_what_later_versions_leave_out_until_the_last_of_them_goes(workspace):
    versions, manifests = kept(workspace)
    shown = [profile(workspace, ShowProfile(dataset=each.ref)) for each in versions]
    remove(workspace, "t@1")
    with pytest.raises(NotFound):
        load("t@1", workspace=workspace)
    assert fsck(workspace).damages == ()
    for version, frame, before in list(zip(versions, edits(), shown, strict=True))[1:]:
        verify(version, workspace=workspace)
        pd.testing.assert_frame_equal(load(version, workspace=workspace), frame, check_exact=True)
        assert profile(workspace, ShowProfile(dataset=version.ref)) == before
    found = diff("t@2", "t@3", key=["id"], workspace=workspace)
    assert (found.added, found.removed, found.changed) == (0, 100, 0)
    again = snapshot(edits()[0], "t", workspace=workspace)
    assert (again.ref, again.digest) == ("t@4", versions[0].digest)
    pd.testing.assert_frame_equal(load(again, workspace=workspace), edits()[0], check_exact=True)
    remove(workspace, "t@2", "t@3")
    assert fsck(workspace).damages == ()
    verify(again, workspace=workspace)
    remove(workspace, "t@4")
    assert path_of(workspace, versions[0].manifest) is None
    assert path_of(workspace, manifests[0].profile) is None


@pytest.mark.parametrize("part", ["base of the manifest", "base of the profile"])
def test_fsck_names_all_that_a_flipped_base_is_of_and_repairs_it(tmp_path, monkeypatch, part):
    monkeypatch.delenv("MLOPS_CATALOG", raising=False)
    ws = Workspace(tmp_path / "one")
    ws.root.mkdir()
    versions, manifests = kept(ws)
    shutil.copytree(ws.root, tmp_path / "two")
    remove(ws, "t@1")
    of_manifest = part == "base of the manifest"
    base = manifests[1].base if of_manifest else manifests[1].profile_base
    path = path_of(ws, base)
    whole = path.read_bytes()
    path.write_bytes(whole[:40] + bytes([whole[40] ^ 1]) + whole[41:])
    (damage,) = fsck(ws).damages
    dependants = {
        each.ref for each, held in zip(versions, manifests, strict=True) if base in (held.base, held.profile_base)
    }
    assert (damage.digest, damage.problem) == (base, "flipped")
    assert damage.parts == tuple(f"dataset:{ref}: {part}" for ref in sorted(dependants))
    pd.testing.assert_frame_equal(load("t@3", workspace=ws), edits()[2], check_exact=True)
    if of_manifest:
        with pytest.raises(DamagedBlob):
            snapshot(edits()[0], "t", workspace=ws)
    (mended,) = fsck(ws, find_copies(ws, str(tmp_path / "two"))).damages
    assert (mended.repaired, mended.first_byte) == (True, 40)
    assert fsck(ws).damages == ()
    assert snapshot(edits()[1].assign(more=1), "t", workspace=ws).ref == "t@4"
