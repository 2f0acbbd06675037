"""Statistics of a sketch are those of rows with its weights, and its p-value allows for its error."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_ext.monitoring.drift.binning import bins_of
from mlops_ext.monitoring.drift.columns import numbers_of
from mlops_ext.monitoring.drift.numeric import ks_p_value
from mlops_ext.monitoring.drift.sketched import Sketched
from mlops_ext.monitoring.drift.statistics import numeric_rows

pytestmark = pytest.mark.fast
WEIGHTED = st.lists(st.tuples(st.integers(-6, 6), st.integers(1, 5)), min_size=1, max_size=12)


def sketch_of(pairs, rank_error=0.0):
    weights: dict[float, int] = {}
    for value, weight in pairs:
        weights[value / 2] = weights.get(value / 2, 0) + weight
    values = np.array(sorted(weights))
    counts = np.array([weights[value] for value in values], dtype=np.int64)
    rows = np.repeat(values, counts)
    moments = float(rows.mean()), float(rows.std())
    return Sketched(values, np.cumsum(counts), 1, 0, moments, rank_error, "KLL, k = 8"), rows


@given(reference=st.lists(st.integers(-8, 8), min_size=1, max_size=60), pairs=WEIGHTED)
def test_a_sketch_compares_as_its_rows_do(reference, pairs):
    before = numbers_of(np.array(reference) / 3, "x")
    sketch, rows = sketch_of(pairs)
    exact = {row.statistic: row for row in numeric_rows("x", before, numbers_of(np.append(rows, np.nan), "x"))}
    found = {row.statistic: row for row in numeric_rows("x", before, sketch)}
    assert exact.keys() - found.keys() == {"ks_exact", "cvm"}
    for statistic, row in found.items():
        assert row.value == pytest.approx(exact[statistic].value, abs=1e-12), statistic
    assert found["ks"].p_value == pytest.approx(exact["ks"].p_value, rel=1e-9)
    assert found["missing_change"].p_value == exact["missing_change"].p_value


def test_whole_numbers_are_binned_as_such():
    bins = bins_of(np.arange(100))
    sketch, rows = sketch_of([(2 * value, 3) for value in range(0, 100, 7)])
    assert sketch.count(bins).tolist() == bins.count(np.sort(rows)).tolist()


def test_the_error_of_the_sketch_is_taken_off_the_distance():
    before = numbers_of(np.arange(1000.0), "x")
    sketch, _ = sketch_of([(2 * value, 3) for value in range(0, 900, 3)], rank_error=0.02)
    row = next(row for row in numeric_rows("x", before, sketch) if row.statistic == "ks")
    assert row.p_value == ks_p_value(row.value - 0.02, 1000, 900)
    assert row.parameters["rank_error"] == 0.02
