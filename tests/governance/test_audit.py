"""The trail: every change made behind its back is found, and a kept head finds a rewritten one."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from blake3 import blake3
from sqlalchemy import update

from mlops_ext.errors import CheckRefused, Conflict, InvalidValue
from mlops_ext.governance import service, signing
from mlops_ext.governance.audit import verify_trail
from mlops_ext.governance.types import Head, ListEvents, ShowHead
from mlops_ext.models.types import NoRequest
from mlops_ext.store.schema import SCHEMA, chain_head, events, utc_text
from mlops_ext.workspace import Workspace

COUNT = 12


def note(ws: Workspace, number: int) -> None:
    ws.catalog.write(lambda change: change.event("note.written", f"run:{number}", {"text": f"n{number}"}))


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace on SQLite with a short trail."""
    monkeypatch.delenv("MLOPS_CATALOG", raising=False)
    ws = Workspace(tmp_path)
    for number in range(1, COUNT + 1):
        note(ws, number)
    return ws


def tamper(ws: Workspace, *statements: str) -> None:
    ws.database.close()
    with sqlite3.connect(ws.home / "catalog.db") as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def seqs(ws: Workspace) -> list[int]:
    verification = ws.call(service.verify, NoRequest())
    assert verification.ok == (not verification.findings)
    return [finding.seq for finding in verification.findings]


def test_an_untouched_trail_holds(workspace: Workspace) -> None:
    for number in range(5):
        note(workspace, number)
    verification = workspace.call(service.verify, NoRequest())
    assert (verification.ok, verification.events) == (True, 5)
    assert verification.head == workspace.call(service.head, ShowHead(root=True)).hash


def test_the_chain_is_what_the_format_says(local: Workspace) -> None:
    """Recomputed here by hand: BLAKE3 over sorted, compact JSON of all fields but the hash."""
    with sqlite3.connect(local.home / "catalog.db") as connection:
        connection.row_factory = sqlite3.Row
        rows = connection.execute("SELECT * FROM events JOIN event_data USING (seq) ORDER BY seq").fetchall()
        workspace = connection.execute("SELECT workspace FROM store_info").fetchone()[0]
    connection.close()

    def digest(value: object) -> str:
        return "b3:" + blake3(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    previous = digest({"format": 1, "workspace": workspace})
    for row in rows:
        fields = {name: row[name] for name in list(row.keys()) if name not in ("hash", "data")}
        assert fields["previous"] == previous
        assert fields["data_digest"] == digest(json.loads(row["data"]))
        previous = digest(fields)
        assert row["hash"] == previous


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("actor", "'mallory'"),
        ("auth", "'oidc'"),
        ("action", "'note.erased'"),
        ("subject", "'run:99'"),
        ("time", "'2013-01-01T00:00:00.000000Z'"),
        ("format", "2"),
        ("time", "'2013-0q'"),
        ("data_digest", "'b3:' || substr(data_digest, 4, 63) || 'x'"),
        ("previous", "hash"),
        ("hash", "previous"),
    ],
)
@pytest.mark.parametrize("seq", [1, 6, COUNT])
def test_a_changed_field_is_found_at_its_event(local: Workspace, column: str, value: str, seq: int) -> None:
    tamper(local, f"UPDATE events SET {column} = {value} WHERE seq = {seq}")
    assert seq in seqs(local)


def test_changed_or_missing_data_is_found(local: Workspace) -> None:
    tamper(
        local,
        """UPDATE event_data SET data = '{"text":"other"}' WHERE seq = 3""",
        "DELETE FROM event_data WHERE seq = 7",
    )
    assert seqs(local) == [3, 7]


def test_every_flipped_byte_of_an_event_is_found(local: Workspace) -> None:
    with sqlite3.connect(local.home / "catalog.db") as connection:
        subject, data = connection.execute(
            "SELECT subject, data FROM events JOIN event_data USING (seq) WHERE seq = 4"
        ).fetchone()
    connection.close()
    for table, column, text in (("events", "subject", subject), ("event_data", "data", data)):
        for place in range(len(text)):
            flipped = text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]
            tamper(local, f"UPDATE {table} SET {column} = '{flipped}' WHERE seq = 4")
            assert seqs(local) == [4], flipped
        tamper(local, f"UPDATE {table} SET {column} = '{text}' WHERE seq = 4")
    assert seqs(local) == []


def test_a_deleted_event_is_found(local: Workspace) -> None:
    tamper(local, "DELETE FROM event_data WHERE seq = 5", "DELETE FROM events WHERE seq = 5")
    found = local.call(service.verify, NoRequest()).findings
    assert found[0].problem == "event 5 is missing"


def test_an_inserted_event_is_found(local: Workspace) -> None:
    columns = "format, time, actor, auth, action, subject, data_digest, previous, hash"
    tamper(
        local,
        f"INSERT INTO events (seq, {columns}) SELECT {COUNT + 1}, {columns} FROM events WHERE seq = 2",
        f"INSERT INTO event_data SELECT {COUNT + 1}, data FROM event_data WHERE seq = 2",
    )
    assert COUNT + 1 in seqs(local) or COUNT in seqs(local)


def test_two_swapped_events_are_found(local: Workspace) -> None:
    swap = [
        f"UPDATE {table} SET seq = {new} WHERE seq = {old}"
        for old, new in ((4, 99), (5, 4), (99, 5))
        for table in ("events", "event_data")
    ]
    tamper(local, *swap)
    assert {4, 5} <= set(seqs(local))


