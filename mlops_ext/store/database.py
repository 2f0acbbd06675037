"""The database behind a catalog: SQLite or PostgreSQL, opened, made and checked."""

from __future__ import annotations

import os
import sqlite3
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, select
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, OperationalError, ProgrammingError
from sqlalchemy.pool import NullPool, QueuePool
from sqlalchemy.util import LRUCache

from mlops_ext.errors import (
    InvalidValue,
    MissingExtra,
    StoreBusy,
    StoreReadOnly,
    StoreTooNew,
    StoreTooOld,
    StoreUnavailable,
)
from mlops_ext.store.filesystem import is_network
from mlops_ext.store.patterns import folded
from mlops_ext.store.prepared import Prepared, drive
from mlops_ext.store.schema import SCHEMA, chain_head, metadata, store_info

__all__ = ["Database", "is_retryable", "translated", "translation"]

BUSY_SECONDS = 60.0
_INHERITED: list[Engine | None] = []
"""Engines of the parent process: kept, since even closing a SQLite connection after a fork can harm the parent."""
_RETRYABLE_SQLSTATES = {"40001", "40P01"}
_BEGIN = "mlops_begin"
"""Where a connection is told how its next transaction begins on SQLite."""
_URL_HINT = "Write sqlite:////folder/catalog.db or postgresql://user@host/database"

_COMPILED: LRUCache[Any, Any] = LRUCache(1000)
"""Statements as text, for all SQLite databases of this process and of those forked from it."""

_INFO = Prepared(
    select(store_info.c.hash, store_info.c.schema_number, store_info.c.min_reader, store_info.c.min_writer)
)
_LOCK_HEAD = select(chain_head.c.seq).with_for_update()


class _SQLite(SQLiteDialect_pysqlite):
    """The dialect of all SQLite databases: equal, so that what was compiled for one serves every other."""

    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))


registry.register("sqlite.mlops", __name__, _SQLite.__name__)


class Database:
    """One catalog database; its connections belong to one process and are reopened after a fork.

    Parameters
    ----------
    url : str
        SQLAlchemy URL: `sqlite:////path/catalog.db` or `postgresql+psycopg://…`.
    """

    def __init__(self, url: str) -> None:
        self.url = _checked_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self.path = Path(self.url.database or "") if self.sqlite else None
        self._engine: Engine | None = None
        self._found = False
        self._pid = os.getpid()
        self._lock = threading.Lock()

    @property
    def engine(self) -> Engine:
        """The engine of this process."""
        with self._lock:
            if self._pid != os.getpid():
                _INHERITED.append(self._engine)
                self._engine, self._pid = None, os.getpid()
            if self._engine is None:
                self._engine = self._connect()
            return self._engine

    def exists(self) -> bool:
        """Tell whether there is a store to open."""
        if self.path is not None:
            return self.path.exists()
        if not self._found:
            with translated(self), self.engine.connect() as connection:
                self._found = connection.dialect.has_table(connection, store_info.name)
        return self._found

    def check(self, connection: Connection, *, writing: bool) -> str:
        """Refuse a store that this release may not read or write; give its hash algorithm.

        Raises
        ------
        StoreTooNew, StoreTooOld
        """
        row = connection.execute(_INFO).one_or_none()
        if row is None:
            raise StoreUnavailable(f"{self} holds no workspace", hint="Run: mlops init")
        needed = row.min_writer if writing else row.min_reader
        if needed > SCHEMA:
            verb = "write" if writing else "read"
            raise StoreTooNew(
                f"{self} needs schema {needed} to {verb}; this release knows {SCHEMA}",
                hint="Upgrade: pip install -U mlops-ext",
            )
        if row.schema_number < SCHEMA:
            raise StoreTooOld(
                f"{self} has schema {row.schema_number}; this release needs {SCHEMA}", hint="Run: mlops upgrade"
            )
        return str(row.hash)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a consistent snapshot for reading; what does not exist yet reads as empty."""
        if not self.exists():
            with _nothing() as connection:
                yield connection
            return
        with translated(self), self.engine.connect() as connection:
            if not self.sqlite:
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                self.check(connection, writing=False)
                yield connection

    @contextmanager
    def writing(self, *, serial: bool) -> Iterator[tuple[Connection, str]]:
        """Open a transaction for writing and give the hash algorithm; `serial` ones pass one by one."""
        with self.changing() as connection:
            if serial and not self.sqlite:
                connection.execute(_LOCK_HEAD)
            yield connection, self.check(connection, writing=True)

    @contextmanager
    def changing(self) -> Iterator[Connection]:
        """Open a transaction that changes, whatever is there; on SQLite it keeps other writers out from the start."""
        with translated(self), self.engine.connect() as connection:
            connection.info[_BEGIN] = "BEGIN IMMEDIATE"
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Close all connections of this process."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def __str__(self) -> str:
        return str(self.path) if self.path is not None else self.url.render_as_string(hide_password=True)

    def _connect(self) -> Engine:
        if self.path is None:
            return _postgresql_engine(self.url.render_as_string(hide_password=False))
        return _sqlite_engine(self.path)


@contextmanager
def _nothing() -> Iterator[Connection]:
    """Answer for a workspace that does not exist yet: the same tables, with no rows, in the reader's own thread."""
    engine = create_engine("sqlite://")
    try:
        with engine.begin() as connection:
            metadata.create_all(connection)
            yield connection
    finally:
        engine.dispose()


