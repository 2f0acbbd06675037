"""Lists in pages: keyset pagination, so that the last page costs what the first does."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, TypeVar

from sqlalchemy import Column, ColumnElement, Connection, Row, Select, and_, false, or_, select

from mlops_ext.errors import InvalidValue
from mlops_ext.records import Page, Record
from mlops_ext.store.patterns import like
from mlops_ext.store.schema import UTC_FORMAT, Real, Utc, utc_text

__all__ = [
    "Sort",
    "batches",
    "contains",
    "cursor_values",
    "cut",
    "page_of",
    "page_query",
    "paged",
    "present",
]

R = TypeVar("R", bound=Record)
V = TypeVar("V", str, int)
_BATCH = 5000
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_HINT = "Take it from the `next` of a page"


@dataclass(frozen=True)
class Sort:
    """One part of a sort key; what is missing, NaN included, sorts last in both directions.

    Attributes
    ----------
    expression : column
        A column of the list, or a scalar subquery.
    descending : bool
        From the highest down.
    nullable : bool
        Whether it can be missing.
    """

    expression: ColumnElement[Any]
    descending: bool = False
    nullable: bool = False

    @property
    def by(self) -> ColumnElement[Any]:
        """What ORDER BY takes; an index serves it when nothing can be missing."""
        ordered = self.expression.desc() if self.descending else self.expression.asc()
        return ordered.nulls_last() if self.nullable else ordered

    def equal(self, value: Any) -> ColumnElement[bool]:
        """Select what sorts at a value."""
        return self.expression.is_(None) if value is None else self.expression == value

    def after(self, value: Any) -> ColumnElement[bool]:
        """Select what sorts after a value."""
        if value is None:
            return false()
        beyond = self.expression < value if self.descending else self.expression > value
        return or_(beyond, self.expression.is_(None)) if self.nullable else beyond


def paged(
    connection: Connection,
    query: Select[Any],
    order: Sequence[ColumnElement[Any] | Sort],
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
        What to list.
    order : sequence of columns or Sort
        The sort key, unique as a whole; its plain columns are columns of the list.
    limit : int
        Rows at most.
    cursor : str
        The `next` of the page before; empty for the first.
    make : callable
        Turns a row into a record.
    descending : bool
        Plain columns go from the highest down.
    """
    sorts = [each if isinstance(each, Sort) else Sort(each, descending, _nullable(each)) for each in order]
    rows, following = page_of(connection, query, sorts, limit, cursor)
    return Page(items=tuple(make(row) for row in rows), next=following)


def page_of(
    connection: Connection, query: Select[Any], sorts: Sequence[Sort], limit: int, cursor: str
) -> tuple[Sequence[Row[Any]], str]:
    """Read the rows of one page and the cursor of the next, for lists that make their records all at once."""
    query, places = page_query(query, sorts, cursor_values(cursor, sorts))
    return cut(connection.execute(query.limit(limit + 1)).all(), places, limit)


def page_query(query: Select[Any], sorts: Sequence[Sort], after: Sequence[Any] = ()) -> tuple[Select[Any], list[int]]:
    """Select what comes after the values of a cursor, in order; tell where in a row the sort key stands."""
    if after:
        query = query.where(_after(sorts, after))
    listed = list(query.selected_columns)
    places = []
    for number, sort in enumerate(sorts):
        place = next((place for place, column in enumerate(listed) if column is sort.expression), len(listed))
        if place == len(listed):
            listed.append(sort.expression.label(f"sort_{number}"))
            query = query.add_columns(listed[-1])
        places.append(place)
    return query.order_by(*(sort.by for sort in sorts)), places


def cut(rows: Sequence[Row[Any]], places: Sequence[int], limit: int) -> tuple[Sequence[Row[Any]], str]:
    """Cut what was read, one row more than was asked for, to a page and the cursor of the next."""
    page = rows[:limit]
    following = _encode([_value(page[-1][place]) for place in places]) if len(rows) > limit else ""
    return page, following


def cursor_values(cursor: str, sorts: Sequence[Sort]) -> list[Any]:
    """Read a cursor, which is a stranger's text, for a list that is sorted so; nothing for the first page.

    Raises
    ------
    InvalidValue
        It is no cursor, or one of another list.
    """
    if not cursor:
        return []
    return [_checked(sort, value) for sort, value in zip(sorts, _decode(cursor, len(sorts)), strict=True)]


def contains(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Match a part of a text, whatever characters it has, in either case."""
    escaped = re.sub(r"([%_\\])", r"\\\1", text)
    return like(column, f"%{escaped}%", "ILIKE")


def batches(values: Iterable[V], size: int = _BATCH) -> Iterator[list[V]]:
    """Sort values and cut them into lists that one statement can bind; a database takes some ten thousand."""
    ordered = sorted(values)
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]


def present(execute: Callable[..., Any], column: ColumnElement[str], values: Iterable[str]) -> set[str]:
    """Tell which of many values stand in a column."""
    return {
        str(found) for batch in batches(values) for found in execute(select(column).where(column.in_(batch))).scalars()
    }


def _nullable(column: ColumnElement[Any]) -> bool:
    return not isinstance(column, Column) or bool(column.nullable)


def _value(value: Any) -> Any:
    if isinstance(value, float) and math.isnan(value):
        return None
    return utc_text(value) if isinstance(value, datetime) else value


def _after(sorts: Sequence[Sort], values: Sequence[Any]) -> ColumnElement[bool]:
    """Spell out (a, b) > (x, y), which not every database compares as rows by index."""
    alternatives = []
    for position, sort in enumerate(sorts):
        equal = [before.equal(value) for before, value in zip(sorts[:position], values[:position], strict=True)]
        alternatives.append(and_(*equal, sort.after(values[position])))
    first = sorts[0]
    if len(sorts) == 1 or first.nullable:
        return or_(*alternatives)
    # It follows from the rest, but lets the database begin in its index where the page does.
    begin = first.expression <= values[0] if first.descending else first.expression >= values[0]
    return and_(begin, or_(*alternatives))


def _checked(sort: Sort, value: Any) -> Any:
    """Check one part of a cursor against what it sorts by."""
    if value is None and sort.nullable:
        return None
    kind = sort.expression.type
    wanted = str if isinstance(kind, Utc) else (int, float) if isinstance(kind, Real) else kind.python_type
    unfit = not isinstance(value, wanted) or isinstance(value, bool)
    if (
        unfit
        or (isinstance(value, int) and abs(value) >= 2**63)
        or (isinstance(value, float) and math.isnan(value))
        or (isinstance(value, str) and _UNSTORABLE.search(value))
    ):
        raise InvalidValue(f"not a cursor of this list: {value!r}", hint=_HINT)
    if not isinstance(kind, Utc):
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
