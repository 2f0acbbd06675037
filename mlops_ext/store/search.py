"""Lists in pages: keyset pagination, so that the last page costs what the first does."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timezone
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, or_, select

from mlops_ext.errors import InvalidValue
from mlops_ext.records import Page, Record
from mlops_ext.store.schema import UTC_FORMAT, Real, Utc, utc_text

__all__ = ["batches", "contains", "paged", "present"]

R = TypeVar("R", bound=Record)
_BATCH = 5000
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_HINT = "Take it from the `next` of a page"


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


def batches(values: Iterable[str]) -> Iterator[list[str]]:
    """Sort values and cut them into lists that one statement can bind; a database takes some ten thousand."""
    ordered = sorted(values)
    for start in range(0, len(ordered), _BATCH):
        yield ordered[start : start + _BATCH]


def present(execute: Callable[..., Any], column: ColumnElement[str], values: Iterable[str]) -> set[str]:
    """Tell which of many values stand in a column."""
    return {
        str(found) for batch in batches(values) for found in execute(select(column).where(column.in_(batch))).scalars()
    }


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
    """Check one part of a cursor, which is a stranger's text, against its column."""
    kind = (
        str
        if isinstance(column.type, Utc)
        else (int, float)
        if isinstance(column.type, Real)
        else column.type.python_type
    )
    fits = isinstance(value, kind) and not isinstance(value, bool)
    if (
        not fits
        or (isinstance(value, int) and abs(value) >= 2**63)
        or (isinstance(value, str) and _UNSTORABLE.search(value))
    ):
        raise InvalidValue(f"not a cursor of this list: {value!r}", hint=_HINT)
    if not isinstance(column.type, Utc):
        return value
    try:
        return datetime.strptime(value, UTC_FORMAT).replace(tzinfo=timezone.utc)
    except ValueError as error:
        raise InvalidValue(f"not a cursor of this list: {value!r}", hint=_HINT) from error


def _encode(values: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(list(values)).encode()).decode().rstrip("=")


def _decode(cursor: str, length: int) -> list[Any]:
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as error:
        raise InvalidValue(f"not a cursor: {cursor!r}", hint=_HINT) from error
    if not isinstance(values, list) or len(values) != length:
        raise InvalidValue(f"not a cursor of this list: {cursor!r}", hint=_HINT)
    return values
