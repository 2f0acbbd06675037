"""One attempt as its worker sees it: a process of its own, started, watched and, when it breaks, cleared away."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mlops_ext.datasets.used import LOCKED, NOTES, PINS
from mlops_ext.errors import MlopsError
from mlops_ext.runs.attempts import processes
from mlops_ext.runs.attempts.child import Task
from mlops_ext.runs.kernels.forks import Forked, NotForked, fork, mark_of
from mlops_ext.runs.kernels.warm import Parents
from mlops_ext.runs.notebooks.files import read_notebook
from mlops_ext.runs.notebooks.secrecy import mask_text
from mlops_ext.runs.queue import leases, recovery
from mlops_ext.workspace import REPRODUCES, Workspace

__all__ = ["Attempt", "handed_down", "stores_of"]

_TAIL = 600
_NOT_HANDED_DOWN = (
    "MLOPS_RUN", PINS, LOCKED, NOTES, REPRODUCES, "JPY_PARENT_PID", "JPY_SESSION_NAME", processes.VARIABLE,
)  # fmt: skip
log = logging.getLogger("mlops_ext.runs")


def handed_down() -> dict[str, str]:
    """Give the environment that attempts and their warm parents have from their worker."""
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_HANDED_DOWN}
    # OpenMP threads that spin while they wait slow down whatever else runs on the same cores, severalfold.
    environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    return environment


def stores_of(ws: Workspace) -> dict[str, str]:
    """Give the variables by which another process opens the same catalog and blobs."""
    section = ws.settings.workspace
    stores = {f"MLOPS_{key.upper()}": getattr(section, key) for key in ("catalog", "blobs")}
    return {name: value for name, value in stores.items() if value}


class Attempt:
    """The process that works for a claimed job.

    Parameters
    ----------
    claim : Claim
        The job with the lease on it.
    secrets : mapping
        Values of secret parameters, which are stored nowhere.
    parents : Parents, optional
        Where the process and its kernel are forked; without it both start cold.
    """

    def __init__(
        self, ws: Workspace, claim: leases.Claim, secrets: Mapping[str, Any], parents: Parents | None = None
    ) -> None:
        self.ws = ws
        self.job = claim.job
        self.lease = claim.lease
        self.folder: Path = ws.home / "jobs" / claim.lease.token
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.secrets = dict(secrets)
        self.process = self._start(secrets, parents)

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

    def _start(self, secrets: Mapping[str, Any], parents: Parents | None) -> subprocess.Popen[bytes] | Forked:
        forking = parents if parents is not None and not self.job.cold else None
        task = Task(
            root=str(self.ws.root),
            actor=self.ws.actor.name,
            auth=self.ws.actor.auth,
            folder=str(self.folder),
            lease=asdict(self.lease),
            secrets=dict(secrets),
            warm=self._kernel_of(forking) if forking else "",
        )
        reading, writing = os.pipe()
        with (self.folder / "log").open("ab") as log, os.fdopen(reading) as task_pipe:
            files = (task_pipe.fileno(), log.fileno(), log.fileno())
            process = (self._fork(forking, files) if forking else None) or self._execute(files)
        # A process that died at once cannot listen; `poll` says how it died.
        with contextlib.suppress(BrokenPipeError), os.fdopen(writing, "w") as pipe:
            pipe.write(task.to_json() + "\n")
        return process

    def _kernel_of(self, parents: Parents) -> str:
        try:
            return parents.kernels(read_notebook(self.ws.get_blob(self.job.source), self.job.notebook), self.job.kernel)
        except MlopsError as trouble:
            log.info("job %s starts cold: %s", self.job.id, trouble)
            return ""

    def _fork(self, parents: Parents, files: tuple[int, int, int]) -> Forked | None:
        address, environment = parents.attempts(), self._environment()
        if not address:
            return None
        try:
            return fork(
                address,
                "mlops_ext.runs.attempts.child:main",
                files,
                env=environment,
                cwd=self.folder,
                mark=mark_of(self.lease.token),
                outlives=True,
            )
        except NotForked as why:
            log.info("job %s starts cold: %s", self.job.id, why)
            return None

    def _execute(self, files: tuple[int, int, int]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "mlops_ext.runs.attempts.child"],
            cwd=self.folder,
            env=self._environment(),
            stdin=files[0],
            stdout=files[1],
            stderr=files[2],
            start_new_session=True,
        )

    def _environment(self) -> dict[str, str]:
        own = {processes.VARIABLE: self.lease.token, "MLOPS_WORKSPACE": str(self.ws.root)}
        return handed_down() | own | stores_of(self.ws)

    def _death(self, code: int) -> str:
        """Say how the process ended, and the last that it wrote."""
        log = self.folder / "log"
        tail = log.read_bytes()[-_TAIL:].decode(errors="replace").strip() if log.is_file() else ""
        tail = mask_text(tail, self.secrets)
        how = f"ended by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
        return f"the process of the run {how}" + (f": …{tail}" if tail else "")
