"""A store's life: made at the first write, upgraded on request, backed up and restored."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, MetaData, column, delete, func, insert, inspect, select, table, text, update
from sqlalchemy.exc import DBAPIError

from mlops_ext.errors import Conflict, InvalidValue, MlopsError, StoreReadOnly, StoreTooNew, StoreUnavailable
from mlops_ext.records import new_id, now
from mlops_ext.store import trail
from mlops_ext.store.blobs import BlobStore
from mlops_ext.store.database import Database, translated, translation
from mlops_ext.store.filesystem import fsync_folder
from mlops_ext.store.hashing import ALGORITHMS
from mlops_ext.store.schema import (
    MIN_READER,
    MIN_WRITER,
    SCHEMA,
    blob_intents,
    blob_owners,
    blobs,
    chain_head,
    doomed_blobs,
    metadata,
    store_info,
)

__all__ = ["back_up", "create", "create_scratch", "migrate", "restore", "upgrade"]

_ADVISORY_LOCK = 0x6D6C6F7073
_MEMBER = re.compile(r"catalog\.db|blobs/(b3|sha256)/[0-9a-f]{2}/[0-9a-f-]+")
_OURS = {".gitignore", ".lock", "cache"}


def create(database: Database, algorithm: str) -> bool:
    """Make the store when there is none; give whether it was made. Of several makers at once, one makes it."""
    if algorithm not in ALGORITHMS:
        raise InvalidValue(f"unknown hash {algorithm!r}", hint=f"Choose one of {', '.join(ALGORITHMS)}")
    if database.path is None:
        return _create_postgresql(database, algorithm)
    return _create_sqlite(database.path, algorithm)


def _create_sqlite(path: Path, algorithm: str) -> bool:
    """Build the file under another name and link it into place, so that it is whole or absent."""
    with _file_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.parent):
            if path.exists():
                return False
            draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
            try:
                sqlite3.connect(draft).close()
                building = Database(f"sqlite:///{draft}")
                with building.engine.connect() as connection, connection.begin():
                    _lay_out(connection, algorithm)
                building.close()
                _settle(draft)
                draft.replace(path)
            finally:
                for leftover in path.parent.glob(f"{draft.name}*"):
                    leftover.unlink()
            fsync_folder(path.parent)
            return True


def _settle(path: Path) -> None:
    """Bring what lies in the log into the file, or fail: closing tries it and tells nobody when the disk is full."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _create_postgresql(database: Database, algorithm: str) -> bool:
    with translated(database), database.engine.connect() as connection, connection.begin():
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        if inspect(connection).has_table(store_info.name):
            return False
        _lay_out(connection, algorithm)
        return True


def create_scratch(database: Database, algorithm: str) -> None:
    """Make a store on SQLite that nobody will upgrade: its tables at once, without the migrations."""
    with database.engine.connect() as connection, connection.begin():
        metadata.create_all(connection)
        _enter(connection, algorithm)


def _lay_out(connection: Connection, algorithm: str) -> None:
    migrate(connection)
    _enter(connection, algorithm)


def _enter(connection: Connection, algorithm: str) -> None:
    workspace = new_id()
    connection.execute(
        insert(store_info).values(
            id=1,
            workspace=workspace,
            hash=algorithm,
            schema_number=SCHEMA,
            min_reader=MIN_READER,
            min_writer=MIN_WRITER,
            created_at=now(),
        )
    )
    connection.execute(insert(chain_head).values(id=1, seq=0, hash=trail.genesis(workspace, algorithm)))


