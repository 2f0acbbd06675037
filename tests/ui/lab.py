"""A real `jupyter lab` on a free port, below a base URL, with a token."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOKEN = "a-token-for-tests"
BASE = "/user/jo/"
PATIENCE = 90.0


@dataclass(frozen=True)
class Lab:
    """A running server: where it listens and what it serves."""

    url: str
    folder: Path
    environment: dict[str, str]
    log: Path

    def page(self, path: str = "lab", query: str = "reset") -> str:
        """Give the address of a page, with the token."""
        return f"{self.url}{path}?{query}&token={TOKEN}"

    def ask(self, path: str) -> Any:
        """Ask our REST interface."""
        request = urllib.request.Request(
            f"{self.url}mlops-ext/api/v1/{path}", headers={"Authorization": f"token {TOKEN}"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def elsewhere(self, code: str) -> None:
        """Run code in a process of its own, on the same workspace."""
        prelude = "import mlops_ext as mlops; ws = mlops.Workspace.find()\n"
        subprocess.run([sys.executable, "-c", prelude + code], check=True, env=self.environment, cwd=self.folder)


@contextmanager
def running(folder: Path, state: Path, *options: str) -> Iterator[Lab]:
    """Start a server on a folder and stop it in the end."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MLOPS_")}
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR"):
        environment[name] = str(state / name.lower())
    port = _free_port()
    command = [
        sys.executable, "-m", "jupyter", "lab", "--no-browser", f"--ServerApp.port={port}", "--ServerApp.port_retries=0",
        f"--ServerApp.base_url={BASE}", f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={folder}",
        "--LabApp.news_url=None",
        "--LabApp.expose_app_in_browser=True", *(["--allow-root"] if os.geteuid() == 0 else []), *options,
    ]  # fmt: skip
    state.mkdir(parents=True, exist_ok=True)
    log = state / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            lab = Lab(f"http://127.0.0.1:{port}{BASE}", folder, environment, log)
            _wait(lab, process)
            yield lab
        finally:
            process.terminate()
            process.wait(30)


def _wait(lab: Lab, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"{lab.url}api?token={TOKEN}", timeout=5).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise RuntimeError("jupyter lab did not start:\n" + lab.log.read_text()[-3000:])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
