"""How many monitors raise a false alarm in a year without drift, and see a change: python -m benchmarks.false_alarms

Each of `--rounds` monitors watches 20 columns (numbers with and without ties, half of them correlated; labels; missing
values) in 52 weekly windows of 500 rows against one reference of 2,000. Our verdict is the package's own code. The
peers' rules are their defaults as their sources have them, computed from the same statistics: Evidently 0.7.23 above
1,000 reference rows (normed Wasserstein distance or Jensen-Shannon distance in base e of at least 0.1), below them its
p-values under 0.05, alarm at any column or at half of them; NannyML 0.13.1 (three standard deviations over ten chunks
of the reference, Jensen-Shannon distance).
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import pyarrow as pa

from benchmarks.frame import Report, Size, run
from mlops_ext.monitoring.drift.binning import js_distance
from mlops_ext.monitoring.drift.categorical import align
from mlops_ext.monitoring.drift.columns import Categories, Numbers, categories_of, numbers_of
from mlops_ext.monitoring.drift.spending import Spending, judge
from mlops_ext.monitoring.drift.statistics import DECIDING, categorical_rows, numeric_rows
from mlops_ext.monitoring.drift.verdict import decide
from mlops_ext.monitoring.types import DriftRow

NUMERIC, CATEGORICAL, WINDOWS, ROWS, REFERENCE, CHUNKS = 12, 8, 52, 500, 2_000, 10
PROMISE = 0.05
ASKED = frozenset((*DECIDING, "w1_norm", "js"))
Frame = dict[str, np.ndarray]
Sides = dict[str, Numbers | Categories]


def frame(rng: np.random.Generator, rows: int, shift: float = 0.0) -> Frame:
    """Draw one window; the shift moves the first column by so many standard deviations."""
    common = rng.normal(size=rows)
    found: Frame = {}
    for at in range(NUMERIC):
        values = rng.normal(size=rows) * 0.8 + common * 0.6 if at % 2 else rng.normal(size=rows)
        values = np.exp(values) if at % 4 == 2 else np.round(values) if at % 4 == 3 else values
        found[f"x{at}"] = np.where(rng.random(rows) < 0.02 * (at % 3), np.nan, values)
    found["x0"] = found["x0"] + shift
    for at in range(CATEGORICAL):
        count = (2, 5, 12, 40)[at % 4]
        weight = 1 / np.arange(1, count + 1)
        found[f"c{at}"] = rng.choice(count, rows, p=weight / weight.sum())
    return found


def read(window: Frame) -> Sides:
    """Prepare the columns as the package does."""
    made: Sides = {}
    for name, values in window.items():
        made[name] = categories_of(pa.array(values)) if name.startswith("c") else numbers_of(values, name)
    return made


def rows_of(reference: Sides, current: Sides) -> list[DriftRow]:
    """Compare all columns with the package's code."""
    rows: list[DriftRow] = []
    for name, before in reference.items():
        after = current[name]
        if isinstance(before, Numbers) and isinstance(after, Numbers):
            rows += numeric_rows(name, before, after, ASKED)
        elif isinstance(before, Categories) and isinstance(after, Categories):
            rows += categorical_rows(name, before, after, ASKED)
    return rows


def share_by_size(rows: list[DriftRow]) -> float:
    """Give the share of columns that Evidently's rule for more than 1,000 rows calls drifted."""
    sizes = [row.value if row.statistic == "w1_norm" else row.value * math.sqrt(math.log(2)) for row in _sized(rows)]
    return sum(size >= 0.1 for size in sizes) / len(sizes)


def share_by_p(rows: list[DriftRow]) -> float:
    """Give the share of columns that Evidently's rule for at most 1,000 rows calls drifted."""
    p_values = [row.p_value for row in rows if row.statistic in ("ks", "chi2") and row.p_value is not None]
    return sum(p < 0.05 for p in p_values) / len(p_values)


