"""A Jupyter server as a process of its own, under a base URL, with a token."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parents[2]
BASE = "/user/jo/"
CONFIG = "c.ServerApp.jpserver_extensions = {'mlops_ext': True}\nc.ServerApp.open_browser = False\n"


@dataclass(frozen=True)
class LiveServer:
    """Where it listens and how to get in."""

    port: int
    token: str
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def root(self) -> str:
        """URL of the server's base."""
        return f"http://127.0.0.1:{self.port}{BASE}"

    @property
    def api(self) -> str:
        """URL of our operations."""
        return f"{self.root}mlops-ext/api/v1"

    @property
    def headers(self) -> dict[str, str]:
        """What opens it."""
        return {"Authorization": f"token {self.token}"}


@contextmanager
def serving(folder: Path, config_folder: Path) -> Iterator[LiveServer]:
    """Run a server on a workspace folder until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = LiveServer(port, secrets.token_hex(16), folder)
    folder.mkdir(parents=True, exist_ok=True)
    config_folder.mkdir(parents=True, exist_ok=True)
    config = config_folder / "jupyter_server_config.py"
    config.write_text(CONFIG)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "JUPYTER_CONFIG_DIR": str(config_folder),
        "JUPYTER_TOKEN": server.token,
        "MLOPS_WORKSPACE": str(folder),
    }
    words = [f"--port={port}", "--ip=127.0.0.1", f"--ServerApp.base_url={BASE}", "--allow-root", f"--config={config}"]
    with (config_folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_server", *words], cwd=folder, env=environment, stdout=log, stderr=log
        )
        try:
            _await(server, process)
            yield replace(server, process=process)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _await(server: LiveServer, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        try:
            request = urllib.request.Request(server.root + "api/status", headers=server.headers)
            with urllib.request.urlopen(request, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise RuntimeError(f"the server did not come up: {process.poll()}")
