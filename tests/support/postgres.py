"""A real PostgreSQL for the tests, started as an ordinary user on a free port."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
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

    @classmethod
    @contextmanager
    def start(cls, folder: Path) -> Iterator[PostgresServer]:
        """Run a server until the block ends."""
        binaries = find_binaries()
        assert binaries is not None
        data, port = folder / "data", _free_port()
        data.mkdir(mode=0o700)
        as_user = _ordinary_user(folder, data)
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "mlops", "-A", "trust", "-N"],
            check=True,
            capture_output=True,
            **as_user,
        )
        command = [
            binaries / "postgres",
            "-D",
            data,
            "-p",
            str(port),
            "-k",
            str(data),
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "max_connections=200",
        ]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **as_user)
        try:
            subprocess.run(
                [binaries / "pg_isready", "-h", "127.0.0.1", "-p", str(port), "-t", "30"],
                capture_output=True,
                check=False,
            )
            _await_ready(port, process)
            yield cls(f"postgresql://mlops@127.0.0.1:{port}/postgres")
        finally:
            process.terminate()
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


def _ordinary_user(*folders: Path) -> dict[str, int]:
    """initdb refuses root: hand the folders to `nobody` and run as that user."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    for folder in folders:
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        for parent in [folder, *folder.parents][:4]:
            if parent.owner() == "root" and parent != Path("/"):
                parent.chmod(parent.stat().st_mode | 0o111)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid}
