"""Processes forked from a warm parent: asked for over its socket, and handled like any other child."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait as wait_for
from pathlib import Path
from typing import Any

__all__ = ["Forked", "NotForked", "Warm", "fork", "mark_of"]

_ANSWER_SECONDS = 60.0


@dataclass(frozen=True)
class Warm:
    """Where a kernel may be forked instead of started.

    Attributes
    ----------
    address : str
        Socket of the warm parent.
    mark : str
        Name for the forked processes.
    folders : tuple of str
        Where modules of the notebook's own lie.
    """

    address: str
    mark: str
    folders: tuple[str, ...] = ()


class NotForked(Exception):
    """A warm parent gives no process; a cold start will."""


def mark_of(token: str) -> str:
    """Give the name that marks the forked processes of an attempt; the system keeps 15 characters of one.

    Examples
    --------
    >>> len(mark_of("019a.1"))
    15
    """
    return "m" + hashlib.blake2b(token.encode(), digest_size=7).hexdigest()


class Forked:
    """A process that somebody else's child is, with the face of `subprocess.Popen`.

    Letting go of it ends a kernel and all that is left of it; a process that outlives goes on.
    """

    stdin = stdout = stderr = None

    def __init__(self, connection: socket.socket, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._connection: socket.socket | None = connection
        self._heard = b""

    def poll(self) -> int | None:
        """Give the exit code, or None while it runs."""
        while self.returncode is None and self._connection and wait_for([self._connection], 0):
            self._hear()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and give the exit code.

        Raises
        ------
        TimeoutExpired
            It did not come within `timeout` seconds.
        """
        while self.returncode is None and self._connection:
            if not wait_for([self._connection], timeout):
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
            self._hear()
        return self.returncode if self.returncode is not None else -signal.SIGKILL

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def release(self) -> None:
        """Let go of it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _hear(self) -> None:
        data = self._connection.recv(4096) if self._connection else b""
        self._heard += data
        if self._heard.endswith(b"\n"):
            self.returncode = int(json.loads(self._heard)["status"])
        elif not data:
            # Its guard is gone, and took it along.
            self.returncode = -signal.SIGKILL


def fork(
    address: str,
    target: str,
    files: Sequence[int],
    *,
    env: Mapping[str, str],
    cwd: str | Path,
    argv: Sequence[str] = ("",),
    mark: str = "",
    folders: Sequence[str | Path] = (),
    outlives: bool = False,
) -> Forked:
    """Ask a warm parent for a process.

    Parameters
    ----------
    address : str
        The parent's socket.
    target : str
        `module:function` to call there; what it gives is the exit code.
    files : sequence of int
        Its standard input, output and error.
    mark : str
        Its name, by which `processes.marked` finds it; see `mark_of`.
    folders : sequence of path
        Where modules of the notebook's own lie; if one has the name of a module that is imported already, none is
        forked.
    outlives : bool
        Whether it goes on when nobody listens any more.

    Raises
    ------
    NotForked
        Why not.
    """
    request: dict[str, Any] = {
        "target": target,
        "env": dict(env),
        "cwd": str(cwd),
        "argv": list(argv),
        "mark": mark,
        "folders": [str(folder) for folder in folders],
        "outlives": outlives,
    }
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(_ANSWER_SECONDS)
        connection.connect(address)
        data = json.dumps(request).encode() + b"\n"
        sent = socket.send_fds(connection, [data], list(files))
        connection.sendall(data[sent:])
        answer = json.loads(_line(connection))
        connection.settimeout(None)
    except (OSError, ValueError) as error:
        connection.close()
        raise NotForked(f"the warm parent at {address} gave no process: {error}") from error
    if "refused" in answer:
        connection.close()
        raise NotForked(str(answer["refused"]))
    return Forked(connection, int(answer["pid"]))


def _line(connection: socket.socket) -> bytes:
    data = b""
    while not data.endswith(b"\n"):
        more = connection.recv(1)
        if not more:
            raise OSError("it hung up")
        data += more
    return data
