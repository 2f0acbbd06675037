"""Sweeping: deleted rows leave bytes in free pages and logs; this writes the files anew without them."""

from __future__ import annotations

import sqlite3

from sqlalchemy import Table

from mlops_ext.errors import StoreBusy
from mlops_ext.store.database import Database, translated

__all__ = ["sweep"]


def sweep(database: Database, *tables: Table) -> None:
    """Write the catalog anew without what was deleted from it.

    Parameters
    ----------
    database : Database
        SQLite is written anew as a whole and its log emptied. Of PostgreSQL only the tables are; its write-ahead log
        keeps the bytes until the server recycles it.
    *tables : Table
        Where something was deleted; they are locked meanwhile.

    Raises
    ------
    StoreBusy
        Others read or write all the time; nothing was lost, and a repetition sweeps.
    """
    if database.sqlite:
        _sweep_sqlite(database)
        return
    with translated(database), database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in tables:
            connection.exec_driver_sql(f"VACUUM (FULL) {table.name}")


def _sweep_sqlite(database: Database) -> None:
    hint = "Nothing was lost; repeat it when they are done, and it sweeps"
    with database.engine.connect() as connection:
        # Asked of the driver, since SQLAlchemy would open a transaction first.
        driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
        try:
            driver.execute("VACUUM")
            busy = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.OperationalError as error:
            raise StoreBusy(f"{database} cannot be written anew: {error}", hint=hint) from error
    if busy:
        raise StoreBusy(f"others read {database}, so its log cannot be emptied", hint=hint)
