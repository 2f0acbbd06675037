"""Rows that stay at their source: read again as they were, or refused by the name of the source."""

from __future__ import annotations

import fsspec
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from mlops_ext.datasets import compact
from mlops_ext.datasets.edge import load, scan, snapshot, verify
from mlops_ext.datasets.storage.compaction import Compact
from mlops_ext.errors import Conflict, InvalidValue, NotFound
from mlops_ext.workspace import Workspace

TABLE = pa.table({"n": [1, 2, 3], "t": ["a", None, "c"]})
OTHER = pa.table({"n": [4, 5, 6], "t": ["a", None, "c"]})


@pytest.fixture
def ws(tmp_path):
    (tmp_path / "project").mkdir()
    return Workspace(tmp_path / "project")


def blob_bytes(ws):
    return sum(path.stat().st_size for path in (ws.home / "blobs").rglob("*") if path.is_file())


def test_files_are_pinned_by_their_bytes(ws, tmp_path):
    table = pa.table({"n": range(100_000)})
    path = tmp_path / "t.parquet"
    parquet.write_table(table, path)
    version = snapshot(path, "t", by_reference=True, workspace=ws)
    assert blob_bytes(ws) < 3000
    assert version.by_reference
    assert version.digest == snapshot(path, "copied", workspace=ws).digest
    assert load(version, workspace=ws).equals(table)
    assert load(version, columns=["n"], filter="n > 99_997", workspace=ws).to_pydict() == {"n": [99_998, 99_999]}
    assert load(version, as_="pandas", rows=2, workspace=ws)["n"].tolist() == [0, 1]
    assert scan(version, workspace=ws).head(1).collect().item() == 0
    assert verify(version, workspace=ws) == version
    assert snapshot(path, "t", by_reference=True, workspace=ws) == version
    with pytest.raises(InvalidValue, match="kept by reference"):
        ws.call(compact, Compact(dataset="t"))
    parquet.write_table(table.slice(1), path)
    with pytest.raises(Conflict, match=r"t\.parquet' has changed since"):
        load(version, workspace=ws)
    path.unlink()
    with pytest.raises(NotFound, match=r"t\.parquet' is gone"):
        load(version, workspace=ws)


def test_a_pinned_file_in_the_project_moves_with_it(ws, tmp_path):
    (ws.root / "data").mkdir()
    TABLE.to_pandas().to_csv(ws.root / "data" / "t.csv", index=False)
    snapshot(str(ws.root / "data" / "*.csv"), "t", by_reference=True, workspace=ws)
    ws.root.rename(tmp_path / "elsewhere")
    assert load("t", workspace=Workspace(tmp_path / "elsewhere")).equals(TABLE)


def test_a_copy_and_a_reference_of_the_same_rows_are_two_versions(ws, tmp_path):
    path = tmp_path / "t.parquet"
    parquet.write_table(TABLE, path)
    made = [snapshot(path, "t", by_reference=flag, workspace=ws) for flag in (True, False, True)]
    assert [each.version for each in made] == [1, 2, 3]
    assert len({each.digest for each in made}) == 1
    path.unlink()
    assert load("t@2", workspace=ws).equals(TABLE)


def test_a_delta_version_is_pinned(ws, tmp_path):
    deltalake = pytest.importorskip("deltalake")
    folder = str(tmp_path / "lake")
    deltalake.write_deltalake(folder, TABLE)
    one = snapshot(folder, "t", by_reference=True, workspace=ws)
    deltalake.write_deltalake(folder, OTHER, mode="overwrite")
    two = snapshot(deltalake.DeltaTable(folder), "t", by_reference=True, workspace=ws)
    assert [each.origin.sources[0].version for each in (one, two)] == ["0", "1"]
    assert load(one, workspace=ws).to_pylist() == TABLE.to_pylist()
    assert load(two, workspace=ws).to_pylist() == OTHER.to_pylist()
    deltalake.DeltaTable(folder).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    with pytest.raises(NotFound, match=r"version 0 of .*lake.* cannot be read"):
        load(one, workspace=ws)
    assert load(two, workspace=ws).num_rows == 3


def test_an_iceberg_snapshot_is_pinned(ws, tmp_path):
    pytest.importorskip("pyiceberg")
    from pyiceberg.catalog.sql import SqlCatalog

    catalog = SqlCatalog("c", uri=f"sqlite:///{tmp_path}/c.db", warehouse=f"file://{tmp_path}/w")
    catalog.create_namespace("n")
    table = catalog.create_table("n.t", schema=TABLE.schema)
    table.append(TABLE)
    version = snapshot(table, "t", by_reference=True, workspace=ws)
    table.append(OTHER)
    assert load(version, workspace=ws).to_pylist() == TABLE.to_pylist()
    assert version.origin.sources[0].kind == "iceberg"
    for path in (tmp_path / "w").rglob("*.parquet"):
        path.unlink()
    with pytest.raises(NotFound, match="cannot be read"):
        load(version, workspace=ws)


@pytest.fixture
def bucket(monkeypatch):
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test-secret", "AWS_DEFAULT_REGION": "us-east-1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket="lake")
    client.put_bucket_versioning(Bucket="lake", VersioningConfiguration={"Status": "Enabled"})
    yield client
    server.stop()


def test_the_version_of_an_object_is_pinned(ws, bucket):
    def put(table):
        sink = pa.BufferOutputStream()
        parquet.write_table(table, sink)
        return bucket.put_object(Bucket="lake", Key="air/t.parquet", Body=sink.getvalue().to_pybytes())["VersionId"]

    first = put(TABLE)
    one = snapshot("s3://lake/air/*.parquet", "t", by_reference=True, workspace=ws)
    put(OTHER)
    two = snapshot("s3://lake/air/t.parquet", "t", by_reference=True, workspace=ws)
    assert one.origin.sources[0].version == first
    assert one.origin.sources[0].location == "s3://lake/air/t.parquet"
    assert load(one, workspace=ws).equals(TABLE)
    assert load(two, workspace=ws).equals(OTHER)
    bucket.delete_object(Bucket="lake", Key="air/t.parquet", VersionId=first)
    with pytest.raises(NotFound, match=r"s3://lake/air/t\.parquet' is gone"):
        load(one, workspace=ws)
    assert load(two, workspace=ws).equals(OTHER)


def test_what_has_no_place_cannot_be_pinned(ws):
    for given in (TABLE, pd.DataFrame({"x": [1]})):
        with pytest.raises(InvalidValue, match="needs a file"):
            snapshot(given, "t", by_reference=True, workspace=ws)
    sink = pa.BufferOutputStream()
    parquet.write_table(TABLE, sink)
    fsspec.filesystem("memory").pipe_file("/me:pw@bucket/t.parquet", sink.getvalue().to_pybytes())
    url = "memory://me:pw@bucket/t.parquet"
    with pytest.raises(InvalidValue, match="holds credentials"):
        snapshot(url, "t", by_reference=True, workspace=ws)
    assert "pw" not in snapshot(url, "t", workspace=ws).model_dump_json()
