"""The shares of a column on both sides, for the eye."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from mlops_ext.monitoring.drift.binning import quantiles
from mlops_ext.monitoring.drift.categorical import align
from mlops_ext.monitoring.drift.columns import Categories, Numbers
from mlops_ext.monitoring.drift.sketched import Sketched

__all__ = ["Histogram", "categorical_histogram", "numeric_histogram"]

HISTOGRAM_BINS = 24
HISTOGRAM_LABELS = 20
TAIL = 0.005
"""The share of pooled values beyond each end of a histogram; they stand in its end bins."""


@dataclass(frozen=True)
class Histogram:
    """The shares of one column on both sides, for the eye; no statistic is computed from it.

    Attributes
    ----------
    edges : tuple of float
        Of equally wide bins, one more than shares; empty for a categorical column.
    labels : tuple of str
        The most frequent categories; the rest stands in "other". Empty for a numeric column.
    reference, current : tuple of float
        Shares of the rows that have a value.
    """

    reference: tuple[float, ...]
    current: tuple[float, ...]
    edges: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON."""
        return {key: list(getattr(self, key)) for key in ("edges", "labels", "reference", "current")}


def numeric_histogram(reference: Numbers, current: Numbers | Sketched) -> Histogram:
    """Draw both sides in equally wide bins over what all but the tails of both span."""
    if isinstance(current, Sketched):
        current = current.drawn()
    ends = [quantiles(side.values, np.array([TAIL, 1 - TAIL])) for side in (reference, current) if side.present]
    if not ends:
        return Histogram((), ())
    low, high = min(float(end[0]) for end in ends), max(float(end[1]) for end in ends)
    if not low < high or not np.isfinite(high - low):
        low, high = min(low, high) - 0.5, max(low, high) + 0.5
    edges = np.linspace(low, high, HISTOGRAM_BINS + 1)
    shares = []
    for side in (reference, current):
        inner = edges[1:-1]
        if side.values.dtype.kind == "i":  # as many whole numbers are less than c as less than ceil(c)
            inner = np.ceil(inner).astype(np.int64)
        counts = np.diff(np.concatenate([[0], np.searchsorted(side.values, inner, "left"), [side.present]]))
        shares.append(tuple(np.round(counts / max(side.present, 1), 5).tolist()))
    return Histogram(shares[0], shares[1], edges=tuple(float(f"{edge:.6g}") for edge in edges))


def categorical_histogram(reference: Categories, current: Categories) -> Histogram:
    """Draw the most frequent labels of both sides together."""
    sizes = max(reference.present, 1), max(current.present, 1)
    aligned = align(reference, current)
    p, q = aligned.reference / sizes[0], aligned.current / sizes[1]
    most = np.argsort(-(p + q), kind="stable")[:HISTOGRAM_LABELS]
    top = aligned.labels.take(pa.array(most)).to_pylist()
    shares = [p[most].tolist(), q[most].tolist()]
    if len(p) > len(top):
        shares = [[*side, max(0.0, 1 - sum(side))] for side in shares]
        top = [*top, "other"]
    rounded = [tuple(round(share, 5) for share in side) for side in shares]
    return Histogram(rounded[0], rounded[1], labels=tuple(label[:60] for label in top))
