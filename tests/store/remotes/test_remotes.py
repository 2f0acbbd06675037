"""Remotes: found by name, URL or folder; files whole or not there; no credential is ever said."""

from __future__ import annotations

import threading
from typing import ClassVar

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import known_implementations
from hypothesis import given
from hypothesis import strategies as st

from mlops_ext.errors import (
    DamagedBlob,
    InvalidValue,
    MissingExtra,
    MlopsError,
    NotFound,
    StoreReadOnly,
    StoreUnavailable,
)
from mlops_ext.settings import RemoteSettings
from mlops_ext.store.hashing import digest_of
from mlops_ext.store.remotes.entries import RemoteEntry, entry_path, line_path
from mlops_ext.store.remotes.files import RemoteFiles
from mlops_ext.store.remotes.opening import declared_remotes, open_remote
from mlops_ext.store.remotes.remote import Remote
from mlops_ext.store.remotes.working import side_by_side


class Far(MemoryFileSystem):
    """A file system whose writes are seen while they happen, as those of SFTP are."""

    protocol = "far"
    store: ClassVar[dict] = {}
    pseudo_dirs: ClassVar[list] = [""]

    def pipe_file(self, path, value, mode="overwrite", **kwargs):
        with self.open(path, "wb") as file:
            file.write(value)


@pytest.fixture(params=["folder", "memory", "far"])
def remote(request, tmp_path):
    if request.param == "folder":
        return open_remote(str(tmp_path / "remote"), {}, tmp_path)
    if request.param == "memory":
        return open_remote(f"memory://{tmp_path.name}", {}, tmp_path)
    return Remote(RemoteFiles(Far(), f"/{tmp_path.name}", "far://there"))


def entry(version=1, name="flights", **more):
    return RemoteEntry(
        kind="dataset", name=name, version=version, digest=digest_of(b"x", "b3"), blobs={}, record=None, **more
    )


def test_what_is_put_is_fetched_by_its_digest_and_only_what_lacks_is_named(remote, tmp_path):
    assert not remote.exists()
    with pytest.raises(NotFound, match="nothing was ever pushed"):
        remote.require()
    remote.ensure()
    remote.ensure()
    assert remote.exists()
    (tmp_path / "large").write_bytes(bytes(5 << 20))
    sources = {digest_of(data, "b3"): data for data in (b"", b"small")}
    sources[digest_of(bytes(5 << 20), "b3")] = tmp_path / "large"
    sizes = dict(zip(sources, (0, 5, 5 << 20), strict=True))
    assert remote.lacking(sizes) == sizes
    for digest, source in sources.items():
        remote.put(digest, source)
    assert remote.lacking(sizes) == {}
    assert remote.lacking({digest: size + 1 for digest, size in sizes.items()}) == {
        digest: size + 1 for digest, size in sizes.items()
    }
    fetched = [remote.fetch(digest, size, tmp_path) for digest, size in sizes.items()]
    assert fetched[:2] == [b"", b"small"]
    assert fetched[2].read_bytes() == bytes(5 << 20)
    with pytest.raises(DamagedBlob):
        remote.fetch(next(iter(sizes)), 1, tmp_path)
    with pytest.raises(NotFound, match="is gone from"):
        remote.fetch("b3:" + "0" * 64, 1, tmp_path)


def test_many_blobs_with_the_same_first_digits_are_listed_once(remote, monkeypatch):
    digests = [f"b3:ab{number:062x}" for number in range(40)]
    for each in digests[:20]:
        remote.put(each, b"12345")
    monkeypatch.setattr(remote.files, "size", lambda path: pytest.fail("asked one by one"))
    assert list(remote.lacking(dict.fromkeys(digests, 5))) == digests[20:]


def test_an_entry_takes_a_place_once_and_is_listed_with_its_name(remote):
    assert remote.create(entry(10))
    assert not remote.create(entry(10, needs=("dataset:other@1",)))
    assert remote.create(entry(9))
    assert remote.create(entry(1, "Wetter & Wind / 天気".replace("/", "|")))
    assert remote.numbers("dataset", "flights") == [9, 10]
    assert remote.names("dataset") == ["Wetter & Wind | 天気", "flights"]
    assert remote.entry(RemoteEntry, "dataset", "flights", 10) == entry(10)
    assert remote.entry(RemoteEntry, "dataset", "flights", 11) is None
    remote.replace(entry(10, needs=("dataset:other@1",)))
    assert remote.entry(RemoteEntry, "dataset", "flights", 10).needs == ("dataset:other@1",)


