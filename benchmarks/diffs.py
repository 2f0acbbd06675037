"""What a diff costs beside reading both versions whole, and what a profile costs beside a bare Parquet write.

CPU seconds of the process. Edits of neighbouring rows touch few segments, and only these are read; edits strewn
over all rows touch every segment, so that all is read.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from benchmarks.frame import Comparison, Report, Size, run
from benchmarks.snapshots import Pair, flights, wide
from mlops_ext.datasets.content.canonical import digest_table
from mlops_ext.datasets.diff.edge import diff
from mlops_ext.datasets.edge import load, snapshot
from mlops_ext.datasets.profile.sampling import sampled
from mlops_ext.workspace import Workspace

ROWS = 1_000_000


def measure(report: Report, rounds: int) -> None:
    """Compare a million rows of which 0.1 % changed; profile real flights and a wide table."""
    table = rows(ROWS)
    strewn = np.random.default_rng(7).choice(ROWS, ROWS // 1000, replace=False)
    for name, places in (("neighbouring", np.arange(437_000, 437_000 + ROWS // 1000)), ("strewn", strewn)):
        with tempfile.TemporaryDirectory() as folder:
            ws = Workspace(Path(folder))
            versions = [snapshot(each, "t", workspace=ws).ref for each in (table, changed(table, places))]
            pair = Pair(partial(_load, ws, versions))
            found = diff(*versions, key="id", workspace=ws)
            assert (found.changed, found.added, found.removed) == (ROWS // 1000, 0, 0)
            for _ in range(rounds + 1):
                pair.time(partial(diff, *versions, key="id", workspace=ws))
            report.add(pair.comparison(f"diff, 0.1 % {name} / reading both", 0))
            report.add(Size(f"diff, 0.1 % {name}: rows read", 100 * found.rows_read / (2 * ROWS), "% of both"))
    for name, held in (("flights", flights(1)), ("wide", wide())):
        report.add(_profile(name, held, rounds))


def _load(ws: Workspace, refs: list[str]) -> None:
    for ref in refs:
        load(ref, workspace=ws)


def rows(count: int) -> pa.Table:
    """Make a table with a key, words and measures."""
    random = np.random.default_rng(7)
    words = pa.array([f"word {each}" for each in range(5_000)])
    return pa.table(
        {
            "id": np.arange(count) * 3,
            "word": words.take(pa.array(random.integers(0, len(words), count))),
            **{f"x{place}": np.round(random.normal(size=count), 3) for place in range(8)},
        }
    )


def changed(table: pa.Table, places: np.ndarray) -> pa.Table:
    """Change one measure of some rows."""
    values = table["x3"].to_numpy().copy()
    values[places] += 1
    return table.set_column(table.schema.get_field_index("x3"), "x3", pa.array(values))


def _profile(name: str, table: pa.Table, rounds: int) -> Comparison:
    columns = digest_table(table, "b3").columns
    with tempfile.TemporaryDirectory() as folder:
        pair = Pair(lambda: parquet.write_table(table, f"{folder}/x.parquet", compression="zstd"))
        for _ in range(rounds + 1):
            pair.time(lambda: sampled(table, columns))
        return pair.comparison(f"{name}: profile / Parquet write", 0)


if __name__ == "__main__":
    run("diffs", measure, rounds=5)
