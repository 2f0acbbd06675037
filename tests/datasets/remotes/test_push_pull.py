"""Versions travel between workspaces: whole, under their numbers and digests, and only what is missing."""

from __future__ import annotations

import threading

import pandas as pd
import pytest
from sqlalchemy import delete

import mlops_ext as mlops
from mlops_ext.datasets.classes.service import hidden_columns
from mlops_ext.datasets.curation import service as curation
from mlops_ext.datasets.curation.types import ChangeDatasetState, SetDatasetAlias, SetDatasetTags
from mlops_ext.datasets.edge import load, snapshot, verify
from mlops_ext.datasets.expectations.service import expectations
from mlops_ext.datasets.expectations.types import ShowExpectations
from mlops_ext.datasets.service import show, versions
from mlops_ext.datasets.storage.compaction import Compact, compact
from mlops_ext.datasets.types import ListDatasetVersions, ShowDataset
from mlops_ext.errors import Conflict, InvalidValue, NotFound
from mlops_ext.governance.upkeep.service import prune
from mlops_ext.governance.upkeep.types import Prune
from mlops_ext.store.schema import blob_intents
from tests.datasets.remotes.support import colleague, files_of, flights, frame, told, wrong_blobs
from tests.store.notes import problems


@pytest.fixture(params=["folder", "s3"])
def url(request, tmp_path):
    return request.getfixturevalue("bucket") if request.param == "s3" else str(tmp_path / "remote")


@pytest.fixture
def folder_url(tmp_path):
    return str(tmp_path / "remote")


@pytest.fixture
def other(tmp_path):
    """A second workspace, whose store is made when it is used."""
    return colleague(tmp_path / "other")


def states(move):
    return {each.ref: each.state for each in move.versions}


def every_version(ws, name="flights"):
    return {each.version: each for each in ws.call(versions, ListDatasetVersions(dataset=name, state="any"))}


def test_a_version_comes_over_as_it_was_and_a_repeat_moves_nothing(workspace, other, folder_url):
    url = folder_url
    made = snapshot(
        frame(), "flights", tags={"team": "air"}, description="# Flights", primary_key="id",
        expectations={"columns": {"id": {"unique": True}}}, workspace=other,
    )  # fmt: skip
    sent = mlops.push("flights@1", to=url, workspace=other)
    assert (states(sent), sent.done) == ({"flights@1": "new"}, True)
    come = mlops.pull("flights@1", from_=url, workspace=workspace)
    assert (come.pieces, come.bytes) == (sent.pieces, sent.bytes)
    there, here = (ws.call(show, ShowDataset(dataset="flights@1")) for ws in (other, workspace))
    assert here == there
    assert (here.digest, here.checked, here.tags) == (made.digest, "passed", {"team": "air"})
    pd.testing.assert_frame_equal(load("flights@1", workspace=workspace), frame())
    asked = ShowExpectations(dataset="flights")
    assert workspace.call(expectations, asked) == other.call(expectations, asked)
    before = [len(told(ws)) for ws in (workspace, other)]
    again = (mlops.push("flights", to=url, workspace=other), mlops.pull("flights", from_=url, workspace=workspace))
    assert [(states(each), each.pieces, each.bytes) for each in again] == [({"flights@1": "known"}, 0, 0)] * 2
    assert [len(told(ws)) for ws in (workspace, other)] == before


@pytest.mark.sqlite
def test_the_same_snapshot_after_a_pull_makes_no_version(workspace, other, folder_url):
    url = folder_url
    flights(other)
    mlops.push("flights", to=url, workspace=other)
    mlops.pull("flights", from_=url, workspace=workspace)
    assert snapshot(frame(), "flights", workspace=workspace).version == 1
    assert snapshot(frame(9), "flights", workspace=workspace).version == 2