def _checked_url(url: str) -> URL:
    try:
        checked = make_url(url)
    except ArgumentError as error:
        raise InvalidValue("the catalog's URL cannot be read", hint=_URL_HINT) from error
    if checked.get_backend_name() not in ("sqlite", "postgresql"):
        raise InvalidValue(f"no catalog on {checked.get_backend_name()}", hint=_URL_HINT)
    if checked.get_backend_name() == "sqlite" and not checked.database:
        raise InvalidValue(f"{checked} names no file", hint=_URL_HINT)
    return checked


def _postgresql_engine(url: str) -> Engine:
    try:
        engine = create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 10})
    except ImportError as error:
        raise MissingExtra.of("psycopg", "postgres") from error

    @event.listens_for(engine, "connect")
    def set_limits(connection: Any, _record: Any) -> None:
        connection.execute(f"SET lock_timeout = '{int(BUSY_SECONDS)}s'")
        connection.execute("SET idle_in_transaction_session_timeout = '120s'")
        connection.commit()

    return engine


def _sqlite_engine(path: Path) -> Engine:
    if os.access(path.parent, os.W_OK):
        pool: dict[str, Any] = {"poolclass": QueuePool, "pool_size": 8, "max_overflow": 64}
    else:  # an immutable connection sees nothing of what others write afterwards
        pool = {"poolclass": NullPool}
    shared = {"compiled_cache": _COMPILED}
    engine = create_engine("sqlite+mlops://", creator=lambda: _open_sqlite(path), execution_options=shared, **pool)

    @event.listens_for(engine, "connect")
    def remember_file(_connection: Any, record: Any) -> None:
        record.info["file"] = _identity(path)

    @event.listens_for(engine, "checkout")
    def same_file(_connection: Any, record: Any, _proxy: Any) -> None:
        if record.info["file"] != _identity(path):
            raise DisconnectionError(f"{path} is another file than the one that was opened")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        drive(connection, connection.info.pop(_BEGIN, "BEGIN"))

    return engine


def _identity(path: Path) -> tuple[int, int] | None:
    """Tell files of one name apart: a catalog may be removed and made anew while a server runs."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _open_sqlite(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        _sqlite_uri(path), uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA foreign_keys = ON")
    connection.create_function("lower", 1, _lower, deterministic=True)
    if os.access(path.parent, os.W_OK):
        connection.execute(f"PRAGMA journal_mode = {'TRUNCATE' if is_network(path) else 'WAL'}")
        connection.execute("PRAGMA synchronous = FULL")
    return connection


def _lower(value: Any) -> Any:
    return folded(value) if isinstance(value, str) else value


def _sqlite_uri(path: Path) -> str:
    uri = f"file:{urllib.parse.quote(str(path))}"
    if os.access(path.parent, os.W_OK):
        return f"{uri}?mode=rw"
    log = path.with_name(path.name + "-wal")
    settled = not log.exists() or log.stat().st_size == 0
    return f"{uri}?mode=ro&immutable=1" if settled else f"{uri}?mode=ro"


def is_retryable(error: BaseException) -> bool:
    """Tell whether the whole transaction is worth another try."""
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    return getattr(error.orig, "sqlstate", None) in _RETRYABLE_SQLSTATES


@contextmanager
def translated(database: Database) -> Iterator[None]:
    """Turn what the driver says into an error that names the store and the remedy."""
    try:
        yield
    except (OperationalError, ProgrammingError, DBAPIError) as error:
        if is_retryable(error):
            raise
        known = translation(str(database), str(error.orig), getattr(error.orig, "sqlstate", None))
        if known is None:
            raise
        raise known from error


_SAYINGS: tuple[tuple[str, type[StoreUnavailable], str, str], ...] = (
    ("is locked", StoreBusy, "another writer holds {0}", "Try again; `mlops doctor` names who has it open"),
    ("readonly", StoreReadOnly, "no permission to write {0}", "Make the folder writable, or set MLOPS_WORKSPACE"),
    ("disk is full", StoreReadOnly, "the disk of {0} is full", "Free some space; nothing was lost"),
    ("unable to open", StoreUnavailable, "cannot open {0}", "Check that the folder exists and that you may read it"),
    ("not a database", StoreUnavailable, "{0} is not a catalog", "Restore it: mlops restore BACKUP"),
    ("unsupported file format", StoreUnavailable, "{0} is not a catalog", "Restore it: mlops restore BACKUP"),
    ("no such table: store_info", StoreUnavailable, "{0} is not a catalog", "Restore it: mlops restore BACKUP"),
    ("malformed", StoreUnavailable, "{0} is damaged", "Restore it: mlops restore BACKUP"),
    ("disk I/O", StoreUnavailable, "the disk of {0} fails", "Check the disk, then: mlops audit verify"),
    ("connection failed", StoreUnavailable, "cannot reach {0}", "Check that the server runs and the URL is right"),
    ("connection timeout", StoreUnavailable, "cannot reach {0}", "Check that the server runs and the URL is right"),
)


def translation(store: str, text: str, sqlstate: str | None = None) -> StoreUnavailable | None:
    """Give our error for what a driver says, where we know it."""
    if sqlstate == "55P03":
        return StoreBusy(f"another writer holds {store}", hint="Try again in a moment")
    for saying, kind, message, hint in _SAYINGS:
        if saying in text:
            return kind(message.format(store), hint=hint)
    return None
