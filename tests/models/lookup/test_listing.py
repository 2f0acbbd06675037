"""Models and versions searched, one by one or all together, in pages."""

from __future__ import annotations

import math
from typing import Any

import pytest

import mlops_ext as mlops
from mlops_ext.errors import InvalidValue
from mlops_ext.models import service
from mlops_ext.models.types import ListModels, ListVersions, SearchVersions, SetAlias, SetTags
from mlops_ext.store.grammar import InvalidFilter
from mlops_ext.workspace import Workspace
from tests.models.support import promoted, registered


@pytest.fixture
def store(workspace: Workspace) -> Workspace:
    registered(workspace, "delay", b"1", metrics={"auc": 0.6}, parameters={"depth": "3"}, tags={"team": "ops"})
    registered(workspace, "delay", b"2", metrics={"auc": math.nan}, parameters={"depth": '"3"'})
    registered(workspace, "delay", b"3", metrics={"auc": 0.8, "it's": math.inf}, tags={"team": "web", "a b": "%"})
    registered(workspace, "cancelled", b"4", metrics={"auc": 0.7}, run="r1")
    registered(workspace, "caf\u00e9", b"5")
    workspace.call(service.alias, SetAlias(model="delay@1", alias="best"))
    workspace.call(service.tag, SetTags(model="cancelled", tags={"owner": "ann"}))
    promoted(workspace, "delay@3")
    return workspace


def refs(ws: Workspace, limit: int = 2, **asked: Any) -> list[str]:
    found, cursor = [], ""
    while True:
        page = ws.call(service.search, SearchVersions(limit=limit, cursor=cursor, **asked))
        found += [version.ref for version in page]
        cursor = page.next
        if not cursor:
            return found


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("", ["caf\u00e9@1", "cancelled@1", "delay@3", "delay@2", "delay@1"]),
        ("metrics.auc >= 0.7 AND (name = 'delay' OR run = 'r1')", ["cancelled@1", "delay@3"]),
        ("metrics.auc != 0.6", ["cancelled@1", "delay@3", "delay@2"]),
        ("metrics.auc = NaN", ["delay@2"]),
        ("metrics.\"it's\" = Infinity", ["delay@3"]),
        ("params.depth = '3'", ["delay@2", "delay@1"]),
        ("tags.team != 'ops'", ["delay@3"]),
        ("NOT tags.team = 'ops' AND name LIKE 'd%'", ["delay@3", "delay@2"]),
        ("tags.`a b` = '%'", ["delay@3"]),
        ("aliases = 'best'", ["delay@1"]),
        ("version_number > 1 AND name = 'delay'", ["delay@3", "delay@2"]),
        ("name = 'cafe\u0301'", ["caf\u00e9@1"]),
        ("tags.owner = 'ann'", []),
        ("created_at > '2013-01-31' AND created_by != '' AND flavor = 'test' AND state = 'active'",
         ["caf\u00e9@1", "cancelled@1", "delay@3", "delay@2", "delay@1"]),
    ],
)  # fmt: skip
def test_versions_of_all_models_are_found_the_newest_first(store: Workspace, asked: str, found: list[str]) -> None:
    assert refs(store, filter=asked) == found


def test_versions_sort_by_a_metric_and_nan_or_nothing_comes_last(store: Workspace) -> None:
    assert refs(store, order_by="metrics.auc DESC, name") == ["delay@3", "cancelled@1", "delay@1", "caf\u00e9@1", "delay@2"]  # fmt: skip
    assert refs(store, order_by="metrics.auc", filter="name = 'delay'") == ["delay@1", "delay@3", "delay@2"]


def test_a_page_of_many_models_is_as_complete_as_each_of_them(store: Workspace) -> None:
    whole = store.call(service.search, SearchVersions())
    alone = [one for name in ("caf\u00e9", "cancelled", "delay") for one in store.call(service.versions, ListVersions(model=name))]  # fmt: skip
    assert [each.model_dump_json() for each in whole] == [each.model_dump_json() for each in alone]
    by_ref = {each.ref: each for each in whole}
    assert (by_ref["delay@3"].environments, by_ref["delay@1"].aliases) == (("production",), ("best",))


def test_versions_of_one_model_and_models_are_searched_alike(store: Workspace) -> None:
    found = store.call(service.versions, ListVersions(model="delay", filter="metrics.auc < 0.7", order_by="version"))
    assert [each.version for each in found] == [1]
    for asked, names in (
        ("tags.owner = 'ann'", ["cancelled"]),
        ("latest > 1", ["delay"]),
        ("aliases = 'best' OR name LIKE 'c%d'", ["cancelled", "delay"]),
        ("tags.team = 'ops'", []),
    ):
        assert [each.name for each in store.call(service.list_models, ListModels(filter=asked))] == names
    newest = store.call(service.list_models, ListModels(order_by="latest DESC, name DESC", limit=2))
    assert [each.name for each in newest] == ["delay", "cancelled"]


def test_the_notebook_searches_too(store: Workspace) -> None:
    page = mlops.search("metrics.auc > 0.6", order_by="metrics.auc DESC", workspace=store)
    assert list(page.df["version"]) == [3, 1]
    with pytest.raises(InvalidFilter, match="nothing here has 'metrisc'"):
        mlops.search("metrisc.auc > 1", workspace=store)


def test_a_cursor_of_another_order_is_refused_or_harmless(store: Workspace) -> None:
    page = store.call(service.search, SearchVersions(limit=1))
    with pytest.raises(InvalidValue, match="not a cursor of this list"):
        store.call(service.search, SearchVersions(limit=1, order_by="metrics.auc", cursor=page.next))
