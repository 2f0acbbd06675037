"""Drift of 20 mixed columns beside the exact floors, Evidently and NannyML: python -m benchmarks.drift

Every contender runs in a process of its own, in turn, `--rounds` times, and reads the same Parquet files. Peers get
environments of their own under the cache folder; one that cannot be installed is named and skipped.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.environments import python_of
from benchmarks.frame import Comparison, Report, Size, run

ROWS = tuple(int(rows) for rows in os.environ.get("DRIFT_ROWS", "100000,1000000").split(","))
HERE = Path(__file__).parent
OURS, STORED = "ours", "ours_stored"
PACKAGES = {
    "floor_compiled": ("numba", "pyarrow"),
    "evidently": ("evidently==0.7.23", "pandas<3", "pyarrow"),
    "nannyml": ("nannyml==0.13.1", "statsmodels", "pyarrow"),
}
CONTENDERS = (OURS, "ours_all", "floor_numpy", "floor_compiled", STORED, "read_and_sort", "evidently", "nannyml")
BOUNDS = {"floor_numpy": 1.5, "floor_compiled": 1.5, "evidently": 1 / 40, "nannyml": 1 / 15, "read_and_sort": 1.1}
Result = dict[str, float]


def write_side(path: Path, rows: int, seed: int, shift: float) -> None:
    """Write 12 columns of numbers and 8 of text; a third of the numbers moves by the shift, another by twice it."""
    rng = np.random.default_rng(seed)
    columns: dict[str, object] = {}
    for at in range(12):
        moved = shift * (at % 3)
        columns[f"x{at}"] = rng.normal(moved, 1, rows) if at % 2 else rng.lognormal(moved, 1, rows)
    for at in range(8):
        count = (5, 12, 30, 100)[at % 4]
        weight = 1 / np.arange(1, count + 1)
        labels = np.array([f"label {label}" for label in range(count)])
        columns[f"c{at}"] = labels[rng.choice(count, rows, p=weight / weight.sum())]
    pq.write_table(pa.table(columns), path)


def once(python: str, name: str, sides: tuple[Path, Path]) -> Result:
    """Run a contender; add the seconds of its whole process, less its repeated computations."""
    command = [python, "-W", "ignore", str(HERE / "contenders" / f"{name}.py"), *map(str, sides)]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent) if name not in PACKAGES else ""}
    started = time.perf_counter()
    ended = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    wall = time.perf_counter() - started
    if ended.returncode:
        raise SystemExit(f"{name} failed:\n{ended.stderr[-2000:]}")
    found: Result = json.loads(ended.stdout.splitlines()[-1])
    return {**found, "wall": wall - 2 * found["compute"]}


def compare_all(report: Report, rows: int, rounds: int, pythons: dict[str, str]) -> None:
    """Run all contenders in turn on windows of so many rows, and compare their medians with ours."""
    with tempfile.TemporaryDirectory() as place:
        sides = Path(place) / "reference.parquet", Path(place) / "current.parquet"
        for seed, side in enumerate(sides):
            write_side(side, rows, seed, 0.02 * seed)
        found: dict[str, list[Result]] = {name: [] for name in pythons}
        for _ in range(rounds):
            for name, python in pythons.items():
                found[name].append(once(python, name, sides))
    medians = {
        name: {
            key: statistics.median(r[key] for r in runs if r[key] is not None)
            for key in ("compute", "wall", "extra_mb", "windows_mb")
        }
        for name, runs in found.items()
    }
    for name, theirs in medians.items():
        if name in (OURS, STORED):
            continue
        mine = medians[STORED if name == "read_and_sort" else OURS]
        for kind in ("compute", "wall"):
            title = f"{rows:,} rows, {kind}, {STORED if name == 'read_and_sort' else OURS} to {name}"
            report.add(
                Comparison(
                    title, mine[kind], theirs[kind], mine[kind] / theirs[kind], mine[kind] - theirs[kind], rounds
                )
            )
            if kind == "compute" and name in BOUNDS:
                report.add(Size(f"{title}, ratio", round(mine[kind] / theirs[kind], 4), "x", BOUNDS[name]))
    own = medians[OURS]
    report.add(Size(f"{rows:,} rows, memory over the windows", 1 + own["extra_mb"] / own["windows_mb"], "x", 1.2))


def measure(report: Report, rounds: int) -> None:
    """Compare at each size."""
    pythons = {name: python for name in CONTENDERS if (python := python_of(name, PACKAGES.get(name, ()))) is not None}
    for rows in ROWS:
        compare_all(report, rows, rounds, pythons)


if __name__ == "__main__":
    run("drift", measure, rounds=3)
