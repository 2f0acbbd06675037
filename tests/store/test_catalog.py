"""One change, one transaction, one event; by many writers at once."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import StatementError

from mlops_ext.store import catalog as catalog_module
from mlops_ext.store.catalog import Actor, Change
from mlops_ext.store.schema import event_data, events
from mlops_ext.workspace import Workspace
from tests.store.notes import in_processes, make_notes, notes, problems, sequence, texts, write_many, write_note


@pytest.fixture
def store(workspace: Workspace) -> Workspace:
    """A workspace with the table of notes."""
    make_notes(workspace)
    return workspace


def test_a_change_appends_one_event_that_tells_of_it(store):
    acting = store.acting_as(Actor("ada", "ci"))
    assert write_note(acting, "first") == 1
    with store.catalog.read() as connection:
        row = connection.execute(select(events, event_data.c.data).join(event_data)).one()
    assert (row.seq, row.format, row.actor, row.auth) == (1, 1, "ada", "ci")
    assert (row.action, row.subject, row.data) == ("note.written", "workspace", '{"text":"first"}')
    assert abs(row.time - datetime.now(timezone.utc)) < timedelta(minutes=5)


@pytest.mark.parametrize(
    "statement",
    [
        insert(notes).values(text="silent"),
        update(notes).values(text="silent"),
        delete(notes),
        insert(notes).from_select(["text"], select(notes.c.text)),
    ],
    ids=["insert", "update", "delete", "insert from select"],
)
def test_a_change_without_an_event_is_refused_and_undone(store, statement):
    write_note(store, "kept")
    with pytest.raises(RuntimeError, match="without an event"):
        store.catalog.write(lambda change: change.execute(statement))
    assert texts(store) == ["kept"]


def test_two_events_in_one_change_are_refused_and_undone(store):
    def change(change: Change) -> None:
        change.execute(insert(notes).values(text="twice"))
        change.event("note.written", "workspace")
        change.event("note.written", "workspace")

    with pytest.raises(RuntimeError, match="second event"):
        store.catalog.write(change)
    assert texts(store) == []
    assert sequence(store) == []


def test_a_change_that_does_nothing_appends_nothing(store):
    write_note(store, "kept")
    touched = store.catalog.write(
        lambda change: change.execute(update(notes).where(notes.c.text == "absent").values(text="new")).rowcount
    )
    assert touched == 0
    assert sequence(store) == [1]


def test_an_error_inside_a_change_undoes_rows_and_event(store):
    def change(change: Change) -> None:
        change.execute(insert(notes).values(text="half"))
        change.event("note.written", "workspace")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.catalog.write(change)
    assert (texts(store), sequence(store), problems(store)) == ([], [], [])


def test_when_the_event_cannot_be_written_the_change_does_not_happen(store):
    def change(change: Change) -> None:
        change.execute(insert(notes).values(text="half"))
        change.event("note.written", "workspace", {"unwritable": object()})

    with pytest.raises(Exception, match="object"):
        store.catalog.write(change)
    assert (texts(store), sequence(store)) == ([], [])


def test_measurements_append_no_event(store):
    store.catalog.measure(lambda change: change.execute(insert(notes).values(text="telemetry")))
    assert (texts(store), sequence(store)) == (["telemetry"], [])


def test_two_processes_of_500_changes_keep_one_unbroken_chain(store):
    acknowledged = in_processes(write_many, [(store.root, writer, 500) for writer in range(2)])
    assert sorted(acknowledged[0] + acknowledged[1]) == list(range(1, 1001))
    assert all(earlier < later for each in acknowledged for earlier, later in pairwise(each))
    assert sequence(store) == list(range(1, 1001))
    assert sorted(texts(store)) == sorted(f"{writer}/{number}" for writer in range(2) for number in range(500))
    assert problems(store) == []


def test_eight_threads_of_writers_never_find_the_store_locked(store):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda writer: [write_note(store, f"{writer}/{number}") for number in range(25)], range(8)))
    assert sequence(store) == list(range(1, 201))
    assert problems(store) == []


def test_eight_processes_of_writers_never_find_the_store_locked(store):
    acknowledged = in_processes(write_many, [(store.root, writer, 20) for writer in range(8)])
    assert sorted(seq for each in acknowledged for seq in each) == list(range(1, 161))
    assert problems(store) == []


def test_what_was_read_inside_a_change_holds_until_it_ends(store):
    """The classic lost update: each writer adds one to what it reads."""
    write_note(store, "counter", rank=0)

    def add_one(change: Change) -> None:
        rank = change.execute(select(notes.c.rank)).scalar_one()
        change.execute(update(notes).values(rank=rank + 1))
        change.event("note.counted", "workspace")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: [store.catalog.write(add_one) for _ in range(20)], range(4)))
    with store.catalog.read() as connection:
        assert connection.execute(select(notes.c.rank)).scalar_one() == 80


def test_a_reader_sees_one_snapshot_while_others_write(store):
    write_note(store, "before")
    with store.catalog.read() as connection:
        first = connection.execute(select(func.count()).select_from(notes)).scalar_one()
        write_note(store, "during")
        assert connection.execute(select(func.count()).select_from(notes)).scalar_one() == first
    assert texts(store) == ["before", "during"]


def test_a_clock_that_goes_back_breaks_nothing(store, monkeypatch):
    moments = iter([datetime(2031, 1, 1, tzinfo=timezone.utc), datetime(1999, 12, 31, tzinfo=timezone.utc)])
    monkeypatch.setattr(catalog_module, "now", lambda: next(moments))
    write_note(store, "later")
    write_note(store, "earlier")
    with store.catalog.read() as connection:
        years = [moment.year for moment in connection.execute(select(events.c.time).order_by(events.c.seq)).scalars()]
    assert years == [2031, 1999]
    assert problems(store) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_opens_connections_of_its_own(store):
    write_note(store, "parent before")
    with store.catalog.read() as connection:
        assert connection.execute(select(func.count()).select_from(notes)).scalar_one() == 1
        child = os.fork()
        if child == 0:
            status = 1
            try:
                write_note(store, "child")
                status = 0 if texts(store) == ["parent before", "child"] else 2
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
        assert connection.execute(select(func.count()).select_from(notes)).scalar_one() == 1
    write_note(store, "parent after")
    assert texts(store) == ["parent before", "child", "parent after"]
    assert problems(store) == []
    if store.database.sqlite:
        with store.catalog.read() as connection:
            assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"


SHARED_FIXTURE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
MOMENTS = st.datetimes(timezones=st.sampled_from([timezone.utc, timezone(timedelta(hours=-7)), timezone(timedelta(hours=14))]),
                       min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1))  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@SHARED_FIXTURE
@given(number=st.floats(), data=JSON, moment=MOMENTS)
def test_every_number_json_value_and_moment_comes_back_as_it_went(store, number, data, moment):
    with store.database.engine.connect() as connection, connection.begin() as transaction:
        connection.execute(insert(notes).values(number=number, data=data, moment=moment))
        row = connection.execute(select(notes)).one()
        transaction.rollback()
    assert row.number == number or (math.isnan(row.number) and math.isnan(number))
    assert row.data == data
    assert row.moment == moment
    assert row.moment.utcoffset() == timedelta(0)


def test_non_finite_numbers_inside_json_become_their_names(store):
    write_note(store, "odd", data={"a": [math.nan, math.inf, -math.inf]})
    with store.catalog.read() as connection:
        assert connection.execute(select(notes.c.data)).scalar_one() == {"a": ["NaN", "Infinity", "-Infinity"]}


def test_moments_sort_as_text_does(store):
    moments = [datetime(year, 3, 4, 5, 6, 7, 8, tzinfo=timezone.utc) for year in (999, 1999, 2013, 9999)]
    for moment in reversed(moments):
        write_note(store, "", moment=moment)
    with store.catalog.read() as connection:
        assert list(connection.execute(select(notes.c.moment).order_by(notes.c.moment)).scalars()) == moments


def test_a_moment_without_a_time_zone_is_refused(store):
    with pytest.raises(StatementError, match="without a time zone"):
        write_note(store, "naive", moment=datetime(2013, 1, 1))
