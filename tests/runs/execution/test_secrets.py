"""Secrets reach the kernel and stand nowhere else: every byte of the workspace and every command line is read."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from mlops_ext.errors import InvalidValue
from mlops_ext.runs import edge, service
from mlops_ext.runs.queue.worker import Worker
from mlops_ext.runs.result import result_of
from mlops_ext.runs.types import ListJobs, ShowJob
from mlops_ext.workspace import Workspace
from tests.runs.writing import write_notebook

BY_NAME, BY_ENVIRONMENT, BY_DECLARATION, IN_URL = "kAqL-by-name-77", "zW3-by-env-88", "qq9-declared-5", "pw-in-url-4412"
CELLS = (
    ('api_key: str = ""\nshard: str = ""\ndb: str = ""', "parameters"),
    (
        "import os, sys, warnings, urllib.parse\ntoken = os.environ['BUCKET']\n"
        "password = urllib.parse.urlsplit(db).password\nvalues = [api_key, token, shard, password]\n"
        "open('reached.txt', 'w').write(' '.join(value[::-1] for value in values))"
    ),
    "print(values, db)\nvalues",
    "warnings.warn(f'with {token}')\nos.system(f'echo {shard}; echo {password} >&2')\nsys.__stdout__.write(api_key)",
    "open('leak.txt', 'w').write(f'x {token}')",
    "'{\"a\": \"' + api_key + '\"}', {token: shard}",
    "raise ValueError(f'could not connect to {db} with {api_key}, {token}, {shard}')",
)


def command_lines(stop: threading.Event, seen: set[bytes]) -> None:
    while not stop.wait(0.05):
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.add(path.read_bytes())
            except OSError:
                continue


@pytest.mark.parametrize("forked", [False, True])
def test_secrets_stand_nowhere_but_in_the_kernel(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch, capfd: Any, forked: bool
) -> None:
    write_notebook(ws.root / "nb" / "it.ipynb", *CELLS)
    monkeypatch.setenv("BUCKET", BY_ENVIRONMENT)
    given = {"api_key": BY_NAME, "shard": BY_DECLARATION, "db": f"postgres://me:{IN_URL}@host/x"}
    job = edge.queue("nb/it.ipynb", parameters=given, secrets=["BUCKET", "shard"], workspace=ws)
    assert job.parameters == {"api_key": "***", "shard": "***", "db": "***"}
    stop, seen = threading.Event(), set()
    watching = threading.Thread(target=command_lines, args=(stop, seen))
    watching.start()
    try:
        if forked:
            Worker(ws, secrets=given).run(until_idle=True)
        else:
            edge.run_job(job, given, workspace=ws)
    finally:
        stop.set()
        watching.join()
    ended = ws.call(service.show, ShowJob(job=job.id))
    reached = (ws.root / "nb" / "reached.txt").read_text().split()
    assert [value[::-1] for value in reached] == [BY_NAME, BY_ENVIRONMENT, BY_DECLARATION, IN_URL], ended.error
    told = result_of(ws, ended)
    assert (told.status, told.error.cell, told.artifacts) == ("failed", 7, ("reached.txt",))
    assert any("leak.txt holds BUCKET" in warning for warning in told.warnings)
    (ws.root / "nb" / "leak.txt").unlink()
    places = {path: path.read_bytes() for path in ws.root.rglob("*") if path.is_file()}
    places |= {Path("record"): repr((ended, told)).encode(), Path("printed"): "".join(capfd.readouterr()).encode()}
    for secret in (BY_NAME, BY_ENVIRONMENT, BY_DECLARATION, IN_URL):
        assert [path for path, data in places.items() if secret.encode() in data] == [], secret
        assert [line for line in seen if secret.encode() in line] == [], secret


def test_a_secret_without_a_value_starts_nothing(ws: Workspace) -> None:
    write_notebook(ws.root / "nb" / "it.ipynb", "1")
    with pytest.raises(InvalidValue, match="NOT_SET_ANYWHERE"):
        edge.queue("nb/it.ipynb", secrets=["NOT_SET_ANYWHERE"], workspace=ws)
    assert not ws.exists() or not ws.call(service.list_jobs, ListJobs()).items


def test_the_command_takes_a_secret_from_its_environment(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    write_notebook(
        ws.root / "it.ipynb", ('shard: str = ""', "parameters"), "assert shard == 'qq9-declared-5'; print(shard)"
    )
    monkeypatch.setenv("shard", BY_DECLARATION)
    words = [sys.executable, "-m", "mlops_ext.cli.main", "run", "it.ipynb", "out.ipynb", "--secret", "shard", "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert BY_DECLARATION not in done.stdout + done.stderr + (ws.root / "out.ipynb").read_text()
