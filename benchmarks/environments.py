"""Environments for peers: each has its own packages under the cache folder, made once; what cannot be had is named."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mlops-ext-benchmarks"


def python_of(name: str, packages: Sequence[str]) -> str | None:
    """Give the Python that has some packages, installing them once; None when that fails."""
    if not packages:
        return sys.executable
    folder = CACHE / name
    python = folder / "bin" / "python"
    if (folder / "installed").exists():
        return str(python)
    shutil.rmtree(folder, ignore_errors=True)
    made = [sys.executable, "-m", "venv", str(folder)]
    fill = [str(python), "-m", "pip", "install", "--quiet", *packages]
    for command in (made, fill):
        ended = subprocess.run(command, check=False, capture_output=True, text=True)
        if ended.returncode:
            sys.stderr.write(f"{name}: skipped, it cannot be installed: {ended.stderr.strip().splitlines()[-1:]}\n")
            return None
    (folder / "installed").touch()
    return str(python)
