"""The walk over the trail: the fast encoder is RFC 8785, references are indexed and checked, clocks may go back."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, text, update

from mlops_ext.records import now
from mlops_ext.store import lifecycle, trail
from mlops_ext.store.database import Database
from mlops_ext.store.hashing import canonical_json
from mlops_ext.store.migrations.naming import index_references
from mlops_ext.store.naming import LONGEST, named
from mlops_ext.store.schema import event_refs, events, store_info
from mlops_ext.store.verification import Finding, Walk
from mlops_ext.workspace import Workspace
from tests.store.notes import problems

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
KEYS = ("format", "seq", "time", "actor", "auth", "action", "subject", "data_digest", "previous")


@pytest.mark.fast
@given(st.integers(0, 2**53 - 1), st.integers(0, 2**53 - 1), st.lists(TEXTS, min_size=7, max_size=7))
def test_the_encoder_of_events_writes_what_rfc_8785_asks(format_, seq, texts):
    fields = dict(zip(KEYS, (format_, seq, *texts), strict=True))
    assert trail.canonical_event(format_, seq, *texts) == canonical_json(fields)


@pytest.mark.fast
def test_a_text_that_is_no_unicode_is_refused_by_the_encoder_too():
    with pytest.raises(UnicodeEncodeError):
        trail.canonical_event(1, 1, "t", "\ud800", "", "", "", "", "")


def tell(ws: Workspace, subject: str, **data: object) -> None:
    ws.catalog.write(lambda change: change.event("thing.done", subject, data))


def stored(ws: Workspace) -> set[tuple[int, str, str]]:
    with ws.catalog.read() as connection:
        return {tuple(row) for row in connection.execute(select(event_refs.c.seq, event_refs.c.ref, event_refs.c.role))}


STORY = (
    ("model:delay@1", {"inputs": ["dataset:a@1", "dataset:a@1", "run:x"], "outputs": ["model:delay@1", "model:b@2"]}),
    ("run:x", {"parent": "y", "job": "z", "trigger": "alert:q"}),
    ("workspace", {"inputs": "no list", "outputs": [1, None, "plain", "b3:00"], "run": ["x"], "report": 3}),
    ("run:y", {"inputs": ("dataset:é@1", "dataset:" + "n" * LONGEST)}),
)
BY_HAND = {
    (1, "model:delay@1", "subject"), (1, "dataset:a@1", "input"), (1, "run:x", "input"), (1, "model:b@2", "output"),
    (2, "run:x", "subject"), (2, "run:y", "input"), (2, "job:z", "input"), (2, "alert:q", "input"),
    (3, "workspace", "subject"), (4, "run:y", "subject"), (4, "dataset:é@1", "input"),
}  # fmt: skip


def test_an_event_is_found_by_each_reference_that_it_names(workspace):
    for subject, data in STORY:
        tell(workspace, subject, **data)
    assert stored(workspace) == BY_HAND
    assert problems(workspace) == []


def test_an_older_store_is_indexed_by_its_migration(workspace):
    for subject, data in STORY:
        tell(workspace, subject, **data)
    with workspace.database.engine.begin() as connection:
        connection.execute(delete(event_refs))
        index_references(connection)
    assert stored(workspace) == BY_HAND
    assert problems(workspace) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["run:a", "model:m@1", "b3:0"]),
    lambda each: st.lists(each, max_size=4) | st.dictionaries(st.text(max_size=4), each, max_size=3),
    max_leaves=6,
)
DATA = st.dictionaries(st.sampled_from(["inputs", "outputs", "run", "job", "parent", "trigger", "report", "x"]), JSON)


@pytest.mark.fast
@given(st.sampled_from(["run:a", "model:m@1", "workspace"]), DATA)
def test_data_of_any_shape_names_the_same_in_the_code_and_in_the_migration(subject, data):
    from mlops_ext.store.migrations import naming

    written = set(naming._named(subject, json.loads(json.dumps(data))))
    assert named(subject, data) == {pair for pair in written if pair[1] == "subject" or pair[0] != subject}


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (delete(event_refs).where(event_refs.c.ref == "dataset:é@1"), [4]),
        (update(event_refs).where(event_refs.c.ref == "alert:q").values(ref="alert:r"), [2]),
        (insert(event_refs).values(seq=1, ref="model:forged@1", role="output"), [1]),
        (insert(event_refs).values(seq=9, ref="model:forged@1", role="output"), [9]),
        (delete(event_refs), [1, 2, 3, 4]),
    ],
    ids=["left out", "changed", "put in", "beyond the end", "all gone"],
)
def test_a_changed_index_of_references_is_found(workspace, statement, found):
    for subject, data in STORY:
        tell(workspace, subject, **data)
    with workspace.database.engine.begin() as connection:
        connection.execute(statement)
    assert [each.seq for each in problems(workspace)] == found


def walk(ws: Workspace) -> list[Finding]:
    with ws.catalog.read() as connection:
        info = connection.execute(select(store_info)).one()
        return list(Walk(connection, info.workspace, info.hash).findings())


def test_a_clock_that_goes_back_is_survived_and_told_as_a_note(workspace, monkeypatch):
    tell(workspace, "run:a")
    with monkeypatch.context() as patched:
        patched.setattr("mlops_ext.store.catalog.now", lambda: now() - timedelta(hours=1))
        tell(workspace, "run:b")
    tell(workspace, "run:c")
    (found,) = walk(workspace)
    assert (found.seq, found.note) == (2, True)
    assert "clock went back" in found.problem
    with workspace.catalog.read() as connection:
        assert connection.execute(select(events.c.subject).order_by(events.c.seq)).scalars().all() == [
            "run:a", "run:b", "run:c",
        ]  # fmt: skip


def test_a_walk_tells_of_its_progress_page_by_page(workspace, monkeypatch):
    monkeypatch.setattr("mlops_ext.store.verification._BATCH", 3)
    for number in range(7):
        tell(workspace, f"run:{number}")
    told: list[int] = []
    with workspace.catalog.read() as connection:
        info = connection.execute(select(store_info)).one()
        assert list(Walk(connection, info.workspace, info.hash, told.append).findings()) == []
    assert told == [3, 6, 7]


def test_what_a_page_holds_does_not_change_what_is_found(workspace, monkeypatch):
    """The quick check of a page and the slow one that names the fault must agree wherever a page ends."""
    for number in range(8):
        tell(workspace, f"run:{number}", inputs=[f"run:{number + 1}"])
    with workspace.database.engine.begin() as connection:
        connection.execute(update(events).where(events.c.seq == 4).values(actor="mallory"))
        connection.execute(text("UPDATE event_data SET data = '{}' WHERE seq = 7"))
    for size in (1, 2, 3, 7, 100):
        monkeypatch.setattr("mlops_ext.store.verification._BATCH", size)
        assert [each.seq for each in walk(workspace)] == [4, 7]


def test_a_store_of_schema_1_is_upgraded_with_its_references(tmp_path: Path):
    """Lay out the tables as the first release did, write two events by hand, and upgrade."""
    from alembic import command
    from alembic.config import Config

    path = tmp_path / "catalog.db"
    sqlite3.connect(path).close()
    database = Database(f"sqlite:///{path}")
    config = Config()
    config.set_main_option("script_location", str(Path(lifecycle.__file__).parent / "migrations"))
    at, previous = datetime(2013, 1, 31, 6, tzinfo=timezone.utc), trail.genesis("w" * 32, "b3")
    with database.engine.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            text("INSERT INTO store_info VALUES (1, :w, 'b3', 1, 1, 1, :at)"), {"w": "w" * 32, "at": trail.utc_text(at)}
        )
        for seq, data in ((1, {"inputs": ["dataset:a@1"]}), (2, {"outputs": ["model:m@production"]})):
            written = canonical_json(data).decode()
            fields = {"format": 1, "seq": seq, "time": trail.utc_text(at), "actor": "ana", "auth": "os_user"}
            fields |= {"action": "x.y", "subject": "model:m@1", "data_digest": trail.digest_of(written.encode(), "b3")}
            fields |= {"previous": previous}
            previous = trail.event_hash(fields, "b3")
            names = ", ".join(fields)
            values = ", ".join(f":{name}" for name in fields)
            connection.execute(
                text(f"INSERT INTO events ({names}, hash) VALUES ({values}, :hash)"), {**fields, "hash": previous}
            )
            connection.execute(text("INSERT INTO event_data VALUES (:s, :d)"), {"s": seq, "d": written})
        connection.execute(text("INSERT INTO chain_head VALUES (1, 2, :h)"), {"h": previous})
    assert lifecycle.upgrade(database) is not None
    with database.engine.connect() as connection:
        assert list(Walk(connection, "w" * 32, "b3").findings()) == []
        kept = connection.execute(select(event_refs.c.seq, event_refs.c.ref, event_refs.c.role)).all()
    assert set(map(tuple, kept)) == {
        (1, "model:m@1", "subject"), (1, "dataset:a@1", "input"),
        (2, "model:m@1", "subject"), (2, "model:m@production", "output"),
    }  # fmt: skip
    database.close()
