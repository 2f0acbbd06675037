"""Filters and orders compiled for a list: what may be searched by is declared, what is asked becomes bound parameters.

A comparison is true or false, never unknown: one with a value that is not there is false, so that
NOT turns it into true. `!=` wants a value that differs; on a metric, NaN does.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any, Literal, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Float,
    Row,
    Select,
    String,
    and_,
    literal,
    not_,
    or_,
    select,
)

from mlops_ext.errors import did_you_mean
from mlops_ext.records import Page, Record, SearchRequest
from mlops_ext.store.grammar import And, Comparison, InvalidFilter, Name, Node, Not, Value, parse, parse_order
from mlops_ext.store.patterns import in_json, like
from mlops_ext.store.schema import Utc
from mlops_ext.store.search import Sort, page_of

__all__ = ["Field", "Fields", "Keyed", "found", "matching", "ordering", "searched"]

R = TypeVar("R", bound=Record)
Kind = Literal["text", "name", "json", "number", "time"]
"""text: as it is; name: after NFC; json: JSON text, compared by what it holds; number: NaN is NULL; time: Utc."""

ENTITIES = {
    "metrics": ("metric",),
    "params": ("param", "parameter", "parameters"),
    "tags": ("tag",),
    "attributes": ("attribute", "attr", "run"),
    "datasets": ("dataset",),
}
_CANONICAL = {alias: name for name, aliases in ENTITIES.items() for alias in (name, *aliases)}
_EQUAL = ("=", "!=", "IN", "NOT IN")
_PATTERNS = ("LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE")
_ORDERED = ("=", "!=", "<", "<=", ">", ">=", "IN", "NOT IN")
_ALLOWED: dict[str, tuple[str, ...]] = {
    "text": (*_EQUAL, *_PATTERNS),
    "name": (*_EQUAL, *_PATTERNS),
    "json": (*_EQUAL, *_PATTERNS),
    "number": _ORDERED,
    "time": _ORDERED,
}
_NULLS = ("IS NULL", "IS NOT NULL")


@dataclass(frozen=True)
class Field:
    """One thing to search by.

    Attributes
    ----------
    column : column
        What is compared.
    kind : str
        How.
    within : condition, optional
        It lies in a table of its own: the condition that finds the item's rows there.
    nullable : bool
        Whether an item may lack it.
    sortable : bool
        Whether an item has at most one.
    leads : pair of columns, optional
        An index of that table finds a value at once, and few items have it: the item's column, and the one there that
        says which item it is.
    """

    column: ColumnElement[Any]
    kind: Kind = "text"
    within: ColumnElement[bool] | None = None
    nullable: bool = False
    sortable: bool = True
    leads: tuple[ColumnElement[Any], ColumnElement[Any]] | None = None


@dataclass(frozen=True)
class Keyed:
    """Pairs of key and value in a table of their own, such as metrics, parameters and tags."""

    key: ColumnElement[str]
    value: ColumnElement[Any]
    within: ColumnElement[bool]
    kind: Kind = "text"

    def field(self, key: str) -> Field:
        """Give what lies at a key."""
        return Field(self.value, self.kind, and_(self.within, self.key == literal(key, String)), nullable=True)


@dataclass(frozen=True)
class Fields:
    """All that a list can be searched by.

    Attributes
    ----------
    attributes : mapping of str to Field
    keyed : mapping of str to Keyed
        By `metrics`, `params` or `tags`.
    order : sequence of Sort
        The list's own order, unique as a whole; it breaks the ties of every other.
    others : mapping of str to mapping of str to Field
        What stands beside the items and has fields of its own, such as `datasets`.
    """

    attributes: Mapping[str, Field]
    order: Sequence[Sort]
    keyed: Mapping[str, Keyed] | None = None
    others: Mapping[str, Mapping[str, Field]] | None = None

    def find(self, name: Name) -> Field:
        """Give the field that a name means.

        Raises
        ------
        InvalidFilter
            The list has no such thing; the nearest is named.
        """
        entity = _CANONICAL.get(name.entity.lower(), "") if name.entity else "attributes"
        keyed = (self.keyed or {}).get(entity)
        if keyed is not None:
            return keyed.field(name.key)
        fields = self.attributes if entity == "attributes" else (self.others or {}).get(entity)
        if fields is None:
            known = [*(self.keyed or {}), *(self.others or {}), "attributes"]
            raise InvalidFilter.at(name.position, f"nothing here has {name.entity!r}", did_you_mean(name.entity, known))
        if name.key not in fields:
            what = "attribute" if entity == "attributes" else f"{name.entity} with"
            raise InvalidFilter.at(name.position, f"no {what} {name.key!r} here", did_you_mean(name.key, fields))
        return fields[name.key]


def searched(
    connection: Connection, query: Select[Any], fields: Fields, request: SearchRequest, make: Callable[[Row[Any]], R]
) -> Page[R]:
    """Read one page of what a request's filter asks for, in the order that it asks for.

    Raises
    ------
    InvalidFilter
        The filter or the order cannot be read, or names what the list does not have.
    """
    rows, following = found(connection, query, fields, request)
    return Page(items=tuple(make(row) for row in rows), next=following)


def found(
    connection: Connection, query: Select[Any], fields: Fields, request: SearchRequest
) -> tuple[Sequence[Row[Any]], str]:
    """Read the rows of such a page and the cursor of the next, for lists that make their records all at once."""
    if request.filter.strip():
        query = query.where(matching(request.filter, fields))
    return page_of(connection, query, ordering(request.order_by, fields), request.limit, request.cursor)


def matching(text: str, fields: Fields) -> ColumnElement[bool]:
    """Compile a filter into a condition with bound parameters."""
    return _compiled(_parsed(text), fields)


def ordering(text: str, fields: Fields) -> list[Sort]:
    """Compile an order; the list's own breaks its ties, and is the whole of it when the text is empty."""
    asked = []
    for name, descending in parse_order(text) if text.strip() else ():
        field = fields.find(name)
        if not field.sortable:
            raise InvalidFilter.at(name.position, f"an item may have several {name.key!r}", "Order by something else")
        asked.append(Sort(_scalar(field), descending=descending, nullable=field.nullable))
    named = {id(each.expression) for each in asked}
    return [*asked, *(each for each in fields.order if id(each.expression) not in named)]


