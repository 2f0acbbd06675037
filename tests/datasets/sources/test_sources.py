"""Rows from files, readers, lazy frames and databases: what they hold, where they came from, and nothing secret."""

from __future__ import annotations

import json
import sqlite3

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sqlalchemy as sa
from pyarrow import csv, dataset, feather, parquet
from sqlalchemy import select

from mlops_ext.datasets.edge import load, snapshot
from mlops_ext.datasets.sources import files as source_files
from mlops_ext.datasets.sources import formats, opening, spool
from mlops_ext.errors import Conflict, InvalidValue, NotFound
from mlops_ext.store.blobs import digest_and_size
from mlops_ext.store.schema import event_data
from mlops_ext.workspace import Workspace

TABLE = pa.table({"n": [1, 2, 3], "t": ["a", None, "c"], "x": [0.5, None, -1.0]})


@pytest.fixture
def ws(tmp_path):
    (tmp_path / "project").mkdir()
    return Workspace(tmp_path / "project")


def written(folder, name, table=TABLE):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if name.endswith(".parquet"):
        parquet.write_table(table, path)
    elif ".csv" in name:
        with pa.output_stream(path, compression="gzip" if name.endswith(".gz") else None) as file:
            csv.write_csv(table, file)
    elif name.endswith(".arrow"):
        feather.write_feather(table, path, compression="uncompressed")
    elif name.endswith(".json"):
        path.write_text(json.dumps(table.to_pylist()))
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    return path


@pytest.mark.parametrize("name", ["t.parquet", "t.csv", "t.csv.gz", "t.arrow", "t.json", "t.ndjson"])
def test_a_file_of_any_format_is_read_and_named_with_its_digest(ws, name):
    path = written(ws.root / "data", name)
    before = path.read_bytes()
    version = snapshot(str(path), "t", workspace=ws)
    assert load(version, workspace=ws).to_pylist() == TABLE.to_pylist()
    [source] = version.origin.sources
    digest, size = digest_and_size(path, "b3")
    assert (source.kind, source.location, source.digest, source.bytes) == ("file", f"data/{name}", digest, size)
    assert path.read_bytes() == before


def test_a_glob_a_folder_and_a_url_are_read_in_the_order_of_their_names(ws, tmp_path):
    for place in (2, 0, 1):
        written(tmp_path / "parts", f"{place}.parquet", TABLE.slice(place, 1))
    (tmp_path / "parts" / "_SUCCESS").touch()
    (tmp_path / "parts" / "notes.txt").touch()
    found = [
        snapshot(text, "t", workspace=ws)
        for text in (f"{tmp_path}/parts/*.parquet", tmp_path / "parts", f"file://{tmp_path}/parts")
    ]
    assert [each.version for each in found] == [1, 1, 1]
    assert load("t", workspace=ws).equals(TABLE)
    assert len(found[0].origin.sources) == 3


def test_partitions_in_paths_become_columns(ws, tmp_path):
    for month in (1, 12):
        written(tmp_path / "flights" / "year=2013", f"month={month}/part.parquet", pa.table({"n": [month * 10]}))
    made = load(snapshot(tmp_path / "flights", "t", workspace=ws), workspace=ws)
    assert made.to_pylist() == [{"n": 10, "year": 2013, "month": 1}, {"n": 120, "year": 2013, "month": 12}]


def test_an_object_store_is_read_by_url_and_query_strings_are_not_kept(ws):
    import fsspec

    memory = fsspec.filesystem("memory")
    sink = pa.BufferOutputStream()
    parquet.write_table(TABLE, sink)
    memory.pipe_file("/bucket/t.parquet", sink.getvalue().to_pybytes())
    version = snapshot("memory://bucket/t.parquet", "t", workspace=ws)
    assert load(version, workspace=ws).equals(TABLE)
    assert version.origin.sources[0].location == "memory://bucket/t.parquet"
    with pytest.raises(InvalidValue, match="no file"):
        snapshot("memory://bucket/other.parquet", "t", workspace=ws)


def test_a_file_that_changes_while_it_is_read_is_refused_and_leaves_nothing(ws, tmp_path, monkeypatch):
    path = written(tmp_path, "t.csv")
    read = opening.batches_of

    def edited(*arguments):
        yield from read(*arguments)
        path.write_text(path.read_text().replace("a", "b"))

    monkeypatch.setattr(opening, "batches_of", edited)
    with pytest.raises(Conflict, match=r"t\.csv' changed while it was read"):
        snapshot(path, "t", workspace=ws)
    with pytest.raises(NotFound):
        load("t", workspace=ws)


