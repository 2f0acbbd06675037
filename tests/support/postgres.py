"""A real PostgreSQL for the tests, started as an ordinary user on a free port."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg


def find_binaries() -> Path | None:
    """Give the folder of initdb and postgres, newest release first."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: -float(path.parts[-3]))
    named = shutil.which("initdb")
    return found[0].parent if found else Path(named).resolve().parent if named else None


class PostgresServer:
    """A running server that makes databases on request."""

    def __init__(self, url: str) -> None:
        self.url = url

    def new_database(self, name: str) -> str:
        """Make an empty database and give its URL."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url.rpartition("/")[0] + f"/{name}"

    def drop_database(self, name: str) -> None:
        """Drop it whoever is still connected; hundreds of them would take long to delete at the end."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    @classmethod
    @contextmanager
    def start(cls) -> Iterator[PostgresServer]:
        """Run a server until the block ends, in a folder of its own that `nobody` may reach."""
        folder = Path(tempfile.mkdtemp(prefix="mlops-postgres-"))
        try:
            with cls._run(folder) as server:
                yield server
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @classmethod
    @contextmanager
    def _run(cls, folder: Path) -> Iterator[PostgresServer]:
        binaries = find_binaries()
        assert binaries is not None
        data, port = folder / "data", _free_port()
        as_user = _ordinary_user(folder)
        initdb = [binaries / "initdb", "-D", data, "-U", "mlops", "-A", "trust", "-N", "-E", "UTF8", "--locale=C"]
        made = subprocess.run(
            [*initdb, *_linguistic_order(binaries)], capture_output=True, text=True, check=False, cwd=folder, **as_user
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr}")
        command = [
            binaries / "postgres",
            "-D",
            data,
            "-p",
            str(port),
            "-k",
            data,
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "max_connections=200",
            "-c",
            "fsync=off",
        ]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, **as_user)
        try:
            _await_ready(port, process)
            yield cls(f"postgresql://mlops@127.0.0.1:{port}/postgres")
        finally:
            process.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
            process.wait(timeout=60)


def _await_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            psycopg.connect(f"postgresql://mlops@127.0.0.1:{port}/postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            continue
        return
    raise RuntimeError("PostgreSQL did not start")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _linguistic_order(binaries: Path) -> list[str]:
    """Sort text as real servers do, not by code points, where this release can."""
    answer = subprocess.run([binaries / "initdb", "--help"], capture_output=True, text=True, check=False).stdout
    return ["--locale-provider=icu", "--icu-locale=en-US"] if "--icu-locale" in answer else []


def _ordinary_user(folder: Path) -> dict[str, int]:
    """initdb refuses root: hand the folder to `nobody` and run as that user."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid}
