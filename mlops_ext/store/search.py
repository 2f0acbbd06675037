"""Lists in pages: keyset pagination, so that the last page costs what the first does."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, or_

from mlops_ext.errors import InvalidValue
from mlops_ext.records import Page, Record
from mlops_ext.store.schema import Utc, utc_text

__all__ = ["contains", "paged"]

R = TypeVar("R", bound=Record)


def paged(
    connection: Connection,
    query: Select[Any],
    order: Sequence[ColumnElement[Any]],
    limit: int,
    cursor: str,
    make: Callable[[Row[Any]], R],
    *,
    descending: bool = False,
) -> Page[R]:
    """Read one page.

    Parameters
    ----------
    query : Select
        What to list; its columns include those of `order`.
    order : sequence of columns
        The sort key, unique as a whole.
    limit : int
        Rows at most.
    cursor : str
        The `next` of the page before; empty for the first.
    make : callable
        Turns a row into a record.
    descending : bool
        Newest first.
    """
    if cursor:
        query = query.where(_after(order, _decode(cursor, len(order)), descending=descending))
    sorted_query = query.order_by(*(column.desc() if descending else column.asc() for column in order))
    rows = connection.execute(sorted_query.limit(limit + 1)).all()
    page = rows[:limit]
    following = _encode([_value(page[-1], column) for column in order]) if len(rows) > limit else ""
    return Page(items=tuple(make(row) for row in page), next=following)


def contains(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Match a part of a text, whatever characters it has, in either case."""
    return column.icontains(text, autoescape=True)


def _value(row: Row[Any], column: ColumnElement[Any]) -> Any:
    value = row._mapping[column]
    return utc_text(value) if isinstance(value, datetime) else value


def _after(order: Sequence[ColumnElement[Any]], values: Sequence[Any], *, descending: bool) -> ColumnElement[bool]:
    """Spell out (a, b) > (x, y), which not every database compares as rows by index."""
    alternatives = []
    for position, column in enumerate(order):
        equal = [order[i] == _bind(order[i], values[i]) for i in range(position)]
        value = _bind(column, values[position])
        alternatives.append(and_(*equal, column < value if descending else column > value))
    return or_(*alternatives)


def _bind(column: ColumnElement[Any], value: Any) -> Any:
    return datetime.fromisoformat(value.replace("Z", "+00:00")) if isinstance(column.type, Utc) else value


def _encode(values: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(list(values)).encode()).decode().rstrip("=")


def _decode(cursor: str, length: int) -> list[Any]:
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as error:
        raise InvalidValue(f"not a cursor: {cursor!r}", hint="Take it from the `next` of a page") from error
    if not isinstance(values, list) or len(values) != length:
        raise InvalidValue(f"not a cursor of this list: {cursor!r}", hint="Take it from the `next` of a page")
    return values