def test_an_object_that_changes_while_it_is_fetched_is_refused(ws, monkeypatch):
    states = iter([{"size": 1}, {"size": 2}])
    monkeypatch.setattr(source_files, "_state", lambda *_: next(states))
    import fsspec

    fsspec.filesystem("memory").pipe_file("/bucket/c.csv", b"a\n1\n")
    with pytest.raises(Conflict, match="changed while it was fetched"):
        snapshot("memory://bucket/c.csv", "t", workspace=ws)


def test_types_of_a_long_csv_widen_where_a_late_value_asks_for_it(ws, tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "_BLOCK_BYTES", 2000)
    lines = (
        ["1,2013-01-01,7,,true,0001"] * 500 + ["1.5,2013-01-01 05:00:00,x,3,false,1"] * 2 + ["2,2013-01-01,8,4,maybe,1"]
    )
    (tmp_path / "long.csv").write_text("number,time,text,late,flag,code\n" + "\n".join(lines) + "\n")
    long = load(snapshot(tmp_path / "long.csv", "t", workspace=ws), workspace=ws)
    monkeypatch.undo()
    assert long.schema.equals(csv.read_csv(tmp_path / "long.csv").schema)
    assert long.equals(csv.read_csv(tmp_path / "long.csv"))


def test_rows_beyond_memory_go_through_a_file_and_come_back_alike(ws, tmp_path, monkeypatch):
    path = written(
        tmp_path,
        "t.parquet",
        pa.table({"n": range(300_000), "w": pa.array(["x", "y", "z"] * 100_000).dictionary_encode()}),
    )
    one = snapshot(path, "t", workspace=ws)
    monkeypatch.setattr(spool, "MEMORY_BYTES", 1 << 16)
    assert snapshot(path, "t", workspace=ws) == one
    assert load(one, workspace=ws).equals(parquet.read_table(path))


def test_files_of_other_columns_and_broken_ones_are_refused_by_name(ws, tmp_path):
    written(tmp_path / "two", "a.csv")
    written(tmp_path / "two", "b.csv", pa.table({"m": [1]}))
    (tmp_path / "bad.parquet").write_text("no parquet")
    (tmp_path / "mixed.json").write_text('[{"a": 1}, {"a": "x"}]')
    for given, saying in (
        (tmp_path / "two", "do not have the same columns"),
        (tmp_path / "bad.parquet", r"cannot read 'bad\.parquet'"),
        (tmp_path / "mixed.json", "'a' of 'mixed.json' mixes types"),
        (tmp_path / "none.csv", "none.csv"),
        (tmp_path / "*.csv", "no file"),
        (tmp_path / "notes.doc", "notes.doc"),
    ):
        with pytest.raises(InvalidValue, match=saying):
            snapshot(str(given), "t", workspace=ws)


def test_readers_datasets_lazy_frames_and_relations_hold_the_same_rows(ws, tmp_path):
    path = written(tmp_path, "t.parquet")
    lazy = pl.scan_parquet(path)
    digests = {
        snapshot(given, "t", workspace=ws).digest
        for given in (
            TABLE.to_reader(),
            dataset.dataset(path),
            dataset.dataset(path).scanner(),
            lazy,
            lazy.collect(),
            duckdb.read_parquet(str(path)),
            duckdb.connect().read_parquet(str(path)).to_arrow_reader(),
        )
    }
    assert len(digests) == 1
    assert isinstance(load("t@2", workspace=ws), pl.DataFrame)
    assert "parquet_scan" in load_version(ws, "t@3").origin.query


def load_version(ws, ref):
    from mlops_ext.datasets import show
    from mlops_ext.datasets.types import ShowDataset

    return ws.call(show, ShowDataset(dataset=ref))


def test_a_lazy_frame_keeps_its_dtypes(ws):
    frame = pl.DataFrame(
        {
            "c": pl.Series(["b", "a", None], dtype=pl.Categorical),
            "e": pl.Series(["y", None, "x"], dtype=pl.Enum(["x", "y"])),
            "l": [[1], None, []],
        }
    )
    one = snapshot(frame, "t", workspace=ws)
    assert snapshot(frame.lazy(), "t", workspace=ws) == one


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "air.db"
    pd.DataFrame({"n": [1, 2], "t": ["a", None]}).to_sql("flights", f"sqlite:///{path}", index=False)
    return path


