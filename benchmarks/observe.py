"""How fast a stream is observed, and in how much memory: python -m benchmarks.observe

Batches of 5,000 rows of 20 columns (12 numbers, 8 of text) go into one window, first whole, then as sketches, and the
window is judged at the end. Every batch is durable when the call returns. The floor writes the same batches as Arrow
files and lets each reach the disk; what it leaves out is the catalog, repetitions, sketches and the verdict.
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa

import mlops_ext as mlops
from benchmarks.frame import Comparison, Report, Size, run
from mlops_ext.workspace import Workspace

NUMBERS, TEXTS, ROWS, BATCHES = 12, 8, 5_000, 400
EXACT = 500_000
WANTED = 50_000
"""Rows a second that must be sustained."""


def batch(rng: np.random.Generator, rows: int) -> pa.Table:
    """Draw one batch."""
    columns: dict[str, pa.Array] = {f"x{at}": pa.array(rng.normal(size=rows)) for at in range(NUMBERS)}
    for at in range(TEXTS):
        labels = np.array([f"label {number}" for number in range(5 * 4**at if at < 4 else 50)])
        columns[f"c{at}"] = pa.array(rng.choice(labels, rows))
    return pa.table(columns)


def floor(batches: list[pa.Table], folder: Path) -> float:
    """Write each batch as an Arrow file, durably; give the seconds."""
    started = time.perf_counter()
    for number, table in enumerate(batches):
        with (folder / f"{number}.arrow").open("wb") as file:
            with pa.ipc.new_file(file, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as out:
                out.write_table(table)
            file.flush()
            os.fsync(file.fileno())
    return time.perf_counter() - started


def watched(ws: Workspace, batches: list[pa.Table], rounds: int) -> tuple[float, list[float], float]:
    """Observe all batches, `rounds` times over; give seconds, those of each tenth, and how much memory grew, in MB."""
    process = psutil.Process()
    marks: list[tuple[float, int]] = []
    started = time.perf_counter()
    total = rounds * len(batches)
    for number in range(total):
        mlops.observe("live", batches[number % len(batches)], batch=str(number), workspace=ws)
        if number % (total // 10) == 0:
            marks.append((time.perf_counter(), process.memory_info().rss))
    seconds = time.perf_counter() - started
    tenths = [after[0] - before[0] for before, after in pairwise(marks)]
    return seconds, tenths, (max(rss for _, rss in marks) - marks[1][1]) / 2**20


def measure(report: Report, rounds: int) -> None:
    """Observe, compare with the floor, and judge."""
    rng = np.random.default_rng(7)
    batches = [batch(rng, ROWS) for _ in range(20)]
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        ws = Workspace(folder)
        mlops.snapshot(batch(rng, 100_000), "reference", workspace=ws)
        about = {"reference": "reference@1", "window": f"{10**9} rows", "exact_rows": EXACT, "workspace": ws}
        mlops.monitor("live", **about)
        files = folder / "floor"
        files.mkdir()
        floor(batches, files)
        bare = [floor(batches, files) for _ in range(3)]
        gc.collect()
        times = rounds * BATCHES // len(batches)
        seconds, tenths, grown = watched(ws, batches, times)
        rows = times * len(batches) * ROWS
        report.add(Size("rows a second", rows / seconds, "rows/s"))
        report.add(Size("wanted over reached", WANTED / (rows / seconds), "x", bound=1.0))
        report.add(Size("slowest tenth over the median one", max(tenths) / float(np.median(tenths)), "x"))
        report.add(Size("memory that the stream took after its first tenth", grown, "MB"))
        mine, theirs = seconds / (times * len(batches)), float(np.median(bare)) / len(batches)
        report.add(
            Comparison(
                "a batch of 5,000 rows, against a durable file", mine, theirs, mine / theirs, mine - theirs, times
            )
        )
        started = time.perf_counter()
        judged = mlops.run_monitor("live", close=True, workspace=ws).windows[0]
        report.add(Size(f"judging {judged.rows:,} rows ({judged.status})", time.perf_counter() - started, "s"))
        held = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20
        report.add(Size("memory of the process at the end", psutil.Process().memory_info().rss / 2**20, "MB"))
        sys.stderr.write(f"{held:.0f} MB lie in the folder until gc takes what was folded\n")


if __name__ == "__main__":
    run("observe", measure, rounds=1)
