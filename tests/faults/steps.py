"""A process that does one action after the other, each in a fork whose n-th change of files fails or kills it."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlops_ext.datasets import compact
from mlops_ext.datasets.curation import edge as curation
from mlops_ext.datasets.diff.edge import diff
from mlops_ext.datasets.edge import export, load, snapshot
from mlops_ext.datasets.expectations.edge import check_dataset, expect
from mlops_ext.datasets.storage.compaction import Compact
from mlops_ext.errors import DamagedBlob, MlopsError
from mlops_ext.governance.upkeep.copies import find_copies
from mlops_ext.governance.upkeep.fsck import fsck
from mlops_ext.governance.upkeep.service import keep_rules_applied
from mlops_ext.governance.upkeep.types import PlanGc
from mlops_ext.workspace import Workspace

ROOT = Path(__file__).parents[2]
FAULTS = {"kill": 0, "full": errno.ENOSPC, "read-only": errno.EROFS}
ROWS = 3000


def frame(rows: int = ROWS) -> pd.DataFrame:
    random = np.random.default_rng(5)
    word = pd.Categorical(random.choice(["x", "y"], rows))
    return pd.DataFrame({"id": np.arange(rows) * 3, "word": word, "value": random.normal(size=rows)})


def gather(ws: Workspace) -> None:
    keep_rules_applied(ws, PlanGc(keep_last=1, grace="0s"))
    ws.ledger.doom()
    ws.ledger.sweep(timedelta(0))


def mend(ws: Workspace) -> None:
    if not fsck(ws, find_copies(ws, "../copy")).whole:
        raise DamagedBlob("not all is repaired", hint="Repair it again")


ACTIONS: dict[str, Callable[[Workspace], Any]] = {
    "snapshot": lambda ws: snapshot("rows.csv", "t", workspace=ws),
    "snapshot first": lambda ws: snapshot("rows.csv", "new", workspace=ws),
    "load": lambda ws: load("t@2", workspace=ws),
    "load path": lambda ws: load("t@3", "path", workspace=ws),
    "export": lambda ws: export("t@3", "out", workspace=ws),
    "compact": lambda ws: ws.call(compact, Compact(dataset="t@3", one_file=True)),
    "gc": gather,
    "fsck": mend,
    "diff": lambda ws: diff("t@1", "t@3", workspace=ws),
    "expect": lambda ws: expect("t", {"min_rows": 10}, workspace=ws),
    "check": lambda ws: check_dataset("t@3", {"min_rows": 10}, workspace=ws),
    "alias": lambda ws: curation.alias_dataset("t@2", "golden", workspace=ws),
    "tag": lambda ws: curation.tag_dataset("t@3", {"source": "api"}, workspace=ws),
    "delete": lambda ws: curation.delete_dataset("t@1", workspace=ws),
}


@dataclass(frozen=True)
class Ended:
    """How an action ended: what it said, or the signal; and how many changes of files it tried."""

    error: str = ""
    is_ours: bool = True
    signal: int = 0
    count: int = 0

    @property
    def done(self) -> bool:
        """Whether it was acknowledged."""
        return not self.error and not self.signal


class Stepper:
    """Does actions in a folder that has `project`, the workspace, and `temporary`."""

    def __init__(self, library: Path) -> None:
        asked = {name: text for name, text in os.environ.items() if not name.startswith("MLOPS_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.steps"],
            cwd=ROOT,
            env={**asked, "LD_PRELOAD": str(library)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def do(self, action: str, folder: Path, step: int = 0, fault: str = "kill") -> Ended:
        """Do an action; the fault comes at the n-th change, or never."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([action, str(folder), step, FAULTS[fault]]) + "\n")
        self._process.stdin.flush()
        return Ended(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)


def _serve() -> None:
    library = ctypes.CDLL(None)
    library.steps_disarm.restype = ctypes.c_long
    _know_all()
    for line in sys.stdin:
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            with suppress(BaseException):
                os.write(writing, json.dumps(_do(library, *json.loads(line))).encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            said = pipe.read()
        _, status = os.waitpid(child, 0)
        killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        sys.stdout.write((said.decode() or json.dumps({"signal": killed})) + "\n")
        sys.stdout.flush()


def _know_all() -> None:
    """Import what the actions import, so that no fork has to."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path.cwd()
        os.chdir(folder)
        frame().to_csv("rows.csv", index=False)
        ws = Workspace(Path(folder))
        for rows in (10, 20, 30):
            snapshot(frame(rows), "t", workspace=ws)
        for name, action in ACTIONS.items():
            if name not in ("fsck", "gc"):
                action(ws)
        fsck(ws)
        gather(ws)
        ws.database.close()
        os.chdir(here)


def _do(library: Any, action: str, folder: str, step: int, error: int) -> dict[str, Any]:
    os.chdir(Path(folder, "project"))
    tempfile.tempdir = str(Path(folder, "temporary"))
    library.steps_arm(folder.encode(), ctypes.c_long(step), error)
    said, is_ours = "", True
    try:
        ACTIONS[action](Workspace(Path.cwd()))
    except MlopsError as failed:
        said = f"{failed.message} ({failed.hint})"
    except BaseException:  # noqa: BLE001 - whatever it is, the test tells it
        said, is_ours = traceback.format_exc(), False
    return {"count": library.steps_disarm(), "error": said, "is_ours": is_ours}


if __name__ == "__main__":
    _serve()
