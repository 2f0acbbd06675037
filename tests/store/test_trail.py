"""The trail: format 1 as published, and every tampering found."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, column, delete, insert, select, table, update

from mlops_ext.store import trail, verification
from mlops_ext.store.hashing import canonical_json
from mlops_ext.store.schema import store_info
from mlops_ext.workspace import Workspace
from tests.store.notes import make_notes, problems, write_note

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text(encoding="utf-8"))
FIELDS = ("seq", "format", "time", "actor", "auth", "action", "subject", "data_digest", "previous", "hash")
EVENTS = table("events", *map(column, FIELDS))
EVENT_DATA = table("event_data", column("seq"), column("data"))
EVENT_REFS = table("event_refs", column("seq"), column("ref"), column("role"))
CHAIN_HEAD = table("chain_head", column("seq"), column("hash"))
LENGTH = 12

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")


def plain_hash(text: str, algorithm: str) -> str:
    """Hash as the format's page says, with nothing of the package."""
    hasher = blake3() if algorithm == "b3" else hashlib.sha256()
    hasher.update(text.encode("utf-8"))
    return f"{algorithm}:{hasher.hexdigest()}"


@pytest.mark.fast
@pytest.mark.parametrize("vector", VECTORS["canonical"], ids=lambda vector: vector["name"])
def test_canonical_json_is_as_pinned(vector):
    assert canonical_json(eval(vector["python"], {"nan": float("nan"), "inf": float("inf")})) == vector["text"].encode()


@pytest.mark.fast
@pytest.mark.parametrize("chain", VECTORS["chains"], ids=lambda chain: chain["algorithm"])
def test_the_hashes_of_format_1_are_as_pinned(chain):
    algorithm = chain["algorithm"]
    assert (
        trail.genesis(chain["workspace"], algorithm) == chain["genesis"] == plain_hash(chain["genesis_text"], algorithm)
    )
    for event in chain["events"]:
        assert plain_hash(event["data_text"], algorithm) == event["fields"]["data_digest"]
        assert plain_hash(event["text"], algorithm) == event["hash"]
        assert json.loads(event["text"]) == event["fields"]
        assert canonical_json(json.loads(event["data_text"])) == event["data_text"].encode()
        assert trail.event_hash(event["fields"], algorithm) == event["hash"]


@pytest.mark.parametrize("chain", VECTORS["chains"], ids=lambda chain: chain["algorithm"])
def test_a_store_writes_the_pinned_chain(workspace, chain, monkeypatch):
    monkeypatch.setenv("MLOPS_HASH", chain["algorithm"])
    ws = Workspace(workspace.root)
    ws.ensure()
    with ws.database.engine.connect() as connection, connection.begin():
        connection.execute(update(store_info).values(workspace=chain["workspace"]))
        connection.execute(update(CHAIN_HEAD).values(hash=chain["genesis"]))
        for event in chain["events"]:
            fields = event["fields"]
            moment = trail.datetime.fromisoformat(fields["time"].replace("Z", "+00:00"))
            data = json.loads(event["data_text"])
            draft = trail.Draft(moment, fields["actor"], fields["auth"], fields["action"], fields["subject"], data)
            assert trail.append(connection, draft, chain["algorithm"]) == fields["seq"]
    assert problems(ws) == []
    with ws.catalog.read() as connection:
        assert trail.head(connection) == (len(chain["events"]), chain["events"][-1]["hash"])


@pytest.fixture
def store(workspace: Workspace) -> Workspace:
    """A store with a chain of a dozen events."""
    make_notes(workspace)
    for number in range(LENGTH):
        write_note(workspace, f"note {number} – ü", rank=number)
    return workspace


Rows = list[dict[str, Any]]


def load(connection: Connection) -> Rows:
    joined = select(EVENTS, EVENT_DATA.c.data).join(EVENT_DATA, EVENT_DATA.c.seq == EVENTS.c.seq)
    return [dict(row) for row in connection.execute(joined.order_by(EVENTS.c.seq)).mappings()]


def rewrite(connection: Connection, rows: Rows) -> None:
    connection.execute(delete(EVENT_DATA))
    connection.execute(delete(EVENTS))
    connection.execute(insert(EVENTS), [{name: row[name] for name in FIELDS} for row in rows])
    connection.execute(insert(EVENT_DATA), [{"seq": row["seq"], "data": row["data"]} for row in rows])


def flip(draw: Any, rows: Rows) -> None:
    row, name = draw(st.sampled_from(rows)), draw(st.sampled_from((*FIELDS, "data")))
    if isinstance(row[name], int):
        row[name] = draw(st.integers(1000, 2**31))
        return
    text, at = row[name], draw(st.integers(0, len(row[name]) - 1))
    row[name] = text[:at] + chr(ord(text[at]) ^ draw(st.integers(1, 3))) + text[at + 1 :]


