"""What push and pull cost: time beside copying the version's files, and the bytes that an edit of 1 % sends."""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

import mlops_ext as mlops
from benchmarks.frame import Comparison, Report, Size, run
from mlops_ext.workspace import Workspace

ROWS = 1_000_000


def measure(report: Report, rounds: int) -> None:
    """Send a frame of a million rows, then the same with 1 % of its rows changed; fetch both."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        ws, table = workspace(root / "home"), frame()
        first = mlops.snapshot(table, "t", workspace=ws)
        second = mlops.snapshot(edited(table), "t", workspace=ws)
        one, two = root / "one", root / "two"
        sent = [
            mlops.push(f"t@{number}", to=str(place), workspace=ws) for number, place in ((1, one), (1, two), (2, two))
        ]
        report.add(Size("first push: bytes / bytes of the files", sent[0].bytes / first.bytes, "x", 1.01))
        report.add(Size("push after 1 % changed: bytes / first push", 100 * sent[2].bytes / sent[0].bytes, "%", 4))
        report.add(Size("  the same, copying all files of the version", 100 * second.bytes / sent[0].bytes, "%"))
        report.add(Size("push of what is there: bytes", mlops.push("t", to=str(two), workspace=ws).bytes, "B"))
        times(report, root, ws, rounds)


def times(report: Report, root: Path, ws: Workspace, rounds: int) -> None:
    """Time each transfer in turn with a durable copy of the files that a version has."""
    one, two = root / "one", root / "two"
    files = {number: [Path(each.path) for each in mlops_files(ws, number)] for number in (1, 2)}
    after_first = root / "after-first"

    def fresh() -> Path:
        shutil.rmtree(after_first, ignore_errors=True)
        return Path(shutil.copytree(one, after_first))

    def empty() -> Path:
        return Path(tempfile.mkdtemp(dir=root))

    def stranger() -> Path:
        place = empty()
        Workspace(place).ensure()
        return place

    def puller() -> Path:
        place = stranger()
        mlops.pull("t@1", from_=str(two), workspace=Workspace(place))
        return place

    cases: tuple[tuple[str, int, Callable[[], Path], Callable[[Path], object]], ...] = (
        ("first push", 1, empty, lambda to: mlops.push("t@1", to=str(to / "r"), workspace=ws)),
        ("push after 1 % changed", 2, fresh, lambda to: mlops.push("t@2", to=str(to), workspace=ws)),
        ("push of what is there", 2, lambda: two, lambda to: mlops.push("t@2", to=str(to), workspace=ws)),
        ("first pull", 1, stranger, lambda at: mlops.pull("t@1", from_=str(two), workspace=Workspace(at))),
        ("pull after 1 % changed", 2, puller, lambda at: mlops.pull("t@2", from_=str(two), workspace=Workspace(at))),
    )
    for name, number, prepare, work in cases:

        def whole(to: Path, version: int = number) -> None:
            copied(files[version], to)

        pairs = [(timed(prepare, work), timed(empty, whole)) for _ in range(rounds + 1)]
        report.add(compared(f"{name} / copying all files", pairs[1:]))


def frame() -> pa.Table:
    """Make a million rows of ten columns that hardly compress."""
    random = np.random.default_rng(7)
    numbers = {f"x{place}": random.normal(size=ROWS) for place in range(8)}
    return pa.table({"id": np.arange(ROWS), "word": random.choice(["a", "b", "c"], ROWS), **numbers})


def edited(table: pa.Table) -> pa.Table:
    """Change every measure in 1 % of the rows, one after the other, as a corrected day does."""
    first, last = ROWS // 2, ROWS // 2 + ROWS // 100
    for name in table.column_names[2:]:
        values = table[name].to_numpy().copy()
        values[first:last] += 1
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(values))
    return table


def mlops_files(ws: Workspace, number: int) -> tuple[object, ...]:
    """List the Parquet files of a version."""
    from mlops_ext.datasets.edge import files

    return files(f"t@{number}", workspace=ws).files


def workspace(folder: Path) -> Workspace:
    folder.mkdir()
    return Workspace(folder)


def copied(files: list[Path], to: Path) -> None:
    """Copy files so that they survive a crash, as a push to a folder does."""
    for path in files:
        target = Path(shutil.copy(path, to))
        with target.open("rb") as file:
            os.fsync(file.fileno())


def timed(prepare: Callable[[], Path], work: Callable[[Path], object]) -> float:
    place = prepare()
    started = time.perf_counter()
    work(place)
    return time.perf_counter() - started


def compared(name: str, pairs: list[tuple[float, float]]) -> Comparison:
    mine, theirs = (statistics.median(each) for each in zip(*pairs, strict=True))
    return Comparison(name, mine, theirs, mine / theirs, statistics.median(a - b for a, b in pairs), len(pairs))


if __name__ == "__main__":
    run("remotes", measure, rounds=3)
