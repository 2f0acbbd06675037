"""Files and folders as sides of a comparison: the same answers as from frames, and one sentence for what cannot be read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.monitoring.drift.compare import Treatment, compare_frames
from mlops_ext.monitoring.drift.edge import drift
from mlops_ext.monitoring.sources import columns_in


def frame(rows=400, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    x[::7] = np.nan
    x[3] = np.inf
    labels = rng.choice(["a", "b", "ü"], rows).astype(object)
    labels[::11] = None
    return pd.DataFrame({"x": x, "k": rng.integers(0, 50, rows), "c": labels, "b": rng.random(rows) < 0.5})


def values(found):
    return {(row.column, row.statistic): row.value for row in found.rows}


def write(table, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    if ".csv" in path.name or path.suffix == ".tsv":
        table.to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")
    else:
        table.to_parquet(path)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.csv.gz", "a.parquet", "A.PARQUET"])
def test_a_file_is_compared_as_its_frame(tmp_path, name):
    before, after = frame(), frame(300, 1)
    found = compare_frames(write(before, tmp_path / name), write(after, tmp_path / "after" / name))
    assert values(found) == pytest.approx(values(compare_frames(before, after)), nan_ok=True)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_folder_is_all_its_files(tmp_path, suffix):
    whole = frame()
    for part, rows in enumerate((whole[:150], whole[150:])):
        write(rows, tmp_path / "days" / f"day={part}" / f"rows.{suffix}")
    (tmp_path / "days" / "_SUCCESS").touch()
    found = compare_frames(whole, tmp_path / "days", Treatment(columns=["x", "k", "c", "b"]))
    assert found.sizes == (400, 400)
    assert {row.value for row in found.rows if row.statistic in ("ks", "tvd", "w1", "missing_change")} == {0.0}


def test_files_whose_integers_became_floats_are_one_column(tmp_path):
    write(pd.DataFrame({"k": [1, 2, 3]}), tmp_path / "d" / "1.parquet")
    write(pd.DataFrame({"k": [1.0, None, 3.0]}), tmp_path / "d" / "2.parquet")
    found = compare_frames({"k": [1, 2, 3, 1, 3]}, tmp_path / "d", Treatment(categorical=["k"]))
    assert values(found)["k", "tvd"] == 0
    assert values(found)["k", "missing_cur"] == pytest.approx(1 / 6)


def test_a_late_text_makes_a_csv_column_text(tmp_path):
    rows = 200_000
    pd.DataFrame({"k": [*range(rows), "x"], "y": 1}).to_csv(tmp_path / "a.csv", index=False)
    columns = columns_in(tmp_path / "a.csv")
    assert (columns.rows, columns["k"].type) == (rows + 1, pa.string())


def test_nan_in_parquet_is_missing_whatever_the_statistics_say(tmp_path):
    table = pa.table({"x": pa.array([1.0, float("nan"), 2.0, None])})
    pq.write_table(table, tmp_path / "a.parquet")
    assert values(compare_frames(tmp_path / "a.parquet", {"x": [1.0, 2.0]}))["x", "missing_ref"] == 0.5


def test_times_in_csv_are_no_new_type(tmp_path):
    times = pd.DataFrame({"t": pd.date_range("2013-01-01", periods=60, tz="UTC"), "x": 1.0})
    write(times.assign(t=times["t"].astype(str)), tmp_path / "a.parquet")
    found = compare_frames(times, tmp_path / "a.parquet")
    assert "holds times" in found.left_out["t"]
    assert values(found)["t", "left_out"] == 1
    assert values(found)["t", "missing_cur"] == 0
    assert found.verdict.status == "no_drift"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.parquet", b"no parquet", "cannot be read"),
        ("a.csv", b"", "cannot be read"),
        ("a.txt", b"x", "holds no data that is known"),
        ("gone.csv", None, "no file or folder"),
    ],
)
def test_what_cannot_be_read_gets_one_sentence(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidValue, match=message):
        columns_in(tmp_path / name)


def test_text_is_a_file_when_there_is_one_and_else_a_dataset(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(frame(), tmp_path / "a.csv")
    write(frame(), tmp_path / "ref" / "a.csv")
    report = drift("a.csv", "ref")
    assert (report.reference, report.current, report.window) == ("file:a.csv", "file:ref", "ref")
    assert not report.drifted
    with pytest.raises(NotFound, match=r"no file or folder 'b\.csv'"):
        drift("a.csv", "b.csv")
    with pytest.raises(NotFound, match="no dataset named 'other'"):
        drift("a.csv", "other")


def test_only_the_columns_that_are_asked_for_are_read(tmp_path, monkeypatch):
    path = write(frame(), tmp_path / "a.parquet")
    columns = columns_in(path)
    read = []
    for name, reader in list(columns.readers.items()):
        monkeypatch.setitem(columns.readers, name, lambda name=name, reader=reader: read.append(name) or reader())
    compare_frames(columns, frame(), Treatment(columns=["x"]))
    assert read == ["x"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([10**400, 10**400 + 1], "categorical"),
        ([10**5000, -(10**5000)], "categorical"),
        (["\ud800", "a"], "categorical"),
        ([10**30, 2.5], "numeric"),
    ],
)
def test_values_that_no_column_type_holds_are_labels(values, kind):
    sides = {"h": values * 30}
    found = compare_frames(sides, sides)
    assert (found.kinds, found.verdict.status) == ({"h": kind}, "no_drift")
    assert compare_frames(sides, {"h": values[:1] * 60}).verdict.columns == ("h",)


@pytest.mark.parametrize(
    ("side", "message"),
    [
        (pd.Series([1.0, 2.0]), "the reference is a Series, not a frame"),
        (pa.array([1.0]), "Array, not a frame"),
        ({"x": 1.0}, "column 'x' of the reference is one value"),
        ({"x": "text"}, "column 'x' of the reference is one value"),
        (np.ones((3, 2)), "is a ndarray, not a frame"),
        (None, "is a NoneType, not a frame"),
    ],
)
def test_what_is_no_frame_gets_one_sentence(side, message):
    with pytest.raises(InvalidValue, match=message):
        compare_frames(side, {"x": [1.0]})
