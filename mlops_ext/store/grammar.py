"""The search grammar: from the text of a filter or an order to a small tree, which says nothing of any table.

filter     = both { OR both }
both       = part { AND part }
part       = NOT part | "(" filter ")" | comparison
comparison = name operator value | name [NOT] LIKE value | name [NOT] ILIKE value
           | name [NOT] IN "(" value { "," value } ")" | name IS [NOT] NULL
name       = word | word "." key; a key may stand in backticks or double quotes
value      = number | NaN | Infinity | 'text' | "text"; a quote inside is written twice
order      = name [ASC | DESC] { "," name [ASC | DESC] }
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import ClassVar

from mlops_ext.errors import InvalidValue

__all__ = ["And", "Comparison", "InvalidFilter", "Name", "Node", "Not", "Or", "Value", "parse", "parse_order"]

MAX_TEXT = 10_000
MAX_DEPTH = 50
MAX_COMPARISONS = 200
MAX_ORDER = 8
KEYWORDS = ("AND", "OR", "NOT", "IN", "LIKE", "ILIKE", "IS", "NULL")
_OPERATORS = ("=", "!=", "<", "<=", ">", ">=")
_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<operator><=|>=|!=|<>|==|[=<>!])
      | (?P<mark>[(),])
      | (?P<text>'(?:[^']|'')*')
      | (?P<either>"(?:[^"]|"")*")
      | (?P<key>`(?:[^`]|``)*`)
      | (?P<word>[^\s()=!<>,'"`]+)""",
    re.VERBOSE,
)
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_SPECIAL = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
_INSTEAD = {"==": "=", "<>": "!="}
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class InvalidFilter(InvalidValue):
    """A filter or an order that cannot be read, or that names what a list does not have."""

    code: ClassVar[str] = "invalid_filter"

    @classmethod
    def at(cls, position: int, problem: str, hint: str = "") -> InvalidFilter:
        """Say what is wrong at which character, counted from 1."""
        return cls(f"at character {position + 1}: {problem}", hint=hint)


@dataclass(frozen=True)
class Name:
    """What is compared: an attribute, or with an entity such as `metrics` the key of one."""

    entity: str
    key: str
    position: int


@dataclass(frozen=True)
class Value:
    """What it is compared with; `written` is a number as it stands in the text."""

    value: str | int | float
    written: str
    position: int


@dataclass(frozen=True)
class Comparison:
    """One comparison; IN has several values, IS NULL none."""

    name: Name
    operator: str
    values: tuple[Value, ...]
    position: int


@dataclass(frozen=True)
class Not:
    """True where its part is not."""

    part: Node


