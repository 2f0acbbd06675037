"""What one change with its event costs against bare SQLite writing the same rows: python -m benchmarks.events

The yardstick opens the same file format with the same pragmas and inserts the same rows of note, event,
event data and reference, and moves the head, in one transaction: what is left is hashing, checking and SQLAlchemy.
"""

from __future__ import annotations

import multiprocessing
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from sqlalchemy import Column, Integer, MetaData, Table, Text, insert

from benchmarks.frame import Report, Size, compare, run
from mlops_ext.store.catalog import Change
from mlops_ext.workspace import Workspace

CHANGES = 200
NOTES = Table("notes", MetaData(), Column("id", Integer, primary_key=True), Column("text", Text))
TIME, HASH = "2013-01-31T06:00:00.000000Z", "b3:" + "0" * 64


def make(folder: Path) -> Workspace:
    """Make a workspace with a table of notes."""
    folder.mkdir()
    ws = Workspace(folder)
    ws.ensure()
    with ws.database.engine.begin() as connection:
        NOTES.create(connection)
    return ws


def write_ours(ws: Workspace, count: int) -> None:
    """Write notes through the catalog."""

    def change(change: Change) -> None:
        change.execute(insert(NOTES).values(text="a note"))
        change.event("note.written", "workspace", {"text": "a note"})

    for _ in range(count):
        ws.catalog.write(change)


def write_bare(file: Path, count: int) -> None:
    """Write the same rows with nothing between."""
    with closing(sqlite3.connect(file, timeout=60, isolation_level=None)) as connection:
        for pragma in ("foreign_keys = ON", "journal_mode = WAL", "synchronous = FULL"):
            connection.execute(f"PRAGMA {pragma}")
        for _ in range(count):
            connection.execute("BEGIN IMMEDIATE")
            (seq,) = connection.execute("SELECT seq + 1 FROM chain_head").fetchone()
            connection.execute("INSERT INTO notes (text) VALUES ('a note')")
            connection.execute(
                "INSERT INTO events (seq, format, time, actor, auth, action, subject, data_digest, previous, hash)"
                " VALUES (?, 1, ?, 'ada', 'os_user', 'note.written', 'workspace', ?, ?, ?)",
                (seq, TIME, HASH, HASH, HASH),
            )
            connection.execute("INSERT INTO event_data (seq, data) VALUES (?, ?)", (seq, '{"text":"a note"}'))
            connection.execute("INSERT INTO event_refs (seq, ref, role) VALUES (?, 'workspace', 'subject')", (seq,))
            connection.execute("UPDATE chain_head SET seq = ?, hash = ?", (seq, HASH))
            connection.execute("COMMIT")


def work(ours: bool, folder: Path, barrier: multiprocessing.Barrier, ended: multiprocessing.Queue) -> None:
    """Be one of several writers: start with the others, tell when it ended."""
    ws = Workspace(folder)
    with ws.catalog.read():
        barrier.wait()
    if ours:
        write_ours(ws, CHANGES)
    else:
        write_bare(ws.home / "catalog.db", CHANGES)
    ended.put(time.perf_counter())


def seconds_of(ours: bool, folder: Path, writers: int) -> float:
    """Let several processes write at once and give the seconds from start to the last one's end."""
    context = multiprocessing.get_context("spawn")
    barrier, ended = context.Barrier(writers + 1), context.Queue()
    processes = [context.Process(target=work, args=(ours, folder, barrier, ended)) for _ in range(writers)]
    for process in processes:
        process.start()
    barrier.wait()
    started = time.perf_counter()
    last = max(ended.get(timeout=300) for _ in processes)
    for process in processes:
        process.join()
    return last - started


def measure(report: Report, rounds: int) -> None:
    """Compare one writer, then four."""
    with tempfile.TemporaryDirectory() as folder:
        ours, bare = make(Path(folder) / "ours"), make(Path(folder) / "bare")
        pair = compare(
            "1 writer, a change with its event",
            lambda: write_ours(ours, CHANGES),
            lambda: write_bare(bare.home / "catalog.db", CHANGES),
            rounds=rounds,
        )
        report.add(pair)
        report.add(Size("1 writer", CHANGES / pair.seconds, "changes/s"))
        timings = [
            (seconds_of(True, ours.root, 4), seconds_of(False, bare.root, 4)) for _ in range(max(rounds // 3, 1))
        ]
        mine, theirs = (sorted(column)[len(column) // 2] for column in zip(*timings, strict=True))
        report.add(Size("4 writers, ratio to bare SQLite", mine / theirs, "x"))
        report.add(Size("4 writers", 4 * CHANGES / mine, "changes/s"))
        ours.database.close()
        bare.database.close()


if __name__ == "__main__":
    sys.stderr.write(f"{CHANGES} changes a round\n")
    run("events", measure, rounds=9)