@pytest.mark.sqlite
def test_only_pieces_that_are_missing_travel(workspace, other, url):
    flights(other)
    first = mlops.push("flights", to=url, workspace=other)
    mlops.pull("flights", from_=url, workspace=workspace)
    flights(other, 2)
    planned = mlops.push("flights", to=url, dry_run=True, workspace=other)
    second = mlops.push("flights", to=url, workspace=other)
    assert second.bytes < first.bytes
    assert second.pieces == 3, "the changed column, profile and manifest"
    assert planned == second.model_copy(update={"done": False})
    come = mlops.pull("flights", from_=url, dry_run=True, workspace=workspace)
    assert (come.done, come.bytes) == (False, second.bytes)
    assert sorted(every_version(workspace)) == [1]
    mlops.pull("flights", from_=url, workspace=workspace)
    assert load("flights@2", workspace=workspace).equals(load("flights@2", workspace=other))


@pytest.mark.sqlite
def test_a_pull_is_one_event_that_says_what_came_and_from_where(workspace, other, folder_url):
    url = folder_url
    made = flights(other, 3)
    mlops.push("flights", to=url, workspace=other)
    [(_, subject, sent)] = told(other, "dataset.pushed")
    assert (subject, [each["version"] for each in sent["versions"]]) == ("dataset:flights", [1, 2, 3])
    assert (sent["to"], sent["pieces"] > 3) == (url, True)
    mlops.pull("flights", from_=url, workspace=workspace)
    [(action, subject, come)] = told(workspace)
    assert (action, subject, come["from"]) == ("dataset.pulled", "dataset:flights", url)
    assert come["outputs"] == [f"dataset:{each.ref}" for each in made]
    assert [each["digest"] for each in come["versions"]] == [each.digest for each in made]


@pytest.mark.sqlite
def test_versions_are_chosen_by_number_latest_digest_and_name(workspace, other, tmp_path):
    made, url = flights(other, 3), str(tmp_path / "remote")
    snapshot(frame(7), "weather", workspace=other)
    assert list(states(mlops.push(all=True, to=url, workspace=other))) == [
        "flights@1", "flights@2", "flights@3", "weather@1",
    ]  # fmt: skip
    for text, numbers in (
        ("flights@2", [2]),
        ("flights@latest", [3]),
        (f"flights@{made[0].digest[:20]}", [1]),
        ("dataset:flights", [1, 2, 3]),
        (["flights@1", "weather"], [1, 1]),
    ):
        found = mlops.pull(text, from_=url, dry_run=True, workspace=workspace)
        assert [int(each.ref.partition("@")[2]) for each in found.versions] == numbers
    assert len(mlops.pull(all=True, from_=url, workspace=workspace).versions) == 4
    for text, error in (
        ("flights@9", NotFound),
        ("fligths", NotFound),
        ("flights@golden", InvalidValue),
        ("flights@b3:00000000", NotFound),
        ("model:delay@1", InvalidValue),
    ):
        with pytest.raises(error):
            mlops.pull(text, from_=url, workspace=workspace)


@pytest.mark.sqlite
def test_an_alias_names_what_is_pushed_and_stays_at_home(workspace, other, tmp_path):
    flights(other, 2)
    other.call(curation.alias, SetDatasetAlias(dataset="flights@1", alias="golden"))
    url = str(tmp_path / "remote")
    assert list(states(mlops.push("flights@golden", to=url, workspace=other))) == ["flights@1"]
    mlops.pull("flights", from_=url, workspace=workspace)
    assert every_version(workspace)[1].aliases == ()


@pytest.mark.sqlite
def test_numbers_are_kept_also_when_they_come_out_of_order(workspace, other, folder_url):
    url = folder_url
    flights(other, 3)
    mlops.push("flights", to=url, workspace=other)
    mlops.pull("flights@3", from_=url, workspace=workspace)
    mlops.pull("flights@1", from_=url, workspace=workspace)
    assert sorted(every_version(workspace)) == [1, 3]
    assert workspace.call(show, ShowDataset(dataset="flights")).version == 3
    assert snapshot(frame(9), "flights", workspace=workspace).version == 4


