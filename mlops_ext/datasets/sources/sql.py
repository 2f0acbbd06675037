"""Rows of a query as batches of Arrow, from any database that Python speaks to; nobody is told a password."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from mlops_ext.datasets.types import DataSource
from mlops_ext.errors import InvalidValue, MlopsError
from mlops_ext.shown import without_secrets

__all__ = ["query_batches"]

_ROWS = 1 << 16


@contextmanager
def query_batches(sql: Any, con: Any) -> Iterator[tuple[Iterator[pa.RecordBatch], DataSource, str]]:
    """Run a query and give its rows, the database and the query, both without secrets.

    Parameters
    ----------
    sql : str or SQLAlchemy statement
        A query that gives rows.
    con : str, SQLAlchemy engine or connection, DuckDB, ADBC or DBAPI connection
        A text is a URL of SQLAlchemy. A connection stays open, its transaction is the caller's.

    Raises
    ------
    InvalidValue
        The database or the driver refused; the password is in no message.
    """
    known = _secrets(con)
    try:
        with _opened(sql, con) as (batches, location):
            source = DataSource(kind="database", location=without_secrets(location, known))
            yield _guarded(batches, known), source, without_secrets(str(sql), known)
    except (MlopsError, GeneratorExit):
        raise
    except Exception as error:  # noqa: BLE001 - each driver has errors of its own, and their texts may hold passwords
        raise _refused(error, known) from None


def _guarded(batches: Iterator[pa.RecordBatch], known: dict[str, str]) -> Iterator[pa.RecordBatch]:
    try:
        yield from batches
    except MlopsError:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        raise _refused(error, known) from None


def _refused(error: Exception, known: dict[str, str]) -> InvalidValue:
    text = without_secrets(str(error).strip(), known).partition("\n(Background")[0]
    return InvalidValue(f"the query failed: {type(error).__name__}: {text}", hint="Check sql= and con=")


def _secrets(con: Any) -> dict[str, str]:
    """Give what must be shown nowhere: the password of the connection."""
    url = con if isinstance(con, str) else getattr(getattr(con, "engine", None), "url", "")
    password = urlsplit(url).password if isinstance(url, str) else getattr(url, "password", None)
    return {str(password): "password"} if password else {}


@contextmanager
def _opened(sql: Any, con: Any) -> Iterator[tuple[Iterator[pa.RecordBatch], str]]:
    home = type(con).__module__.partition(".")[0]
    if con is None:
        raise InvalidValue("sql= without con=", hint="Give con=: a URL, an engine or a connection")
    if isinstance(con, str) or home == "sqlalchemy":
        with _of_sqlalchemy(sql, con) as found:
            yield found
    elif home in ("duckdb", "_duckdb"):
        rows = con.sql(str(sql))
        if rows is None:
            raise InvalidValue("the query gives no rows", hint="Give a SELECT")
        yield _with_schema(rows.to_arrow_reader(_ROWS)), "duckdb"
    elif home.startswith("adbc"):
        with con.cursor() as cursor:
            cursor.execute(str(sql))
            reader = cursor.fetch_record_batch()
            yield _with_schema(reader), str(con.adbc_get_info().get("vendor_name", home)).lower()
    elif hasattr(con, "cursor"):
        cursor = con.cursor()
        try:
            cursor.execute(str(sql))
            yield _rows_to_batches(cursor, [each[0] for each in cursor.description or ()]), home
        finally:
            cursor.close()
    else:
        raise InvalidValue(f"con is a {type(con).__name__}", hint="Give a URL, an engine or a connection")


@contextmanager
def _of_sqlalchemy(sql: Any, con: Any) -> Iterator[tuple[Iterator[pa.RecordBatch], str]]:
    import sqlalchemy as sa

    own = sa.create_engine(con) if isinstance(con, str) else None
    engine = own or con
    statement = sa.text(sql) if isinstance(sql, str) else sql
    connection = engine if isinstance(engine, sa.Connection) else engine.connect()
    try:
        result = connection.execution_options(stream_results=True, max_row_buffer=_ROWS).execute(statement)
        url = connection.engine.url.set(username=None, password=None, query={})
        yield _rows_to_batches(result, list(result.keys())), url.render_as_string()
    finally:
        if connection is not con:
            connection.close()
        if own is not None:
            own.dispose()


def _with_schema(reader: Any) -> Iterator[pa.RecordBatch]:
    yield pa.RecordBatch.from_pylist([], schema=reader.schema)
    yield from reader


def _rows_to_batches(cursor: Any, names: list[str]) -> Iterator[pa.RecordBatch]:
    """Turn fetched rows into Arrow; the types are those of the values."""
    if not names:
        raise InvalidValue("the query gives no rows", hint="Give a SELECT")
    if len(set(names)) < len(names):
        repeated = next(name for name in names if names.count(name) > 1)
        raise InvalidValue(f"the query gives two columns named {repeated!r}", hint="Give one another name with AS")
    rows = cursor.fetchmany(_ROWS)
    if not rows:
        yield pa.RecordBatch.from_arrays([pa.nulls(0) for _ in names], names=names)
    while rows:
        columns = zip(*rows, strict=True)
        yield pa.RecordBatch.from_arrays(
            [_array(name, list(values)) for name, values in zip(names, columns, strict=True)], names=names
        )
        rows = cursor.fetchmany(_ROWS)


def _array(name: str, values: list[Any]) -> pa.Array:
    try:
        return pa.array(values, from_pandas=False)
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        raise InvalidValue(
            f"column {name!r} of the query cannot be kept exactly: {error}", hint="Cast it in the query"
        ) from error
