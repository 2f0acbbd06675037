"""Pushes and pulls that are killed, refused, crowded or cut off: nothing half is seen, and a repeat goes on."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

import mlops_ext as mlops
from mlops_ext.datasets.edge import snapshot, verify
from mlops_ext.datasets.service import list_, versions
from mlops_ext.datasets.types import ListDatasets, ListDatasetVersions
from mlops_ext.errors import Conflict, Forbidden, MlopsError, StoreReadOnly, StoreUnavailable
from mlops_ext.store.remotes.remote import Remote
from tests.datasets.remotes.support import colleague, files_of, flights, frame, told, wrong_blobs
from tests.faults.test_full_disk import fill, small_disk  # noqa: F401
from tests.store.notes import problems

ROOT = Path(__file__).parents[2]


@pytest.fixture
def other(tmp_path, monkeypatch):
    monkeypatch.delenv("MLOPS_CATALOG", raising=False)
    return colleague(tmp_path / "other")


def move(verb, ws, url, step):
    command = [sys.executable, "-m", "tests.faults.mover", verb, str(ws.root), url, str(step)]
    return subprocess.run(
        command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, timeout=120, check=False
    )


def numbers(ws):
    if not ws.call(list_, ListDatasets()).items:
        return []
    return sorted(each.version for each in ws.call(versions, ListDatasetVersions(dataset="flights")))


@pytest.mark.parametrize(
    "step", [6, *(pytest.param(step, marks=pytest.mark.deep) for step in (1, 2, 3, 4, 5, 7, 8, 9))]
)
def test_a_push_that_is_killed_shows_whole_versions_only_and_a_repeat_sends_the_rest(other, tmp_path, step):
    flights(other, 2)
    remote, third = tmp_path / "remote", colleague(tmp_path / "third")
    whole = mlops.push("flights", to=str(remote), dry_run=True, workspace=other).pieces
    assert move("push", other, str(remote), step).returncode == -9
    there = [path for path in (remote / "blobs").rglob("*") if path.is_file() and not path.name.startswith(".")]
    for path in remote.glob("datasets/*/[1-9].json"):
        assert json.loads(path.read_bytes())["entry"]["blobs"].keys() <= {f"b3:{each.name}" for each in there}
    assert wrong_blobs(remote) == [] or all(name.startswith(".") for name in wrong_blobs(remote))
    assert mlops.push("flights", to=str(remote), workspace=other).pieces == whole - len(there)
    mlops.pull("flights", from_=str(remote), workspace=third)
    for number in (1, 2):
        verify(f"flights@{number}", workspace=third)


@pytest.mark.parametrize("step", [5, *(pytest.param(step, marks=pytest.mark.deep) for step in (1, 2, 3, 4, 6, 8, 10))])
def test_a_pull_that_is_killed_shows_nothing_or_all_and_a_repeat_goes_on(other, tmp_path, step):
    flights(other, 2)
    remote, third = str(tmp_path / "remote"), colleague(tmp_path / "third")
    sent = mlops.push("flights", to=remote, workspace=other)
    third.ensure()
    killed = move("pull", third, remote, step)
    assert (killed.returncode, killed.stdout) == (-9, "")
    assert numbers(third) in ([], [1, 2])
    left = mlops.pull("flights", from_=remote, workspace=third)
    assert left.pieces < sent.pieces if step > 4 else left.pieces <= sent.pieces
    assert numbers(third) == [1, 2]
    for number in (1, 2):
        verify(f"flights@{number}", workspace=third)
    assert len(told(third, "dataset.pulled")) == 1
    assert problems(third) == []


@pytest.mark.deep
@pytest.mark.parametrize("step", [1, 4, 7])
def test_a_push_to_s3_that_is_killed_shows_nothing_and_a_repeat_sends_the_rest(other, bucket, tmp_path, step):
    flights(other, 2)
    assert move("push", other, bucket, step).returncode == -9
    third = colleague(tmp_path / "third")
    with pytest.raises(MlopsError):
        mlops.pull("flights", from_=bucket, workspace=third)
    left = mlops.push("flights", to=bucket, workspace=other).pieces
    assert 7 - step < left <= 7
    mlops.pull("flights", from_=bucket, workspace=third)
    for number in (1, 2):
        verify(f"flights@{number}", workspace=third)


def test_a_push_to_s3_that_breaks_off_goes_on_where_it_was(other, bucket, monkeypatch, tmp_path):
    flights(other, 2)
    put, sent = Remote.put, []

    def cut_off(self, digest, source):
        if len(sent) == 3:
            raise StoreUnavailable("the line is cut")
        put(self, digest, source)
        sent.append(digest)

    monkeypatch.setattr(Remote, "put", cut_off)
    monkeypatch.setattr("mlops_ext.store.remotes.working._WORKERS", 1)
    with pytest.raises(StoreUnavailable, match="the line is cut"):
        mlops.push("flights", to=bucket, workspace=other)
    third = colleague(tmp_path / "third")
    with pytest.raises(MlopsError):
        mlops.pull("flights", from_=bucket, workspace=third)
    monkeypatch.setattr(Remote, "put", put)
    planned = mlops.push("flights", to=bucket, dry_run=True, workspace=other)
    assert planned.pieces == 7 - 3
    mlops.push("flights", to=bucket, workspace=other)
    mlops.pull("flights", from_=bucket, workspace=third)
    verify("flights@2", workspace=third)
    assert told(other, "dataset.pushed")[0][2]["pieces"] == 4


def test_a_remote_without_permission_says_so_and_no_key(other, bucket, s3_endpoint):
    flights(other)

    def allow(count):
        """Let the server answer so many requests before it asks who sends them."""
        told, kind = count.encode(), {"Content-Type": "text/plain"}
        urllib.request.urlopen(urllib.request.Request(f"{s3_endpoint}/moto-api/reset-auth", told, kind)).close()

    allow("0")
    try:
        for move in (mlops.push, lambda ref, to, workspace: mlops.pull(ref, from_=to, workspace=workspace)):
            with pytest.raises(Forbidden, match="no permission to") as caught:
                move("flights", to=bucket, workspace=other)
            assert "testing" not in str(caught.value)
    finally:
        allow("inf")
    assert told(other, "dataset.pushed") == []


def test_a_remote_that_cannot_be_reached_is_named_without_its_credentials(other, monkeypatch, tmp_path):
    import s3fs

    flights(other)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter22hunter22")
    s3fs.S3FileSystem.clear_instance_cache()
    settings = f"""
    [remotes.team]
    url = "s3://me:hunter22@bucket/flights?sig=hunter22"
    options = {{ endpoint_url = "http://127.0.0.1:{port}", config_kwargs = {{ retries = {{ max_attempts = 0 }} }} }}
    """
    (other.root / "mlops.toml").write_text(settings)
    ws = mlops.Workspace(other.root)
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    with pytest.raises(StoreUnavailable, match=r"team \(s3://bucket/flights\)") as caught:
        mlops.push("flights", workspace=ws)
    assert "hunter22" not in str(caught.value)
    assert caught.value.exit_code == 1


def test_a_pull_onto_a_full_disk_shows_nothing_and_goes_on_when_there_is_space(small_disk, tmp_path, other):  # noqa: F811
    snapshot(frame(rows=60_000), "flights", workspace=other)
    remote = str(tmp_path / "remote")
    mlops.push("flights", to=remote, workspace=other)
    ws = mlops.Workspace(small_disk)
    snapshot(frame(1, rows=10), "mine", workspace=ws)
    ballast = fill(small_disk)
    with pytest.raises(StoreReadOnly, match="space"):
        mlops.pull("flights", from_=remote, workspace=ws)
    assert [each.name for each in ws.call(list_, ListDatasets())] == ["mine"]
    assert list(ws.home.rglob("*.tmp")) == []
    ballast.unlink()
    mlops.pull("flights", from_=remote, workspace=ws)
    verify("flights@1", workspace=ws)
    ws.database.close()


def test_a_push_to_a_full_disk_shows_nothing(small_disk, other):  # noqa: F811
    snapshot(frame(rows=60_000), "flights", workspace=other)
    ballast = fill(small_disk)
    with pytest.raises(StoreReadOnly, match="space"):
        mlops.push("flights", to=str(small_disk / "remote"), workspace=other)
    ballast.unlink()
    assert not any(name.endswith((".json", ".tmp")) for name in files_of(small_disk) if "datasets" in name)
    mlops.push("flights", to=str(small_disk / "remote"), workspace=other)
    assert wrong_blobs(small_disk / "remote") == []


@pytest.mark.parametrize("place", ["folder", "s3"])
def test_of_two_who_push_other_content_under_one_number_one_is_refused(other, tmp_path, request, place):
    url = request.getfixturevalue("bucket") if place == "s3" else str(tmp_path / "remote")
    third = colleague(tmp_path / "third")
    flights(other)
    snapshot(frame(5), "flights", workspace=third)
    both_have_planned = threading.Barrier(2, timeout=60)
    results = {}

    def push(ws):
        put = Remote.create

        def create(self, entry):
            both_have_planned.wait()
            return put(self, entry)

        sending = type("Paused", (Remote,), {"create": create})
        results[ws.root] = outcome(ws, sending, url)

    threads = [threading.Thread(target=push, args=(ws,)) for ws in (other, third)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(results.values()) == ["Conflict", "done"]
    winner = next(ws for ws in (other, third) if results[ws.root] == "done")
    fourth = colleague(tmp_path / "fourth")
    mlops.pull("flights", from_=url, workspace=fourth)
    verify("flights@1", workspace=fourth)
    digests = [ws.call(versions, ListDatasetVersions(dataset="flights"))[0].digest for ws in (winner, fourth)]
    assert digests[0] == digests[1]


def outcome(ws, kind, url):
    from mlops_ext.datasets.remotes.sending import Sending
    from mlops_ext.store.remotes.opening import open_remote

    sending = Sending(ws, kind(open_remote(url, {}, ws.root).files))
    try:
        sending.plan(["flights@1"])
        sending.send(None)
    except Conflict:
        return "Conflict"
    return "done"
