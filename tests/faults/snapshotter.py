"""Makes snapshots of one dataset in a process of its own; dies as by kill -9 at its n-th rename or write of a record."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pandas as pd

from mlops_ext.datasets.edge import snapshot
from mlops_ext.store.catalog import Catalog
from mlops_ext.workspace import Workspace


def die_at(step: int) -> None:
    """Die before the n-th step at which something becomes visible."""
    seen = 0

    def count() -> None:
        nonlocal seen
        seen += 1
        if seen == step:
            os.kill(os.getpid(), signal.SIGKILL)

    original = Catalog._transact

    def transact(self, change, *, event, serial):
        count()
        return original(self, change, event=event, serial=serial)

    Catalog._transact = transact
    sys.addaudithook(lambda event, _: count() if event in ("os.rename", "os.link") else None)


def write(folder: Path, first: int, number: int, step: int) -> None:
    ws = Workspace(folder)
    if step:
        die_at(step)
    for each in range(first, first + number):
        frame = pd.DataFrame({"x": range(each * 1000, each * 1000 + 100)})
        sys.stdout.write(f"{snapshot(frame, 't', workspace=ws).ref} {each}\n")
        sys.stdout.flush()


def write_together(folder: Path, number: int, writers: int) -> int:
    """Let several processes, forked once all is imported, write at once; give how many of them failed."""
    children = []
    for writer in range(writers):
        child = os.fork()
        if not child:
            write(folder, 10 * writer, number, 0)
            os._exit(0)
        children.append(child)
    return sum(os.waitpid(child, 0)[1] != 0 for child in children)


if __name__ == "__main__":
    place, first, number, step, writers = Path(sys.argv[1]), *map(int, sys.argv[2:])
    if writers > 1:
        sys.exit(write_together(place, number, writers))
    write(place, first, number, step)