def _sized(rows: list[DriftRow]) -> Iterator[DriftRow]:
    for row in rows:
        if row.statistic == "w1_norm" or (row.statistic == "js" and row.column.startswith("c")):
            yield row


def distances(reference: Sides, current: Sides) -> np.ndarray:
    """Give NannyML's statistic of every column: Jensen-Shannon distance, numbers in bins of the reference."""
    found = []
    for name, before in reference.items():
        after = current[name]
        if isinstance(before, Numbers) and isinstance(after, Numbers):
            edges = np.histogram_bin_edges(before.values, bins="doane")
            counts = [np.histogram(side.values, bins=edges)[0] for side in (before, after)]
            left = [side.present - count.sum() for side, count in zip((before, after), counts, strict=True)]
            found.append(js_distance(*(np.append(count, rest) for count, rest in zip(counts, left, strict=True))))
        elif isinstance(before, Categories) and isinstance(after, Categories):
            both = align(before, after)
            found.append(js_distance(both.reference, both.current))
    return np.array(found)


def year(seed: int, windows: int, shift: float) -> dict[str, bool]:
    """Watch one monitor; say which rule alarmed in any of its windows."""
    rng = np.random.default_rng(seed)
    raw = frame(rng, REFERENCE)
    reference = read(raw)
    chunks = [read({name: part[at] for name, part in _chunks(raw).items()}) for at in range(CHUNKS)]
    past = np.array([distances(reference, chunk) for chunk in chunks])
    limit = past.mean(axis=0) + 3 * past.std(axis=0)
    ours = bare = Spending(PROMISE, WINDOWS)
    alarms: dict[str, bool] = {}

    def saw(rule: str, alarm: bool) -> None:
        alarms[rule] = alarms.get(rule, False) or bool(alarm)

    for number in range(windows):
        current = read(frame(rng, ROWS, shift))
        rows = rows_of(reference, current)
        _, verdict, ours = judge(rows, str(number), ours)
        _, significant, bare = judge(rows, str(number), bare, bound=0.0)
        saw("ours", verdict.status == "drift")
        saw("ours, significance alone", significant.status == "drift")
        saw("Benjamini-Hochberg at 0.05 in each window", any(d.status == "drift" for d in decide(rows, PROMISE, 0.0)))
        saw("Evidently above 1,000 rows, any column", share_by_size(rows) > 0)
        saw("Evidently above 1,000 rows, half of the columns", share_by_size(rows) >= 0.5)
        saw("Evidently up to 1,000 rows, any column", share_by_p(rows) > 0)
        saw("NannyML, any column", (distances(reference, current) > limit).any())
    return alarms


def _chunks(raw: Frame) -> dict[str, list[np.ndarray]]:
    return {name: np.array_split(values, CHUNKS) for name, values in raw.items()}


def shares(monitors: int, windows: int, shift: float) -> dict[str, float]:
    """Give the share of monitors that each rule made alarm."""
    work = partial(year, windows=windows, shift=shift)
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        found = list(processes.map(work, range(monitors), chunksize=1))
    return {rule: sum(alarms[rule] for alarms in found) / monitors for rule in found[0]}


def measure(report: Report, rounds: int) -> None:
    """Show false alarms of a year, then who sees a change in its first window."""
    noise = 3 * math.sqrt(PROMISE * (1 - PROMISE) / rounds)
    for rule, share in shares(rounds, WINDOWS, 0.0).items():
        bound = PROMISE + noise if rule.startswith("ours") else 0.0
        report.add(Size(f"no drift, {rule}", round(100 * share, 2), "% of monitors in a year", round(100 * bound, 1)))
    for shift in (0.2, 0.35, 0.5):
        for rule, share in shares(rounds, 1, shift).items():
            report.add(Size(f"one column by {shift} sd, {rule}", round(100 * share, 1), "% in the first window"))


if __name__ == "__main__":
    run("false_alarms", measure, rounds=200)
