"""Tags, descriptions, aliases and states of datasets, and lists that are searched by them."""

from __future__ import annotations

import pandas as pd
import pytest

from mlops_ext.datasets.curation import service as curation
from mlops_ext.datasets.curation.types import (
    ChangeDatasetState,
    DeleteDatasetAlias,
    DescribeDataset,
    SetDatasetAlias,
    SetDatasetTags,
)
from mlops_ext.datasets.edge import load, snapshot
from mlops_ext.datasets.service import list_, show, versions
from mlops_ext.datasets.types import ListDatasets, ListDatasetVersions, ShowDataset
from mlops_ext.errors import Conflict, NotFound


def keep(ws, *numbers):
    return [snapshot(pd.DataFrame({"x": [number]}), "t", workspace=ws) for number in numbers]


def put(ws, verb, ref):
    return ws.call(getattr(curation, verb), ChangeDatasetState(dataset=ref))


def refs(ws, **asked):
    return [each.ref for each in ws.call(versions, ListDatasetVersions(dataset="t", **asked))]


def test_versions_are_found_by_tags_and_aliases_and_listed_by_pages(workspace):
    one, two = keep(workspace, 1, 2)
    workspace.call(curation.tag, SetDatasetTags(dataset=one.ref, tags={"source": "api"}))
    workspace.call(curation.tag, SetDatasetTags(dataset="t", tags={"team": "air"}))
    workspace.call(curation.alias, SetDatasetAlias(dataset=one.ref, alias="golden"))
    workspace.call(curation.describe, DescribeDataset(dataset="t", description="# Air"))
    assert refs(workspace, filter="tags.source = 'api'") == refs(workspace, filter="aliases = 'golden'") == ["t@1"]
    found = workspace.call(list_, ListDatasets(filter="tags.team = 'air'")).items[0]
    assert (found.description, found.tags, found.aliases, found.latest) == ("# Air", {"team": "air"}, {"golden": 1}, 2)
    assert load("t@golden", workspace=workspace)["x"].tolist() == [1]
    page = workspace.call(versions, ListDatasetVersions(dataset="t", limit=1))
    rest = workspace.call(versions, ListDatasetVersions(dataset="t", limit=1, cursor=page.next))
    assert [each.ref for each in (*page, *rest)] == [two.ref, one.ref]


def test_what_is_deleted_is_not_found_until_it_is_restored_and_its_number_is_not_reused(workspace):
    keep(workspace, 1, 2)
    put(workspace, "delete", "t@2")
    assert workspace.call(show, ShowDataset(dataset="t")).ref == "t@1"
    with pytest.raises(NotFound, match=r"mlops datasets restore t@2"):
        load("t@2", workspace=workspace)
    assert [each.ref for each in keep(workspace, 3)] == ["t@3"]
    assert (refs(workspace), refs(workspace, state="deleted")) == (["t@3", "t@1"], ["t@2"])
    put(workspace, "restore", "t@2")
    assert load("t@2", workspace=workspace)["x"].tolist() == [2]
    assert workspace.call(show, ShowDataset(dataset="t")).ref == "t@3"


def test_what_is_archived_leaves_the_lists_only(workspace):
    keep(workspace, 1, 2)
    put(workspace, "archive", "t@1")
    assert refs(workspace) == ["t@2"]
    assert load("t@1", workspace=workspace)["x"].tolist() == [1]


def test_a_version_that_an_alias_points_at_is_not_put_away(workspace):
    keep(workspace, 1)
    workspace.call(curation.alias, SetDatasetAlias(dataset="t@1", alias="golden"))
    for ref in ("t@1", "t"):
        with pytest.raises(Conflict, match="alias 'golden' points at it"):
            put(workspace, "delete", ref)
    workspace.call(curation.unalias, DeleteDatasetAlias(dataset="t", alias="golden"))
    assert put(workspace, "delete", "t").state == "deleted"
    assert not workspace.call(list_, ListDatasets()).items
    with pytest.raises(Conflict, match="restore t"):
        keep(workspace, 9)


@pytest.mark.sqlite
def test_a_notebook_keeps_its_datasets_in_order(workspace):
    import mlops_ext as mlops

    first, second = keep(workspace, 1, 2)
    mlops.tag_dataset("t", team="ops")
    assert mlops.tag_dataset(second, {"data.owner": "ann"}, source="api").tags == {"data.owner": "ann", "source": "api"}
    assert mlops.untag_dataset(second, "source").tags == {"data.owner": "ann"}
    assert mlops.describe_dataset(first, "The **first**.").ref == "t@1"
    assert mlops.alias_dataset(first, "golden").version == 1
    assert mlops.load("t@golden")["x"].tolist() == mlops.load(first)["x"].tolist()
    with pytest.raises(Conflict, match="golden"):
        mlops.delete_dataset(first)
    assert mlops.unalias_dataset("t", "golden").previous == 1
    gone = mlops.delete_dataset(first, comment="wrong month")
    with pytest.raises(NotFound, match="deleted"):
        mlops.load(first)
    assert mlops.restore_dataset(gone).state == "active"
    assert (mlops.archive_dataset("t").state, mlops.restore_dataset("t").previous) == ("archived", "archived")