@dataclass(frozen=True)
class And:
    """True where all parts are."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Or:
    """True where one of its parts is."""

    parts: tuple[Node, ...]


Node = Comparison | Not | And | Or


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    position: int

    @property
    def word(self) -> str:
        """The keyword that this is, in capitals; else empty."""
        upper = self.text.upper()
        return upper if self.kind == "word" and upper in KEYWORDS else ""


def parse(text: str) -> Node:
    """Read a filter.

    Raises
    ------
    InvalidFilter
        Where and why it cannot be read.

    Examples
    --------
    >>> parse("metrics.auc > 0.7 AND NOT tags.`my key` = 'x'")  # doctest: +ELLIPSIS
    And(parts=(Comparison(name=Name(entity='metrics', key='auc', ...
    """
    parser = _Parser(_tokens(text))
    node = parser.either()
    parser.end("AND, OR or the end")
    return node


def parse_order(text: str) -> list[tuple[Name, bool]]:
    """Read an order: names, each with whether it goes down.

    Examples
    --------
    >>> [(name.key, down) for name, down in parse_order("metrics.auc DESC, created_at")]
    [('auc', True), ('created_at', False)]
    """
    parser = _Parser(_tokens(text))
    found = [parser.direction()]
    while parser.take(","):
        found.append(parser.direction())
    parser.end("a comma or the end")
    if len(found) > MAX_ORDER:
        raise InvalidFilter(f"an order by {len(found)} names", hint=f"At most {MAX_ORDER} fit")
    return found


class _Parser:
    """Recursive descent over the tokens; each method reads one rule of the grammar."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens = tokens
        self.next = 0
        self.depth = 0
        self.comparisons = 0

    @property
    def token(self) -> _Token:
        return self.tokens[self.next]

    def either(self) -> Node:
        parts = [self.both()]
        while self.take("OR"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def both(self) -> Node:
        parts = [self.part()]
        while self.take("AND"):
            parts.append(self.part())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def part(self) -> Node:
        negated, opened = self.take("NOT"), False
        if not negated:
            opened = self.take("(")
        if not (negated or opened):
            return self.comparison()
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise InvalidFilter.at(self.token.position, f"more than {MAX_DEPTH} levels of NOT and parentheses")
        node = Not(self.part()) if negated else self.either()
        if opened:
            self.expect(")")
        self.depth -= 1
        return node

    def comparison(self) -> Comparison:
        self.comparisons += 1
        if self.comparisons > MAX_COMPARISONS:
            raise InvalidFilter.at(self.token.position, f"more than {MAX_COMPARISONS} comparisons")
        name, position = self.name(), self.token.position
        if self.take("IS"):
            operator = "IS NOT NULL" if self.take("NOT") else "IS NULL"
            self.expect("NULL")
            return Comparison(name, operator, (), position)
        if self.token.kind == "operator":
            return Comparison(name, self.operator(), (self.value(),), position)
        negation = "NOT " if self.take("NOT") else ""
        if self.take("IN"):
            return Comparison(name, f"{negation}IN", self.several(), position)
        for word in ("LIKE", "ILIKE"):
            if self.take(word):
                return Comparison(name, negation + word, (self.value(),), position)
        raise self.unexpected("= != < <= > >= LIKE ILIKE IN or IS")

    def operator(self) -> str:
        text = self.token.text
        if text not in _OPERATORS:
            raise InvalidFilter.at(
                self.token.position, f"no operator {text!r}", hint=f"Write {_INSTEAD.get(text, '= or !=')}"
            )
        self.next += 1
        return text

    def several(self) -> tuple[Value, ...]:
        self.expect("(")
        values = [self.value()]
        while self.take(","):
            values.append(self.value())
        self.expect(")")
        return tuple(values)

    def name(self) -> Name:
        token = self.token
        if token.kind in ("key", "either"):
            self.next += 1
            return Name("", _unquoted(token), token.position)
        if token.kind != "word" or token.word or _NUMBER.fullmatch(token.text):
            raise self.unexpected("a name, such as metrics.auc")
        self.next += 1
        entity, dot, key = token.text.partition(".")
        follows = self.token
        if (
            dot
            and not key
            and follows.kind in ("key", "either")
            and follows.position == token.position + len(token.text)
        ):
            self.next += 1
            return Name(entity, _unquoted(follows), token.position)
        if dot and not (entity and key):
            raise InvalidFilter.at(token.position, f"{token.text!r} lacks a part", hint="Write metrics.auc")
        return Name(entity, key, token.position) if dot else Name("", entity, token.position)

    def value(self) -> Value:
        token = self.token
        if token.kind in ("text", "either"):
            self.next += 1
            return Value(_unquoted(token), "", token.position)
        if token.kind == "word" and (_NUMBER.fullmatch(token.text) or _SPECIAL.fullmatch(token.text)):
            self.next += 1
            return Value(_number(token.text), token.text, token.position)
        if token.kind == "word" and not token.word:
            raise InvalidFilter.at(
                token.position, f"{token.text!r} is no value", hint=f"Put a text into quotes: '{token.text}'"
            )
        raise self.unexpected("a number or a text in quotes")

    def direction(self) -> tuple[Name, bool]:
        name = self.name()
        word = self.token.text.upper() if self.token.kind == "word" else ""
        if word in ("ASC", "DESC"):
            self.next += 1
        return name, word == "DESC"

    def take(self, wanted: str) -> bool:
        """Step over a keyword or mark when it is next."""
        if wanted not in (self.token.word, self.token.text if self.token.kind == "mark" else None):
            return False
        self.next += 1
        return True

    def expect(self, wanted: str) -> None:
        if not self.take(wanted):
            raise self.unexpected(wanted)

    def end(self, wanted: str) -> None:
        if self.token.kind != "end":
            raise self.unexpected(wanted)

    def unexpected(self, wanted: str) -> InvalidFilter:
        found = "the end" if self.token.kind == "end" else repr(self.token.text[:60])
        return InvalidFilter.at(self.token.position, f"{found} where {wanted} should stand")


def _tokens(text: str) -> list[_Token]:
    if len(text) > MAX_TEXT:
        raise InvalidFilter(f"{len(text)} characters are too long to search by", hint=f"At most {MAX_TEXT} fit")
    if wrong := _UNSTORABLE.search(text):
        raise InvalidFilter.at(wrong.start(), f"{wrong[0]!r}, which no stored text has")
    found, position = [], 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise InvalidFilter.at(position, f"the quote {text[position]} is not closed", hint="Close it")
        kind = match.lastgroup or ""
        if kind != "space":
            found.append(_Token(kind, match[0], position))
        position = match.end()
    return [*found, _Token("end", "", len(text))]


def _unquoted(token: _Token) -> str:
    quote = token.text[0]
    return token.text[1:-1].replace(quote * 2, quote)


def _number(text: str) -> int | float:
    """Read a number; an integer that no column could hold becomes a float."""
    if re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII):
        return int(text)
    number = float(text)
    return abs(number) if math.isnan(number) else number