@lru_cache(maxsize=256)
def _parsed(text: str) -> Node:
    return parse(text)


def _compiled(node: Node, fields: Fields) -> ColumnElement[bool]:
    if isinstance(node, Comparison):
        return _comparison(node, fields.find(node.name))
    if isinstance(node, Not):
        return not_(_compiled(node.part, fields))
    parts = [_compiled(part, fields) for part in node.parts]
    return and_(*parts) if isinstance(node, And) else or_(*parts)


def _comparison(node: Comparison, field: Field) -> ColumnElement[bool]:
    if node.operator in _NULLS:
        return _null(field, absent=node.operator == "IS NULL")
    if node.operator not in _ALLOWED[field.kind]:
        raise InvalidFilter.at(
            node.position,
            f"{node.name.key!r} cannot be compared by {node.operator}",
            f"Write one of {' '.join(_ALLOWED[field.kind])}",
        )
    condition = _CONDITIONS[field.kind](field.column, node)
    if field.leads is not None and node.operator in ("=", "IN"):
        item, named = field.leads
        return item.in_(select(named).where(condition))
    if field.within is not None:
        return select(literal(1)).where(field.within, condition).exists()
    return and_(field.column.is_not(None), condition) if field.nullable else condition


def _null(field: Field, *, absent: bool) -> ColumnElement[bool]:
    if field.within is None:
        return field.column.is_(None) if absent else field.column.is_not(None)
    found = select(literal(1)).where(field.within).exists()
    return not_(found) if absent else found


def _scalar(field: Field) -> ColumnElement[Any]:
    if field.within is None:
        return field.column
    return select(field.column).where(field.within).scalar_subquery()


def _text(column: ColumnElement[Any], node: Comparison) -> ColumnElement[bool]:
    wanted = [_text_of(value, node) for value in node.values]
    return (
        _either(node, [like(column, each, node.operator) for each in wanted])
        if _is_pattern(node)
        else _equal(column, node, wanted)
    )


def _name(column: ColumnElement[Any], node: Comparison) -> ColumnElement[bool]:
    values = tuple(Value(unicodedata.normalize("NFC", _text_of(each, node)), "", each.position) for each in node.values)
    return _text(column, Comparison(node.name, node.operator, values, node.position))


