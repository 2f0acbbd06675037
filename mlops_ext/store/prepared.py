"""Statements prepared once: on SQLite, what is read or written often goes straight to the driver.

SQLite answers such a statement in a few microseconds, and SQLAlchemy's way there and back costs many times that. A
server's answer takes the way over the network, so there a prepared statement goes SQLAlchemy's way, too.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, TypeDecorator, bindparam, cast, literal_column, select, tuple_
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import CompoundSelect, Delete, Executable, Insert, Select, Update
from sqlalchemy.sql.functions import FunctionElement

__all__ = ["Prepared", "among", "drive"]

Process = Callable[[Any], Any]
_written = json.JSONEncoder(ensure_ascii=False).encode


class Rows(IteratorResult[Any]):
    """What a prepared statement gave: all of its rows, or how many it changed."""

    def __init__(self, keys: SimpleResultMetaData, rows: Iterable[Any], rowcount: int) -> None:
        super().__init__(keys, iter(rows))
        self.rowcount = rowcount


class Prepared(Executable):
    """A statement for `execute` of a connection or a change, compiled at its first use.

    Parameters
    ----------
    statement : Select, CompoundSelect, Insert, Update or Delete
        Its values are named by `bindparam`, and what an Insert or an Update sets by its columns.

    Examples
    --------
    >>> NEWEST = Prepared(select(notes).where(notes.c.id == bindparam("id")))  # doctest: +SKIP
    >>> connection.execute(NEWEST, {"id": 3}).one_or_none()  # doctest: +SKIP
    """

    def __init__(self, statement: Select[Any] | CompoundSelect[Any] | Insert | Update | Delete) -> None:
        self.statement = statement
        self.changes = isinstance(statement, Insert | Update | Delete)
        self._forms: dict[tuple[str, ...], _Form] = {}

    def _execute_on_connection(self, connection: Connection, parameters: Any, options: Any) -> Any:
        """Run it: this is what SQLAlchemy's `execute` asks of everything that it is given."""
        if connection.dialect.name != "sqlite" or not connection.in_transaction():
            return connection.execute(self.statement, parameters or None, execution_options=options)
        # An Insert or an Update sets the columns that it is given; every other text stays the same.
        columns = tuple(parameters[0]) if parameters and isinstance(self.statement, Insert | Update) else ()
        form = self._forms.get(columns)
        if form is None:
            form = self._forms[columns] = _Form(self.statement, columns, connection.dialect)
        return form.run(connection, parameters)


class _Form:
    """One compiled text of a statement, with what turns values into the database's and back."""

    def __init__(self, statement: Any, columns: Sequence[str], dialect: Any) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(columns) or None)
        if compiled.post_compile_params:
            raise TypeError("a prepared statement with a list of changing length: bind it with `among`")
        self._text = str(compiled)
        self._given = [(name, _binding(compiled.binds[name], dialect)) for name in compiled.positiontup or ()]
        self._fixed = {name: each.effective_value for name, each in compiled.binds.items() if not each.required}
        read = [] if statement.is_dml else list(statement.selected_columns)
        self._keys = SimpleResultMetaData([column.key for column in read])
        self._read = [(place, process) for place, column in enumerate(read) if (process := _reading(column, dialect))]

    def run(self, connection: Connection, parameters: Sequence[Mapping[str, Any]]) -> Rows:
        """Run the text with values, or once for each of several."""
        sets = self._bound(parameters) if len(parameters) > 1 else [self._one(each) for each in parameters or ({},)]
        cursor = drive(connection, self._text, sets)
        found = cursor.fetchall() if cursor.description else []
        return Rows(self._keys, self._processed(found) if self._read else found, cursor.rowcount)

    def _bound(self, sets: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
        """Bind many sets column by column, which takes a fraction of the time."""
        columns: list[Iterable[Any]] = []
        for name, process in self._given:
            values = [each[name] for each in sets] if name in sets[0] else [self._fixed[name]] * len(sets)
            columns.append(values if process is None else map(process, values))
        return [*zip(*columns, strict=True)] if columns else [()] * len(sets)

    def _one(self, values: Mapping[str, Any]) -> list[Any]:
        known = {**self._fixed, **values} if self._fixed else values
        return [known[name] if process is None else process(known[name]) for name, process in self._given]

    def _processed(self, rows: Sequence[Sequence[Any]]) -> list[Any]:
        made = [list(row) for row in rows]
        for place, process in self._read:
            for row in made:
                row[place] = process(row[place])
        return made


def drive(connection: Connection, text: str, parameters: Sequence[Sequence[Any]] = ((),)) -> sqlite3.Cursor:
    """Run a text on SQLite's own connection; what fails is told as SQLAlchemy would tell it."""
    driver: Any = connection.connection.driver_connection
    try:
        if len(parameters) == 1:
            return driver.execute(text, parameters[0])  # type: ignore[no-any-return]
        return driver.executemany(text, parameters)  # type: ignore[no-any-return]
    except sqlite3.Error as error:
        raise DBAPIError.instance(text, parameters[0], error, sqlite3.Error, dialect=connection.dialect) from error


def among(columns: Sequence[ColumnElement[Any]], name: str) -> ColumnElement[bool]:
    """Match the rows whose columns stand in a list that is bound whole: one text, however long the list is.

    Parameters
    ----------
    columns : sequence of columns
    name : str
        Of the parameter: a list with one list of values for each row that is wanted.
    """
    value = _Rows(bindparam(name, type_=_List())).table_valued("value").c.value
    # Without a cast SQLite would take an index for the first column only, if for any.
    parts = [cast(_Part(value, literal_column(str(place))), column.type) for place, column in enumerate(columns)]
    left = columns[0] if len(columns) == 1 else tuple_(*columns)
    return left.in_(select(*parts))


class _List(TypeDecorator[Any]):
    """A list of lists of texts and integers, as JSON."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> str:  # noqa: ARG002
        return _written(value)


class _Rows(FunctionElement[Any]):
    """The lists in such a list, a row each."""

    name = "rows"
    inherit_cache = True


class _Part(FunctionElement[Any]):
    """What stands at a place of one of them."""

    type = Text()
    inherit_cache = True


@compiles(_Rows, "sqlite")
def _json_each(element: _Rows, compiler: Any, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(_Rows, "postgresql")
def _json_elements(element: _Rows, compiler: Any, **options: Any) -> str:
    return f"json_array_elements(CAST({compiler.process(element.clauses, **options)} AS JSON))"


@compiles(_Part, "sqlite")
def _json_extract(element: _Part, compiler: Any, **options: Any) -> str:
    value, place = (compiler.process(each, **options) for each in element.clauses)
    return f"json_extract({value}, '$[{place}]')"


@compiles(_Part, "postgresql")
def _json_arrow(element: _Part, compiler: Any, **options: Any) -> str:
    value, place = (compiler.process(each, **options) for each in element.clauses)
    return f"({value} ->> {place})"


def _binding(bound: Any, dialect: Any) -> Process | None:
    process: Process | None = bound.type.dialect_impl(dialect).bind_processor(dialect)
    return process


def _reading(column: Any, dialect: Any) -> Process | None:
    process: Process | None = column.type.dialect_impl(dialect).result_processor(dialect, None)
    return process
