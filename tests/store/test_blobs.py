"""Blobs: stored once, checked on every read, on a folder and on an object store."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest
from sqlalchemy import select

from mlops_ext.errors import DamagedBlob, InvalidValue, NotFound, StoreUnavailable, TimedOut
from mlops_ext.store import ledger as ledger_module
from mlops_ext.store.blobs import open_blob_store
from mlops_ext.store.catalog import Change, MissingBlob
from mlops_ext.store.schema import blob_intents, blobs
from mlops_ext.workspace import Workspace
from tests.store.notes import problems, sequence


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace whose blobs lie in its folder, or in a bucket."""
    if request.param == "s3":
        monkeypatch.setenv("MLOPS_BLOBS", request.getfixturevalue("bucket"))
    return Workspace(workspace.root)


def name(ws: Workspace, digest: str, owner: str = "note:1") -> None:
    def change(change: Change) -> None:
        change.name_blobs(owner, [digest])
        change.event("note.written", owner)

    ws.catalog.write(change)


def test_what_is_put_comes_back_by_its_digest(store, tmp_path):
    file = tmp_path / "large.bin"
    file.write_bytes(os.urandom(3 << 20))
    digests = store.put_blobs([b"", b"small", file, b"small"])
    assert digests[1] == digests[3]
    assert [store.get_blob(digest) for digest in digests[:3]] == [b"", b"small", file.read_bytes()]
    assert store.blob_path(digests[2]).read_bytes() == file.read_bytes()
    assert len(list(store.ledger.store.locations())) == 3
    assert sequence(store) == [], "a blob is no record"


def test_what_is_there_already_is_not_stored_again(store):
    first = store.put_blob(b"same")
    before = sorted(store.ledger.store.locations())
    assert store.put_blob(b"same") == first
    assert sorted(store.ledger.store.locations()) == before


def overwrite(ws: Workspace, location: str, data: bytes) -> None:
    local = ws.ledger.store.local_path(location)
    if local is not None:
        local.write_bytes(data)
    else:
        ws.ledger.store._files.pipe_file(ws.ledger.store._at(location), data)


@pytest.mark.parametrize("damage", [b"payloaD", b"payloa", b"", b"payload "], ids=["bit", "short", "empty", "long"])
def test_a_damaged_blob_is_found_on_read(store, damage):
    digest = store.put_blob(b"payload")
    overwrite(store, store.ledger.location(digest), damage)
    with pytest.raises(DamagedBlob, match=digest):
        store.get_blob(digest)
    with pytest.raises(DamagedBlob, match=digest):
        store.blob_path(digest)


def test_a_blob_that_is_gone_says_so(store):
    digest = store.put_blob(b"payload")
    store.ledger.store.delete(store.ledger.location(digest))
    with pytest.raises(StoreUnavailable, match="gone"):
        store.get_blob(digest)
    with pytest.raises(StoreUnavailable, match="gone"):
        store.blob_path(digest)


def test_a_damaged_copy_in_the_cache_is_found(workspace, bucket, monkeypatch):
    monkeypatch.setenv("MLOPS_BLOBS", bucket)
    ws = Workspace(workspace.root)
    digest = ws.put_blob(b"payload")
    ws.blob_path(digest).write_bytes(b"other")
    with pytest.raises(DamagedBlob):
        ws.blob_path(digest)


def test_an_unknown_digest_is_not_found(store):
    store.ensure()
    with pytest.raises(NotFound):
        store.get_blob("b3:" + "0" * 64)


def test_naming_what_is_not_there_is_refused_with_the_whole_change(store):
    store.ensure()
    with pytest.raises(MissingBlob, match="Put it again"):
        name(store, "b3:" + "0" * 64)
    assert sequence(store) == []


def test_gc_keeps_the_named_and_the_leased_and_takes_the_rest(store, monkeypatch):
    named, leased = store.put_blob(b"named"), store.put_blob(b"leased")
    name(store, named)
    assert store.ledger.doom() == 0
    monkeypatch.setattr(ledger_module, "LEASE", -ledger_module.LEASE)
    left = store.put_blob(b"left")
    assert store.ledger.doom() == 1
    assert store.ledger.sweep() == 1
    assert len(list(store.ledger.store.locations())) == 2
    assert store.get_blob(named) == b"named"
    assert store.get_blob(leased) == b"leased"
    with pytest.raises(NotFound):
        store.get_blob(left)
    assert problems(store) == []


def test_putting_again_renews_the_lease(store, monkeypatch):
    lease = ledger_module.LEASE
    monkeypatch.setattr(ledger_module, "LEASE", -lease)
    digest = store.put_blob(b"again")
    monkeypatch.setattr(ledger_module, "LEASE", lease)
    assert store.put_blob(b"again") == digest
    assert store.ledger.doom() == 0


def test_gc_takes_strays_only_after_their_grace(store):
    store.ensure()
    location = store.ledger.store.put(b"stray", "b3:" + "0" * 64)
    assert store.ledger.sweep() == 0
    assert store.ledger.sweep(grace=-ledger_module.GRACE) == 1
    assert location not in dict(store.ledger.store.locations())
    assert store.ledger.sweep(grace=-ledger_module.GRACE) == 0


def test_many_doomed_blobs_are_swept_in_one_go(workspace, monkeypatch):
    from mlops_ext.store import search

    monkeypatch.setattr(search, "_BATCH", 7)
    monkeypatch.setattr(ledger_module, "LEASE", -ledger_module.LEASE)
    workspace.put_blobs([str(number).encode() for number in range(40)])
    assert workspace.ledger.doom() == 40
    assert workspace.ledger.sweep() == 40
    assert list(workspace.ledger.store.locations()) == []


def test_a_put_that_outlasts_the_grace_is_refused_since_gc_may_have_taken_its_first_bytes(store, monkeypatch):
    store.ensure()
    monkeypatch.setattr(ledger_module, "GRACE", -ledger_module.GRACE)
    with pytest.raises(TimedOut):
        store.put_blob(b"slow")
    with store.catalog.read() as connection:
        assert connection.execute(select(blobs)).all() == []
        assert connection.execute(select(blob_intents)).all() == []


def test_a_failed_write_leaves_no_file_behind(workspace, monkeypatch):
    workspace.ensure()

    def fail(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(StoreUnavailable, match="No space left"):
        workspace.put_blob(b"payload")
    assert [path for path in (workspace.home / "blobs").rglob("*") if path.is_file()] == []


def test_blobs_lie_below_a_private_folder_under_names_of_our_own(workspace):
    digest = workspace.put_blob(b"payload")
    path = workspace.blob_path(digest)
    assert stat.S_IMODE(workspace.home.stat().st_mode) == 0o700
    assert path.relative_to(workspace.home / "blobs" / "b3" / digest[3:5]).name.startswith(digest[3:])


def test_a_blob_is_named_by_its_bytes_alone(store, monkeypatch):
    monkeypatch.setenv("MLOPS_HASH", "sha256")
    assert Workspace(store.root).put_blob(b"payload") == "sha256:" + hashlib.sha256(b"payload").hexdigest()


@pytest.mark.fast
@pytest.mark.parametrize("url", ["http://example.org/blobs", "ftp://x/y", "nothing://x"])
def test_a_scheme_that_is_no_object_store_is_refused(url):
    with pytest.raises(InvalidValue, match="s3://"):
        open_blob_store(url)


@pytest.mark.fast
def test_a_file_url_is_a_folder(tmp_path):
    store = open_blob_store(f"file://{tmp_path}")
    location = store.put(b"x", "b3:" + "1" * 64)
    assert store.local_path(location) == tmp_path / location
