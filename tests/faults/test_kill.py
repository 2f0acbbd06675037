"""kill -9 at any moment: the store opens, verifies, and has lost nothing that was acknowledged."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select, text

from mlops_ext.store import ledger as ledger_module
from mlops_ext.store.schema import blob_owners, blobs, event_data, events
from mlops_ext.workspace import Workspace
from tests.store.notes import problems

ROOT = Path(__file__).parents[2]


def start_writer(ws: Workspace, name: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.faults.writer", str(ws.root), name]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def kill_after(process: subprocess.Popen[bytes], acknowledged: int, spin: int) -> list[int]:
    """Let a writer acknowledge so many changes, go on for a moment that differs each time, and kill it."""
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(acknowledged)]
    for _ in range(spin):
        pass
    process.send_signal(signal.SIGKILL)
    lines += process.stdout.read().splitlines()
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL, "the writer ended by itself"
    return [int(line) for line in lines if line]


def check(ws: Workspace, acknowledged: set[int]) -> None:
    assert problems(ws) == []
    with ws.catalog.read() as connection:
        kept = dict(connection.execute(select(events.c.seq, event_data.c.data).join(event_data)).tuples().all())
        named = set(connection.execute(select(blob_owners.c.digest)).scalars())
        listed = set(connection.execute(select(blobs.c.digest)).scalars())
        if ws.database.sqlite:
            assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
    assert acknowledged <= set(kept)
    told = {digest for data in kept.values() for digest in json.loads(data).get("outputs", ())}
    assert told == named, "an event and its records stand or fall together"
    for digest in random.Random(len(listed)).sample(sorted(listed), min(60, len(listed))):
        ws.get_blob(digest)


def kill_many(ws: Workspace, kills: int, seed: int) -> None:
    chance, acknowledged = random.Random(seed), set()
    for kill in range(kills):
        writers = [start_writer(ws, f"{kill}{name}") for name in "ab"]
        for process in writers:
            acknowledged |= set(kill_after(process, chance.randrange(0, 12), chance.randrange(0, 400_000)))
        if ws.exists():
            check(ws, acknowledged)
    assert acknowledged
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ledger_module, "LEASE", -ledger_module.LEASE)
        ws.put_blob(b"after all")
    ws.ledger.doom()
    ws.ledger.sweep(grace=-ledger_module.GRACE)
    check(ws, acknowledged)


def test_killed_writers_lose_nothing_that_was_acknowledged(workspace):
    kill_many(workspace, 3, seed=1)


@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_a_hundred_killed_writers_lose_nothing_that_was_acknowledged(workspace):
    kill_many(workspace, 50, seed=2)


@pytest.mark.parametrize("changes", [1, 3])
def test_a_store_whose_maker_was_killed_is_made_by_the_next(workspace, changes):
    """Kill at the first moments, when the store itself is being made."""
    process = start_writer(workspace, "first")
    process.send_signal(signal.SIGKILL)
    process.wait()
    later = start_writer(workspace, "second")
    acknowledged = kill_after(later, changes, 0)
    check(workspace, set(acknowledged))
