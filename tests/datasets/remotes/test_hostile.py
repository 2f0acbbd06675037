"""What a remote says is compared before it is believed: flipped bytes, other rows, endless files, paths for names."""

from __future__ import annotations

import gzip
import json
import shutil

import pytest

import mlops_ext as mlops
from mlops_ext.datasets.edge import load
from mlops_ext.datasets.remotes import checking
from mlops_ext.datasets.remotes.types import DatasetEntry
from mlops_ext.datasets.service import list_
from mlops_ext.datasets.storage.manifest import Manifest
from mlops_ext.datasets.types import ListDatasets
from mlops_ext.errors import DamagedBlob, InvalidValue, MlopsError, NotFound
from mlops_ext.store.hashing import canonical_json, digest_of
from mlops_ext.store.remotes.entries import blob_path
from tests.datasets.remotes.support import colleague, files_of, flights, frame, lay_out, told


@pytest.fixture(scope="module")
def pushed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pushed")
    other = colleague(folder / "other")
    flights(other, 2)
    mlops.push("flights", to=str(folder / "remote"), workspace=other)
    return folder / "remote"


@pytest.fixture
def remote(tmp_path, pushed):
    """A folder to which two versions were pushed."""
    return shutil.copytree(pushed, tmp_path / "remote")


@pytest.fixture
def ws(tmp_path, monkeypatch):
    made = colleague(tmp_path / "project")
    monkeypatch.chdir(made.root)
    lay_out(made)
    return made


def entry_file(remote, version=1):
    return next((remote / "datasets").glob(f"*/{version}.json"))


def sealed(entry):
    return json.dumps({"entry": entry, "seal": digest_of(canonical_json(entry), "b3")}).encode()


def rewrite(remote, change, version=1):
    """Change an entry as somebody would who knows how they are sealed."""
    path = entry_file(remote, version)
    entry = json.loads(path.read_bytes())["entry"]
    change(entry)
    path.write_bytes(sealed(entry))


def store(remote, data):
    digest = digest_of(data, "b3")
    path = remote / blob_path(digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return digest


def refused(ws, remote, error, match, ref="flights@1"):
    before = {name for name in files_of(remote.parent) if "/.mlops/" not in name}
    with pytest.raises(error, match=match):
        mlops.pull(ref, from_=str(remote), workspace=ws)
    assert ws.call(list_, ListDatasets(state="any")).items == ()
    assert told(ws) == []
    assert {name for name in files_of(remote.parent) if "/.mlops/" not in name} == before


def flip(path, place=None):
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if place is None else place] ^= 1
    path.write_bytes(data)


def test_a_flipped_byte_in_any_piece_is_refused_with_the_file_named(ws, remote):
    pieces = json.loads(entry_file(remote).read_bytes())["entry"]["blobs"]
    assert len(pieces) >= 4
    for place, digest in enumerate(pieces):
        path = remote / blob_path(digest)
        flip(path)
        # What a refused pull has fetched is kept for the next, so each has a workspace of its own.
        refused(colleague(ws.root / f"{place}"), remote, DamagedBlob, path.name)
        flip(path)
    mlops.pull("flights", from_=str(remote), workspace=ws)
    assert load("flights@1", workspace=ws).equals(frame())


