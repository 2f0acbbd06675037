"""LIKE and ILIKE alike on both databases: `%` is any text, `_` any character, a backslash takes the next as it is.

What is alike but for case is told by Unicode's folding of single letters, from one table for both: what a server calls
lower case rests on its locale.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from sqlalchemy import Boolean, ColumnElement, String, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

__all__ = ["folded", "in_case", "in_json", "like"]

_ANY, _ONE = object(), object()


@cache
def _folding() -> dict[int, str]:
    """Give the letters that fold to another; all that have a case lie in the first two planes."""
    table = {}
    for letter in map(chr, range(0x20000)):
        # What folds to several letters, as ß does, stays; but its capital falls together with it.
        fold = next((each for each in (letter.casefold(), letter.lower()) if len(each) == 1), letter)
        if fold != letter:
            table[ord(letter)] = fold
    return table


def folded(text: str) -> str:
    """Give a text in the one case by which texts are compared in either case.

    Examples
    --------
    >>> folded("ÄRGER") == folded("ärger"), folded("ΟΔΟΣ") == folded("οδος"), folded("straße")
    (True, True, 'straße')
    """
    return text.lower() if text.isascii() else text.translate(_folding())


class in_case(FunctionElement[str]):  # noqa: N801 - it stands in statements as a function
    """A column's text folded so, by the database."""

    type = String()
    inherit_cache = True


@compiles(in_case, "sqlite")
def _by_function(element: in_case, compiler: Any, **options: Any) -> str:
    # The connection has our own `lower`: SQLite's knows the letters of ASCII alone.
    return f"lower({compiler.process(element.clauses, **options)})"


@compiles(in_case, "postgresql")
def _by_translation(element: in_case, compiler: Any, **options: Any) -> str:
    text = compiler.process(element.clauses, **options)
    letters, folds = ("".join(each) for each in (map(chr, _folding()), _folding().values()))
    plain = f"octet_length({text}) = char_length({text})"
    return f"CASE WHEN {plain} THEN lower({text} COLLATE \"C\") ELSE translate({text}, '{letters}', '{folds}') END"


class _Like(FunctionElement[bool]):
    """A column, and the pattern as LIKE and as GLOB write it: SQLite's LIKE knows no case, its GLOB does."""

    type = Boolean()
    inherit_cache = True


@compiles(_Like)
def _by_like(element: _Like, compiler: Any, **options: Any) -> str:
    column, pattern, _ = list(element.clauses)
    return f"({compiler.process(column, **options)} LIKE {compiler.process(pattern, **options)} ESCAPE '!')"


@compiles(_Like, "sqlite")
def _by_glob(element: _Like, compiler: Any, **options: Any) -> str:
    column, _, pattern = list(element.clauses)
    return f"({compiler.process(column, **options)} GLOB {compiler.process(pattern, **options)})"


def like(column: ColumnElement[Any], pattern: str, operator: str) -> ColumnElement[bool]:
    """Match a pattern; an operator with ILIKE does so in either case. A NOT in it is left to the caller."""
    if operator.endswith("ILIKE"):
        column, pattern = in_case(column), folded(pattern)
    return _Like(column, literal(_as_like(pattern), String), literal(_as_glob(pattern), String))


def in_json(pattern: str) -> str:
    """Give the pattern that JSON text has where the text that it holds has this one.

    Examples
    --------
    >>> print(in_json('say "%"'))
    "say \\\\"%\\\\""
    """
    wild = {_ANY: "%", _ONE: "_"}
    return "".join(
        (
            '"',
            *(wild.get(part) or _literally(json.dumps(part, ensure_ascii=False)[1:-1]) for part in _parts(pattern)),
            '"',
        )
    )


def _literally(text: str) -> str:
    return "".join(f"\\{letter}" if letter in "%_\\" else letter for letter in text)


def _parts(pattern: str) -> Iterator[Any]:
    """Cut a pattern into characters and wildcards."""
    position = 0
    while position < len(pattern):
        letter = pattern[position]
        if letter == "\\" and position + 1 < len(pattern):
            position += 1
            yield pattern[position]
        else:
            yield {"%": _ANY, "_": _ONE}.get(letter, letter)
        position += 1


def _as_like(pattern: str) -> str:
    written = {_ANY: "%", _ONE: "_", "%": "!%", "_": "!_", "!": "!!"}
    return "".join(written.get(part, part) for part in _parts(pattern))


def _as_glob(pattern: str) -> str:
    written = {_ANY: "*", _ONE: "?", "*": "[*]", "?": "[?]", "[": "[[]"}
    return "".join(written.get(part, part) for part in _parts(pattern))
