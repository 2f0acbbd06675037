"""Warm parents as a worker keeps them: one for attempts, and one for kernels per environment and import set."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import NoSuchKernel

from mlops_ext.runs.kernels.imports import imports_of
from mlops_ext.runs.kernels.specs import Kernels, python_of
from mlops_ext.runs.notebooks.files import Notebook

__all__ = ["Parents"]

_MOST = 4
_READ_AT_IMPORT = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}
"""What a kernel sets before anything is imported."""
_ATTEMPT = {
    "modules": ["mlops_ext.runs.attempts.child"],
    "prepare": [["mlops_ext.runs.attempts.child", "prepare"]],
    "rehearse": {"mlops_ext": ["mlops_ext.runs.attempts.rehearsal", "rehearse"]},
}
_KERNEL = ["ipykernel.kernelapp", "ipykernel.zmqshell"]
_IN_EVERY_KERNEL = (
    "IPython.core.completerlib", "IPython.core.debugger", "IPython.core.logger", "IPython.core.oinspect",
    "IPython.extensions.storemagic", "ipykernel.debugger", "jupyter_client.localinterfaces", "psutil", "sqlite3",
    "tornado.gen", "tornado.locks", "tornado.platform.asyncio", "tornado.queues",
)  # fmt: skip
"""What a kernel imports by itself when it starts."""
_LATE = {
    # For the first traceback, without which fifty kernels that are cancelled would import it all at once.
    "IPython": ["stack_data", "pygments.formatters.html", "pygments.formatters.terminal256", "pygments.lexers.python"],
    "narwhals": ["narwhals._pandas_like.dataframe", "narwhals._pandas_like.namespace", "narwhals.stable.v2._namespace"],
    "pyarrow": ["pyarrow.pandas_compat"],
}
"""What packages import when they are first used."""
_REHEARSED = {
    # Its first call looks for plug-ins of narwhals in every installed distribution.
    "sklearn": ["sklearn.utils.validation", "check_array", [[0.0]]],
    "IPython": ["__main__", "draw_traceback"],
}
"""What packages do when they are first used, as a module, a function and what it is given."""
log = logging.getLogger("mlops_ext.runs")


class Parents:
    """The warm parents of a worker, or of several in one process, each in a thread; they end with it.

    Parameters
    ----------
    environment : mapping
        Of the parents; libraries read some of it when they are imported.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = {**_READ_AT_IMPORT, **environment}
        self._folder = Path(tempfile.mkdtemp(prefix="mlops-"))
        self._parents: dict[tuple[Any, ...], tuple[subprocess.Popen[bytes], str]] = {}
        self._lock = threading.Lock()

    @classmethod
    @contextlib.contextmanager
    def kept(cls, environment: Mapping[str, str]) -> Iterator[Parents | None]:
        """Keep warm parents as long as the block lasts; None where nothing can be forked."""
        parents = cls(environment) if cls.possible() else None
        try:
            yield parents
        finally:
            if parents is not None:
                parents.close()

    @staticmethod
    def possible() -> bool:
        """Tell whether processes can be forked here; on macOS system libraries break in a child that did not exec."""
        return sys.platform == "linux" and hasattr(os, "pidfd_open")

    def attempts(self) -> str:
        """Give the address of the parent of attempts; empty when there is none."""
        return self._address((sys.executable,), sys.executable, _ATTEMPT)

    def kernels(self, notebook: Notebook, name: str) -> str:
        """Give the address of the parent of a notebook's kernel; empty for a kernel that starts cold.

        Parameters
        ----------
        name : str
            The kernel that was asked for instead of the notebook's own.
        """
        if notebook.language not in ("python", "ipython"):
            return ""
        try:
            spec = Kernels("python").get_kernel_spec(name or notebook.kernel or "python3")
        except NoSuchKernel:
            return ""
        python = python_of(spec)
        if not python:
            return ""
        modules = imports_of(notebook.code)
        task = {"modules": _KERNEL, "gentle": [*_IN_EVERY_KERNEL, *modules], "late": _LATE, "rehearse": _REHEARSED}
        return self._address((python, modules, _installed(python)), python, task)

    def close(self) -> None:
        """End the parents; what they forked goes on."""
        for process, _ in self._parents.values():
            _end(process)
        self._parents.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _address(self, key: tuple[Any, ...], python: str, task: Mapping[str, Any]) -> str:
        with self._lock:
            known = self._parents.pop(key, None) or self._start(python, task)
            # The one used last stands last; one that broke stays, so that it is not started again and again.
            self._parents[key] = known
            over = [self._parents.pop(each)[0] for each in list(self._parents)[: -_MOST - 1]]
        for process in over:
            _end(process)
        return known[1] if known[0].poll() is None else ""

    def _start(self, python: str, task: Mapping[str, Any]) -> tuple[subprocess.Popen[bytes], str]:
        address = tempfile.mktemp(dir=self._folder)  # noqa: S306 - the folder is this process's own
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(address)
            # Who asks before the imports are done waits in the socket's queue.
            listener.listen(512)
            given = {"listen": listener.fileno(), "gentle": [], **task}
            script = str(Path(__file__).with_name("parent.py"))
            process = subprocess.Popen(  # noqa: S603
                [python, script, json.dumps(given)],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                pass_fds=[listener.fileno()],
                start_new_session=True,
            )
        return process, address


def _installed(python: str) -> tuple[int, ...]:
    """Tell one state of an environment from another: installing something touches its folder."""
    folders = sorted(Path(python).parent.parent.glob("lib/python3*/site-packages"))
    return tuple(folder.stat().st_mtime_ns for folder in folders)


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(BrokenPipeError):
        process.communicate()
