"""A process that writes until it is killed: blobs, the records that name them and their events.

It prints the number of each event once the change was acknowledged, and nothing before.
"""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path

from sqlalchemy import select

from mlops_ext.store.catalog import Change
from mlops_ext.store.schema import chain_head
from mlops_ext.workspace import Workspace


def payload(writer: str, number: int) -> bytes:
    """Give the bytes of a blob; some are shared between writers, and all grow to many pages."""
    shared = number % 3 == 0
    return f"{'shared' if shared else writer} {number}\n".encode() * (1 + number % 7 * 500)


def write(ws: Workspace, writer: str, number: int) -> int:
    """Put two blobs and name them in one change."""
    digests = ws.put_blobs([payload(writer, number), payload(writer, number + 1)])

    def change(change: Change) -> int:
        owner = f"note:{writer}-{number}"
        change.name_blobs(owner, digests)
        change.event("note.written", owner, {"outputs": digests})
        return int(change.execute(select(chain_head.c.seq)).scalar_one()) + 1

    return ws.catalog.write(change)


def main(root: str, writer: str) -> None:
    """Write for ever."""
    ws = Workspace(Path(root))
    for number in itertools.count():
        seq = write(ws, writer, number)
        os.write(sys.stdout.fileno(), f"{seq}\n".encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
