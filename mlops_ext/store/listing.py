"""Lists that are read often: the statement of a page is built and prepared once for each filter and order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Integer, Row, Select, bindparam

from mlops_ext.records import SearchRequest
from mlops_ext.store.filters import Fields, matching, ordering
from mlops_ext.store.prepared import Prepared
from mlops_ext.store.search import Sort, cursor_values, cut, page_query

__all__ = ["Listing"]

_KEPT = 128
"""Filters and orders whose statements a list keeps."""


class Listing:
    """A list with its fields.

    Parameters
    ----------
    query : Select
        What to list; what changes from call to call is a `bindparam` of it.
    fields : Fields
        What it can be searched by, which stays the same.
    """

    def __init__(self, query: Select[Any], fields: Fields) -> None:
        self._query, self._fields = query, fields
        self._sorts = lru_cache(_KEPT)(self._sorted)
        self._statement = lru_cache(_KEPT)(self._prepared)

    def page(self, connection: Connection, request: SearchRequest, **parameters: Any) -> tuple[Sequence[Row[Any]], str]:
        """Read the rows of the page that a request asks for, and the cursor of the next.

        Raises
        ------
        InvalidFilter
            The filter or the order cannot be read, or names what the list does not have.
        InvalidValue
            The cursor is none of this list.
        """
        after = cursor_values(request.cursor, self._sorts(request.order_by))
        given = {f"after_{number}": value for number, value in enumerate(after) if value is not None}
        missing = tuple(value is None for value in after)
        statement, places = self._statement(request.filter.strip(), request.order_by, missing)
        limit = {"page_limit": request.limit + 1}
        return cut(connection.execute(statement, {**parameters, **given, **limit}).all(), places, request.limit)

    def _sorted(self, order_by: str) -> list[Sort]:
        return ordering(order_by, self._fields)

    def _prepared(self, text: str, order_by: str, missing: tuple[bool, ...]) -> tuple[Prepared, list[int]]:
        query, sorts = self._query, self._sorts(order_by)
        if text:
            query = query.where(matching(text, self._fields))
        after = [
            None if absent else bindparam(f"after_{number}", type_=sort.expression.type)
            for number, (sort, absent) in enumerate(zip(sorts, missing, strict=False))
        ]
        query, places = page_query(query, sorts, after)
        return Prepared(query.limit(bindparam("page_limit", type_=Integer()))), places