@pytest.mark.sqlite
def test_a_number_that_is_taken_by_other_content_is_refused_on_both_sides(workspace, other, tmp_path):
    url = str(tmp_path / "remote")
    flights(other, 2)
    mlops.push("flights@1", to=url, workspace=other)
    snapshot(frame(5), "flights", workspace=workspace)
    with pytest.raises(Conflict, match="two versions have one number"):
        mlops.pull("flights", from_=url, workspace=workspace)
    before = files_of(tmp_path / "remote")
    with pytest.raises(Conflict, match="two versions have one number"):
        mlops.push("flights", to=url, workspace=workspace)
    assert files_of(tmp_path / "remote") == before
    assert [each.digest for each in every_version(workspace).values()] == [
        each.digest for each in [snapshot(frame(5), "flights", workspace=workspace)]
    ]
    mlops.pull("flights", from_=url, as_="theirs", workspace=workspace)
    mlops.push("flights", to=url, as_="mine", workspace=workspace)
    assert load("theirs@1", workspace=workspace).equals(frame())
    mlops.pull("mine", from_=url, workspace=other)
    assert load("mine@1", workspace=other).equals(frame(5))
    assert told(workspace, "dataset.pulled")[0][2]["name_there"] == "flights"
    assert told(workspace, "dataset.pushed")[0][2]["under"] == "mine"


@pytest.mark.sqlite
def test_what_is_said_of_a_version_follows_a_push_and_its_content_never_changes(workspace, other, tmp_path):
    url = str(tmp_path / "remote")
    flights(other)
    mlops.push("flights", to=url, workspace=other)
    other.call(curation.tag, SetDatasetTags(dataset="flights@1", tags={"state": "approved"}))
    other.call(compact, Compact(dataset="flights@1", one_file=True))
    again = mlops.push("flights", to=url, workspace=other)
    assert (states(again), again.pieces) == ({"flights@1": "updated"}, 0), "its files there serve as well"
    assert len(told(other, "dataset.pushed")) == 2
    mlops.pull("flights", from_=url, workspace=workspace)
    assert every_version(workspace)[1].tags == {"state": "approved"}
    verify("flights@1", workspace=workspace)
    other.call(curation.tag, SetDatasetTags(dataset="flights@1", tags={"state": "revoked"}))
    mlops.push("flights", to=url, workspace=other)
    assert states(mlops.pull("flights", from_=url, workspace=workspace)) == {"flights@1": "known"}
    assert every_version(workspace)[1].tags == {"state": "approved"}, "what is here stays as it is"


def test_a_push_puts_back_what_is_missing_there_and_what_is_flipped_when_it_verifies(other, tmp_path):
    url = str(tmp_path / "remote")
    flights(other)
    mlops.push("flights", to=url, workspace=other)
    whole = files_of(tmp_path / "remote")
    largest = max((tmp_path / "remote" / "blobs").glob("*/*/*"), key=lambda path: path.stat().st_size)
    largest.write_bytes(largest.read_bytes()[:-1])
    assert mlops.push("flights", to=url, workspace=other).pieces == 1
    assert files_of(tmp_path / "remote") == whole
    largest.write_bytes(bytes(largest.stat().st_size))
    assert mlops.push("flights", to=url, workspace=other).pieces == 0
    sent = mlops.push("flights", to=url, verify=True, workspace=other)
    assert (states(sent), sent.pieces) == ({"flights@1": "updated"}, 1)
    assert files_of(tmp_path / "remote") == whole
    assert mlops.push("flights", to=url, verify=True, workspace=other).pieces == 0


@pytest.mark.sqlite
def test_restricted_columns_stay_restricted_and_each_push_of_them_is_a_read(workspace, other, tmp_path):
    url = str(tmp_path / "remote")
    flights(other, 2)
    mlops.classify("flights", {"tail": "restricted", "x": "pii"}, workspace=other)
    mlops.push("flights", to=url, workspace=other)
    reads = told(other, "dataset.read")
    assert [(subject, data["columns"]) for _, subject, data in reads] == [
        ("dataset:flights@1", ["tail"]),
        ("dataset:flights@2", ["tail"]),
    ]
    assert url in reads[0][2]["how"]
    mlops.push("flights", to=url, workspace=other)
    assert len(told(other, "dataset.read")) == 2, "nothing left"
    mlops.pull("flights@1", from_=url, workspace=workspace)
    assert hidden_columns(workspace, "flights") == {"tail": "restricted", "x": "pii"}
    mlops.classify("flights", {"tail": "open"}, workspace=workspace)
    mlops.pull("flights@1", from_=url, workspace=workspace)
    assert hidden_columns(workspace, "flights")["tail"] == "restricted"
    assert told(workspace)[-1][2]["classes"] == {"tail": "restricted"}


