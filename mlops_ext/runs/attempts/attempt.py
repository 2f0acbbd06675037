"""One attempt as its worker sees it: a process of its own, started, watched and, when it breaks, cleared away."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mlops_ext.datasets.used import PINS
from mlops_ext.runs.attempts import processes
from mlops_ext.runs.attempts.child import Task
from mlops_ext.runs.queue import leases, recovery
from mlops_ext.workspace import Workspace

__all__ = ["Execution"]

_TAIL = 600
_NOT_HANDED_DOWN = ("MLOPS_RUN", PINS, "JPY_PARENT_PID", "JPY_SESSION_NAME", processes.VARIABLE)


class Execution:
    """The process that works for a claimed job.

    Parameters
    ----------
    claim : Claim
        The job with the lease on it.
    secrets : mapping
        Values of secret parameters, which are stored nowhere.
    """

    def __init__(self, ws: Workspace, claim: leases.Claim, secrets: Mapping[str, Any]) -> None:
        self.ws = ws
        self.job = claim.job
        self.lease = claim.lease
        self.folder: Path = ws.home / "jobs" / claim.lease.token
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.process = self._start(secrets)

    def poll(self) -> bool:
        """Tell whether the attempt has ended; clear away what a broken one left."""
        code = self.process.poll()
        if code is None:
            return False
        row = leases.read(self.ws, self.lease.job)
        if row is not None and row.fence == self.lease.fence and row.status == "running":
            processes.end_all(self.lease.token)
            recovery.bury(self.ws, self.lease, row.run, self._death(code))
        shutil.rmtree(self.folder, ignore_errors=True)
        return True

    def _start(self, secrets: Mapping[str, Any]) -> subprocess.Popen[bytes]:
        ws = self.ws
        environment = {name: value for name, value in os.environ.items() if name not in _NOT_HANDED_DOWN}
        # OpenMP threads that spin while they wait slow down whatever else runs on the same cores, severalfold.
        environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        environment |= {processes.VARIABLE: self.lease.token, "MLOPS_WORKSPACE": str(ws.root)}
        section = ws.settings.workspace
        environment |= {
            f"MLOPS_{key.upper()}": getattr(section, key) for key in ("catalog", "blobs") if getattr(section, key)
        }
        reading, writing = os.pipe()
        with (self.folder / "log").open("ab") as log, os.fdopen(reading) as task_pipe:
            process = subprocess.Popen(
                [sys.executable, "-m", "mlops_ext.runs.attempts.child"],
                cwd=self.folder,
                env=environment,
                stdin=task_pipe,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        task = Task(
            root=str(ws.root),
            actor=ws.actor.name,
            auth=ws.actor.auth,
            folder=str(self.folder),
            lease=asdict(self.lease),
            secrets=dict(secrets),
        )
        # A process that died at once cannot listen; `poll` says how it died.
        with contextlib.suppress(BrokenPipeError), os.fdopen(writing, "w") as pipe:
            pipe.write(task.to_json() + "\n")
        return process

    def _death(self, code: int) -> str:
        """Say how the process ended, and the last that it wrote."""
        log = self.folder / "log"
        tail = log.read_bytes()[-_TAIL:].decode(errors="replace").strip() if log.is_file() else ""
        how = f"ended by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
        return f"the process of the run {how}" + (f": …{tail}" if tail else "")
