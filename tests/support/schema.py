"""Lay out the tables of a new store in milliseconds: what the migrations say is recorded once a database and said again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, event, inspect

Migrate = Callable[[Connection], None]


def replayed(migrate: Migrate) -> Migrate:
    """Give a migration that repeats the statements of its first run on an empty database of the same kind."""
    recorded: dict[str, list[tuple[str, Any]]] = {}

    def again(connection: Connection) -> None:
        if inspect(connection).get_table_names():
            migrate(connection)
            return
        kind = connection.dialect.name
        if kind not in recorded:
            recorded[kind] = _recorded(migrate, connection)
            return
        for statement, parameters in recorded[kind]:
            connection.exec_driver_sql(statement, parameters)

    return again


def _recorded(migrate: Migrate, connection: Connection) -> list[tuple[str, Any]]:
    said: list[tuple[str, Any]] = []

    def listen(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if not statement.lstrip().startswith(("SELECT", "PRAGMA")):
            said.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", listen)
    try:
        migrate(connection)
    finally:
        event.remove(connection, "before_cursor_execute", listen)
    return said
