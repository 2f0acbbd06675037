"""A store's life: made once, read by neighbouring releases, upgraded, backed up, restored, and refused in one sentence."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tarfile
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from mlops_ext.errors import (
    Conflict,
    InvalidValue,
    MlopsError,
    StoreReadOnly,
    StoreTooNew,
    StoreTooOld,
    StoreUnavailable,
)
from mlops_ext.notebook import magics
from mlops_ext.store import database as database_module
from mlops_ext.store import filesystem, lifecycle
from mlops_ext.store.catalog import Change
from mlops_ext.store.database import Database
from mlops_ext.store.schema import SCHEMA, blob_owners, blobs, store_info
from mlops_ext.workspace import Workspace
from tests.store.notes import in_processes, problems, sequence

AS_ROOT = pytest.mark.skipif(
    hasattr(os, "geteuid") and os.geteuid() == 0, reason="root passes every permission; run as an ordinary user"
)


def append(ws: Workspace) -> None:
    ws.catalog.write(lambda change: change.event("note.written", "workspace"))


def append_in(root: Path) -> str:
    """A process that makes the store, or finds it made, and writes."""
    ws = Workspace(root)
    append(ws)
    return ws.id


def one_sentence(error: MlopsError) -> bool:
    return (
        bool(error.hint)
        and "\n" not in str(error)
        and "Traceback" not in str(error)
        and "sqlalche.me" not in str(error)
    )


def test_many_processes_that_write_first_make_one_store(workspace):
    ids = in_processes(append_in, [(workspace.root,)] * 6)
    assert len(set(ids)) == 1
    assert sequence(workspace) == [1, 2, 3, 4, 5, 6]
    assert problems(workspace) == []
    if workspace.database.sqlite:
        assert {path.name for path in workspace.home.iterdir()} <= {
            ".gitignore", ".lock", "catalog.db", "catalog.db-wal", "catalog.db-shm",
        }  # fmt: skip


def test_reading_creates_nothing(workspace):
    assert sequence(workspace) == []
    assert workspace.id == ""
    with pytest.raises(StoreUnavailable, match="mlops init"):
        workspace.get_blob("b3:" + "0" * 64)
    assert list(workspace.root.iterdir()) == []


def test_a_catalog_on_a_network_file_system_has_no_shared_memory_and_says_so(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(filesystem, "_LOCAL", set())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLOPS_WORKSPACE", str(tmp_path))
    workspace = Workspace(tmp_path)
    append(workspace)
    assert filesystem.NETWORK in capfd.readouterr().err
    assert magics.greeting() == f"mlops: workspace {tmp_path}, {filesystem.NETWORK}"
    with workspace.catalog.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "truncate"
    assert not list(workspace.home.glob("*-shm"))
    workspace.database.close()


def test_the_first_write_makes_a_private_folder_that_git_ignores_and_says_so_once(workspace, capfd):
    append(workspace)
    append(workspace)
    assert capfd.readouterr().err == f"mlops: made a workspace in {workspace.root}\n"
    assert stat.S_IMODE(workspace.home.stat().st_mode) == 0o700
    subprocess.run(["git", "init", "-q"], cwd=workspace.root, check=True)
    status = subprocess.run(
        ["git", "status", "--porcelain", "-uall"], cwd=workspace.root, check=True, capture_output=True, text=True
    )
    assert status.stdout == ""


def test_a_store_that_was_removed_and_made_anew_is_noticed(workspace):
    append(workspace)
    if not workspace.database.sqlite:
        pytest.skip("a server's tables are not removed under us")
    first = workspace.id
    shutil.rmtree(workspace.home)
    assert sequence(workspace) == []
    append(workspace)
    assert workspace.id != first
    assert sequence(Workspace(workspace.root)) == [1]


# Neighbouring releases


@pytest.fixture
def newer_release(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> int:
    """This process is the next release: its schema is one higher and a migration adds a column."""
    folder = tmp_path / "release"
    shutil.copytree(Path(lifecycle.__file__).parent / "migrations", folder / "migrations")
    versions = folder / "migrations" / "versions"
    last = max(path.name[:4] for path in versions.glob("[0-9]*.py"))
    (versions / "9999_next.py").write_text(
        f'revision, down_revision = "9999", "{last}"\n'
        "import sqlalchemy as sa\nfrom alembic import op\n"
        'def upgrade() -> None:\n    op.add_column("events", sa.Column("origin", sa.Text))\n'
    )
    monkeypatch.setattr(lifecycle, "__file__", str(folder / "lifecycle.py"))
    monkeypatch.setattr(lifecycle, "SCHEMA", SCHEMA + 1)
    monkeypatch.setattr(database_module, "SCHEMA", SCHEMA + 1)
    return SCHEMA + 1


@pytest.fixture
def old_store(workspace: Workspace) -> Workspace:
    """A store of this release with one event."""
    append(workspace)
    return workspace


def test_a_newer_release_asks_for_an_upgrade_of_an_older_store(old_store, newer_release):
    for use in (append, sequence):
        with pytest.raises(StoreTooOld, match="mlops upgrade") as caught:
            use(old_store)
        assert one_sentence(caught.value)


def test_upgrade_migrates_once_and_keeps_a_copy_of_a_sqlite_file(old_store, newer_release):
    copy = lifecycle.upgrade(old_store.database)
    append(old_store)
    assert sequence(old_store) == [1, 2]
    assert lifecycle.upgrade(old_store.database) is None
    with old_store.catalog.read() as connection:
        assert connection.execute(text("SELECT count(origin) FROM events")).scalar_one() == 0
    if old_store.database.sqlite:
        with closing(sqlite3.connect(copy)) as kept:
            assert kept.execute("SELECT schema_number FROM store_info").fetchone() == (SCHEMA,)
            assert kept.execute("SELECT count(*) FROM events").fetchone() == (1,)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system has no fork")
def test_of_two_upgrades_at_once_one_does_it(old_store, newer_release):
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=lifecycle.upgrade, args=(old_store.database,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    append(old_store)
    assert problems(old_store) == []
    assert len(list(old_store.root.glob(".mlops/catalog-*.db"))) == (1 if old_store.database.sqlite else 0)


def test_a_failed_upgrade_leaves_the_store_as_it_was(old_store, newer_release, monkeypatch):
    broken = Path(lifecycle.__file__).parent / "migrations" / "versions" / "9999_next.py"
    broken.write_text(broken.read_text() + "    raise ZeroDivisionError\n")
    with pytest.raises(ZeroDivisionError):
        lifecycle.upgrade(old_store.database)
    monkeypatch.setattr(database_module, "SCHEMA", SCHEMA)
    append(old_store)
    assert sequence(old_store) == [1, 2]
    with old_store.database.engine.connect() as connection:
        assert "origin" not in connection.execute(text("SELECT * FROM events")).mappings().first()


def pretend_newer(ws: Workspace, **minimum: int) -> None:
    with ws.database.engine.connect() as connection, connection.begin():
        connection.execute(text("ALTER TABLE events ADD COLUMN origin TEXT"))
        connection.execute(update(store_info).values(schema_number=SCHEMA + 1, **minimum))


def test_a_store_with_additions_of_a_newer_release_is_read_and_written(old_store):
    pretend_newer(old_store)
    append(old_store)
    assert sequence(Workspace(old_store.root)) == [1, 2]
    assert problems(old_store) == []


def test_a_store_that_only_newer_releases_may_write_is_read(old_store):
    pretend_newer(old_store, min_writer=SCHEMA + 1)
    assert sequence(old_store) == [1]
    with pytest.raises(StoreTooNew, match="pip install -U") as caught:
        append(old_store)
    assert one_sentence(caught.value)
    assert sequence(old_store) == [1]


def test_a_store_that_only_newer_releases_may_read_is_refused(old_store):
    pretend_newer(old_store, min_writer=SCHEMA + 1, min_reader=SCHEMA + 1)
    for use in (append, sequence):
        with pytest.raises(StoreTooNew, match="pip install -U"):
            use(old_store)


# Backup and restore


def put_and_name(ws: Workspace, number: int) -> None:
    digest = ws.put_blob(f"payload {number}".encode())

    def change(change: Change) -> None:
        change.name_blobs(f"note:{number}", [digest])
        change.event("note.written", f"note:{number}", {"digest": digest})

    ws.catalog.write(change)


def test_a_backup_taken_while_writers_write_is_one_moment_of_the_store(workspace, tmp_path, monkeypatch):
    put_and_name(workspace, 0)
    ended = threading.Event()

    def write_on() -> None:
        number = 1
        while not ended.is_set():
            put_and_name(workspace, number)
            number += 1

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        told = [lifecycle.back_up(workspace.database, workspace.ledger.store, tmp_path / f"{n}.tar") for n in range(3)]
    finally:
        ended.set()
        writer.join()
    monkeypatch.delenv("MLOPS_CATALOG", raising=False)
    for number, facts in enumerate(told):
        lifecycle.restore(tmp_path / f"{number}.tar", tmp_path / f"restored {number}")
        restored = Workspace(tmp_path / f"restored {number}")
        assert problems(restored) == []
        assert restored.id == workspace.id
        with restored.catalog.read() as connection:
            named = list(connection.execute(select(blob_owners.c.digest)).scalars())
        assert len(named) == facts["blobs"] == sequence(restored)[-1]
        for digest in named:
            assert restored.get_blob(digest).startswith(b"payload ")
        put_and_name(restored, 10**6)
        assert problems(restored) == []


def test_a_backup_has_the_rows_of_rooms_that_its_process_never_imported(workspace, tmp_path, monkeypatch):
    workspace.ensure()
    with workspace.database.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO experiments (id, name, created_at, updated_at) VALUES ('1', 'Köln', '', '')")
        )
    code = (
        "import sys; from pathlib import Path; from mlops_ext.store.lifecycle import back_up\n"
        "from mlops_ext.workspace import Workspace; ws = Workspace(Path(sys.argv[1]))\n"
        "back_up(ws.database, ws.ledger.store, Path(sys.argv[2]))"
    )
    command = [sys.executable, "-c", code, workspace.root, tmp_path / "b.tar"]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[2])
    lifecycle.restore(tmp_path / "b.tar", tmp_path / "restored")
    with closing(sqlite3.connect(tmp_path / "restored" / ".mlops" / "catalog.db")) as connection:
        assert connection.execute("SELECT name FROM experiments").fetchall() == [("Köln",)]


def test_a_backup_leaves_out_what_gc_may_take(workspace, tmp_path, monkeypatch):
    put_and_name(workspace, 0)
    unnamed = workspace.put_blob(b"unnamed")
    assert lifecycle.back_up(workspace.database, workspace.ledger.store, tmp_path / "b.tar")["blobs"] == 1
    lifecycle.restore(tmp_path / "b.tar", tmp_path / "restored")
    monkeypatch.delenv("MLOPS_CATALOG", raising=False)
    restored = Workspace(tmp_path / "restored")
    with restored.catalog.read() as connection:
        assert connection.execute(select(blobs.c.digest).where(blobs.c.digest == unnamed)).all() == []
    assert restored.put_blob(b"unnamed") == unnamed
    assert restored.get_blob(unnamed) == b"unnamed"


def test_restore_refuses_a_folder_that_holds_a_workspace_or_blobs(workspace, tmp_path):
    put_and_name(workspace, 0)
    lifecycle.back_up(workspace.database, workspace.ledger.store, tmp_path / "b.tar")
    held = sorted(workspace.home.rglob("*"))
    with pytest.raises(Conflict, match="another folder"):
        lifecycle.restore(tmp_path / "b.tar", workspace.root)
    assert [path for path in held if not path.exists() and "catalog.db-" not in path.name] == []


def test_a_restored_folder_is_private(workspace, tmp_path):
    append(workspace)
    lifecycle.back_up(workspace.database, workspace.ledger.store, tmp_path / "b.tar")
    lifecycle.restore(tmp_path / "b.tar", tmp_path / "restored")
    assert stat.S_IMODE((tmp_path / "restored" / ".mlops").stat().st_mode) == 0o700
    assert (tmp_path / "restored" / ".mlops" / ".gitignore").read_text() == "*\n"
    assert [path.name for path in (tmp_path / "restored").iterdir()] == [".mlops"]


def test_a_backup_overwrites_nothing(workspace, tmp_path):
    append(workspace)
    (tmp_path / "b.tar").write_text("mine")
    with pytest.raises(Conflict):
        lifecycle.back_up(workspace.database, workspace.ledger.store, tmp_path / "b.tar")
    assert (tmp_path / "b.tar").read_text() == "mine"


@pytest.mark.fast
@pytest.mark.parametrize("content", [b"", b"no tar at all" * 100, b"\0" * 2048], ids=["empty", "text", "zeros"])
def test_what_is_no_backup_is_refused_and_leaves_nothing(tmp_path, content):
    (tmp_path / "b.tar").write_bytes(content)
    with pytest.raises(InvalidValue, match="mlops backup") as caught:
        lifecycle.restore(tmp_path / "b.tar", tmp_path / "restored")
    assert one_sentence(caught.value)
    assert list((tmp_path / "restored").iterdir()) == []


@pytest.mark.fast
@pytest.mark.parametrize(
    "name", ["../escaped", "/etc/escaped", "blobs/../../escaped", "catalog.db/../../escaped", "blobs/b3/zz/x"]
)
def test_a_member_that_leads_out_of_the_folder_is_refused(tmp_path, name):
    with tarfile.open(tmp_path / "b.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    with pytest.raises(InvalidValue, match="does not belong"):
        lifecycle.restore(tmp_path / "b.tar", tmp_path / "restored")
    assert list((tmp_path / "restored").iterdir()) == []
    assert not (tmp_path / "escaped").exists()


@pytest.mark.fast
def test_a_link_in_a_backup_is_refused(tmp_path):
    with tarfile.open(tmp_path / "b.tar", "w") as archive:
        link = tarfile.TarInfo("catalog.db")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(InvalidValue, match="does not belong"):
        lifecycle.restore(tmp_path / "b.tar", tmp_path / "restored")


@pytest.mark.fast
def test_a_backup_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InvalidValue, match=r"absent\.tar"):
        lifecycle.restore(tmp_path / "absent.tar", tmp_path / "restored")


# Stores that cannot be used


def broken(content: bytes) -> object:
    return lambda path: path.write_bytes(content)


def other_sqlite(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE something (x)")


def content_of(path: Path) -> object:
    """The tables of a database, the bytes of any other file; opening may set a database's journal mode."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            return list(connection.iterdump())
    except sqlite3.DatabaseError:
        return path.read_bytes()


