"""What sketches tell, in whatever order they were merged, lies within the error that they state."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import ks_2samp

from mlops_ext.monitoring.drift.columns import numbers_of
from mlops_ext.monitoring.drift.statistics import numeric_rows
from mlops_ext.monitoring.monitors import tallies
from mlops_ext.monitoring.monitors.states import Rows, Tallies, joined, read_part
from mlops_ext.monitoring.monitors.tallies import merged, read_tallies, tally_of, write_tallies

pytestmark = pytest.mark.fast


def merged_in(order, pieces):
    whole, rows = None, 0
    for at in order:
        whole = tallies.merged((whole, rows), (tally_of(pieces[at], "x"), len(pieces[at])))
        rows += len(pieces[at])
    return whole


@pytest.mark.parametrize("order", [range(8), range(7, -1, -1)])
def test_merged_numbers_keep_ranks_within_the_error_and_moments_exactly(order):
    rng = np.random.default_rng(5)
    pieces = [np.where(rng.random(20_000) < 0.01, np.inf, rng.lognormal(0, 2, 20_000)) for _ in range(8)]
    column = merged_in(order, pieces).stored().column
    rows = np.concatenate(pieces)
    held = np.sort(rows[np.isfinite(rows)])
    assert (column.present, column.missing, column.infinite) == (len(held), np.isinf(rows).sum(), np.isinf(rows).sum())
    assert column.moments == pytest.approx((held.mean(), held.std()), rel=1e-12)
    true = np.searchsorted(held, column.values, "right") / len(held)
    assert np.abs(true - column.upto / column.present).max() <= 2 * column.rank_error
    assert 0 < column.rank_error < 4e-4
    reference = rng.lognormal(0.02, 2, 50_000)
    ks = next(row for row in numeric_rows("x", numbers_of(reference, "x"), column) if row.statistic == "ks")
    assert ks.value == pytest.approx(ks_2samp(reference, held).statistic, abs=2 * column.rank_error)


def test_small_windows_lose_nothing():
    values = np.arange(100.0)
    column = merged_in(range(2), [values[:60], values[60:]]).stored().column
    assert column.rank_error == 0
    assert column.values.tolist() == values.tolist()
    assert column.upto.tolist() == list(range(1, 101))


def test_few_labels_are_counted_exactly_and_many_within_the_stated_share():
    few = merged_in(range(2), [pa.array(["a", "b", None, "a"]), pa.array(["c", "a"])]).stored().column
    assert dict(zip(few.labels.to_pylist(), few.counts.tolist(), strict=True)) == {"a": 3, "b": 1, "c": 1}
    assert (few.missing, few.others) == (1, 0)
    rng = np.random.default_rng(2)
    pieces = [pa.array([f"l{x}" for x in rng.zipf(1.3, 40_000)]) for _ in range(3)]
    column = merged_in(range(3), pieces).stored().column
    everything = [label for piece in pieces for label in piece.to_pylist()]
    assert column.present == len(everything)
    for label in ("l1", "l2", "l3"):
        told = column.counts[column.labels.to_pylist().index(label)]
        assert 0 <= everything.count(label) - told <= column.share_error * len(everything) + 1


def test_a_part_without_a_column_lacks_its_values_and_a_change_of_type_is_told():
    numbers, texts = tally_of(np.arange(5.0), "x"), tally_of(pa.array(["a", "b"]), "x")
    assert merged((numbers, 5), (None, 3)).missing == 3
    assert merged((None, 3), (texts, 2)).stored().column.missing == 3
    mixed = merged((numbers, 5), (texts, 2))
    assert (mixed.kind, mixed.type, mixed.present) == ("categorical", "mixed", 7)


def test_sketches_are_written_and_read_back_whole():
    rng = np.random.default_rng(1)
    table = pa.table({
        "x": rng.normal(size=500), "c": rng.choice(["a", "b"], 500), "t": pa.array(range(500), pa.timestamp("s")),
        "e": pa.nulls(500), "b": rng.random(500) < 0.5,
    })  # fmt: skip
    parts = [Rows(table.slice(0, 200)), Rows(table.slice(200))]
    whole = joined(parts, (), (), exact=False)
    back = read_part(whole.pack())
    assert isinstance(back, Tallies)
    assert back.rows == 500
    assert [tally.kind for tally in back.tallies.values()] == ["numeric", "categorical", "time", "empty", "categorical"]
    again = read_tallies(write_tallies(back.tallies))
    assert again["x"].sketch == whole.tallies["x"].sketch
    assert again["c"].labels.labels.to_pylist() == ["a", "b"]
    assert (again["x"].mean, again["x"].squares) == (whole.tallies["x"].mean, whole.tallies["x"].squares)


def test_rows_are_kept_whole_only_while_no_part_is_a_sketch():
    table = pa.table({"x": [1.0, 2.0]})
    sketched = joined([Rows(table)], (), (), exact=False)
    assert isinstance(joined([Rows(table), Rows(table)], (), (), exact=True), Rows)
    assert joined([Rows(table), sketched], (), (), exact=True).rows == 4
