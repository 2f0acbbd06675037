"""Which rows of a version are asked for: by their places, or by a condition on some columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlops_ext.errors import InvalidValue, MissingExtra, did_you_mean

__all__ = ["Places", "condition_columns", "matching", "row_range"]

Places = range | np.ndarray
"""Rows by their places from 0: a run of them, or a sorted array."""
_HINT = "Write a condition as in SQL, such as \"month = 1 AND carrier IN ('UA', 'AA')\", or [('month', '=', 1)]"


def row_range(rows: Any, total: int) -> range:
    """Read what `rows=` says.

    Parameters
    ----------
    rows : int, slice, range or None
        The first so many, or a run of rows from 0 as in slices of a list; all when None.
    total : int
        How many rows the version has.

    Raises
    ------
    InvalidValue
        It says neither, or it leaves rows out.

    Examples
    --------
    >>> row_range(slice(-2, None), 10)
    range(8, 10)
    """
    if rows is None:
        return range(total)
    if isinstance(rows, int) and not isinstance(rows, bool) and rows >= 0:
        return range(min(rows, total))
    if isinstance(rows, range):
        rows = slice(rows.start, rows.stop, rows.step)
    if isinstance(rows, slice) and rows.step in (None, 1):
        start, stop, _ = rows.indices(total)
        return range(start, max(start, stop))
    raise InvalidValue(f"rows={rows!r} is no run of rows", hint="Give a number, slice(first, end) or range(first, end)")


def condition_columns(condition: Any, names: Sequence[str]) -> list[str]:
    """Name the columns that a condition speaks of, in the order of the version.

    Raises
    ------
    InvalidValue
        It is no condition, or speaks of columns that are not there.
    """
    asked = set(_of_sql(condition) if isinstance(condition, str) else _of_tuples(condition))
    known = {name.lower(): name for name in reversed(names)} if isinstance(condition, str) else {}
    found = {name if name in names else known.get(name.lower(), name) for name in asked}
    for name in sorted(found):
        if name not in names:
            raise InvalidValue(f"no column named {name!r} in filter={condition!r}", hint=did_you_mean(name, names))
    return [name for name in names if name in found]


def matching(table: pa.Table, condition: Any) -> np.ndarray:
    """Give the places of the rows for which a condition is true.

    Parameters
    ----------
    table : pyarrow.Table
        The columns that the condition speaks of.
    condition : str or list of tuples
        NaN counts as missing, as in pandas; what compares with a missing value is not true.
    """
    columns = [_without_nan(values) for values in table.columns]
    table = pa.table(columns, names=table.column_names) if columns else table
    is_true = _by_sql(table, condition) if isinstance(condition, str) else _by_tuples(table, condition)
    return np.flatnonzero(is_true)


def _without_nan(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if not pa.types.is_floating(values.type) or pa.types.is_float16(values.type):
        return values
    return pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)


def _by_sql(table: pa.Table, condition: str) -> np.ndarray:
    duckdb = _duckdb()
    connection = duckdb.connect()
    try:
        if not table.num_columns:
            table = table.append_column("rows", pa.nulls(table.num_rows, pa.bool_()))
        rows = connection.from_arrow(table).project(f"coalesce(({condition}), false) AS is_true")
        found: np.ndarray = rows.to_arrow_table()["is_true"].to_numpy()
    except duckdb.Error as error:
        raise InvalidValue(f"filter={condition!r}: {error}", hint=_HINT) from error
    finally:
        connection.close()
    if found.dtype != bool or len(found) != table.num_rows:
        raise InvalidValue(f"filter={condition!r} is no condition on each row", hint=_HINT)
    return found


def _by_tuples(table: pa.Table, condition: Any) -> np.ndarray:
    from pyarrow import dataset, parquet

    try:
        expression = parquet.filters_to_expression(condition)
        made = dataset.dataset(table).to_table(columns={"is_true": expression})["is_true"]
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise InvalidValue(f"filter={condition!r}: {error}", hint=_HINT) from error
    found: np.ndarray = pc.fill_null(made, False).to_numpy()
    return found


def _of_tuples(condition: Any) -> list[str]:
    is_list = isinstance(condition, list) and bool(condition)
    groups = condition if is_list and isinstance(condition[0], list) else [condition]
    if not is_list or not all(isinstance(each, tuple) and len(each) == 3 for group in groups for each in group):
        raise InvalidValue(f"filter={condition!r} is no condition", hint=_HINT)
    return [str(name) for group in groups for name, _, _ in group]


def _of_sql(condition: str) -> list[str]:
    """Let DuckDB parse the condition and name the columns in it."""
    connection = _duckdb().connect()
    try:
        statement = f"SELECT ({condition}\n) FROM t"  # noqa: S608 - it is parsed here, and run on the user's own rows
        [(text,)] = connection.execute("SELECT json_serialize_sql(?)", [statement]).fetchall()
    finally:
        connection.close()
    parsed = json.loads(text)
    if parsed["error"] or len(parsed["statements"]) != 1:
        raise InvalidValue(f"filter={condition!r}: {parsed.get('error_message', 'two statements')}", hint=_HINT)
    node = parsed["statements"][0]["node"]
    if node["type"] != "SELECT_NODE" or len(node["select_list"]) != 1:
        raise InvalidValue(f"filter={condition!r} is no condition", hint=_HINT)
    found: list[str] = []
    _walk(node["select_list"][0], lambda each: found.append(each["column_names"][-1]), condition)
    return found


def _walk(node: Any, take: Callable[[dict[str, Any]], None], condition: str) -> None:
    if isinstance(node, list):
        for each in node:
            _walk(each, take, condition)
    elif isinstance(node, dict):
        if node.get("class") == "SUBQUERY":
            raise InvalidValue(f"filter={condition!r} asks for other tables", hint=_HINT)
        if node.get("class") == "COLUMN_REF":
            take(node)
        for each in node.values():
            _walk(each, take, condition)


def _duckdb() -> Any:
    try:
        import duckdb
    except ImportError as error:
        raise MissingExtra.of("duckdb", "data") from error
    return duckdb