def _json(column: ColumnElement[Any], node: Comparison) -> ColumnElement[bool]:
    """Compare JSON text by what it holds: 'a' is "a", and '1' is 1."""
    if not _is_pattern(node):
        return _equal(column, node, [form for value in node.values for form in _json_forms(value)])
    pattern = _text_of(node.values[0], node)
    is_text = like(column, '"%', "LIKE")
    plain = and_(like(column, pattern, node.operator), not_(is_text))
    return _either(node, [plain, like(column, in_json(pattern), node.operator)])


def _number(column: ColumnElement[Any], node: Comparison) -> ColumnElement[bool]:
    numbers = [_number_of(value, node) for value in node.values]
    if any(math.isnan(each) for each in numbers):
        if len(numbers) > 1 or node.operator not in ("=", "!="):
            raise InvalidFilter.at(node.position, "NaN is neither smaller nor larger than a number", "Write = NaN")
        return column.is_(None) if node.operator == "=" else column.is_not(None)
    bound = [literal(each, Float(53) if isinstance(each, float) else BigInteger()) for each in numbers]
    if node.operator in ("!=", "NOT IN"):
        return or_(column.is_(None), _ordered(column, node, bound))
    return _ordered(column, node, bound)


def _time(column: ColumnElement[Any], node: Comparison) -> ColumnElement[bool]:
    return _ordered(column, node, [literal(_moment(value), Utc()) for value in node.values])


_CONDITIONS: dict[str, Callable[[ColumnElement[Any], Comparison], ColumnElement[bool]]] = {
    "text": _text,
    "name": _name,
    "json": _json,
    "number": _number,
    "time": _time,
}


def _equal(column: ColumnElement[Any], node: Comparison, wanted: Sequence[str]) -> ColumnElement[bool]:
    bound = [literal(each, String) for each in wanted]
    if len(bound) == 1:
        return column == bound[0] if node.operator in ("=", "IN") else column != bound[0]
    return column.in_(bound) if node.operator in ("=", "IN") else column.not_in(bound)


def _ordered(column: ColumnElement[Any], node: Comparison, bound: Sequence[Any]) -> ColumnElement[bool]:
    if node.operator == "IN":
        return column.in_(bound)
    if node.operator == "NOT IN":
        return column.not_in(bound)
    return column.op(node.operator, is_comparison=True)(bound[0])


def _is_pattern(node: Comparison) -> bool:
    return node.operator in _PATTERNS


def _either(node: Comparison, conditions: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    """Join patterns: one must fit, or with NOT none may; `like` leaves the negation to this."""
    return not_(or_(*conditions)) if node.operator.startswith("NOT") else or_(*conditions)


def _text_of(value: Value, node: Comparison) -> str:
    if isinstance(value.value, str):
        return value.value
    raise InvalidFilter.at(
        value.position, f"{node.name.key!r} is a text, not the number {value.written}", f"Write '{value.written}'"
    )


def _number_of(value: Value, node: Comparison) -> int | float:
    if isinstance(value.value, str):
        raise InvalidFilter.at(
            value.position, f"{node.name.key!r} is a number, not the text {value.value[:40]!r}", "Leave the quotes out"
        )
    return value.value


def _json_forms(value: Value) -> list[str]:
    """Give every JSON text that holds a value: a number may stand as a number or as a text."""
    if isinstance(value.value, str):
        return [value.value, json.dumps(value.value, ensure_ascii=False)]
    number = float(value.value)
    forms = [value.written, json.dumps(value.written), repr(number), json.dumps(repr(number))]
    if number.is_integer() and abs(number) < 2**53:
        forms += [str(int(number)), json.dumps(str(int(number)))]
    return list(dict.fromkeys(forms))


def _moment(value: Value) -> datetime:
    """Read a time: an ISO text, in UTC without a zone, or milliseconds since 1970 as MLflow has them."""
    try:
        if not isinstance(value.value, str):
            return datetime.fromtimestamp(value.value / 1000, timezone.utc)
        text = re.sub(r"[zZ]$", "+00:00", value.value.strip())
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)
    except (ValueError, OverflowError, OSError) as error:
        shown = value.written or value.value
        raise InvalidFilter.at(
            value.position, f"{shown!r} is no time", "Write '2013-01-31' or '2013-01-31T06:00:00Z'"
        ) from error
