"""Pushes or pulls in a process of its own; dies as by kill -9 at its n-th rename, link or write of a record.

On S3 nothing is renamed: there it dies in its n-th put.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from pathlib import Path

import mlops_ext as mlops
from mlops_ext.store.remotes.remote import Remote
from tests.faults.snapshotter import die_at


def die_in_put(step: int) -> None:
    count, put = itertools.count(1), Remote.put

    def dying(self, digest, source):
        if next(count) == step:
            os.kill(os.getpid(), signal.SIGKILL)
        put(self, digest, source)

    Remote.put = dying


if __name__ == "__main__":
    verb, folder, url, step = sys.argv[1:]
    ws = mlops.Workspace(Path(folder))
    if int(step):
        (die_in_put if url.startswith("s3") else die_at)(int(step))
    moved = (
        mlops.push("flights", to=url, workspace=ws)
        if verb == "push"
        else mlops.pull("flights", from_=url, workspace=ws)
    )
    sys.stdout.write(f"{moved.pieces}\n")
