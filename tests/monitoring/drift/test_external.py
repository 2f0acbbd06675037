"""Columns too long for memory are read batch by batch, and give what they give when read whole."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlops_ext.errors import InvalidValue
from mlops_ext.monitoring import sources
from mlops_ext.monitoring.drift import columns, compare, external, merge, numeric, profile
from mlops_ext.monitoring.drift.compare import Treatment, compare_frames
from mlops_ext.monitoring.drift.external import stored_of
from tests.monitoring.test_sources import frame, values


@pytest.fixture
def small(monkeypatch):
    """Let a thousand rows be long, and work on a few hundred at once."""
    for module in (sources, compare, profile):
        monkeypatch.setattr(module, "LONG", 1000)
    monkeypatch.setattr(external, "RUN", 300)
    for module in (merge, numeric, columns):
        monkeypatch.setattr(module, "BLOCK", 500)
    monkeypatch.setattr(merge, "FINER", 1000)


def sides(folder):
    for at in range(2):
        each = frame(3000 + at, at)
        each["t"], each["none"], each["one"] = pd.Timestamp("2013-01-01"), None, 7
        each["k2"] = each["k"].astype(float if at else int) + (0.5 if at else 0)
        pq.write_table(pa.Table.from_pandas(each), folder / f"{at}.parquet", row_group_size=700)
    return folder / "0.parquet", folder / "1.parquet"


def test_long_columns_give_the_statistics_of_whole_ones(tmp_path, request):
    paths = sides(tmp_path)
    how = Treatment(categorical=["k"], columns=["x", "k", "c", "t", "none", "one", "k2"], together=True)
    expected = compare_frames(*paths, how)
    request.getfixturevalue("small")
    found = compare_frames(*paths, how)
    assert values(found) == pytest.approx(values(expected), rel=1e-9, abs=1e-12, nan_ok=True)
    assert (found.verdict, found.left_out, found.kinds) == (expected.verdict, expected.left_out, expected.kinds)
    assert found.together == expected.together
    kept = profile.write_profile(paths[0], tmp_path / "long.reference")
    assert values(compare_frames(kept, paths[1])) == pytest.approx(values(compare_frames(*paths)), abs=0, nan_ok=True)


def test_a_long_column_is_never_read_whole(tmp_path, small, monkeypatch):
    before, after = (sources.columns_in(path) for path in sides(tmp_path))
    for side in (before, after):
        for name in list(side.readers):
            monkeypatch.setitem(side.readers, name, lambda: pytest.fail("it was read whole"))
    assert compare_frames(before, after).sizes == (3000, 3001)


@given(
    st.lists(st.lists(st.sampled_from([0.0, 1.0, 1.5, -3.0, 2.0**60, np.nan, np.inf]), max_size=40), max_size=8),
    st.integers(1, 30),
)
@settings(max_examples=60, deadline=None)
@example([[np.inf]], 1)
def test_runs_on_disk_merge_to_what_one_sort_gives(batches, run):
    held, external.RUN = external.RUN, run
    try:
        stored = stored_of(lambda: (np.array(batch, dtype=np.float64) for batch in batches), "x", "numeric")
    finally:
        external.RUN = held
    whole = np.concatenate([np.array(batch, dtype=np.float64) for batch in batches] or [np.empty(0)])
    assert np.array_equal(stored.column.values, np.sort(whole[np.isfinite(whole)]))
    assert (stored.column.rows, stored.column.infinite) == (len(whole), int(np.isinf(whole).sum()))


def test_a_dask_column_is_computed_a_partition_at_a_time(small):
    dask = pytest.importorskip("dask.dataframe")
    rows = frame(2400)
    parts = dask.from_pandas(rows, npartitions=7)
    found = compare_frames(parts, frame(1500, 1))
    assert values(found) == pytest.approx(values(compare_frames(rows, frame(1500, 1))), rel=1e-9, nan_ok=True)


def test_a_full_disk_and_too_many_labels_are_one_sentence(tmp_path, small, monkeypatch):
    paths = sides(tmp_path)
    monkeypatch.setattr(external, "MOST_LABELS", 2)
    found = compare_frames(*paths)
    assert "more than 2 labels" in found.left_out["c"]

    class Full:
        def write(self, piece):
            raise OSError(28, "No space left on device")

        def close(self):
            pass

    monkeypatch.setattr(external.tempfile, "TemporaryFile", Full)
    with pytest.raises(InvalidValue, match="No space left"):
        compare_frames(*paths)


def test_huge_csv_is_refused_before_it_is_read(tmp_path, monkeypatch):
    frame().to_csv(tmp_path / "a.csv")
    monkeypatch.setattr(sources, "MOST_CSV", 100)
    with pytest.raises(InvalidValue, match="GB of CSV, which is read whole"):
        sources.columns_in(tmp_path / "a.csv")
