"""The search grammar: what a filter finds is what Python finds over the same rows, whatever is asked and stored."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Connection, Integer, MetaData, Row, String, Table, Text, insert, select

from mlops_ext.records import Record, SearchRequest
from mlops_ext.store.filters import Field, Fields, Keyed, matching, searched
from mlops_ext.store.grammar import MAX_COMPARISONS, MAX_DEPTH, And, InvalidFilter, Name, Not, Or, parse
from mlops_ext.store.schema import Real, Utc
from mlops_ext.store.search import Sort, contains
from mlops_ext.workspace import Workspace

EPOCH = datetime(2013, 1, 1, tzinfo=timezone.utc)
TEXTS = ["", "a", "A", "ab", "a%", "a_b", "a\\", "*", "[a]", "?", "it's", 'say "x"', "`", "日本", "; DROP TABLE items--",
         "<b>", "!", "a\nb", "^", "50%!"]  # fmt: skip
NUMBERS = [-2, 0, 1, 3, 0.5, -1.5, 1e300, math.inf, -math.inf, math.nan]
KEYS = ["auc", "my key", "a.b", "quo`te", 'd"q', "NOT", "%"]
PARAMETERS = ["1", "1.0", '"1"', '"a"', '"a%"', '"say \\"x\\""', '"a\\\\"', "null", "[1, 2]", '"A"', '""']

TABLES = MetaData()
ITEMS = Table("items", TABLES, Column("id", Integer, primary_key=True), Column("text", Text), Column("plain", Text, nullable=False),
              Column("rank", Integer), Column("moment", Utc, nullable=False))  # fmt: skip
PAIRS = {
    name: Table(name, TABLES, Column("item", Integer, primary_key=True), Column("key", String(250), primary_key=True),
                Column("value", kind))
    for name, kind in {"item_tags": Text, "item_metrics": Real, "item_params": Text, "item_names": Text}.items()
}  # fmt: skip


def keyed(name: str, kind: Any) -> Keyed:
    table = PAIRS[name]
    return Keyed(table.c.key, table.c.value, table.c.item == ITEMS.c.id, kind)


FIELDS = Fields(
    {
        "id": Field(ITEMS.c.id, "number"),
        "text": Field(ITEMS.c.text, nullable=True),
        "plain": Field(ITEMS.c.plain),
        "rank": Field(ITEMS.c.rank, "number", nullable=True),
        "moment": Field(ITEMS.c.moment, "time"),
        "names": Field(
            PAIRS["item_names"].c.value, "name", within=PAIRS["item_names"].c.item == ITEMS.c.id, sortable=False
        ),
    },
    (Sort(ITEMS.c.id),),
    {
        "tags": keyed("item_tags", "text"),
        "metrics": keyed("item_metrics", "number"),
        "params": keyed("item_params", "json"),
    },
)


class Item(Record):
    """An item as a list gives it."""

    id: int


def make(row: Row[Any]) -> Item:
    return Item(id=row.id)


@pytest.fixture
def store(workspace: Workspace) -> Workspace:
    workspace.ensure()
    with workspace.database.engine.begin() as connection:
        TABLES.create_all(connection)
    return workspace


# What an item holds, and what is asked of it.

ITEM = st.fixed_dictionaries(
    {
        "text": st.none() | st.sampled_from(TEXTS),
        "plain": st.sampled_from(TEXTS),
        "rank": st.none() | st.integers(-2, 3),
        "moment": st.integers(0, 3).map(lambda days: EPOCH + timedelta(days=days)),
        "tags": st.dictionaries(st.sampled_from(KEYS), st.sampled_from(TEXTS), max_size=3),
        "metrics": st.dictionaries(st.sampled_from(KEYS), st.sampled_from(NUMBERS), max_size=3),
        "params": st.dictionaries(st.sampled_from(KEYS), st.sampled_from(PARAMETERS), max_size=3),
        "names": st.lists(st.sampled_from(TEXTS), max_size=2, unique=True),
    }
)
PATTERN = st.lists(
    st.sampled_from(["%", "_", "\\%", "\\_", "\\\\", "a", "A", "b", '"', "[", "*", "!", "x"]), max_size=4
)
EQUAL, PATTERNS = ("=", "!=", "IN", "NOT IN"), ("LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE")
ORDERED = (*EQUAL, "<", "<=", ">", ">=")
NAMED = {"text": "text", "plain": "text", "names": "text", "id": "number", "rank": "number", "moment": "time"}


@st.composite
def comparisons(draw: Any) -> tuple[str, str, str, list[Any]]:
    entity = draw(st.sampled_from(["", "tags", "metrics", "params"]))
    key = draw(st.sampled_from(sorted(NAMED) if not entity else KEYS))
    kind = {"": NAMED.get(key, ""), "tags": "text", "metrics": "number", "params": "params"}[entity]
    operator = draw(
        st.sampled_from([*(ORDERED if kind in ("number", "time") else EQUAL + PATTERNS), "IS NULL", "IS NOT NULL"])
    )
    if operator.startswith("IS"):
        return entity, key, operator, []
    if operator.endswith("LIKE"):
        return entity, key, operator, ["".join(draw(PATTERN))]
    pool = {
        "text": st.sampled_from(TEXTS),
        "number": st.sampled_from(NUMBERS[:-1]),
        "params": st.sampled_from(["1", "a", 'say "x"', "", "a%", 1, 1.0, "A"]),
        "time": st.integers(0, 3).map(lambda days: EPOCH + timedelta(days=days)),
    }[kind]
    if operator.endswith("IN"):
        return entity, key, operator, draw(st.lists(pool, min_size=1, max_size=3))
    if entity == "metrics" and operator in ("=", "!=") and draw(st.booleans()):
        return entity, key, operator, [math.nan]
    return entity, key, operator, [draw(pool)]


TREES = st.recursive(
    comparisons().map(lambda each: ("is", each)),
    lambda inner: (
        st.tuples(st.just("not"), inner)
        | st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3))
    ),
    max_leaves=6,
)


# The same in Python, over the rows as they are.


def holds(tree: Any, item: dict[str, Any]) -> bool:
    kind, inner = tree
    if kind == "is":
        return fits(inner, item)
    if kind == "not":
        return not holds(inner, item)
    return (all if kind == "and" else any)([holds(each, item) for each in inner])


def fits(asked: tuple[str, str, str, list[Any]], item: dict[str, Any]) -> bool:
    entity, key, operator, wanted = asked
    if entity:
        held = [item[entity][key]] if key in item[entity] else []
    else:
        held = item[key] if key == "names" else [] if item[key] is None else [item[key]]
    if operator == "IS NULL":
        return not held
    if operator == "IS NOT NULL":
        return bool(held)
    return any(compares(entity, operator, value, wanted) for value in held)


def compares(entity: str, operator: str, value: Any, wanted: list[Any]) -> bool:
    if operator.startswith("NOT "):
        return not compares(entity, operator[4:], value, wanted)
    if operator == "!=":
        return not compares(entity, "=", value, wanted)
    if entity == "params":
        held = json.loads(value)
        if operator.endswith("LIKE"):
            value = held if isinstance(held, str) else value
        else:
            return any(same_parameter(value, held, each) for each in wanted)
    if operator in ("=", "IN"):
        return any(value == each or (value != value and each != each) for each in wanted)
    if operator.endswith("LIKE"):
        return bool(regex(wanted[0], re.IGNORECASE if operator == "ILIKE" else re.RegexFlag(0)).fullmatch(value))
    first = wanted[0]
    return {"<": value < first, "<=": value <= first, ">": value > first, ">=": value >= first}[operator]


def same_parameter(text: str, held: Any, wanted: Any) -> bool:
    if isinstance(wanted, str):
        return wanted in (text, held)
    with suppress(TypeError, ValueError):
        return not isinstance(held, bool | None) and float(held) == wanted
    return False


def regex(pattern: str, flags: int) -> re.Pattern[str]:
    found = re.sub(
        r"\\(.)|(%)|(_)|(.)",
        lambda m: re.escape(m[1]) if m[1] else ".*" if m[2] else "." if m[3] else re.escape(m[4]),
        pattern,
        flags=re.DOTALL,
    )
    return re.compile(found, flags | re.DOTALL)


# How it may be written.


@st.composite
def written(draw: Any, tree: Any) -> str:
    kind, inner = tree
    if kind == "is":
        return draw(written_comparison(inner))
    if kind == "not":
        return f"{draw(word('NOT'))} ({draw(written(inner))})"
    return f" {draw(word(kind))} ".join(f"({draw(written(each))})" for each in inner)


@st.composite
def written_comparison(draw: Any, asked: tuple[str, str, str, list[Any]]) -> str:
    entity, key, operator, wanted = asked
    quote = draw(st.sampled_from('`"'))
    name = f"{quote}{key.replace(quote, quote * 2)}{quote}"
    if entity:
        aliases = {"params": "parameter", "tags": "TAG", "metrics": "metric"}
        name = f"{draw(st.sampled_from([entity, aliases[entity]]))}.{name}"
    elif draw(st.booleans()):
        name = draw(st.sampled_from(["", "attributes.", "attr.", "run."])) + key
    values = [draw(written_value(each)) for each in wanted]
    text = f"({', '.join(values)})" if operator.endswith("IN") else "".join(values)
    return f"{name}{draw(st.sampled_from([' ', '  ', chr(10)]))}{draw(word(operator))} {text}"


@st.composite
def written_value(draw: Any, value: Any) -> str:
    if isinstance(value, datetime):
        return f"'{draw(st.sampled_from([value.isoformat(), f'{value:%Y-%m-%d}', f'{value:%Y-%m-%dT%H:%MZ}']))}'"
    if isinstance(value, str):
        quote = draw(st.sampled_from("'\""))
        return f"{quote}{value.replace(quote, quote * 2)}{quote}"
    return {"inf": "Infinity", "-inf": "-inf", "nan": "NaN"}.get(str(value), str(value))


def word(text: str) -> st.SearchStrategy[str]:
    return st.sampled_from([text.upper(), text.lower(), text.title()])


def fill(connection: Connection, items: list[dict[str, Any]]) -> None:
    for number, item in enumerate(items, 1):
        own = {name: item[name] for name in ("text", "plain", "rank", "moment")}
        connection.execute(insert(ITEMS).values(id=number, **own))
        several = {str(position): name for position, name in enumerate(item["names"])}
        for entity, pairs in (("tags", item["tags"]), ("metrics", item["metrics"]), ("params", item["params"]), ("names", several)):  # fmt: skip
            rows = [{"item": number, "key": key, "value": value} for key, value in pairs.items()]
            if rows:
                connection.execute(insert(PAIRS[f"item_{entity}"]), rows)


def pages(connection: Connection, **asked: Any) -> Iterator[int]:
    cursor = ""
    while True:
        page = searched(connection, select(ITEMS), FIELDS, SearchRequest(cursor=cursor, **asked), make)
        yield from (item.id for item in page)
        cursor = page.next
        if not cursor:
            return


SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@SHARED
@given(data=st.data(), items=st.lists(ITEM, max_size=8), tree=TREES, limit=st.integers(1, 9))
def test_a_filter_finds_what_python_finds(store, data, items, tree, limit):
    text = data.draw(written(tree))
    with store.database.engine.connect() as connection, connection.begin() as transaction:
        fill(connection, items)
        found = list(pages(connection, filter=text, limit=limit))
        transaction.rollback()
    assert found == [number for number, item in enumerate(items, 1) if holds(tree, {**item, "id": number})], text


def every_comparison() -> Iterator[tuple[str, tuple[str, str, str, list[Any]]]]:
    """Give each kind of comparison with each value, as it is written and as it is."""
    patterns = ["%", "_", "", "a%", "%A%", "a\\%", "a\\_b", "%\\\\", '%"x"', "[a]", "*", "[%"]
    values: dict[str, list[Any]] = {
        "text": TEXTS,
        "params": ["1", "a", 'say "x"', "", "a%", "a\\", 1],
        "number": NUMBERS,
    }
    for entity, key, kind in (("", "text", "text"), ("", "names", "text"), ("tags", "k", "text"), ("params", "k", "params"),
                              ("metrics", "k", "number"), ("", "rank", "number")):  # fmt: skip
        name = f"{entity}.{key}" if entity else key
        for operator in ("=", "!=", "IN", "NOT IN", *(PATTERNS if kind != "number" else ("<", "<=", ">", ">="))):
            for value in patterns if operator.endswith("LIKE") else values[kind]:
                if value != value and operator not in ("=", "!="):
                    continue
                literal = f"'{value.replace(chr(39), chr(39) * 2)}'" if isinstance(value, str) else str(value)
                text = f"({literal})" if operator.endswith("IN") else literal
                yield f"{name} {operator} {text}", (entity, key, operator, [value])


def test_every_comparison_alone_finds_what_python_finds(store):
    pool = zip(TEXTS, NUMBERS * 2, [*PARAMETERS, *PARAMETERS], strict=False)
    items = [
        {"text": text, "plain": "", "rank": None if number != number or abs(number) > 9 else int(number), "moment": EPOCH,
         "tags": {"k": text}, "metrics": {"k": number}, "params": {"k": parameter}, "names": [text, "a"] if text != "a" else ["a"]}
        for text, number, parameter in pool
    ]  # fmt: skip
    items.append({**items[0], "text": None, "tags": {}, "metrics": {}, "params": {}, "names": []})
    with store.database.engine.connect() as connection, connection.begin():
        fill(connection, items)
        for text, asked in every_comparison():
            found = list(
                connection.execute(select(ITEMS.c.id).where(matching(text, FIELDS)).order_by(ITEMS.c.id)).scalars()
            )
            assert found == [number for number, item in enumerate(items, 1) if fits(asked, item)], text


@SHARED
@given(
    items=st.lists(ITEM, max_size=10),
    order=st.lists(
        st.tuples(st.sampled_from(["metrics.auc", "rank", "moment", "metrics.`my key`", "id"]), st.booleans()),
        min_size=1,
        max_size=3,
        unique_by=lambda each: each[0],
    ),
    limit=st.integers(1, 4),
)
def test_pages_in_any_order_hold_every_item_once_and_what_is_missing_last(store, items, order, limit):
    text = ", ".join(f"{name}{' desc' if down else ''}" for name, down in order)
    with store.database.engine.connect() as connection, connection.begin() as transaction:
        fill(connection, items)
        found = list(pages(connection, order_by=text, limit=limit))
        transaction.rollback()

    def place(number: int) -> list[Any]:
        return [part for name, down in order for part in sort_key(value_at(items[number - 1], number, name), down=down)]

    assert found == sorted(range(1, len(items) + 1), key=lambda number: (*place(number), number))


def value_at(item: dict[str, Any], number: int, name: str) -> Any:
    if name == "id":
        return number
    if name.startswith("metrics."):
        return item["metrics"].get(name[8:].strip("`"))
    return item[name]


def sort_key(value: Any, *, down: bool) -> tuple[bool, float]:
    if value is None or value != value:
        return True, 0.0
    number = value.timestamp() if isinstance(value, datetime) else float(value)
    return False, -number if down else number


@pytest.mark.fast
@given(st.text())
def test_any_text_is_a_filter_or_one_sentence_that_names_the_place(text):
    found: list[InvalidFilter] = []
    try:
        matching(text, FIELDS)
    except InvalidFilter as error:
        found.append(error)
    assert all(re.match(r"at character \d+: ", error.message) for error in found)


@SHARED
@given(st.lists(st.sampled_from(["(", ")", "AND", "NOT", "or", "rank", "metrics.auc", "tags.`", "text", "=", "!=", ">", "LIKE", "IN", "IS", "NULL", "1", "'a'", '"a"', ",", "NaN", "1e999", "'2013'", "--", ";", "\\", "0x1", "moment", "'"]), max_size=12).map(" ".join))  # fmt: skip
def test_any_words_are_an_answer_or_one_sentence(store, text):
    with store.database.engine.connect() as connection, connection.begin(), suppress(InvalidFilter):
        searched(connection, select(ITEMS), FIELDS, SearchRequest(filter=text), make)


@pytest.mark.fast
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nmae = 'a'", "at character 1: no attribute 'nmae' here. Did you mean 'names'?"),
        ("rank = 1 AND mtrics.auc > 1", "at character 14: nothing here has 'mtrics'. Did you mean 'metrics'?"),
        ("text = a", "at character 8: 'a' is no value. Put a text into quotes: 'a'"),
        ("text == 'a'", "at character 6: no operator '=='. Write ="),
        ("text = 'a", "at character 8: the quote ' is not closed"),
        ("(rank = 1", "at character 10: the end where ) should stand"),
        ("rank = 1 rank = 2", "at character 10: 'rank' where AND, OR or the end should stand"),
        ("rank", "at character 5: the end where = != < <= > >= LIKE ILIKE IN or IS should stand"),
        ("rank = '1'", "at character 8: 'rank' is a number, not the text '1'. Leave the quotes out"),
        ("text = 1", "at character 8: 'text' is a text, not the number 1. Write '1'"),
        ("text > 'a'", "at character 6: 'text' cannot be compared by >"),
        ("moment > 'soon'", "at character 10: 'soon' is no time. Write '2013-01-31'"),
        ("metrics.auc < NaN", "at character 13: NaN is neither smaller nor larger than a number"),
        ("metrics. = 1", "at character 1: 'metrics.' lacks a part"),
        ("rank IN ()", "at character 10: ')' where a number or a text in quotes should stand"),
        ("text = '\0'", "at character 9: '\\x00', which no stored text has"),
        ("(" * (MAX_DEPTH + 1), "levels of NOT and parentheses"),
        (" AND ".join(["rank = 1"] * (MAX_COMPARISONS + 1)), f"more than {MAX_COMPARISONS} comparisons"),
        ("x" * 20_000, "20000 characters are too long"),
    ],
)
def test_what_is_wrong_is_said_with_place_word_and_remedy(text, said):
    with pytest.raises(InvalidFilter) as raised:
        matching(text, FIELDS)
    assert said in str(raised.value)


@pytest.mark.fast
def test_and_binds_more_than_or_and_not_more_than_and():
    node = parse("NOT rank = 1 AND rank = 2 OR rank = 3")
    assert isinstance(node, Or)
    assert isinstance(node.parts[0], And)
    assert isinstance(node.parts[0].parts[0], Not)
    assert parse("tag.mlflow.source.name = 'x'").name == Name("tag", "mlflow.source.name", 0)


@pytest.mark.parametrize(("asked", "found"), [("text ILIKE 'ärger%'", [1, 2]), ("text LIKE 'ärger%'", [2])])
def test_letters_beyond_ascii_have_cases_too(store, asked, found):
    with store.database.engine.begin() as connection:
        for number, text in enumerate(["ÄRGER!", "ärger", "arger"], 1):
            connection.execute(insert(ITEMS).values(id=number, text=text, plain="", moment=EPOCH))
        assert list(pages(connection, filter=asked)) == found


CASED = st.text(st.sampled_from("aAzZßẞäÄéÉİıIiſsSKkµμΜσςΣЖжԱաႠⴀᲐაꭰᎠǅǆǄøØ𐐀𐐨𞤀𞤢日 -_"), min_size=1, max_size=5)


@SHARED
@given(texts=st.lists(CASED, min_size=1, max_size=6), asked=CASED)
def test_every_letter_has_one_case_more_on_both_databases(store, texts, asked):
    def alike(one: str, other: str) -> bool:
        return len(one) == len(other) and all(
            a == b or a.casefold() == b.casefold() for a, b in zip(one, other, strict=True)
        )

    with store.database.engine.connect() as connection, connection.begin() as transaction:
        rows = [{"id": number, "text": text, "plain": "", "moment": EPOCH} for number, text in enumerate(texts)]
        connection.execute(insert(ITEMS), rows)
        wanted = [number for number, text in enumerate(texts) if alike(text, asked)]
        pattern = asked.replace("_", r"\_")
        assert list(pages(connection, filter=f"text ILIKE '{pattern}'")) == wanted
        part = select(ITEMS.c.id).where(contains(ITEMS.c.text, asked)).order_by(ITEMS.c.id)
        held = [
            number
            for number, text in enumerate(texts)
            if any(alike(text[at : at + len(asked)], asked) for at in range(len(text)))
        ]
        assert list(connection.execute(part).scalars()) == held
        transaction.rollback()


def test_what_an_item_may_have_twice_is_no_order(store):
    with store.catalog.read() as connection, pytest.raises(InvalidFilter, match="several 'names'"):
        searched(connection, select(ITEMS), FIELDS, SearchRequest(order_by="names"), make)
