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


if __name__ == "__main__":
    folder, first, number, step = Path(sys.argv[1]), *map(int, sys.argv[2:])
    ws = Workspace(folder)
    if step:
        die_at(step)
    for each in range(first, first + number):
        frame = pd.DataFrame({"x": range(each * 1000, each * 1000 + 100)})
        sys.stdout.write(f"{snapshot(frame, 't', workspace=ws).ref} {each}\n")
        sys.stdout.flush()