def newer_sqlite(path: Path) -> None:
    """The header of a file format that no SQLite of today reads."""
    other_sqlite(path)
    data = bytearray(path.read_bytes())
    data[18:20] = b"\x09\x09"
    path.write_bytes(data)


@pytest.mark.parametrize(
    "spoil",
    [broken(b""), broken(b"garbage " * 1000), broken(os.urandom(8192)), other_sqlite, newer_sqlite],
    ids=["empty", "text", "noise", "other database", "newer file format"],
)
def test_a_file_that_is_no_catalog_is_one_sentence(tmp_path, spoil, monkeypatch):
    monkeypatch.delenv("MLOPS_CATALOG", raising=False)
    (tmp_path / ".mlops").mkdir()
    spoil(tmp_path / ".mlops" / "catalog.db")
    before = content_of(tmp_path / ".mlops" / "catalog.db")
    for use in (sequence, append, lambda ws: lifecycle.upgrade(ws.database)):
        with pytest.raises(StoreUnavailable, match=r"catalog\.db") as caught:
            use(Workspace(tmp_path))
        assert one_sentence(caught.value), str(caught.value)
    assert content_of(tmp_path / ".mlops" / "catalog.db") == before


def test_a_catalog_cut_in_half_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.delenv("MLOPS_CATALOG", raising=False)
    ws = Workspace(tmp_path)
    for _ in range(30):
        append(ws)
    ws.database.close()
    file = ws.home / "catalog.db"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(StoreUnavailable, match="mlops restore") as caught:
        problems(Workspace(tmp_path))
    assert one_sentence(caught.value)


