"""A real kernel to run cells in, and a wait for a condition."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlops_ext

REPOSITORY = Path(mlops_ext.__file__).parents[1]


def environment(**more: str) -> dict[str, str]:
    """This process's variables, with the package importable."""
    path = os.pathsep.join(filter(None, (str(REPOSITORY), os.environ.get("PYTHONPATH", ""))))
    return {**os.environ, "PYTHONPATH": path, **more}


class Kernel:
    """A running kernel."""

    def __init__(self, manager: Any, client: Any) -> None:
        self.manager = manager
        self.client = client

    def run(self, code: str, *, allow_stdin: bool = True) -> dict[str, Any]:
        """Run one cell and give its reply, with what it displayed under `shown` and wrote under `text`."""
        shown: list[dict[str, Any]] = []
        text: list[str] = []

        def collect(message: dict[str, Any]) -> None:
            content = message["content"]
            if message["msg_type"] == "stream":
                text.append(content["text"])
            if message["msg_type"] in ("display_data", "execute_result"):
                shown.append(content["data"])
            if message["msg_type"] == "error":
                text.append("\n".join(content["traceback"]))

        reply = self.client.execute_interactive(code, allow_stdin=allow_stdin, output_hook=collect, timeout=60)
        return {**reply["content"], "shown": shown, "text": "".join(text)}


@contextmanager
def kernel(**variables: str) -> Iterator[Kernel]:
    """Start a kernel in the current folder; leaving the block shuts it down as a front end does."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(startup_timeout=60, env=environment(**variables))
    try:
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel()


def eventually(condition: Callable[[], Any], seconds: float = 30) -> Any:
    """Wait until a condition holds and give its value."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "the condition never held"
        time.sleep(0.02)
    return value
