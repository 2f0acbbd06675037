"""Servers as processes of their own: Jupyter's with our extension, and MLflow's."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

__all__ = ["await_answer", "free_port", "jupyter", "mlflow"]


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def jupyter(workspace: Path, *, extension: bool = True, token: str = "", beside: str = "") -> Iterator[int]:
    """Run `jupyter server` on a workspace, all other extensions off but one that is named; give its port."""
    port = free_port()
    options = {
        "ServerApp.port": port,
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.root_dir": workspace,
        "ServerApp.jpserver_extensions": f"mlops_ext={extension}",
        "ServerApp.disable_check_xsrf": True,
        "IdentityProvider.token": token,
    }
    others = [f"--ServerApp.jpserver_extensions={beside}=True"] if beside else []
    words = [
        "-m",
        "jupyter_server",
        "--allow-root",
        "--no-browser",
        *(f"--{key}={each}" for key, each in options.items()),
        *others,
    ]
    own = {"JUPYTER_NO_CONFIG": "1", "JUPYTER_CONFIG_DIR": str(workspace), "MLOPS_WORKSPACE": str(workspace)}
    own["PYTHONPATH"] = str(Path(__file__).parent.parent)
    log = workspace / "server.log"
    with _running(words, own, log, f"http://127.0.0.1:{port}/api"):
        yield port
    if extension and "mlops_ext | extension was successfully loaded" not in log.read_text(errors="replace"):
        raise RuntimeError(f"the extension did not load:\n{log.read_text(errors='replace')}")


@contextmanager
def mlflow(folder: Path, url: str) -> Iterator[int]:
    """Run `mlflow server` on a database, with one worker as there is one client; give its port."""
    port = free_port()
    words = ["-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    words += ["--backend-store-uri", url, "--artifacts-destination", str(folder / "artifacts")]
    own = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with _running(words, own, folder / "server.log", f"http://127.0.0.1:{port}/health"):
        yield port


@contextmanager
def _running(words: Sequence[str], own: Mapping[str, str], log: Path, url: str) -> Iterator[None]:
    with log.open("wb") as file:
        server = subprocess.Popen(
            [sys.executable, *words], stdout=file, stderr=file, cwd=log.parent, env={**os.environ, **own}
        )
        try:
            await_answer(url, server)
            yield
        finally:
            server.terminate()
            server.wait()


def await_answer(url: str, server: subprocess.Popen[bytes]) -> None:
    """Ask until the server answers."""
    while server.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except (urllib.error.URLError, ConnectionError):
            continue
        return
    raise RuntimeError("the server ended at once")
