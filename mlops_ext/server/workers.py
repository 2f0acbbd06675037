"""A worker on demand: queued jobs find one, whoever queued them, and it outlives the server."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from pathlib import Path

__all__ = ["WorkerKeeper"]

log = logging.getLogger("mlops_ext.server")


class WorkerKeeper:
    """Starts `mlops worker --until-idle`, one at a time.

    A worker that is about to stop no longer looks at the queue. So whoever asks while one runs gets
    another one after it; one that finds nothing stops at once.

    Parameters
    ----------
    root : Path
        Folder of the workspace.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._asked = False
        self._thread: threading.Thread | None = None

    def ensure(self) -> None:
        """See to it that a worker looks at the queue after this moment."""
        with self._lock:
            self._asked = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._keep, name="mlops-ext-worker", daemon=True)
                self._thread.start()

    def _keep(self) -> None:
        while True:
            with self._lock:
                if not self._asked:
                    self._thread = None
                    return
                self._asked = False
            self._run()

    def _run(self) -> None:
        command = [sys.executable, "-m", "mlops_ext.cli.main", "--workspace", str(self._root), "worker", "--until-idle"]
        output = self._root / ".mlops" / "worker.log"
        try:
            with output.open("ab") as file:
                code = subprocess.Popen(  # noqa: S603
                    command,
                    cwd=self._root,
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=file,
                    start_new_session=True,
                ).wait()
        except OSError as error:
            log.error("cannot start a worker for %s: %s", self._root, error)  # noqa: TRY400
            return
        if code:
            log.warning("a worker for %s ended with %s; see %s", self._root, code, output)
