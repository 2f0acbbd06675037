"""Prepared statements do what the plain ones do, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone

import pytest
from sqlalchemy import Connection, bindparam, func, insert, select, union_all, update
from sqlalchemy.exc import IntegrityError

from mlops_ext.store.catalog import Change
from mlops_ext.store.prepared import Prepared, among
from mlops_ext.workspace import Workspace
from tests.store.notes import make_notes, notes, texts, write_note

MOMENT = datetime(2013, 1, 31, 6, tzinfo=timezone.utc)
ROWS = [
    {"id": 1, "text": "ärger", "rank": 1, "number": float("inf"), "data": {"a": [1]}, "moment": MOMENT},
    {"id": 2, "text": 'a "quote", a %, a \\', "rank": None, "number": 0.5, "data": None, "moment": None},
    {"id": 3, "text": "日本", "rank": 3, "number": -0.0, "data": "text", "moment": MOMENT},
]
INSERT = Prepared(insert(notes))
BY_TEXT = Prepared(select(notes).where(among([notes.c.text], "texts")).order_by(notes.c.id))
BY_PAIR = Prepared(select(notes.c.id).where(among([notes.c.text, notes.c.rank], "pairs")).order_by(notes.c.id))


@contextmanager
def filled(ws: Workspace) -> Iterator[Connection]:
    make_notes(ws)
    with ws.database.engine.connect() as connection, connection.begin():
        connection.execute(INSERT, ROWS)
        yield connection


def test_a_prepared_select_gives_the_rows_of_the_plain_one(workspace: Workspace) -> None:
    with filled(workspace) as connection:
        for _ in range(2):
            asked = {"texts": [[row["text"]] for row in ROWS]}
            rows = connection.execute(BY_TEXT, asked).all()
            assert rows == connection.execute(BY_TEXT.statement, asked).all()
        assert [(row.id, row.text, row.rank, row.data, row.moment) for row in rows] == [
            (row["id"], row["text"], row["rank"], row["data"], row["moment"]) for row in ROWS
        ]


def test_a_list_may_be_empty_or_long_and_matches_whole_rows(workspace: Workspace) -> None:
    with filled(workspace) as connection:
        assert connection.execute(BY_TEXT, {"texts": []}).all() == []
        assert connection.execute(BY_PAIR, {"pairs": []}).all() == []
        pairs = [[f"none {number}", number] for number in range(50_000)] + [["日本", 3], ["ärger", 3]]
        assert list(connection.execute(BY_PAIR, {"pairs": pairs}).scalars()) == [3]


def test_values_of_its_own_and_values_given_stand_in_their_places(workspace: Workspace) -> None:
    counted = select(func.count().label("held")).select_from(notes)
    both = Prepared(union_all(counted.where(notes.c.rank == 1), counted.where(notes.c.id > bindparam("beyond"))))
    with filled(workspace) as connection:
        assert list(connection.execute(both, {"beyond": 1}).scalars()) == [1, 2]


def test_an_update_sets_the_columns_that_it_is_given(workspace: Workspace) -> None:
    change = Prepared(update(notes).where(notes.c.id == bindparam("of_note")))
    with filled(workspace) as connection:
        assert connection.execute(change, {"of_note": 1, "text": "new"}).rowcount == 1
        connection.execute(change, [{"of_note": number, "rank": 9} for number in (2, 3)])
        rows = connection.execute(select(notes.c.text, notes.c.rank).order_by(notes.c.id)).all()
    assert [tuple(row) for row in rows] == [("new", 1), (ROWS[1]["text"], 9), ("日本", 9)]


def test_what_the_driver_refuses_is_told_as_ever_and_undone(workspace: Workspace) -> None:
    make_notes(workspace)

    def twice(change: Change) -> None:
        for _ in range(2):
            change.execute(INSERT, {"id": 1, "text": "one"})

    with pytest.raises(IntegrityError):
        workspace.catalog.write(twice)
    assert texts(workspace) == []
    write_note(workspace, "after")


def test_a_prepared_change_without_an_event_is_refused(workspace: Workspace) -> None:
    make_notes(workspace)
    with pytest.raises(RuntimeError, match="without an event"):
        workspace.catalog.write(lambda change: change.execute(INSERT, {"text": "silent"}))
    assert texts(workspace) == []


def test_outside_of_a_transaction_it_begins_one(workspace: Workspace) -> None:
    make_notes(workspace)
    write_note(workspace, "one")
    with workspace.database.engine.connect() as connection:
        assert len(connection.execute(BY_TEXT, {"texts": [["one"]]}).all()) == 1
        assert connection.in_transaction()


@pytest.mark.sqlite
def test_a_list_of_changing_length_is_refused_before_it_is_run(workspace: Workspace) -> None:
    loose = Prepared(select(notes).where(notes.c.id.in_(bindparam("ids", expanding=True))))
    with filled(workspace) as connection, pytest.raises(TypeError, match="among"):
        connection.execute(loose, {"ids": [1]})
