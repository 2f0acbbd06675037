"""The command as a process of its own, in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the working folder and no workspace yet."""
    place = tmp_path / "project"
    place.mkdir()
    monkeypatch.chdir(place)
    for name in ("MLOPS_WORKSPACE", "MLOPS_CATALOG", "MLOPS_BLOBS", "MLOPS_HASH", "MLOPS_ACTOR"):
        monkeypatch.delenv(name, raising=False)
    return place


@pytest.fixture
def mlops(folder: Path) -> Run:
    """Run `mlops WORDS` as a process."""

    def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
        command = [sys.executable, "-m", "mlops_ext.cli.main", *words]
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    return run