def test_a_query_is_run_through_each_kind_of_connection(ws, database):
    text = "SELECT n, t FROM flights ORDER BY n"
    adbc = pytest.importorskip("adbc_driver_sqlite.dbapi")
    engine = sa.create_engine(f"sqlite:///{database}")
    duck = duckdb.connect()
    duck.execute("CREATE TABLE flights AS SELECT * FROM (VALUES (1::BIGINT, 'a'), (2, NULL)) v(n, t)")
    with engine.connect() as connection, sqlite3.connect(database) as plain, adbc.connect(str(database)) as arrow:
        for con in (f"sqlite:///{database}", engine, connection, plain, arrow, duck):
            version = snapshot(sql=text, con=con, name="t", workspace=ws)
            assert load(version, workspace=ws).to_pylist() == [{"n": 1, "t": "a"}, {"n": 2, "t": None}]
            assert version.version == 1
    assert (version.origin.query, version.origin.sources[0].kind) == (text, "database")
    assert snapshot(sql=sa.text(text), con=engine, name="t", workspace=ws).version == 1


def test_a_long_result_whose_types_widen_is_one_table(ws, database, monkeypatch):
    monkeypatch.setattr("mlops_ext.datasets.sources.sql._ROWS", 2)
    text = "SELECT * FROM (VALUES (NULL, 1, 'a'), (NULL, 2, 'b'), (3, 1.5, 'c'))"
    made = load(snapshot(sql=text, con=sqlite3.connect(database), name="t", workspace=ws), workspace=ws)
    assert made.to_pydict() == {"column1": [None, None, 3], "column2": [1.0, 2.0, 1.5], "column3": ["a", "b", "c"]}


def test_no_password_reaches_records_events_or_errors(ws, database, caplog):
    secret = "hunter22-Xy"
    url = f"postgresql+psycopg://me:{secret}@127.0.0.1:1/air"
    with pytest.raises(InvalidValue) as caught:
        snapshot(sql="SELECT 1", con=url, name="t", workspace=ws)
    assert secret not in str(caught.value) + repr(caught.value.__cause__) + caplog.text
    assert caught.value.__suppress_context__
    query = f"SELECT n FROM flights -- password={secret}"
    version = snapshot(sql=query, con=sqlite3.connect(database), name="t", workspace=ws)
    assert secret not in version.model_dump_json()
    with ws.catalog.read() as connection:
        assert secret not in "".join(connection.execute(select(event_data.c.data)).scalars())
    assert "password=***" in version.origin.query


def test_a_query_that_cannot_be_kept_is_refused(ws, database):
    for text, saying in (
        ("SELECT nothing FROM flights", "the query failed: OperationalError"),
        ("SELECT 1 AS a, 2 AS a", "two columns named 'a'"),
        ("SELECT 'a' AS m UNION ALL SELECT 1", "column 'm' of the query cannot be kept exactly"),
    ):
        with pytest.raises(InvalidValue, match=saying):
            snapshot(sql=text, con=sqlite3.connect(database), name="t", workspace=ws)
    with pytest.raises(InvalidValue, match="without con="):
        snapshot(sql="SELECT 1", name="t", workspace=ws)
    with pytest.raises(InvalidValue, match="at once"):
        snapshot(TABLE, "t", sql="SELECT 1", workspace=ws)


def test_a_primary_key_is_checked_and_handed_down(ws):
    one = snapshot(TABLE, "t", primary_key="n", workspace=ws)
    assert one.primary_key == ("n",)
    assert snapshot(TABLE, "t", workspace=ws) == one
    longer = pa.concat_tables([TABLE, TABLE.slice(0, 1)])
    with pytest.raises(InvalidValue, match=r"2 rows have the primary key {'n': 1}"):
        snapshot(longer, "t", workspace=ws)
    assert snapshot(longer, "t", primary_key=[], workspace=ws).primary_key == ()
    with pytest.raises(InvalidValue, match="'t' of the primary key has missing values"):
        snapshot(TABLE, "t", primary_key=["t"], workspace=ws)
    with pytest.raises(InvalidValue, match="no column named 'm'"):
        snapshot(TABLE, "t", primary_key=["m"], workspace=ws)
    frame = TABLE.to_pandas().set_axis(pd.Index([5, 1, 2], name="n"))
    assert snapshot(frame, "indexed", primary_key=["n"], workspace=ws).primary_key == ("n",)