@pytest.mark.parametrize("also_head", [False, True])
def test_a_cut_trail_is_found_against_a_kept_head(local: Workspace, also_head: bool) -> None:
    kept = local.call(service.head, ShowHead(root=True))
    cut = [f"DELETE FROM {table} WHERE seq > 9" for table in ("event_refs", "event_data", "events")]
    if also_head:
        cut.append("UPDATE chain_head SET seq = 9, hash = (SELECT hash FROM events WHERE seq = 9)")
    tamper(local, *cut)
    assert seqs(local) == ([] if also_head else [10])
    against = verify_trail(local, kept)
    assert not against.ok
    assert "cut" in against.findings[-1].problem


def rewrite(ws: Workspace) -> None:
    """Rehash the whole trail after changing an actor, as someone with the file and our code could."""
    from mlops_ext.store.trail import event_hash, genesis

    with ws.database.writing(serial=True) as (connection, algorithm):
        previous = genesis(ws.id, algorithm)
        for row in connection.execute(events.select().order_by(events.c.seq)).all():
            fields = {**row._mapping, "previous": previous, "actor": "mallory", "time": utc_text(row.time)}
            del fields["hash"]
            digest = event_hash(fields, algorithm)
            values = {"previous": previous, "actor": "mallory", "hash": digest}
            connection.execute(update(events).where(events.c.seq == row.seq).values(values))
            previous = digest
        connection.execute(update(chain_head).values(hash=previous))


def test_a_rewritten_trail_is_found_only_against_a_kept_head(workspace: Workspace) -> None:
    for number in range(4):
        note(workspace, number)
    kept = workspace.call(service.head, ShowHead(root=True))
    rewrite(workspace)
    assert workspace.call(service.verify, NoRequest()).ok
    found = verify_trail(workspace, kept).findings
    assert [(each.seq, "rewritten" in each.problem) for each in found] == [(4, True)]


def test_an_older_head_still_fits_a_longer_trail(workspace: Workspace) -> None:
    note(workspace, 1)
    kept = workspace.call(service.head, ShowHead(root=True))
    note(workspace, 2)
    assert verify_trail(workspace, kept).ok
    assert not verify_trail(workspace, kept.model_copy(update={"workspace": "0" * 32})).ok


def test_a_signed_head_proves_who_kept_it(workspace: Workspace, tmp_path: Path) -> None:
    note(workspace, 1)
    key = tmp_path / "head.key"
    public = signing.make_key(workspace, key)
    assert key.stat().st_mode & 0o777 == 0o600
    signed = signing.sign(workspace, workspace.call(service.head, ShowHead(root=True)), key)
    kept = Head.model_validate_json(signed.model_dump_json())
    assert kept.public_key == public
    signing.check(kept, public)
    for change in ({"seq": 2}, {"hash": "b3:" + "0" * 64}, {"workspace": "0" * 32}, {"time": None}):
        with pytest.raises(CheckRefused, match="does not fit"):
            signing.check(kept.model_copy(update=change), public)
    other = signing.make_key(workspace, tmp_path / "other.key")
    with pytest.raises(CheckRefused, match="another key"):
        signing.check(kept, other)
    with pytest.raises(CheckRefused, match="not signed"):
        signing.check(kept.model_copy(update={"signature": ""}), public)


def test_a_key_never_lies_in_the_workspace(workspace: Workspace, tmp_path: Path) -> None:
    note(workspace, 1)
    with pytest.raises(InvalidValue, match="lies in the workspace"):
        signing.make_key(workspace, workspace.home / "sub" / ".." / "head.key")
    link = tmp_path / "link"
    link.symlink_to(workspace.home)
    with pytest.raises(InvalidValue, match="lies in the workspace"):
        signing.make_key(workspace, link / "head.key")
    signing.make_key(workspace, tmp_path / "k")
    with pytest.raises(Conflict, match="exists"):
        signing.make_key(workspace, tmp_path / "k")
    (tmp_path / "junk").write_text("no key")
    for wrong in ("junk", "absent"):
        with pytest.raises(InvalidValue):
            signing.sign(workspace, workspace.call(service.head, ShowHead(root=True)), tmp_path / wrong)


def test_the_log_comes_in_pages_both_ways(workspace: Workspace) -> None:
    for number in range(1, 6):
        note(workspace, number)
    first = workspace.call(service.log, ListEvents(limit=3))
    rest = workspace.call(service.log, ListEvents(limit=3, cursor=first.next))
    assert [event.seq for event in (*first, *rest)] == [1, 2, 3, 4, 5]
    assert [event.seq for event in workspace.call(service.log, ListEvents(newest=True, limit=2))] == [5, 4]
    assert [event.seq for event in workspace.call(service.log, ListEvents(after=3))] == [4, 5]
    only = workspace.call(service.log, ListEvents(subject="run:2"))
    assert [event.data for event in only] == [{"text": "n2"}]


def test_without_a_workspace_there_is_nothing_to_verify_and_the_head_is_zero(workspace: Workspace) -> None:
    assert workspace.call(service.verify, NoRequest()).ok
    head = workspace.call(service.head, ShowHead(root=True))
    assert (head.seq, head.hash, head.workspace) == (0, "", "")
    assert len(workspace.call(service.log, ListEvents())) == 0
    assert not workspace.exists()


def test_the_status_counts_and_hides_the_password(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = workspace.call(service.show, NoRequest())
    assert (empty.id, empty.events, empty.models) == ("", 0, 0)
    assert not workspace.exists()
    monkeypatch.setenv("MLOPS_BLOBS", "s3://key:secret@host/bucket")
    note(workspace, 1)
    shown = Workspace(workspace.root).call(service.show, NoRequest())
    assert (shown.events, shown.datasets, shown.runs, shown.schema_number) == (1, 0, 0, SCHEMA)
    assert shown.id == workspace.id
    assert "secret" not in shown.blobs
    assert shown.head == workspace.call(service.head, ShowHead(root=True)).hash
