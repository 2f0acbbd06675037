"""A rehearsal: what every attempt asks of the catalog, once in the parent that attempts are forked from."""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from mlops_ext.runs.execution.live import Piece
from mlops_ext.runs.queue import leases, output, submission
from mlops_ext.runs.types import SubmitJob
from mlops_ext.store.catalog import Actor
from mlops_ext.store.lifecycle import create_scratch
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import CellState, FinishRun, LogRun, ShowRun, StartRun
from mlops_ext.workspace import Workspace

__all__ = ["rehearse"]

_MEMORY = "/dev/shm"  # noqa: S108 - a folder of a random name is made in it
_NOTEBOOK = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {},
    "cells": [
        {
            "cell_type": "code", "id": "a", "source": "n = 1", "outputs": [], "execution_count": None,
            "metadata": {"tags": ["parameters"]},
        }
    ],
}  # fmt: skip


def rehearse() -> None:
    """Pass a job through a workspace that exists for this only, so that its statements are compiled.

    SQLAlchemy takes longer to compile them than SQLite to answer, and an attempt would do it in each process anew.
    """
    memory = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="mlops-", dir=memory) as name:
        folder = Path(name)
        # Named here, so that no variable names those of a real workspace.
        stores = {"catalog": f"sqlite:///{folder / 'catalog.db'}", "blobs": str(folder / "blobs"), "hash": "b3"}
        ws = Workspace(folder, Actor("rehearsal"), stores)
        with closing(sqlite3.connect(folder / "catalog.db")):
            create_scratch(ws.database, "b3")
        (folder / "a.ipynb").write_text(json.dumps(_NOTEBOOK), encoding="utf-8")
        try:
            _pass(ws)
        finally:
            ws.database.close()


def _pass(ws: Workspace) -> None:
    prepared = submission.prepare(ws, SubmitJob(notebook="a.ipynb", parameters={"n": 2}))
    ws.catalog.write(lambda change: submission.enter(change, prepared))
    claimed = leases.claim(ws, "rehearsal")
    if claimed is None:
        raise RuntimeError("the rehearsal's job is not there")
    lease = claimed.lease
    ws.get_blob(claimed.job.source)
    run = ws.call(tracking.start, StartRun(notebook="a.ipynb", source=prepared.source, job=prepared.id)).id
    ws.call(tracking.log, LogRun(run=run, parameters={"n": "2"}, inputs=("dataset:a",), outputs=("model:a",)))
    leases.beat(ws, lease, run=run)
    leases.beat(ws, lease, run=run, renew=False)
    output.keep(ws, lease, [Piece(1, "stdout", "2")])
    made = ws.put_blob(b"the executed notebook")
    cells = (CellState(cell=1, status="ok", seconds=0.1),)
    ws.call(tracking.finish, FinishRun(run=run, status="succeeded", output=made, cells=cells))
    ws.call(tracking.show, ShowRun(run=run))
    leases.end(ws, lease, "succeeded", run=run)
