"""What the extension adds to the start of `jupyter server`: python -m benchmarks.server_start

Both sides start a server on a free port, wait until it answers and stop it; one of them with our extension
switched on, the other with it switched off, all other extensions off in both.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from benchmarks.frame import Report, Size, compare, run

BOUND = 150.0


def start_and_stop(folder: Path, extension: bool) -> None:
    """Start a server, wait for its first answer and stop it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = {
        "ServerApp.port": port,
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.root_dir": folder,
        "ServerApp.jpserver_extensions": f"mlops_ext={extension}",
        "IdentityProvider.token": "",
    }
    switches = [f"--{key}={value}" for key, value in options.items()]
    command = [sys.executable, "-m", "jupyter_server", "--allow-root", "--no-browser", *switches]
    own = {"JUPYTER_NO_CONFIG": "1", "JUPYTER_CONFIG_DIR": str(folder), "MLOPS_WORKSPACE": str(folder)}
    environment = {**os.environ, **own}
    with (folder / "log").open("w+") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        try:
            await_answer(f"http://127.0.0.1:{port}/api", server)
        finally:
            server.terminate()
            server.wait()
        log.seek(0)
        written = log.read()
    if extension and "mlops_ext | extension was successfully loaded" not in written:
        raise RuntimeError(f"the extension did not load:\n{written}")


def await_answer(url: str, server: subprocess.Popen[bytes]) -> None:
    """Ask until the server answers."""
    while server.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except (urllib.error.URLError, ConnectionError):
            continue
        return
    raise RuntimeError("the server ended at once")


def measure(report: Report, rounds: int) -> None:
    """Compare the starts."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pair = compare(
            "jupyter server with the extension",
            lambda: start_and_stop(folder, extension=True),
            lambda: start_and_stop(folder, extension=False),
            rounds=rounds,
        )
    report.add(pair)
    report.add(Size("the extension adds", pair.difference * 1e3, "ms", BOUND))


if __name__ == "__main__":
    run("server_start", measure, rounds=11)