def test_of_many_who_create_one_entry_at_once_one_succeeds(tmp_path):
    start, made = threading.Barrier(8), []

    def create():
        remote = open_remote(str(tmp_path / "remote"), {}, tmp_path)
        start.wait()
        made.append(remote.create(entry()))

    threads = [threading.Thread(target=create) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(made) == [False] * 7 + [True]
    assert [path.name for path in (tmp_path / "remote").rglob("*") if path.is_file()] == ["1.json"]


def test_a_share_without_links_takes_entries_too(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    remote = open_remote(str(tmp_path / "remote"), {}, tmp_path)
    assert [remote.create(entry()) for _ in range(2)] == [True, False]
    assert [path.name for path in (tmp_path / "remote").rglob("*") if path.is_file()] == ["1.json"]


@pytest.mark.fast
@given(st.text(min_size=1))
def test_no_name_leads_out_of_its_folder(name):
    first, second = line_path("dataset", name).split("/")
    assert first == "datasets"
    assert set(second) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert len(second) < 60


@pytest.mark.fast
def test_names_that_read_alike_have_folders_of_their_own():
    assert len({line_path("dataset", name) for name in ("a b", "a-b", "A b", "a.b", "..", ".")}) == 6


@pytest.mark.fast
def test_a_seal_covers_every_byte_of_an_entry():
    data, path = entry().to_bytes(), entry_path("dataset", "flights", 1)
    assert RemoteEntry.from_bytes(data, path, "there") == entry()
    for place in range(len(data)):
        if data[place : place + 1].isspace():
            continue
        flipped = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        with pytest.raises(MlopsError):
            RemoteEntry.from_bytes(flipped, path, "there")


def test_a_remote_is_a_name_a_url_or_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    declared = {"team": RemoteSettings(url="shared"), "far": RemoteSettings(url="memory://bucket/team")}
    shown = {text: open_remote(text, declared, tmp_path / "project").shown for text in ("team", "far", "./x", "a/b")}
    assert shown == {
        "team": "team (shared)",
        "far": "far (memory://bucket/team)",
        "./x": str(tmp_path / "x"),
        "a/b": str(tmp_path / "a" / "b"),
    }
    open_remote("team", declared, tmp_path / "project").ensure()
    assert (tmp_path / "project" / "shared" / "mlops-remote.json").exists()
    assert [each.shown for each in declared_remotes(declared, tmp_path)] == [shown["team"], shown["far"]]
    only = {"team": declared["team"]}
    assert open_remote("", only, tmp_path).shown == "team (shared)"
    for text, known, match in (
        ("", declared, "Name one of far, team"),
        ("", {}, r"\[remotes.team\]"),
        ("teem", declared, "Did you mean 'team'"),
        ("nothing", {}, "write ./nothing"),
    ):
        with pytest.raises(MlopsError, match=match):
            open_remote(text, known, tmp_path)


def test_a_driver_that_is_unknown_or_missing_is_named(tmp_path, monkeypatch):
    with pytest.raises(InvalidValue, match="nosuch"):
        open_remote("nosuch://there", {}, tmp_path)
    known = {"class": "not_installed.Driver", "err": "install it"}
    monkeypatch.setitem(known_implementations, "missing", known)
    with pytest.raises(MissingExtra, match="missing://"):
        open_remote("missing://there", {}, tmp_path)


def test_secrets_in_options_are_refused_and_not_repeated(tmp_path):
    for options in ({"secret": "hunter22"}, {"client_kwargs": {"aws_secret_access_key": "hunter22"}}):
        declared = {"team": RemoteSettings(url="memory://b", options=options)}
        with pytest.raises(InvalidValue, match="is a secret") as caught:
            open_remote("team", declared, tmp_path)
        assert "hunter22" not in str(caught.value)


def test_what_a_driver_says_of_a_url_is_masked(tmp_path, monkeypatch):
    url = "memory://me:hunter22@bucket/team?sig=letmein99"
    remote = open_remote(url, {}, tmp_path)

    def fail(self, path, *others, **more):
        raise OSError(f"cannot open {url}: hunter22 and letmein99")

    monkeypatch.setattr(MemoryFileSystem, "cat_file", fail)
    monkeypatch.setattr(MemoryFileSystem, "info", fail)
    with pytest.raises(StoreUnavailable, match="memory://bucket/team") as caught:
        remote.exists()
    assert "hunter22" not in str(caught.value)
    assert "letmein99" not in str(caught.value)


def test_a_full_disk_is_told_on_the_side_where_it_is(tmp_path, monkeypatch):
    remote = open_remote("memory://full", {}, tmp_path)

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    for name in ("info", "pipe_file"):
        monkeypatch.setattr(MemoryFileSystem, name, fail)
    for work, hint in (
        (lambda: remote.fetch("b3:" + "0" * 64, 1 << 30, tmp_path), "space here"),
        (lambda: remote.put("b3:" + "0" * 64, b""), "space there"),
    ):
        with pytest.raises(StoreReadOnly, match=hint):
            work()


@pytest.mark.fast
def test_work_side_by_side_ends_with_its_first_error_and_reads_items_as_it_goes():
    read, done = [], []

    def items():
        for number in range(1000):
            read.append(number)
            yield number

    def work(number):
        if number == 3:
            raise ValueError("three")
        done.append(number)
        return number

    with pytest.raises(ValueError, match="three"):
        list(side_by_side(work, items()))
    assert len(read) < 100
    assert sorted(side_by_side(lambda number: number * 2, range(100))) == list(range(0, 200, 2))