def test_a_flipped_byte_anywhere_in_an_entry_is_refused_with_the_file_named(ws, remote):
    path = entry_file(remote)
    size = path.stat().st_size
    for place in range(0, size, max(1, size // 40)):
        flip(path, place)
        with pytest.raises(MlopsError):
            DatasetEntry.from_bytes(path.read_bytes(), str(path.relative_to(remote)), "here")
        flip(path, place)
    flip(path)
    refused(ws, remote, DamagedBlob, "1.json of")


@pytest.mark.parametrize("cut", [0, 1, 100])
def test_a_piece_that_is_cut_or_longer_is_refused(ws, remote, cut):
    path = max((remote / "blobs").glob("*/*/*"), key=lambda each: each.stat().st_size)
    whole = path.read_bytes()
    path.write_bytes(whole[:cut])
    refused(ws, remote, DamagedBlob, path.name, "flights")
    path.write_bytes(whole + bytes(100))
    refused(ws, remote, DamagedBlob, path.name, "flights")


def test_a_piece_that_is_gone_is_named(ws, remote):
    path = max((remote / "blobs").glob("*/*/*"), key=lambda each: each.stat().st_size)
    path.unlink()
    refused(ws, remote, NotFound, path.name, "flights")


def test_an_entry_of_another_version_under_this_number_is_refused(ws, remote):
    shutil.copy(entry_file(remote, 2), entry_file(remote, 1))
    refused(ws, remote, DamagedBlob, "1.json")


def test_rows_of_another_version_are_refused_though_each_piece_is_whole(ws, remote):
    one, two = (json.loads(entry_file(remote, number).read_bytes())["entry"] for number in (1, 2))
    mine, theirs = (
        Manifest.from_bytes((remote / blob_path(each["record"]["manifest"])).read_bytes()) for each in (one, two)
    )
    swapped = mine.model_copy(update={"files": theirs.files, "groups": theirs.groups})
    data = swapped.to_bytes()
    kept = [swapped.base, swapped.profile, swapped.representation, *(file.digest for file in swapped.files)]
    sizes = {**one["blobs"], **two["blobs"]}

    def change(entry):
        entry["record"]["manifest"] = store(remote, data)
        entry["blobs"] = {each: sizes[each] for each in kept if each} | {digest_of(data, "b3"): len(data)}

    rewrite(remote, change)
    refused(ws, remote, DamagedBlob, "other rows than its digest says")


@pytest.mark.parametrize(
    "change",
    [
        lambda entry: entry.update(name="../../escaped"),
        lambda entry: entry.update(version=7),
        lambda entry: entry.update(kind="model"),
        lambda entry: entry.update(digest="b3:../../../etc/passwd"),
        lambda entry: entry.update(digest="b3:" + "0" * 64),
        lambda entry: entry.update(blobs={"../../escaped": 5}),
        lambda entry: entry.update(blobs={"b3:" + "1" * 64: -1}),
        lambda entry: entry.update(blobs={}),
        lambda entry: entry["blobs"].update({"b3:" + "1" * 64: 10}),
        lambda entry: entry["record"].update(rows=5),
        lambda entry: entry["record"].update(manifest="b3:" + "2" * 64),
        lambda entry: entry["record"].update(representation="b3:" + "2" * 64),
        lambda entry: entry["record"].update(primary_key=["nothing"]),
        lambda entry: entry["record"].update(tags={"": "x"}),
        lambda entry: entry["record"].update(description="x" * 1_000_000),
        lambda entry: entry["record"].update(surprise=1),
        lambda entry: entry.update(format="r9"),
    ],
)
def test_an_entry_that_lies_is_refused_and_nothing_is_written_outside_the_store(ws, remote, change):
    rewrite(remote, change)
    refused(ws, remote, MlopsError, None)


def test_a_manifest_that_unpacks_without_end_is_refused(ws, remote, monkeypatch):
    monkeypatch.setattr(checking, "MOST_BYTES", 1 << 20)
    bomb = gzip.compress(b" " * (1 << 22))

    def change(entry):
        former = entry["record"]["manifest"]
        entry["record"]["manifest"] = store(remote, bomb)
        entry["blobs"] = {each: size for each, size in entry["blobs"].items() if each != former}
        entry["blobs"][entry["record"]["manifest"]] = len(bomb)

    rewrite(remote, change)
    refused(ws, remote, DamagedBlob, "has no end")


def test_a_file_that_is_no_entry_is_named(ws, remote):
    for data in (
        b"",
        b"[]",
        b"{",
        b"[" * 100_000,
        b'{"entry": {}, "seal": ""}',
        b'{"entry": {"format": "r1"}, "seal": "md5:1"}',
    ):
        entry_file(remote).write_bytes(data)
        refused(ws, remote, DamagedBlob, "1.json")


def test_a_remote_of_a_later_release_is_refused(ws, remote):
    (remote / "mlops-remote.json").write_text('{"format": "r2"}')
    with pytest.raises(InvalidValue, match="of format 'r2'"):
        mlops.pull("flights", from_=str(remote), workspace=ws)
    other = colleague(remote.parent / "third")
    flights(other)
    with pytest.raises(InvalidValue, match="of format 'r2'"):
        mlops.push("flights", to=str(remote), workspace=other)
