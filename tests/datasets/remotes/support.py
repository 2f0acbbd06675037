"""Two workspaces and what lies between them."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from sqlalchemy import select

from mlops_ext.datasets.edge import snapshot
from mlops_ext.datasets.service import show
from mlops_ext.datasets.types import DatasetVersion, ShowDataset
from mlops_ext.store.hashing import digest_of
from mlops_ext.store.schema import event_data, events
from mlops_ext.workspace import Workspace


def colleague(folder: Path) -> Workspace:
    """A second workspace, on SQLite whatever the first is on."""
    folder.mkdir()
    return Workspace(folder, overrides={"catalog": f"sqlite:///{folder / '.mlops' / 'catalog.db'}"})


@lru_cache
def _template(versions: int) -> Workspace:
    """A store that is made once and copied: making tables takes longer than all that is tried with them."""
    folder = tempfile.TemporaryDirectory(prefix="mlops-test-")
    atexit.register(folder.cleanup)
    ws = colleague(Path(folder.name) / "made")
    ws.ensure()
    for seed in range(versions):
        snapshot(frame().assign(x=frame(seed)["x"]), "flights", workspace=ws)
    ws.database.close()
    return ws


def lay_out(ws: Workspace, versions: int = 0) -> None:
    """Make the store of a workspace, with versions of `flights`."""
    if ws.database.sqlite and not ws.home.exists():
        shutil.copytree(_template(versions).home, ws.home)
        return
    for seed in range(versions):
        snapshot(frame().assign(x=frame(seed)["x"]), "flights", workspace=ws)


def frame(seed: int = 0, rows: int = 1000) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"id": range(rows), "x": rng.normal(size=rows), "tail": rng.choice(["N1", "N2"], rows)})


def flights(ws: Workspace, versions: int = 1) -> list[DatasetVersion]:
    """Versions of which each has other values in one column than the one before."""
    lay_out(ws, versions)
    return [ws.call(show, ShowDataset(dataset=f"flights@{number + 1}")) for number in range(versions)]


def told(ws: Workspace, action: str = "") -> list[tuple[str, str, dict]]:
    """Each event of an action: action, subject, data."""
    query = select(events.c.action, events.c.subject, event_data.c.data).join(
        event_data, event_data.c.seq == events.c.seq
    )
    with ws.catalog.read() as connection:
        rows = connection.execute(query.order_by(events.c.seq)).all()
    return [(row.action, row.subject, json.loads(row.data)) for row in rows if not action or row.action == action]


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def wrong_blobs(folder: Path) -> list[str]:
    """The blobs of a remote folder whose bytes are not those that their names say; an oracle of its layout."""
    blobs = (folder / "blobs").glob("*/*/*")
    return [path.name for path in blobs if digest_of(path.read_bytes(), path.parent.parent.name) != f"b3:{path.name}"]
