"""Loads read what is asked for and nothing else; lazy frames, files and exports hold the same rows."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import dataset, parquet

from mlops_ext.datasets import compact, show
from mlops_ext.datasets.edge import export, files, load, scan, snapshot, verify
from mlops_ext.datasets.storage import cutting, pieces
from mlops_ext.datasets.storage.compaction import Compact
from mlops_ext.datasets.types import ShowDataset
from mlops_ext.errors import Conflict, InvalidValue
from mlops_ext.workspace import Workspace
from tests.support.examples import fewer
from tests.test_every_operation import event_count

ROWS = 4000


@pytest.fixture
def ws(tmp_path):
    return Workspace(tmp_path)


@pytest.fixture(autouse=True)
def small_files(monkeypatch):
    monkeypatch.setattr(cutting, "SMALLEST_BYTES", 1 << 10)
    monkeypatch.setattr(cutting, "CELL_BYTES", 1 << 6)
    monkeypatch.setattr(pieces, "FILE_BYTES", 1 << 14)
    monkeypatch.setattr("mlops_ext.datasets.storage.writing.FILE_BYTES", 1 << 14)


def frame(rows=ROWS):
    random = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "id": np.arange(rows) * 3,
            "month": np.arange(rows) // (rows // 8),
            "value": np.where(np.arange(rows) % 7 == 0, np.nan, np.round(random.normal(size=rows), 3)),
            "word": random.choice(["x", "y", "z"], rows),
        }
    )


def edited():
    """Three versions that share files: as it was, with another column, with rows changed."""
    one = frame()
    two = one.assign(more=np.arange(ROWS) / 4)
    three = two.copy()
    three.loc[1000:1010, "value"] = 9.0
    return one, two, three


@pytest.fixture
def reads(ws, monkeypatch):
    """The digests of the blobs that are opened as files."""
    opened = []
    path = ws.blob_path
    monkeypatch.setattr(ws, "blob_path", lambda digest: opened.append(digest) or path(digest))
    return opened


def test_only_the_files_of_the_asked_columns_and_rows_are_read(ws, reads):
    version = [snapshot(each, "t", workspace=ws) for each in edited()][-1]
    load(version, workspace=ws)
    whole = len(set(reads))
    reads.clear()
    made = load(version, columns=["more"], workspace=ws)
    assert list(made.columns) == ["more"]
    column = len(set(reads))
    reads.clear()
    some = load(version, rows=slice(1500, 1600), workspace=ws)
    pd.testing.assert_frame_equal(some, edited()[2].iloc[1500:1600])
    rows = len(set(reads))
    reads.clear()
    load(version, rows=0, workspace=ws)
    assert whole > 8
    assert max(column, rows) < whole / 2
    assert len(set(reads)) <= 2


def test_a_filter_reads_its_own_columns_and_then_only_files_with_matching_rows(ws, reads):
    version = snapshot(frame(), "t", workspace=ws)
    columns = {each.digest for each in files(version, workspace=ws).files}
    reads.clear()
    made = load(version, filter="month = 5", workspace=ws)
    expected = frame()
    pd.testing.assert_frame_equal(made, expected[expected["month"] == 5])
    assert len(columns) > 6
    assert len(reads) < 1.4 * len(columns) + 2


CONDITIONS = {
    "month = 2 AND word IN ('x', 'y')": lambda f: (f["month"] == 2) & f["word"].isin(["x", "y"]),
    '"VALUE" > 1': lambda f: f["value"] > 1,
    "value IS NULL": lambda f: f["value"].isna(),
    "NOT value > 1": lambda f: f["value"] <= 1,
    "id % 2 = 0 OR length(word) = 2": lambda f: f["id"] % 2 == 0,
    "true": lambda f: f["id"] >= 0,
    "id < 0": lambda f: f["id"] < 0,
}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_condition_means_what_pandas_means(ws, condition):
    version = snapshot(frame(), "t", workspace=ws)
    expected = frame()
    expected = expected[CONDITIONS[condition](expected)]
    pd.testing.assert_frame_equal(load(version, filter=condition, workspace=ws), expected)
    assert load(version, "polars", ["id"], filter=condition, workspace=ws)["id"].to_list() == expected["id"].tolist()


def test_a_condition_may_be_tuples_and_rows_come_first(ws):
    version = snapshot(frame(), "t", workspace=ws)
    made = load(version, filter=[("month", "in", [1, 2]), ("value", ">", 1)], workspace=ws)
    expected = frame().query("month in [1, 2] and value > 1")
    pd.testing.assert_frame_equal(made, expected)
    assert len(load(version, rows=700, filter="month <= 1", workspace=ws)) == 700


@pytest.mark.parametrize(
    ("asked", "saying"),
    [
        ({"filter": "mnth = 1"}, "no column named 'mnth'.*Did you mean 'month'"),
        ({"filter": "month ="}, "filter="),
        ({"filter": "month"}, "no condition"),
        ({"filter": "id IN (SELECT 1)"}, "other tables"),
        ({"filter": "1=1) FROM t; DROP TABLE t --"}, "filter="),
        ({"filter": [("month", "~", 1)]}, "filter="),
        ({"filter": 3}, "no condition"),
        ({"rows": -1}, "no run of rows"),
        ({"rows": slice(0, 10, 2)}, "no run of rows"),
    ],
)
def test_what_is_no_condition_is_refused(ws, asked, saying):
    snapshot(frame(40), "t", workspace=ws)
    with pytest.raises(InvalidValue, match=saying):
        load("t", workspace=ws, **asked)


@fewer(3)
@given(st.data())
def test_rows_of_any_index_come_back_as_pandas_would_slice_them(tmp_path_factory, data):
    index = data.draw(
        st.sampled_from(
            [
                pd.RangeIndex(10, 70, 3, name="r"),
                pd.date_range("2013-01-01", periods=20, freq="h", tz="America/New_York"),
                pd.Index([f"k{n}" for n in range(20)], name="k"),
                pd.MultiIndex.from_product([["a", "b"], range(10)], names=["x", "y"]),
                pd.CategoricalIndex(["b", "a"] * 10),
            ]
        )
    )
    whole = pd.DataFrame({"v": np.arange(20), "c": pd.Categorical(["p", "q"] * 10)}, index=index)
    ws = Workspace(tmp_path_factory.mktemp("project"))
    version = snapshot(whole, "t", workspace=ws)
    first, last = sorted(data.draw(st.tuples(st.integers(0, 20), st.integers(0, 20))))
    part = load(version, rows=slice(first, last), workspace=ws)
    pd.testing.assert_frame_equal(part, whole.iloc[first:last], check_freq=False)
    some = data.draw(st.sets(st.integers(0, 19)))
    made = load(version, filter=f"v IN ({', '.join(map(str, some)) or '-1'})", workspace=ws)
    pd.testing.assert_frame_equal(made, whole[whole["v"].isin(some)], check_freq=False)


def test_lazy_frames_give_the_rows_of_shared_files_too(ws):
    frames = edited()
    versions = [snapshot(each, "t", workspace=ws) for each in frames]
    for version, each in zip(versions, frames, strict=True):
        expected = (each.loc[each["month"] == 3, "id"].sum(), int((each["month"] == 3).sum()))
        lazy = scan(version, workspace=ws)
        arrow = scan(version, "arrow", workspace=ws)
        duck = scan(version, "duckdb", workspace=ws)
        assert isinstance(lazy, pl.LazyFrame)
        assert isinstance(arrow, dataset.Dataset)
        march = lazy.filter(pl.col("month") == 3).collect()["id"]
        table = arrow.to_table(["id"], filter=dataset.field("month") == 3)["id"]
        [rows] = duck.filter("month = 3").aggregate("sum(id), count(*)").fetchall()
        assert (march.sum(), len(march)) == (table.to_numpy().sum(), len(table)) == rows == expected
        assert lazy.collect()["id"].to_list() == each["id"].tolist()


def test_a_lazy_frame_reads_only_what_a_query_asks_for(ws, reads):
    version = [snapshot(each, "t", workspace=ws) for each in edited()][-1]
    lazy = scan(version, workspace=ws)
    reads.clear()
    lazy.select("more").collect()
    few = len(set(reads))
    lazy.collect()
    assert few < len(set(reads)) / 2
    assert lazy.head(3).collect()["id"].to_list() == [0, 3, 6]


def test_a_lazy_frame_has_the_dtypes_of_the_frame(ws):
    held = pl.DataFrame(
        {
            "e": pl.Series(["a"], dtype=pl.Enum(["b", "a"])),
            "d": pl.Series([1], dtype=pl.Duration("ms")),
            "c": pl.Series(["x"], dtype=pl.Categorical),
        }
    )
    lazy = scan(snapshot(held, "t", workspace=ws), workspace=ws)
    assert lazy.collect_schema() == held.schema
    assert lazy.collect().equals(held)


def test_a_path_is_one_file_that_any_engine_reads(ws):
    versions = [snapshot(each, "t", workspace=ws) for each in edited()]
    for version, expected in zip(versions, edited(), strict=True):
        path = load(version, as_="path", workspace=ws)
        pd.testing.assert_frame_equal(pd.read_parquet(path), expected)
        assert load(version, as_="path", workspace=ws) == path
    with pytest.raises(InvalidValue, match="as_='path'"):
        load("t", as_="path", rows=3, workspace=ws)
    assert isinstance(load("t", as_="duckdb", workspace=ws), duckdb.DuckDBPyRelation)


def test_compaction_keeps_content_and_number_and_makes_files_plain(workspace):
    frames = edited()
    versions = [snapshot(each, "t", workspace=workspace) for each in frames]
    assert not files("t@3", workspace=workspace).plain
    before = event_count(workspace)
    made = workspace.call(compact, Compact(dataset="t@3"))
    assert (made.ref, made.digest, made.representation) == ("t@3", versions[2].digest, versions[2].representation)
    assert event_count(workspace) == before + 1
    assert workspace.call(compact, Compact(dataset="t@3")) == made
    assert event_count(workspace) == before + 1
    listed = files("t@3", workspace=workspace)
    assert listed.plain
    paths = [each.path for each in listed.files]
    pd.testing.assert_frame_equal(pd.concat(map(pd.read_parquet, paths), ignore_index=True), frames[2])
    for version, each in zip(versions, frames, strict=True):
        verify(version, workspace=workspace)
        pd.testing.assert_frame_equal(load(version, workspace=workspace), each)
    single = workspace.call(compact, Compact(dataset="t@3", one_file=True))
    assert len(files("t@3", workspace=workspace).files) == 1
    assert snapshot(frames[2], "t", workspace=workspace) == single


def test_the_version_after_a_compaction_still_costs_what_changed(ws):
    one, two, three = edited()
    for each in (one, two):
        snapshot(each, "t", workspace=ws)
    ws.call(compact, Compact(dataset="t"))
    before = {each.digest for each in files("t", workspace=ws).files}
    version = snapshot(three, "t", workspace=ws)
    after = files(version, workspace=ws).files
    assert sum(each.bytes for each in after if each.digest not in before) < sum(each.bytes for each in after) / 3
    pd.testing.assert_frame_equal(load(version, workspace=ws), three)


def test_listed_files_are_read_by_every_engine_without_us(ws):
    import dask.dataframe as dd

    expected = frame()
    snapshot(expected, "t", workspace=ws)
    listed = files("t", workspace=ws)
    paths = [each.path for each in listed.files]
    assert listed.plain
    assert len(paths) > 3
    total = expected["id"].sum()
    assert duckdb.read_parquet(paths).sum("id").fetchall()[0][0] == total
    assert pl.scan_parquet(paths).select(pl.col("id").sum()).collect().item() == total
    assert pd.read_parquet(paths)["id"].sum() == total
    assert dd.read_parquet(paths)["id"].sum().compute() == total
    assert pa.concat_tables(map(parquet.read_table, paths)).column_names == list(expected.columns)


def test_a_server_tells_where_the_bytes_are_and_no_path(ws):
    from mlops_ext.datasets import files as operation

    snapshot(frame(10), "t", workspace=ws)
    [file] = ws.call(operation, ShowDataset(dataset="t")).files
    assert (file.path, file.url) == ("", f"/blobs/{file.digest}")


def test_exports_hold_the_rows_and_never_overwrite(ws, tmp_path):
    from deltalake import DeltaTable

    held = frame(50).assign(word=pd.Categorical(frame(50)["word"]))
    snapshot(held, "t", workspace=ws)
    pd.testing.assert_frame_equal(pd.read_parquet(export("t", tmp_path / "p", workspace=ws)[0]), held)
    pd.testing.assert_frame_equal(
        pd.read_csv(export("t", tmp_path / "c", "csv", workspace=ws)[0]),
        held,
        check_dtype=False,
        check_categorical=False,
    )
    export("t", tmp_path / "d", "delta", workspace=ws)
    back = DeltaTable(tmp_path / "d").to_pyarrow_dataset().to_table().to_pandas()
    pd.testing.assert_frame_equal(back, held, check_dtype=False, check_categorical=False)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(Conflict, match="not empty"):
        export("t", tmp_path / "full", workspace=ws)
    with pytest.raises(InvalidValue, match="Choose one of parquet, delta, csv"):
        export("t", tmp_path / "x", "xlsx", workspace=ws)
    snapshot(pd.DataFrame({"x": [[1], [2]]}), "nested", workspace=ws)
    with pytest.raises(InvalidValue, match="nested@1 cannot be written as csv"):
        export("nested", tmp_path / "n", "csv", workspace=ws)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".mlops", "c", "d", "full", "p"]
    assert ws.call(show, ShowDataset(dataset="t")).version == 1