def respell_time(draw: Any, rows: Rows) -> None:
    """Another text of the same moment is a change too."""
    row = draw(st.sampled_from(rows))
    row["time"] = draw(st.sampled_from([row["time"].replace("-0", "-", 1), row["time"].replace("T", " "), ""]))


def drop(draw: Any, rows: Rows) -> None:
    del rows[draw(st.integers(0, len(rows) - 1))]


def cut_tail(draw: Any, rows: Rows) -> None:
    del rows[draw(st.integers(1, len(rows) - 1)) :]


def slip_in(draw: Any, rows: Rows) -> None:
    row = dict(draw(st.sampled_from(rows)), subject="model:forged@1")
    rows.insert(draw(st.integers(0, len(rows))), row)


def duplicate(draw: Any, rows: Rows) -> None:
    at = draw(st.integers(0, len(rows) - 1))
    rows.insert(at, dict(rows[at]))


def swap(draw: Any, rows: Rows) -> None:
    first = draw(st.integers(0, len(rows) - 2))
    second = draw(st.integers(first + 1, len(rows) - 1))
    rows[first], rows[second] = rows[second], rows[first]


def swap_data(draw: Any, rows: Rows) -> None:
    first = draw(st.integers(0, len(rows) - 2))
    rows[first]["data"], rows[first + 1]["data"] = rows[first + 1]["data"], rows[first]["data"]


def rehash_one(draw: Any, rows: Rows) -> None:
    """Change one event and mend its own hash, but not those that follow: the head tells, if it was the last."""
    row = draw(st.sampled_from(rows))
    row["actor"] = "somebody else"
    row["hash"] = trail.event_hash({name: row[name] for name in FIELDS if name != "hash"}, "b3")


TAMPERINGS = (flip, respell_time, drop, cut_tail, slip_in, duplicate, swap, swap_data, rehash_one)


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda each: each.__name__)
@settings(suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_verify_finds_every_tampering(store, tampering, data):
    with store.database.engine.connect() as connection, connection.begin() as transaction:
        rows = load(connection)
        before = [dict(row) for row in rows]
        tampering(data.draw, rows)
        if tampering in (slip_in, duplicate, swap) or (tampering is drop and data.draw(st.booleans())):
            for number, row in enumerate(rows, 1):
                row["seq"] = number
        rewrite(connection, rows)
        info = connection.execute(select(store_info)).one()
        found = list(verification.Walk(connection, info.workspace, info.hash).findings())
        assert rows == before or found
        transaction.rollback()


def test_an_untouched_trail_has_no_findings_even_when_written_back(store):
    with store.database.engine.connect() as connection, connection.begin():
        rewrite(connection, load(connection))
    assert problems(store) == []


def test_a_trail_that_was_rewritten_whole_differs_from_a_head_kept_outside(store):
    """Who can write the file can rehash it all; only what was kept elsewhere tells."""
    with store.catalog.read() as connection:
        kept = trail.head(connection)
        rows = load(connection)
    rows[3]["actor"] = "somebody else"
    previous = rows[2]["hash"]
    for row in rows[3:]:
        row["previous"] = previous
        row["hash"] = previous = trail.event_hash({name: row[name] for name in FIELDS if name != "hash"}, "b3")
    with store.database.engine.connect() as connection, connection.begin():
        rewrite(connection, rows)
        connection.execute(update(CHAIN_HEAD).values(hash=previous))
    assert problems(store) == []
    with store.catalog.read() as connection:
        assert trail.head(connection) != kept


def test_a_cut_tail_with_its_head_set_back_differs_from_a_head_kept_outside(store):
    with store.database.engine.connect() as connection, connection.begin():
        kept, rows = trail.head(connection), load(connection)[:-2]
        rewrite(connection, rows)
        connection.execute(delete(EVENT_REFS).where(EVENT_REFS.c.seq > rows[-1]["seq"]))
        connection.execute(update(CHAIN_HEAD).values(seq=rows[-1]["seq"], hash=rows[-1]["hash"]))
    assert problems(store) == []
    with store.catalog.read() as connection:
        assert trail.head(connection) < kept


def test_a_trail_moved_to_another_workspace_is_found(store):
    with store.database.engine.connect() as connection, connection.begin():
        connection.execute(update(store_info).values(workspace="0" * 32))
    assert [finding.seq for finding in problems(store)] == [1]


def test_a_sha256_workspace_uses_sha256_throughout(workspace, monkeypatch):
    monkeypatch.setenv("MLOPS_HASH", "sha256")
    ws = Workspace(workspace.root)
    make_notes(ws)
    write_note(ws, "one")
    assert ws.put_blob(b"payload") == "sha256:" + hashlib.sha256(b"payload").hexdigest()
    with ws.catalog.read() as connection:
        row = load(connection)[0]
    assert {row[name].partition(":")[0] for name in ("hash", "previous", "data_digest")} == {"sha256"}
    assert problems(ws) == []
    monkeypatch.setenv("MLOPS_HASH", "b3")
    assert Workspace(workspace.root).put_blob(b"payload").startswith("sha256:"), "the hash is chosen once"
