"""Pages: read one by one, they are the whole list, whatever its ties, letters and direction."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Row, insert, select

from mlops_ext.errors import InvalidValue
from mlops_ext.records import Record
from mlops_ext.store.search import batches, contains, paged, present
from mlops_ext.workspace import Workspace
from tests.store.notes import make_notes, notes, write_note

EPOCH = datetime(2013, 1, 1, tzinfo=timezone.utc)
WORDS = st.sampled_from(
    [
        "",
        "a",
        "A",
        "b",
        "ä",
        "Ä",
        "z",
        "Z",
        "é",
        "e\u0301",
        "ß",
        "ss",
        "日本",
        "\U0001f600",
        "a b",
        "a_b",
        "%",
        "'",
        '"',
        "\\",
    ]
)
SHARED_FIXTURE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


class Note(Record):
    """A note as a list gives it."""

    id: int
    text: str


def make(row: Row) -> Note:
    return Note(id=row.id, text=row.text)


@pytest.fixture
def store(workspace: Workspace) -> Workspace:
    make_notes(workspace)
    return workspace


def all_pages(connection: Connection, columns: list, limit: int, *, descending: bool) -> list[int]:
    found, cursor = [], ""
    while True:
        page = paged(connection, select(notes), columns, limit, cursor, make, descending=descending)
        assert 0 < len(page) <= limit or not (found or page.next)
        found += [item.id for item in page]
        cursor = page.next
        if not cursor:
            return found


@SHARED_FIXTURE
@given(
    rows=st.lists(st.tuples(st.integers(-2, 2), WORDS, st.integers(0, 3)), max_size=25),
    limit=st.integers(1, 26),
    key=st.sampled_from(["rank", "text", "moment", "rank+text", "text+moment"]),
    descending=st.booleans(),
)
def test_the_pages_together_are_the_sorted_list(store, rows, limit, key, descending):
    numbered = [
        {"id": number, "rank": rank, "text": text, "moment": EPOCH + timedelta(microseconds=tick)}
        for number, (rank, text, tick) in enumerate(rows, 1)
    ]
    columns = [*(notes.c[name] for name in key.split("+")), notes.c.id]
    with store.database.engine.connect() as connection, connection.begin() as transaction:
        if numbered:
            connection.execute(insert(notes), numbered)
        found = all_pages(connection, columns, limit, descending=descending)
        ordered = select(notes.c.id).order_by(*(each.desc() if descending else each for each in columns))
        whole = list(connection.execute(ordered).scalars())
        transaction.rollback()
    assert found == whole
    if store.database.sqlite or "text" not in key:  # a server sorts words by its own language's rules
        names = [column.name for column in columns]
        expected = sorted(numbered, key=lambda row: [row[name] for name in names], reverse=descending)
        assert found == [row["id"] for row in expected]


@pytest.mark.parametrize("descending", [False, True])
def test_no_page_loses_what_is_not_a_number_and_it_sorts_last(store, descending):
    values = [float("nan"), 2.0, float("-inf"), float("nan"), float("inf"), 1.0, float("nan")]
    for value in values:
        write_note(store, str(value), number=value)
    with store.catalog.read() as connection:
        found = all_pages(connection, [notes.c.number, notes.c.id], 2, descending=descending)
    missing = [1, 4, 7]
    assert found == ([5, 2, 6, 3, *missing[::-1]] if descending else [3, 6, 2, 5, *missing])


def test_the_last_full_page_names_no_next_one(store):
    for number in range(4):
        write_note(store, str(number))
    with store.catalog.read() as connection:
        first = paged(connection, select(notes), [notes.c.id], 2, "", make)
        second = paged(connection, select(notes), [notes.c.id], 2, first.next, make)
    assert (len(first), len(second), second.next) == (2, 2, "")


def test_rows_added_between_pages_neither_repeat_nor_hide_others(store):
    for number in range(4):
        write_note(store, str(number), rank=number * 10)
    with store.catalog.read() as connection:
        first = paged(connection, select(notes), [notes.c.rank, notes.c.id], 2, "", make)
    write_note(store, "early", rank=5)
    write_note(store, "late", rank=25)
    with store.catalog.read() as connection:
        rest = paged(connection, select(notes), [notes.c.rank, notes.c.id], 9, first.next, make)
    assert [note.text for note in [*first, *rest]] == ["0", "1", "2", "late", "3"]


def test_a_workspace_that_does_not_exist_lists_as_empty(workspace):
    from mlops_ext.store.schema import events

    with workspace.catalog.read() as connection:
        page = paged(connection, select(events), [events.c.seq], 5, "", make)
    assert (list(page), page.next) == ([], "")
    assert not workspace.home.exists()


def cursor_of(values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


@SHARED_FIXTURE
@given(
    cursor=st.text(min_size=1)
    | st.lists(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\ud800") | st.lists(st.integers()) | st.dictionaries(st.text(), st.text()),
        max_size=5,
    ).map(cursor_of)
)  # fmt: skip
def test_any_text_as_a_cursor_is_a_page_or_one_sentence(store, cursor):
    columns = [notes.c.rank, notes.c.text, notes.c.moment, notes.c.number]
    with store.database.engine.connect() as connection, connection.begin(), suppress(InvalidValue):
        paged(connection, select(notes), columns, 5, cursor, make)


@pytest.mark.parametrize(
    ("needle", "found"), [("a_", ["xa_b"]), ("%", ["100%"]), ("A", ["xa_b", "xacb"]), ("\\", ["\\"])]
)
def test_contains_takes_every_character_as_itself_in_either_case(store, needle, found):
    for text in ("xa_b", "xacb", "100%", "\\"):
        write_note(store, text)
    with store.catalog.read() as connection:
        query = select(notes.c.text).where(contains(notes.c.text, needle)).order_by(notes.c.id)
        assert list(connection.execute(query).scalars()) == found


@pytest.mark.fast
@given(st.sets(st.text()))
def test_batches_hold_every_value_once(values):
    assert [each for batch in batches(values) for each in batch] == sorted(values)


def test_more_values_than_a_statement_binds_are_looked_up(store):
    write_note(store, "7")
    with store.catalog.read() as connection:
        assert present(connection.execute, notes.c.text, map(str, range(70_000))) == {"7"}