def migrate(connection: Connection) -> None:
    """Bring the tables to the newest migration."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def upgrade(database: Database) -> Path | None:
    """Migrate an older store; a SQLite file is copied beside first. Of several upgrades at once, one does it.

    Returns
    -------
    Path or None
        The copy, when one was made.
    """
    if not database.exists():
        raise StoreUnavailable(f"{database} holds no workspace", hint="Run: mlops init")
    if database.path is None:
        _migrate_locked(database)
        return None
    with _file_errors(database.path.parent), locked(database.path.parent):
        with translated(database), database.engine.connect() as connection:
            older = _schema_number(connection) < SCHEMA
        copy = _copy_sqlite(database.path, _stamped(database.path)) if older else None
        _migrate_locked(database)
        return copy


def _migrate_locked(database: Database) -> None:
    with database.changing() as connection:
        if not database.sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        if _schema_number(connection) >= SCHEMA:
            return
        migrate(connection)
        numbers = {"schema_number": SCHEMA, "min_reader": MIN_READER, "min_writer": MIN_WRITER}
        connection.execute(update(store_info).values(numbers))


def _schema_number(connection: Connection) -> int:
    return int(connection.execute(select(func.max(store_info.c.schema_number))).scalar_one() or 0)


def back_up(database: Database, store: BlobStore, target: Path) -> dict[str, Any]:
    """Write catalog and blobs into one tar file, consistent: the rows of one snapshot and every blob they name.

    Returns
    -------
    dict
        The number of events, blobs and bytes.
    """
    if not database.exists():
        raise StoreUnavailable(f"{database} holds no workspace", hint="Run: mlops init")
    if target.exists():
        raise Conflict(f"{target} exists", hint="Name another file")
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    with _file_errors(target.parent), tempfile.TemporaryDirectory(dir=target.parent) as folder:
        locations = _dump(database, Path(folder))
        try:
            with tarfile.open(draft, "w") as archive:
                archive.add(Path(folder) / "catalog.db", "catalog.db")
                for location in locations:
                    _add_blob(archive, store, location)
            with draft.open("rb") as file:
                os.fsync(file.fileno())
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
        fsync_folder(target.parent)
    return {"backup": str(target), "blobs": len(locations), "bytes": target.stat().st_size}


def _dump(database: Database, folder: Path) -> list[str]:
    """Copy the rows of one snapshot into a SQLite file, whatever database they come from; give where blobs lie."""
    copy = folder / "catalog.db"
    if database.path is not None:
        _copy_sqlite(database.path, copy)
    else:
        sqlite3.connect(copy).close()
        target = Database(f"sqlite:///{copy}")
        with database.reading() as source, target.engine.connect() as connection, connection.begin():
            _copy_rows(source, connection)
        target.close()
    settled = Database(f"sqlite:///{copy}")
    with settled.engine.connect() as connection, connection.begin():
        _drop_unnamed(connection)
        locations = [
            str(each) for each in connection.execute(select(blobs.c.location).order_by(blobs.c.location)).scalars()
        ]
    settled.close()
    return locations


def _drop_unnamed(connection: Connection) -> None:
    """Leave out what gc may take while the backup runs: blobs that no record names yet."""
    connection.execute(delete(blob_intents))
    connection.execute(delete(doomed_blobs))
    connection.execute(delete(blobs).where(blobs.c.digest.not_in(select(blob_owners.c.digest))))


def _copy_rows(source: Connection, target: Connection) -> None:
    """Copy every table that the migrations make, whichever rooms this process has imported."""
    number = _schema_number(source)
    if number != SCHEMA:
        raise StoreTooNew(
            f"the store has schema {number}; this release backs up {SCHEMA}", hint="Upgrade: pip install -U mlops-ext"
        )
    migrate(target)
    made = MetaData()
    made.reflect(target)
    for reflected in made.sorted_tables:
        if reflected.name == "alembic_version":
            continue
        plain = table(reflected.name, *(column(each.name) for each in reflected.columns))
        for page in source.execute(select(plain)).mappings().partitions(5000):
            target.execute(insert(plain), [dict(row) for row in page])


def _add_blob(archive: tarfile.TarFile, store: BlobStore, location: str) -> None:
    local = store.local_path(location)
    if local is not None:
        archive.add(local, f"blobs/{location}")
        return
    with tempfile.TemporaryFile() as spool, store.open(location) as source:
        shutil.copyfileobj(source, spool)
        info = tarfile.TarInfo(f"blobs/{location}")
        info.size = spool.tell()
        spool.seek(0)
        archive.addfile(info, spool)


def restore(backup: Path, folder: Path) -> None:
    """Lay a backup out as the `.mlops` of a folder that has none.

    Raises
    ------
    Conflict
        The folder holds a workspace already.
    InvalidValue
        The file is no backup.
    """
    target = folder / ".mlops"
    if target.exists() and {path.name for path in target.iterdir()} - _OURS:
        raise Conflict(f"{target} holds a workspace", hint="Move it away, or restore into another folder")
    with _file_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=folder, prefix=".mlops-restore-"))
        try:
            with tarfile.open(backup) as archive:
                for member in archive:
                    _extract(archive, member, draft)
            if not (draft / "catalog.db").exists():
                raise InvalidValue(f"{backup} holds no catalog", hint="Name a file that `mlops backup` wrote")
            (draft / ".gitignore").write_text("*\n", encoding="utf-8")
            if target.exists():
                shutil.rmtree(target)
            draft.replace(target)
        except tarfile.TarError as error:
            raise InvalidValue(f"{backup} is no backup", hint="Name a file that `mlops backup` wrote") from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Lay out one file of a backup; a name that no backup has is refused, so that none leads out of the folder."""
    content = archive.extractfile(member) if member.isreg() and _MEMBER.fullmatch(member.name) else None
    if content is None:
        raise InvalidValue(f"{member.name!r} does not belong in a backup", hint="Name a file that `mlops backup` wrote")
    target = folder / member.name
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as file:
        shutil.copyfileobj(content, file)
        file.flush()
        os.fsync(file.fileno())


def _copy_sqlite(source: Path, target: Path) -> Path:
    with contextlib.closing(sqlite3.connect(source)) as reading, contextlib.closing(sqlite3.connect(target)) as writing:
        reading.backup(writing)
    return target


def _stamped(path: Path) -> Path:
    return path.with_name(f"{path.stem}-{datetime.now().astimezone():%Y%m%d-%H%M%S}{path.suffix}")


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder's lock file; the system lets go of it when the process ends."""
    with (folder / ".lock").open("w") as file:
        if os.name == "posix":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        else:
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)  # type: ignore[attr-defined]
        yield


@contextlib.contextmanager
def _file_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except MlopsError:
        raise
    except FileNotFoundError as error:
        raise InvalidValue(f"no file {error.filename}", hint="Check the path") from error
    except OSError as error:
        raise StoreReadOnly(
            f"cannot write to {folder}: {error.strerror}", hint="Make it writable or free some space"
        ) from error
    except (sqlite3.Error, DBAPIError) as error:
        known = translation(str(folder), str(error))
        raise known or StoreUnavailable(f"SQLite fails in {folder}: {error}", hint="Check the disk") from error
