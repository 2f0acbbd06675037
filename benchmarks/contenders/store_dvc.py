"""DVC stores pairs of tables as zstd Parquet, the second over the first: python FILE BEFORE AFTER …"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq


def size(folder: str) -> int:
    return sum(path.stat().st_size for path in Path(folder, ".dvc", "cache").rglob("*") if path.is_file())


def dvc(folder: str, *words: str) -> float:
    """Run DVC; give the CPU seconds of its process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "dvc", *words], cwd=folder, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def store(path: str, folder: str) -> float:
    table = pq.read_table(path)
    data = Path(folder) / "data.parquet"
    data.unlink(missing_ok=True)
    started = time.process_time()
    pq.write_table(table, data, compression="zstd")
    return time.process_time() - started + dvc(folder, "add", "-q", "data.parquet")


found = []
for before, after in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
    with tempfile.TemporaryDirectory() as folder:
        dvc(folder, "init", "--no-scm", "-q")
        first_cpu, first = store(before, folder), size(folder)
        added_cpu = store(after, folder)
        found.append({"first": first, "added": size(folder) - first, "first_cpu": first_cpu, "added_cpu": added_cpu})
sys.stdout.write(json.dumps(found) + "\n")
