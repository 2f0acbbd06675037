"""A Dask cluster as a place where jobs run: the catalog keeps the queue, the cluster gets claimed attempts only."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import partial
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from mlops_ext.errors import InvalidValue, MissingExtra, NotFound, StoreUnavailable
from mlops_ext.runs.execution.live import Piece
from mlops_ext.runs.notebooks.files import read_notebook
from mlops_ext.runs.notebooks.secrecy import mask_text
from mlops_ext.runs.queue import leases, output, recovery
from mlops_ext.runs.remote.answering import Answer, answer, guarded
from mlops_ext.runs.remote.task import KEY, QUESTIONS, STOP, work
from mlops_ext.runs.reuse import helpers_of
from mlops_ext.store.filesystem import write_whole
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import ShowRun
from mlops_ext.workspace import Workspace

__all__ = ["Cluster", "RemoteAttempt", "cluster_at"]

SCHEME = "dask"
_CONNECT_SECONDS = 10
_LOOK_SECONDS = 1.0
_AGAIN_SECONDS = 1.0
_CLOSE_SECONDS = 5.0
log = logging.getLogger("mlops_ext.runs")


@contextmanager
def cluster_at(url: str) -> Iterator[Cluster | None]:
    """Connect to the cluster at a URL such as `dask://scheduler:8786` while the block lasts; None for an empty one.

    Raises
    ------
    InvalidValue
        The URL is no such one.
    MissingExtra
        Dask's distributed is not installed.
    StoreUnavailable
        No scheduler answers there, it has no workers, or they cannot run jobs.
    """
    if not url:
        yield None
        return
    cluster = Cluster(_address(url))
    try:
        yield cluster
    finally:
        cluster.close()


class Cluster:
    """The place that runs attempts on the workers of a Dask scheduler."""

    def __init__(self, address: str) -> None:
        # What notebooks ask for may be of any room, also of those above this one.
        import_module("mlops_ext.rooms")
        try:
            import distributed
        except ImportError as error:
            raise MissingExtra.of(error.name or "distributed", "dask") from error
        dask: Any = distributed
        try:
            self.client = dask.Client(f"tcp://{address}", timeout=_CONNECT_SECONDS, set_as_default=False)
        except (OSError, TimeoutError) as error:
            raise StoreUnavailable(
                f"no Dask scheduler answers at {SCHEME}://{address}", hint="Start one: dask scheduler"
            ) from error
        self._check(address)

    def start(self, ws: Workspace, claim: leases.Claim, secrets: Mapping[str, Any]) -> RemoteAttempt:
        """Hand a claimed job to the cluster."""
        return RemoteAttempt(ws, claim, secrets, self.client)

    def close(self) -> None:
        """Leave the cluster; it goes on."""
        self.client.close()

    def _check(self, address: str) -> None:
        """Refuse a cluster that could not run a job."""
        trouble, hint = "", ""
        if not self.client.scheduler_info()["workers"]:
            trouble, hint = "has no workers", f"Start one: dask worker tcp://{address}"
        else:
            try:
                self.client.run(_importable)
            except Exception as error:  # noqa: BLE001 - whatever a worker raises is what is wrong with it
                trouble = f"has workers that cannot run jobs: {type(error).__name__}: {error}"
                hint = "Install there what is installed here: pip install 'mlops-ext[dask,runs]'"
        if trouble:
            self.close()
            raise StoreUnavailable(f"the Dask scheduler at {SCHEME}://{address} {trouble}", hint=hint)


class RemoteAttempt:
    """One attempt on a cluster: it answers what the attempt asks of the workspace, until the attempt has ended.

    Parameters
    ----------
    claim : Claim
        The job with the lease on it.
    secrets : mapping
        Values of secret parameters; they go to the worker and are stored nowhere.
    client : distributed.Client
        Of the cluster.
    """

    def __init__(self, ws: Workspace, claim: leases.Claim, secrets: Mapping[str, Any], client: Any) -> None:
        import distributed

        dask: Any = distributed
        self.ws = ws
        self.job, self.lease = claim.job, claim.lease
        self.secrets = dict(secrets)
        self._client = client
        self._worker = ""
        self._ended = False
        self._told_end: dict[str, Any] = {}
        self._done: dict[str, tuple[str, bytes]] = {}
        self._looked = time.monotonic()
        token = self.lease.token
        self._queue: Callable[[str], Any] = lambda name: dask.Queue(name, client=client)
        self._questions = self._queue(QUESTIONS.format(token))
        self._answers: dict[str, Any] = {}
        told = {"lease": asdict(self.lease), "job": self.job.model_dump(mode="json"), "secrets": self.secrets}
        # A lost worker is our policy's business: Dask's own retries are told to go when they ask to begin.
        self._future = client.submit(
            work, token, json.dumps(told), self._files(), key=KEY.format(token), pure=False, retries=0
        )
        self._thread = threading.Thread(target=self._serve, name="mlops-relay", daemon=True)
        self._thread.start()

    def poll(self) -> bool:
        """Tell whether the attempt has ended; bury one whose worker is gone."""
        if not self._ended and time.monotonic() - self._looked > _LOOK_SECONDS:
            self._looked = time.monotonic()
            self._look()
        if not self._ended:
            return False
        self._thread.join(_CLOSE_SECONDS)
        for queue in (self._questions, *self._answers.values()):
            with suppress(OSError):
                queue.close()
        return True

    def _files(self) -> dict[str, bytes]:
        """Give what goes with the notebook: the modules beside it that it imports."""
        folder = (self.ws.root / self.job.notebook).parent
        notebook = read_notebook(self.ws.get_blob(self.job.source), self.job.notebook)
        own = {str(file.relative_to(self.ws.root)): file.read_bytes() for file in helpers_of(notebook, folder)}
        # The notebook's folder is where the kernel works, so that it must be there.
        return own | {self.job.notebook: self.ws.get_blob(self.job.source)}

    def _look(self) -> None:
        """Look how the task does; the worker that had it may be gone."""
        row = leases.read(self.ws, self.lease.job)
        if row is None or row.fence != self.lease.fence or row.status != "running":
            self._finish()
            return
        status = self._future.status
        if self._client.status != "running":
            self._bury("the Dask scheduler is gone")
        elif self._worker and self._worker not in self._client.scheduler_info()["workers"]:
            self._bury(f"the Dask worker {self._worker} is gone")
        elif status in ("finished", "error", "cancelled", "lost"):
            self._bury(self._death(status))
        elif not self._worker:
            self._wait_for_worker(row)

    def _wait_for_worker(self, row: Any) -> None:
        """Keep the lease of an attempt that no worker has taken up yet, unless it was cancelled."""
        if row.cancel_requested:
            leases.end(self.ws, self.lease, "cancelled", error="cancelled before a Dask worker took it up")
            self._finish()
        else:
            leases.beat(self.ws, self.lease, total=row.cells_total)

    def _death(self, status: str) -> str:
        if status == "error":
            return f"the Dask task failed: {self._future.exception()!r}"
        told = self._future.result() if status == "finished" else {}
        tail = mask_text(str(told.get("tail", "")), self.secrets)
        how = f"exited with code {told['code']}" if told else f"was {status}"
        return f"the process of the run on the Dask worker {how}" + (f": …{tail}" if tail else "")

    def _bury(self, error: str) -> None:
        row = leases.read(self.ws, self.lease.job)
        recovery.bury(self.ws, self.lease, row.run if row else "", error)
        self._finish()

    def _finish(self) -> None:
        self._ended = True
        with suppress(Exception):  # what the cluster makes of a task that has ended does not matter
            self._future.cancel()
            # A wait with a time limit would be an error in the scheduler's log each time.
            self._questions.put({"number": STOP})

    def _serve(self) -> None:
        """Answer what the attempt asks, one thing after the other."""
        while not self._ended:
            try:
                asked = self._questions.get()
            except Exception as trouble:  # noqa: BLE001 - without the scheduler there is nothing to answer
                if not self._ended:
                    log.warning("job %s: the Dask scheduler gave no questions: %s", self.job.id, trouble)
                    time.sleep(_AGAIN_SECONDS)
                continue
            if asked["number"] == STOP:
                return
            told, data = guarded(partial(self._answer, json.loads(asked["told"]), asked["data"]))
            if asked["to"] not in self._answers:
                self._answers[asked["to"]] = self._queue(asked["to"])
            with suppress(OSError):
                self._answers[asked["to"]].put({"number": asked["number"], "told": json.dumps(told), "data": data})

    def _answer(self, told: dict[str, Any], data: bytes) -> Answer:
        own: dict[str, Callable[..., dict[str, Any]]] = {
            "begin": self._begin,
            "beat": self._beat,
            "keep": self._keep,
            "end": self._end,
        }
        if told["do"] in own:
            return own[told.pop("do")](**told), b""
        return answer(self.ws, told, data)

    def _begin(self, worker: str) -> dict[str, Any]:
        """Let the first task of this attempt go on; a second one is Dask's retry of a worker that was lost."""
        if self._worker:
            return {"go": False}
        self._worker = worker
        return {"go": leases.beat(self.ws, self.lease, total=self.job.cells_total) == "go on"}

    def _beat(self, run: str, done: int, total: int, renew: bool) -> dict[str, Any]:
        return {"pulse": leases.beat(self.ws, self.lease, run=run, done=done, total=total, renew=renew)}

    def _keep(self, pieces: list[dict[str, Any]]) -> dict[str, Any]:
        output.keep(self.ws, self.lease, [Piece(**each) for each in pieces])
        return {}

    def _end(self, status: Any, error: str, run: str) -> dict[str, Any]:
        """End the job as the attempt did, with its executed notebook where it was asked to be."""
        if run:
            with suppress(NotFound):
                executed = self.ws.call(tracking.show, ShowRun(run=run)).output
                if executed:
                    path = self.ws.root / self.job.output
                    path.parent.mkdir(parents=True, exist_ok=True)
                    write_whole(path, self.ws.get_blob(executed))
        leases.end(self.ws, self.lease, status, error=error, run=run)
        return {}


def _importable() -> None:
    """Import on a worker what a job needs; this function itself is found in this package there."""
    import ipykernel  # noqa: F401
    import papermill  # noqa: F401


def _address(url: str) -> str:
    """Read host and port out of `dask://host:port`."""
    parts = urlsplit(url)
    with suppress(ValueError):
        if parts.scheme == SCHEME and parts.hostname and parts.port and not parts.path.strip("/"):
            return f"{parts.hostname}:{parts.port}"
    raise InvalidValue(f"{url!r} names no cluster", hint="Write dask://scheduler:8786")
