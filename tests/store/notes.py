"""The smallest record there is, a note, and processes that write notes: what the tests of the store work with."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Integer, MetaData, Table, Text, insert, select

from mlops_ext.store import verification
from mlops_ext.store.catalog import Change
from mlops_ext.store.schema import Json, Real, Utc, chain_head, events, store_info
from mlops_ext.workspace import Workspace

notes = Table(
    "notes",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("text", Text),
    Column("rank", Integer),
    Column("number", Real),
    Column("data", Json),
    Column("moment", Utc),
)


def make_notes(ws: Workspace) -> None:
    """Make the store with the table of notes beside its own."""
    ws.ensure()
    with ws.database.engine.begin() as connection:
        notes.create(connection)


def write_note(ws: Workspace, text: str, **columns: Any) -> int:
    """Write one note with its event and give the event's number."""

    def change(change: Change) -> int:
        change.execute(insert(notes).values(text=text, **columns))
        change.event("note.written", "workspace", {"text": text})
        return int(change.execute(select(chain_head.c.seq)).scalar_one()) + 1

    return ws.catalog.write(change)


def texts(ws: Workspace) -> list[str]:
    """Give the texts of all notes in the order of writing."""
    with ws.catalog.read() as connection:
        return list(connection.execute(select(notes.c.text).order_by(notes.c.id)).scalars())


def sequence(ws: Workspace) -> list[int]:
    """Give the numbers of all events."""
    with ws.catalog.read() as connection:
        return list(connection.execute(select(events.c.seq).order_by(events.c.seq)).scalars())


def problems(ws: Workspace) -> list[verification.Finding]:
    """Verify the whole trail."""
    with ws.catalog.read() as connection:
        info = connection.execute(select(store_info)).one()
        return [each for each in verification.Walk(connection, info.workspace, info.hash).findings() if not each.note]


def write_many(root: Path, writer: int, count: int) -> list[int]:
    """Write notes one by one; what a writing process does."""
    ws = Workspace(root)
    return [write_note(ws, f"{writer}/{number}") for number in range(count)]


def in_processes(function: Callable[..., Any], calls: Sequence[Sequence[Any]]) -> list[Any]:
    """Run a function in that many fresh processes at once and give the results in order."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with ProcessPoolExecutor(len(calls), context, _take_environment, (dict(os.environ),)) as pool:
        return [future.result(timeout=240) for future in [pool.submit(function, *call) for call in calls]]


def _take_environment(variables: dict[str, str]) -> None:
    """Processes come from a server that was started under an earlier test's environment."""
    os.environ.clear()
    os.environ.update(variables)