@AS_ROOT
def test_an_unreadable_catalog_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.delenv("MLOPS_CATALOG", raising=False)
    ws = Workspace(tmp_path)
    append(ws)
    ws.database.close()
    (ws.home / "catalog.db").chmod(0)
    with pytest.raises(StoreUnavailable, match="may read it") as caught:
        sequence(ws)
    assert one_sentence(caught.value)


@AS_ROOT
def test_a_read_only_folder_is_readable_and_says_so_on_writing(tmp_path, monkeypatch):
    monkeypatch.delenv("MLOPS_CATALOG", raising=False)
    ws = Workspace(tmp_path)
    append(ws)
    ws.database.close()
    (ws.home / "catalog.db").chmod(0o400)
    ws.home.chmod(0o500)
    try:
        assert sequence(ws) == [1]
        with pytest.raises(StoreReadOnly, match="MLOPS_WORKSPACE") as caught:
            append(ws)
        assert one_sentence(caught.value)
        ws.home.chmod(0o700)
        (ws.home / "catalog.db").chmod(0o600)
        other = Database(str(ws.database.url))
        with other.engine.begin() as connection:
            connection.execute(text("UPDATE chain_head SET seq = 7"))
        other.close()
        ws.home.chmod(0o500)
        with ws.catalog.read() as connection:
            assert connection.execute(text("SELECT seq FROM chain_head")).scalar_one() == 7
    finally:
        ws.home.chmod(0o700)


@AS_ROOT
def test_a_folder_that_cannot_be_written_is_one_sentence_and_stays_empty(tmp_path, monkeypatch):
    monkeypatch.delenv("MLOPS_CATALOG", raising=False)
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    with pytest.raises(StoreReadOnly, match="MLOPS_WORKSPACE") as caught:
        append(Workspace(folder))
    assert one_sentence(caught.value)
    assert list(folder.iterdir()) == []


@pytest.mark.fast
@pytest.mark.parametrize("url", ["garbage", "mysql://u@h/d", "sqlite://", "postgresql://u@127.0.0.1:1/d"])
def test_a_catalog_url_that_leads_nowhere_is_one_sentence(tmp_path, url, monkeypatch):
    monkeypatch.setenv("MLOPS_CATALOG", url)
    with pytest.raises(MlopsError) as caught:
        append(Workspace(tmp_path))
    assert one_sentence(caught.value), str(caught.value)


def test_a_password_never_stands_in_a_message(tmp_path, monkeypatch):
    monkeypatch.setenv("MLOPS_CATALOG", "postgresql://u:hunter2@127.0.0.1:1/d")
    with pytest.raises(StoreUnavailable) as caught:
        append(Workspace(tmp_path))
    assert "hunter2" not in str(caught.value)
