"""Versions of datasets: numbers, references, events, and what the store keeps of them."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet
from sqlalchemy import select

from mlops_ext.datasets import commit, files, list_, show, used, versions
from mlops_ext.datasets.edge import load, snapshot
from mlops_ext.datasets.storage.manifest import Manifest
from mlops_ext.datasets.types import CommitDataset, ListDatasets, ListDatasetVersions, ShowDataset
from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.store.schema import blob_owners, blobs, event_data, events
from mlops_ext.workspace import Workspace

A = pd.DataFrame({"x": [1, 2, 3], "y": ["a", None, "c"]})
B = pd.DataFrame({"x": [1, 2, 4], "y": ["a", None, "c"]})


def trail(ws):
    with ws.catalog.read() as connection:
        query = select(events.c.action, events.c.subject, event_data.c.data).join(event_data).order_by(events.c.seq)
        found = [(row.action, row.subject, json.loads(row.data)) for row in connection.execute(query)]
    return [each for each in found if each[0].startswith("dataset.")]


def count_blobs(ws):
    with ws.catalog.read() as connection:
        return len(connection.execute(select(blobs.c.digest)).all())


def test_an_equal_snapshot_makes_no_version_and_no_event(workspace):
    one = snapshot(A, "t", description="three rows", tags={"k": "v"}, workspace=workspace)
    before = count_blobs(workspace)
    assert snapshot(A.copy(), "t", description="other words", workspace=workspace) == one
    assert len(trail(workspace)) == 1
    assert count_blobs(workspace) == before


@pytest.mark.sqlite
def test_back_and_forth_makes_three_and_shares_the_bytes(workspace):
    made = [snapshot(frame, "t", workspace=workspace) for frame in (A, B)]
    before = count_blobs(workspace)
    made.append(snapshot(A, "t", workspace=workspace))
    assert [each.version for each in made] == [1, 2, 3]
    assert made[2].digest == made[0].digest != made[1].digest
    assert made[2].manifest == made[0].manifest
    assert count_blobs(workspace) == before


@pytest.mark.sqlite
def test_the_same_content_in_another_kind_is_another_version(workspace):
    one = snapshot(A, "t", workspace=workspace)
    other = snapshot(A.set_axis([0, 1, 3]), "t", workspace=workspace)
    polars = snapshot(load(one, as_="polars", workspace=workspace), "t", workspace=workspace)
    assert (one.version, other.version, polars.version) == (1, 2, 3)
    assert one.digest == polars.digest


@pytest.mark.sqlite
def test_an_event_tells_what_was_made(workspace):
    made = snapshot(A, "t", workspace=workspace)
    [(action, subject, data)] = trail(workspace)
    assert (action, subject) == ("dataset.committed", "dataset:t@1")
    assert (data["digest"], data["rows"], data["outputs"]) == (made.digest, 3, ["dataset:t@1"])


@pytest.mark.sqlite
def test_numbers_come_from_the_manifest_and_not_from_the_client(workspace):
    made = snapshot(A, "t", workspace=workspace)
    manifest = Manifest.from_bytes(workspace.get_blob(made.manifest))
    for change in ({"rows": 9}, {"schema_": manifest.schema_[:1]}, {"digest": "b3:" + "0" * 64}, {"groups": ()}):
        forged = workspace.put_blob(manifest.model_copy(update=change).to_bytes())
        with pytest.raises(InvalidValue):
            workspace.call(commit, CommitDataset(name="t", manifest=forged))
    for text in (b"{}", b"no json", b'{"format":"m9"}', b"[]"):
        with pytest.raises(InvalidValue):
            workspace.call(commit, CommitDataset(name="t", manifest=workspace.put_blob(text)))
    assert len(trail(workspace)) == 1


def test_every_blob_of_a_version_is_owned(workspace):
    made = snapshot(A.assign(c=pd.Categorical(["p", "q", "p"])), "t", workspace=workspace)
    manifest = Manifest.from_bytes(workspace.get_blob(made.manifest))
    with workspace.catalog.read() as connection:
        owned = select(blob_owners.c.digest).where(blob_owners.c.owner == "dataset:t@1")
        found = set(connection.execute(owned).scalars())
    named = {made.manifest, made.representation, manifest.profile}
    assert found == named | {file.digest for file in manifest.blobs}
    assert len(manifest.blobs) == 2


def test_references_find_their_version(workspace):
    one, two = (snapshot(frame, "t", workspace=workspace) for frame in (A, B))

    def find(text):
        return workspace.call(show, ShowDataset(dataset=text))

    assert find("t") == find("t@latest") == find("t@2") == find("dataset:t@2") == find(f"t@{two.digest}") == two
    assert find("t@1") == find(f"t@{one.digest[:11]}") == one
    snapshot(A, "t", workspace=workspace)
    assert find(f"t@{one.digest[:11]}").version == 3


def test_unknown_references_name_the_nearest(workspace):
    snapshot(A, "flights", workspace=workspace)

    def refused(text, error, saying):
        with pytest.raises(error, match=saying):
            workspace.call(show, ShowDataset(dataset=text))

    refused("flihgts", NotFound, "Did you mean 'flights'")
    refused("flights@7", NotFound, "latest is flights@1")
    refused("flights@b3:00000000", NotFound, "latest is flights@1")
    refused("flights@champion", NotFound, "no alias .champion.")
    refused("model:flights", InvalidValue, "not a dataset")


def test_digits_that_fit_two_contents_name_both(workspace):
    one, two = (snapshot(frame, "t", workspace=workspace) for frame in (A, B))
    from mlops_ext.datasets.tables import dataset_versions

    same = one.digest[:11] + two.digest[11:]

    def forge(change):
        change.execute(dataset_versions.update().where(dataset_versions.c.version == 2).values(digest=same))
        change.event("test.forged", "dataset:t@2")

    workspace.catalog.write(forge)
    with pytest.raises(InvalidValue, match=r"t@2 .*t@1 "):
        workspace.call(show, ShowDataset(dataset=f"t@{one.digest[:11]}"))


def test_lists_come_in_pages(workspace):
    for name in ("b", "a", "c_1"):
        snapshot(A, name, description=f"about {name}", workspace=workspace)
    snapshot(B, "a", workspace=workspace)
    page = workspace.call(list_, ListDatasets(limit=2))
    rest = workspace.call(list_, ListDatasets(limit=2, cursor=page.next))
    assert [(each.name, each.latest, each.description) for each in (*page, *rest)] == [
        ("a", 2, "about a"), ("b", 1, "about b"), ("c_1", 1, "about c_1"),
    ]  # fmt: skip
    assert [each.name for each in workspace.call(list_, ListDatasets(search="C_"))] == ["c_1"]
    newest = workspace.call(versions, ListDatasetVersions(dataset="a", limit=1))
    assert [each.ref for each in newest] == ["a@2"]
    assert [each.ref for each in workspace.call(versions, ListDatasetVersions(dataset="a", cursor=newest.next))] == [
        "a@1"
    ]
    with pytest.raises(NotFound):
        workspace.call(versions, ListDatasetVersions(dataset="zzz"))


def test_an_empty_workspace_lists_nothing_and_stays_unmade(workspace):
    assert len(workspace.call(list_, ListDatasets())) == 0
    with pytest.raises(NotFound):
        load("t", workspace=workspace)


@pytest.mark.sqlite
def test_files_are_plain_parquet(workspace):
    snapshot(A, "t", workspace=workspace)
    listed = workspace.call(files, ShowDataset(dataset="t"))
    [file] = listed.files
    assert (listed.ref, file.rows, file.names) == ("t@1", 3, ("x", "y"))
    assert parquet.read_table(workspace.blob_path(file.digest)).to_pylist() == [
        {"x": 1, "y": "a"},
        {"x": 2, "y": None},
        {"x": 3, "y": "c"},
    ]


def test_concurrent_snapshots_get_consecutive_numbers(workspace):
    snapshot(A, "t", workspace=workspace)

    def one(number):
        return snapshot(A.assign(x=number), "t", workspace=Workspace(workspace.root)).version

    with ThreadPoolExecutor(8) as pool:
        made = sorted(pool.map(one, range(16)))
    assert made == list(range(2, 18))
    assert len(trail(workspace)) == 17


@pytest.mark.sqlite
def test_tracking_learns_what_was_used_and_tells_the_run(workspace, monkeypatch):
    one = snapshot(A, "t", workspace=workspace)
    snapshot(B, "u", workspace=workspace)
    load(one, workspace=workspace)
    assert used.used()[-2:] == ("u@1", "t@1")
    assert one.run == ""
    monkeypatch.setenv("MLOPS_RUN", "from-environment")
    assert snapshot(B, "t", workspace=workspace).run == "from-environment"
    used.set_run("active")
    try:
        made = snapshot(A, "t", workspace=workspace)
    finally:
        used.set_run("")
    assert made.run == "active"
    assert trail(workspace)[-1][2]["inputs"] == ["run:active"]


def test_a_workspace_of_sha256_hashes_all_with_it(tmp_path):
    ws = Workspace(tmp_path, overrides={"hash": "sha256"})
    made = snapshot(A, "t", workspace=ws)
    assert all(each.startswith("sha256:") for each in (made.digest, made.representation, made.manifest))
    pd.testing.assert_frame_equal(load(made, workspace=ws), A)


@pytest.mark.sqlite
@pytest.mark.parametrize("name", ["", "a/b", "a@1", " a"])
def test_bad_names_are_refused_before_anything_is_written(workspace, name):
    with pytest.raises(InvalidValue):
        snapshot(A, name, workspace=workspace)
    assert not workspace.exists() or not workspace.call(list_, ListDatasets()).items


@pytest.mark.sqlite
def test_a_manifest_of_the_first_format_is_read_and_continued(workspace):
    made = snapshot(A, "t", workspace=workspace)
    manifest = Manifest.from_bytes(workspace.get_blob(made.manifest))

    def store(columns, rows, path):
        parquet.write_table(pa.Table.from_pandas(A.loc[rows, columns], preserve_index=False), path)
        return {"digest": workspace.put_blob(path), "bytes": path.stat().st_size, "names": columns}

    segments = []
    for rows in ([0, 1], [2]):
        pieces = [store([name], rows, workspace.root / f"{name}{rows[0]}.parquet") for name in ("y", "x")]
        segments.append({"rows": len(rows), "files": pieces})
    first = manifest.model_dump(mode="json", exclude={"files", "groups", "cuts", "digests"})
    written = json.dumps({**first, "format": "m1", "segments": segments}).encode()
    version = workspace.call(commit, CommitDataset(name="cut", manifest=workspace.put_blob(written)))
    assert version.digest == made.digest
    pd.testing.assert_frame_equal(load(version, workspace=workspace), A)
    assert [file.rows for file in workspace.call(files, ShowDataset(dataset="cut")).files] == [2, 1, 2, 1]
    again = snapshot(B, "cut", workspace=workspace)
    assert again.version == 2
    pd.testing.assert_frame_equal(load(again, workspace=workspace), B)
