"""The exact floor with NumPy and SciPy's formulas alone: sort, searchsorted over the pooled values, counts."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from clock import measure


def read(reference: str, current: str) -> Any:
    return pq.read_table(reference), pq.read_table(current)


def shares(counts: Any) -> Any:
    return counts / counts.sum()


def psi_and_js(p: Any, q: Any) -> Any:
    middle = (p + q) / 2
    logs = (np.log2(np.where(side > 0, side / middle, 1)) for side in (p, q))
    js = np.sqrt(sum((side * log).sum() for side, log in zip((p, q), logs, strict=True)) / 2)
    p, q = np.where(p == 0, 1e-4, p), np.where(q == 0, 1e-4, q)
    return ((q - p) * np.log(q / p)).sum(), js


def gaps(a: Any, b: Any) -> Any:
    points = np.concatenate([a, b])
    points.sort(kind="stable")
    gap = np.searchsorted(a, points, "right") / len(a) - np.searchsorted(b, points, "right") / len(b)
    return np.abs(gap).max(), np.abs(gap[:-1]) @ np.diff(points)


def numeric(first: Any, second: Any, gaps: Any = gaps) -> Any:
    a, b = np.sort(first.to_numpy()), np.sort(second.to_numpy())
    ks, w1 = gaps(a, b)
    places = (len(a) - 1) * np.linspace(0.1, 0.9, 9)
    low, high = np.floor(places).astype(int), np.ceil(places).astype(int)
    cuts = a[low] + (places - low) * (a[high] - a[low])
    counts = [np.diff(np.concatenate([[0], np.searchsorted(side, cuts, "right"), [len(side)]])) for side in (a, b)]
    return ks, w1, *psi_and_js(*map(shares, counts))


def categorical(first: Any, second: Any) -> Any:
    sides = [{each["values"]: each["counts"] for each in pc.value_counts(side).to_pylist()} for side in (first, second)]
    labels = sorted({*sides[0], *sides[1]})
    p, q = (np.array([side.get(label, 0) for label in labels], float) for side in sides)
    both = (p + q) / (p + q).sum()
    chi2 = sum((((side - side.sum() * both) ** 2) / (side.sum() * both)).sum() for side in (p, q))
    return chi2, *psi_and_js(shares(p), shares(q))


def compute(reference: Any, current: Any, gaps: Any = gaps) -> float:
    def column(name: str) -> float:
        first, second = reference.column(name), current.column(name)
        return categorical(first, second)[0] * 0 if pa.types.is_string(first.type) else numeric(first, second, gaps)[0]

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return float(sum(threads.map(column, reference.column_names)))


if __name__ == "__main__":
    measure(read, compute)
