"""What runs on a Dask worker: it starts the attempt's process and carries its questions to the workspace and back.

Questions and answers go through two queues at the scheduler, so that workers need to reach nothing but it.
"""

from __future__ import annotations

import itertools
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any

from mlops_ext.runs.attempts import processes
from mlops_ext.runs.attempts.attempt import handed_down
from mlops_ext.workspace import RELAY

__all__ = ["KEY", "QUESTIONS", "STOP", "work"]

KEY, QUESTIONS, _ANSWERS = "mlops-{}", "mlops-{}-questions", "mlops-{}-answers-{}"
_SOCKET = "relay"
_ANSWER_SECONDS = 120.0
_LOOK_SECONDS = 1.0
_TAIL = 600
STOP = "stop"


def work(token: str, task: str, files: Mapping[str, bytes]) -> dict[str, Any]:
    """Run one attempt; give the exit code of its process and the last that it wrote.

    Parameters
    ----------
    token : str
        What marks the attempt and its queues.
    task : str
        What its process is to do, as JSON.
    files : mapping
        What lies beside the notebook, by its path in the workspace.
    """
    import distributed

    dask: Any = distributed
    client, worker = dask.get_client(), dask.get_worker()
    # Of its own: the scheduler would hand an answer to a worker that asked for one and then was lost.
    answers = dask.Queue(_ANSWERS.format(token, secrets.token_hex(8)), client=client)
    carrier = _Carrier(dask.Queue(QUESTIONS.format(token), client=client), answers, lambda: _wanted(worker, token))
    carrier.start()
    try:
        told, _ = carrier.ask({"do": "begin", "worker": worker.address}, b"")
        if not told.get("go"):
            return {"code": 0, "tail": ""}
        return _attempt(carrier, token, task, files)
    finally:
        carrier.stop()


def _wanted(worker: Any, token: str) -> bool:
    """Tell whether the scheduler still wants this task; one that it gave up gets no answers."""
    task = worker.state.tasks.get(KEY.format(token))
    return task is not None and task.state == "executing"


def _attempt(carrier: _Carrier, token: str, task: str, files: Mapping[str, bytes]) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp(prefix="mlops-"))
    try:
        root = folder / "workspace"
        for path, content in files.items():
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        address = str(folder / _SOCKET)
        with Listener(address, "AF_UNIX") as listener:
            threading.Thread(target=_serve, args=(listener, carrier), daemon=True).start()
            environment = {RELAY: address, "MLOPS_WORKSPACE": str(root), processes.VARIABLE: token}
            return _process(folder, task, handed_down() | environment, token)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _process(folder: Path, task: str, environment: dict[str, str], token: str) -> dict[str, Any]:
    """Start the process and wait; it ends itself when this one is gone, since its standard input closes then."""
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "mlops_ext.runs.remote.child"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        with suppress(BrokenPipeError):
            assert child.stdin is not None  # noqa: S101 - for mypy: it is a pipe
            child.stdin.write(task.encode() + b"\n")
            child.stdin.flush()
        code = child.wait()
    processes.end_all(token, spare={os.getpid()})
    return {"code": code, "tail": (folder / "log").read_bytes()[-_TAIL:].decode(errors="replace").strip()}


def _serve(listener: Listener, carrier: _Carrier) -> None:
    """Take the questions of the process and its kernel until the socket closes."""
    while True:
        try:
            connection = listener.accept()
        except OSError:
            return
        threading.Thread(target=_reply, args=(connection, carrier), daemon=True).start()


def _reply(connection: Connection, carrier: _Carrier) -> None:
    with connection, suppress(OSError, EOFError):
        told, data = json.loads(connection.recv_bytes()), connection.recv_bytes()
        answer, found = carrier.ask(told, data)
        connection.send_bytes(json.dumps(answer).encode())
        connection.send_bytes(found)


@dataclass
class _Waiting:
    ended: threading.Event = field(default_factory=threading.Event)
    answer: tuple[dict[str, Any], bytes] = ({}, b"")


class _Carrier:
    """Sends questions through one queue and hands out the answers that come through the other."""

    def __init__(self, questions: Any, answers: Any, wanted: Callable[[], bool]) -> None:
        self._questions = questions
        self._answers = answers
        self._wanted = wanted
        self._numbers = itertools.count()
        self._waiting: dict[int, _Waiting] = {}
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def start(self) -> None:
        """Begin to listen for answers."""
        self._thread.start()

    def stop(self) -> None:
        """Listen no more."""
        self._answers.put({"number": STOP})

    def ask(self, told: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
        """Send a question and wait for its answer."""
        number, waiting = next(self._numbers), _Waiting()
        self._waiting[number] = waiting
        try:
            asked = {"number": number, "to": self._answers.name, "told": json.dumps(told), "data": data}
            self._questions.put(asked)
            if not self._answered(waiting):
                gone = "who relays to the workspace gave no answer"
                return {"error": {"code": "store_unavailable", "message": gone, "hint": "Is it still there?"}}, b""
            return waiting.answer
        finally:
            self._waiting.pop(number, None)

    def _answered(self, waiting: _Waiting) -> bool:
        until = time.monotonic() + _ANSWER_SECONDS
        while not waiting.ended.wait(_LOOK_SECONDS):
            if time.monotonic() > until or not self._wanted():
                return False
        return True

    def _listen(self) -> None:
        while True:
            try:
                found = self._answers.get()
            except Exception:  # noqa: BLE001 - whatever ends the connection ends the answers
                return
            if found["number"] == STOP:
                return
            waiting = self._waiting.get(found["number"])
            if waiting is not None:
                waiting.answer = json.loads(found["told"]), found["data"]
                waiting.ended.set()
