"""Pushes or pulls in a process of its own; dies as by kill -9 at its n-th rename, link or write of a record."""

from __future__ import annotations

import sys
from pathlib import Path

import mlops_ext as mlops
from tests.faults.snapshotter import die_at

if __name__ == "__main__":
    verb, folder, url, step = sys.argv[1:]
    ws = mlops.Workspace(Path(folder))
    if int(step):
        die_at(int(step))
    moved = (
        mlops.push("flights", to=url, workspace=ws)
        if verb == "push"
        else mlops.pull("flights", from_=url, workspace=ws)
    )
    sys.stdout.write(f"{moved.pieces}\n")
