"""Delta Lake stores pairs of tables, the second over the first, as a saved frame would: python FILE BEFORE AFTER …"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq
from deltalake import write_deltalake


def size(folder: str) -> int:
    return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())


def store(path: str, folder: str) -> float:
    table = pq.read_table(path)
    started = time.process_time()
    write_deltalake(f"{folder}/table", table, mode="overwrite", schema_mode="overwrite")
    return time.process_time() - started


found = []
for before, after in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
    with tempfile.TemporaryDirectory() as folder:
        first_cpu, first = store(before, folder), size(folder)
        added_cpu = store(after, folder)
        found.append({"first": first, "added": size(folder) - first, "first_cpu": first_cpu, "added_cpu": added_cpu})
sys.stdout.write(json.dumps(found) + "\n")
