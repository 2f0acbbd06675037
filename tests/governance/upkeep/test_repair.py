"""fsck repairs from remotes: each damaged blob that one of them has, and says which it could not and why."""

from __future__ import annotations

import json
import os

import pytest
from sqlalchemy import select

import mlops_ext as mlops
from mlops_ext.cli.main import main
from mlops_ext.datasets.edge import verify
from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.governance.upkeep.copies import find_copies
from mlops_ext.governance.upkeep.fsck import fsck
from mlops_ext.store.remotes.entries import blob_path
from mlops_ext.store.schema import blobs
from tests.datasets.remotes.support import flights, told


@pytest.fixture(params=["folder", "s3"])
def url(request, tmp_path):
    return request.getfixturevalue("bucket") if request.param == "s3" else str(tmp_path / "remote")


def places(ws):
    with ws.catalog.read() as connection:
        return {row.digest: ws.ledger.store.local_path(row.location) for row in connection.execute(select(blobs))}


def harm(ws):
    """Lose every second blob and flip a byte in the others."""
    for number, path in enumerate(places(ws).values()):
        if number % 2:
            path.unlink()
        else:
            data = bytearray(path.read_bytes())
            data[-1] ^= 1
            path.write_bytes(data)


@pytest.mark.sqlite
def test_every_missing_and_flipped_blob_comes_back_from_a_remote(workspace, url):
    flights(workspace, 2)
    mlops.push("flights", to=url, workspace=workspace)
    harm(workspace)
    found = fsck(workspace)
    assert ({each.problem for each in found.damages}, len(found.damages)) == ({"missing", "flipped"}, found.blobs)
    mended = fsck(workspace, find_copies(workspace, url))
    assert mended.whole
    assert {each.source for each in mended.damages} == {url}
    assert fsck(workspace).damages == ()
    for number in (1, 2):
        verify(f"flights@{number}", workspace=workspace)
    assert len(told(workspace, "blob.repaired")) == found.blobs


def test_what_no_store_has_whole_is_said_with_the_reason_and_the_next_store_is_asked(workspace, tmp_path):
    flights(workspace)
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        mlops.push("flights", to=str(folder), workspace=workspace)
    gone, flipped, *rest = places(workspace)
    (first / blob_path(gone)).unlink()
    data = bytearray((first / blob_path(flipped)).read_bytes())
    data[0] ^= 1
    (first / blob_path(flipped)).write_bytes(data)
    harm(workspace)
    stores = find_copies(workspace, str(first))
    found = {each.digest: each for each in fsck(workspace, stores).damages}
    assert [found[digest].repaired for digest in (gone, flipped, *rest)] == [False, False, *[True] * len(rest)]
    assert "is gone from" in found[gone].reason
    assert "other bytes" in found[flipped].reason
    both = [*stores, *find_copies(workspace, str(second))]
    assert {each.source for each in fsck(workspace, both).damages} == {str(second)}
    verify("flights@1", workspace=workspace)


@pytest.mark.sqlite
def test_the_command_repairs_from_the_declared_remote_and_ends_with_6_while_something_is_wrong(
    workspace, tmp_path, capsys
):
    flights(workspace)
    (workspace.root / "mlops.toml").write_text('[remotes.team]\nurl = "../remote"\n')
    assert ended("push", "flights") == 0
    (tmp_path / "remote" / blob_path(next(iter(places(workspace))))).unlink()
    harm(workspace)
    capsys.readouterr()
    assert ended("fsck", "--json") == 6
    assert not any(each["repaired"] for each in json.loads(capsys.readouterr().out)["damages"])
    assert ended("fsck", "--repair", "--json") == 6
    told_of = json.loads(capsys.readouterr().out)["damages"]
    assert [each["repaired"] for each in told_of].count(False) == 1
    assert all(each["source"].startswith("team (") for each in told_of if each["repaired"])
    assert ended("fsck", "--from", "team") == 2


def ended(*words):
    with pytest.raises(SystemExit) as end:
        main(list(words))
    return end.value.code


@pytest.mark.sqlite
def test_where_to_repair_from_is_named_or_declared(workspace, tmp_path):
    flights(workspace)
    with pytest.raises(InvalidValue, match="no remote is declared"):
        find_copies(workspace, "")
    with pytest.raises(NotFound, match="nothing was ever pushed"):
        find_copies(workspace, str(tmp_path))
    assert find_copies(workspace, str(workspace.root))[0].shown == os.fspath(workspace.root)