def test_bytes_that_gc_took_come_back_under_the_number_they_had(workspace, other, tmp_path):
    url = str(tmp_path / "remote")
    flights(workspace, 2)
    mlops.push("flights", to=url, workspace=workspace)
    workspace.call(prune, Prune(dataset="flights@2"))
    workspace.catalog.measure(lambda change: change.execute(delete(blob_intents)))
    workspace.ledger.doom()
    with pytest.raises(NotFound, match="removed by gc"):
        load("flights@2", workspace=workspace)
    assert states(mlops.pull("flights", from_=url, workspace=workspace)) == {
        "flights@1": "known",
        "flights@2": "restored",
    }
    verify("flights@2", workspace=workspace)
    assert workspace.call(show, ShowDataset(dataset="flights")).version == 2


@pytest.mark.sqlite
def test_what_was_deleted_here_does_not_come_back_unasked(workspace, other, tmp_path):
    url = str(tmp_path / "remote")
    flights(workspace, 2)
    mlops.push("flights", to=url, workspace=workspace)
    workspace.call(curation.delete, ChangeDatasetState(dataset="flights@2"))
    with pytest.raises(Conflict, match="flights@2 is deleted"):
        mlops.pull("flights", from_=url, workspace=workspace)
    workspace.call(curation.delete, ChangeDatasetState(dataset="flights"))
    with pytest.raises(Conflict, match="is deleted"):
        mlops.pull("flights@1", from_=url, workspace=workspace)
    assert mlops.push(all=True, to=str(tmp_path / "empty"), workspace=workspace).versions == ()


@pytest.mark.sqlite
def test_a_version_by_reference_travels_without_its_rows(workspace, other, tmp_path):
    url, path = str(tmp_path / "remote"), tmp_path / "t.parquet"
    frame().to_parquet(path)
    snapshot(path, "t", by_reference=True, workspace=other)
    assert mlops.push("t", to=url, workspace=other).bytes < 5000
    mlops.pull("t", from_=url, workspace=workspace)
    assert load("t", workspace=workspace).num_rows == 1000
    path.unlink()
    with pytest.raises(NotFound, match=r"t\.parquet' is gone"):
        load("t", workspace=workspace)


def test_a_workspace_of_another_hash_refuses_it(other, tmp_path):
    url = str(tmp_path / "remote")
    flights(other)
    mlops.push("flights", to=url, workspace=other)
    (tmp_path / "sha").mkdir()
    apart = mlops.Workspace(tmp_path / "sha", overrides={"hash": "sha256", "catalog": f"sqlite:///{tmp_path}/sha.db"})
    with pytest.raises(InvalidValue, match="this workspace is of sha256"):
        mlops.pull("flights", from_=url, workspace=apart)


def test_all_pieces_of_a_remote_are_where_their_digests_say(other, tmp_path):
    flights(other, 3)
    mlops.push("flights", to=str(tmp_path / "remote"), workspace=other)
    assert wrong_blobs(tmp_path / "remote") == []
    assert not [name for name in files_of(tmp_path / "remote") if ".tmp" in name]


def test_two_who_pull_one_version_at_once_take_it_in_once(workspace, other, tmp_path):
    url, results = str(tmp_path / "remote"), []
    flights(other, 2)
    mlops.push("flights", to=url, workspace=other)
    pullers = [
        threading.Thread(target=lambda: results.append(mlops.pull("flights", from_=url, workspace=workspace).done))
        for _ in range(3)
    ]
    for each in pullers:
        each.start()
    for each in pullers:
        each.join()
    assert results == [True] * 3
    assert len(told(workspace, "dataset.pulled")) == 1
    assert sorted(every_version(workspace)) == [1, 2]
    assert problems(workspace) == []
    verify("flights@2", workspace=workspace)
