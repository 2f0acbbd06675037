"""Heads with roots, proofs checked without the package, erasure on record, anchors, keys and exports."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text, update

from mlops_ext.errors import CheckRefused, InvalidValue, NotFound
from mlops_ext.governance import anchor, merkle, service, signing
from mlops_ext.governance.audit import verify_trail
from mlops_ext.governance.export import COLUMNS, lines_of
from mlops_ext.governance.types import (
    EraseData,
    Head,
    ListEvents,
    ProveConsistency,
    ProveEvent,
    Retain,
    ShowHead,
)
from mlops_ext.operations import every
from mlops_ext.settings import AuditSettings
from mlops_ext.store.grammar import InvalidFilter
from mlops_ext.store.schema import events
from mlops_ext.workspace import Workspace
from tests.support.listener import Listener, listening

pytestmark = pytest.mark.sqlite


def note(ws: Workspace, number: int, **data: Any) -> None:
    ws.catalog.write(lambda change: change.event("note.written", f"run:{number}", {"text": f"ü{number}", **data}))


@pytest.fixture
def told(workspace: Workspace) -> Workspace:
    for number in range(1, 12):
        note(workspace, number, inputs=[f"dataset:d@{number % 3 + 1}"])
    return workspace


def head(ws: Workspace) -> Head:
    return ws.call(service.head, ShowHead(root=True))


def by_definition(entries: list[str]) -> str:
    """RFC 6962's tree hash over the events' hashes, written from its text."""

    def mth(part: list[str]) -> bytes:
        if len(part) == 1:
            return hashlib.sha256(b"\0" + part[0].encode()).digest()
        cut = 1
        while cut * 2 < len(part):
            cut *= 2
        return hashlib.sha256(b"\1" + mth(part[:cut]) + mth(part[cut:])).digest()

    return "sha256:" + mth(entries).hex()


def raw(digest: str) -> bytes:
    return bytes.fromhex(digest.partition(":")[2])


def test_the_root_is_the_tree_over_the_hashes_of_all_events(told: Workspace) -> None:
    assert head(told).root == by_definition([each.hash for each in told.call(service.log, ListEvents())])
    assert told.call(service.head, ShowHead()).root == "", "who only wants the number pays for no tree"


@pytest.mark.parametrize("seq", [1, 4, 11])
def test_an_event_is_proven_to_who_has_only_the_root(told: Workspace, seq: int) -> None:
    kept = head(told)
    proof = json.loads(told.call(service.prove, ProveEvent(seq=seq)).model_dump_json())
    hashed = json.dumps(proof["event"], sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert proof["hash"] == "b3:" + blake3(hashed).hexdigest()
    leaf, path = merkle.leaf_hash(proof["hash"].encode()), [raw(each) for each in proof["path"]]
    assert merkle.fits_inclusion(leaf, seq - 1, proof["size"], path, raw(kept.root))
    assert not merkle.fits_inclusion(leaf, seq % 11, proof["size"], path, raw(kept.root))
    older = told.call(service.prove, ProveEvent(seq=1, size=4))
    assert older.root == by_definition([each.hash for each in told.call(service.log, ListEvents(limit=4))])
    with pytest.raises(NotFound, match="no event 12"):
        told.call(service.prove, ProveEvent(seq=12))


def test_a_trail_that_only_grew_proves_it(told: Workspace) -> None:
    older = head(told)
    for number in range(12, 20):
        note(told, number)
    newer = head(told)
    proof = told.call(service.consistency, ProveConsistency(first=older.seq))
    assert (proof.first_root, proof.second_root) == (older.root, newer.root)
    assert merkle.fits_consistency(
        proof.first, proof.second, [raw(each) for each in proof.path], raw(older.root), raw(newer.root)
    )
    for wrong in ({"first": 20}, {"first": 5, "second": 4}, {"first": 1, "second": 99}):
        with pytest.raises(InvalidValue, match="cannot grow"):
            told.call(service.consistency, ProveConsistency(**wrong))


def test_a_kept_root_finds_a_rewritten_hash_and_a_trail_with_gaps_proves_nothing(told: Workspace) -> None:
    kept = head(told)
    with told.database.engine.begin() as connection:
        connection.execute(update(events).where(events.c.seq == 3).values(hash="b3:" + "0" * 64))
    assert any("another root" in each.problem for each in verify_trail(told, kept).findings)
    with told.database.engine.begin() as connection:
        connection.execute(text("DELETE FROM event_data WHERE seq = 3"))
        connection.execute(text("DELETE FROM events WHERE seq = 3"))
    with pytest.raises(CheckRefused, match="holds 10 of its first 11"):
        told.call(service.prove, ProveEvent(seq=5))


def test_a_head_from_before_there_were_roots_keeps_its_signature(told: Workspace, tmp_path: Path) -> None:
    public = signing.make_key(told, tmp_path / "k")
    old = signing.sign(told, told.call(service.head, ShowHead()), tmp_path / "k")
    signing.check(Head.model_validate_json(old.model_dump_json(exclude={"root"})), public)
    new = signing.sign(told, head(told), tmp_path / "k")
    with pytest.raises(CheckRefused):
        signing.check(new.model_copy(update={"root": ""}), public)


def test_a_key_may_stand_in_a_variable_or_come_from_a_plug_in(
    told: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = signing.make_key(told, tmp_path / "k")
    monkeypatch.delenv(signing.VARIABLE, raising=False)
    with pytest.raises(InvalidValue, match="no key to sign with"):
        signing.sign(told, head(told))
    for value in (str(tmp_path / "k"), (tmp_path / "k").read_text()):
        monkeypatch.setenv(signing.VARIABLE, value)
        signing.check(signing.sign(told, head(told)), public)
    held = Ed25519PrivateKey.generate()
    monkeypatch.setattr(signing, "load_plugin", lambda group, name: lambda: signing.FileSigner(held))
    signed = signing.sign(told, head(told), "plugin:token")
    signing.check(signed, base64.b64encode(held.public_key().public_bytes_raw()).decode())


def test_a_key_of_another_kind_is_refused(told: Workspace, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "ec").write_bytes(pem)
    with pytest.raises(InvalidValue, match="no Ed25519 key"):
        signing.sign(told, head(told), tmp_path / "ec")


def test_erased_data_is_gone_and_the_trail_holds_and_tells(told: Workspace) -> None:
    kept = head(told)
    erased = told.call(service.erase, EraseData(seqs=(3, 5, 3), reason="subject 17 asked"))
    assert (erased.erased, erased.already) == ((3, 5), ())
    found = verify_trail(told, kept)
    assert (found.ok, found.erased) == (True, 2)
    log = {each.seq: each for each in told.call(service.log, ListEvents())}
    assert (log[3].data, log[4].data["text"]) == ({}, "ü4")
    assert log[12].data["reason"] == "subject 17 asked"
    with told.catalog.read() as connection:
        everything = [
            connection.execute(text(f"SELECT * FROM {table}")).all() for table in ("event_data", "event_refs")
        ]
    assert "ü3" not in str(everything)
    again = told.call(service.erase, EraseData(seqs=(3,), reason="again"))
    assert (again.erased, again.already, head(told).seq) == ((), (3,), 12)


def test_erased_bytes_leave_the_files_of_the_catalog_too(workspace: Workspace) -> None:
    secret = "subject-17-lives-at-" + "x" * 40
    note(workspace, 1, who=secret)
    for number in range(2, 40):
        note(workspace, number, wild="y" * 500)
    workspace.call(service.erase, EraseData(seqs=(1,), reason="asked"))
    files = [path for path in workspace.home.rglob("*") if path.is_file()]
    assert [path.name for path in files if secret.encode() in path.read_bytes()] == []
    if not workspace.database.sqlite:
        with workspace.database.engine.connect() as connection:
            pages = connection.exec_driver_sql(
                "SELECT count(*) FROM (SELECT pg_read_binary_file(pg_relation_filepath('event_data')) AS bytes) AS file "
                f"WHERE position('{secret}'::bytea in bytes) > 0"
            )
            assert pages.scalar_one() == 0
    assert workspace.call(service.verify, service.verify.request()).ok


def test_data_that_was_deleted_without_a_record_is_found_beside_data_that_was_erased(told: Workspace) -> None:
    told.call(service.erase, EraseData(seqs=(3,), reason="asked"))
    with told.database.engine.begin() as connection:
        connection.execute(text("DELETE FROM event_data WHERE seq = 4"))
    assert [(each.seq, each.problem) for each in verify_trail(told).findings] == [(4, "its data is missing")]


def test_what_a_profile_keeps_cannot_be_erased_and_erasures_never(told: Workspace) -> None:
    told.call(service.erase, EraseData(seqs=(1,), reason="before"))
    kept = told.call(service.retain, Retain(profile="eu-ai-act-high-risk"))
    assert (kept.days, kept.set_by) == (183, told.actor.name)
    with pytest.raises(CheckRefused, match="must be kept 183 days"):
        told.call(service.erase, EraseData(seqs=(2,), reason="too early"))
    told.call(service.retain, Retain(profile="none"))
    with pytest.raises(InvalidValue, match=r"audit\.data_erased"):
        told.call(service.erase, EraseData(seqs=(12,), reason="hide it"))
    with pytest.raises(NotFound, match="no event 99"):
        told.call(service.erase, EraseData(seqs=(99,), reason="x"))
    with pytest.raises(NotFound, match="eu-ai-act-high-risk"):
        told.call(service.retain, Retain(profile="eu-ai-act-high-riks"))


@pytest.mark.parametrize(
    ("asked", "seqs"),
    [
        ("subject = 'run:4' OR seq > 10", [4, 11]),
        ("action LIKE 'note.%' AND seq <= 2", [1, 2]),
        ("ref = 'dataset:d@1'", [3, 6, 9]),
        ("ref = 'run:4'", [4]),
        ("actor = 'nobody'", []),
        ("time < '2013-01-31'", []),
        ("auth = 'os_user' AND NOT ref IN ('dataset:d@1', 'dataset:d@2')", [2, 5, 8, 11]),
    ],
)
def test_the_log_is_searched_by_the_common_grammar(told: Workspace, asked: str, seqs: list[int]) -> None:
    found = told.call(service.log, ListEvents(filter=asked))
    assert [each.seq for each in found] == seqs
    assert [each.seq for each in told.call(service.log, ListEvents(filter=asked, newest=True))] == seqs[::-1]


def test_an_unknown_name_in_a_filter_is_refused(told: Workspace) -> None:
    with pytest.raises(InvalidFilter, match="no attribute 'actro'"):
        told.call(service.log, ListEvents(filter="actro = 'x'"))


def test_an_export_holds_every_event_and_csv_survives_hostile_text(told: Workspace) -> None:
    note(told, 12, wild='a"b,c\nd')
    found = list(every(told, service.log, ListEvents(limit=5)))
    lines = b"".join(lines_of(found, "jsonl")).decode().splitlines()
    assert [json.loads(line)["seq"] for line in lines] == list(range(1, 13))
    rows = list(csv.DictReader(io.StringIO(b"".join(lines_of(found, "csv")).decode(), newline="")))
    assert list(rows[0]) == list(COLUMNS)
    assert json.loads(rows[-1]["data"]) == {"text": "ü12", "wild": 'a"b,c\nd'}
    assert b"".join(lines_of([], "csv")).decode().strip() == ",".join(COLUMNS)


@pytest.fixture
def keeper() -> Iterator[Listener]:
    with listening() as server:
        yield server


def test_an_anchor_receives_the_head_and_its_failure_is_told(told: Workspace, keeper: Listener) -> None:
    kept, base = head(told), keeper.url

    def at(path: str) -> AuditSettings:
        return AuditSettings(anchor=base + path, plain_http=("127.0.0.1",))

    assert anchor.send(kept, at("/heads?token=secret")) == 201
    assert Head.model_validate_json(keeper.kept[0][1]) == kept
    for path in ("/moved", "/broken"):
        with pytest.raises(anchor.AnchorFailed) as caught:
            anchor.send(kept, at(f"{path}"))
        assert path in str(caught.value)
    assert [path for path, _ in keeper.kept] == ["/heads?token=secret", "/moved", "/broken"], "no redirect is followed"
    keeper.shutdown()
    keeper.server_close()
    with pytest.raises(anchor.AnchorFailed) as caught:
        anchor.send(
            kept, AuditSettings(anchor=f"{base.replace('//', '//user:pass@')}/h?token=s", plain_http=("127.0.0.1",))
        )
    assert "pass" not in str(caught.value)
    assert "token" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "http://example.org/h", "ftp://example.org/h", "file:///etc/passwd", "https://"])
def test_an_anchor_that_may_not_be_used_is_refused(url: str) -> None:
    with pytest.raises(InvalidValue):
        anchor.send(Head(workspace="w", seq=0, hash=""), AuditSettings(anchor=url))
