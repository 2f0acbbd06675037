"""Runs, experiments and datasets searched by the common grammar."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone
from typing import Any

import pandas as pd
import pytest

import mlops_ext as mlops
from mlops_ext.datasets import service as datasets
from mlops_ext.datasets.types import ListDatasets, ListDatasetVersions
from mlops_ext.store.grammar import InvalidFilter
from mlops_ext.tracking import service
from mlops_ext.tracking.types import FinishRun, ListExperiments, ListRuns, LogRun, MetricPoint, RunDataset, StartRun
from mlops_ext.workspace import Workspace


def made(ws: Workspace, name: str, **logged: Any) -> None:
    run = ws.call(service.start, StartRun(name=name, experiment=logged.pop("experiment", "default"))).id
    metrics = tuple(MetricPoint(key=key, value=value) for key, value in logged.pop("metrics", {}).items())
    ws.call(service.log, LogRun(run=run, metrics=metrics, **logged))
    if name != "open":
        ws.call(service.finish, FinishRun(run=run))


def names(ws: Workspace, **asked: Any) -> list[str]:
    found, cursor = [], ""
    while True:
        page = ws.call(service.list_, ListRuns(limit=2, cursor=cursor, **asked))
        found += [run.name for run in page]
        cursor = page.next
        if not cursor:
            return found


@pytest.fixture
def store(workspace: Workspace) -> Workspace:
    made(workspace, "a", metrics={"auc": 0.5}, parameters={"month": "1", "solver": '"lbfgs"'}, tags={"team": "ops"})
    made(workspace, "b", metrics={"auc": math.nan}, parameters={"month": '"1"'}, inputs=("dataset:flights@2",))
    rows = RunDataset(name="rows", digest="12ab", context="train")
    made(workspace, "c", metrics={"auc": 0.9}, experiment="other", tags={"team": "web"}, datasets=(rows,))
    made(workspace, "open", outputs=("model:delay@1",))
    return workspace


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("metrics.auc > 0.6 OR tags.team = 'ops'", ["c", "a"]),
        ("metrics.auc != 0.5", ["c", "b"]),
        ("NOT metrics.auc = 0.5", ["open", "c", "b"]),
        ("params.month = 1", ["b", "a"]),
        ("params.solver ILIKE 'LB%'", ["a"]),
        ("tags.team != 'ops'", ["c"]),
        ("dataset.name = 'rows' AND datasets.context IN ('train', 'test')", ["c"]),
        ("dataset.digest LIKE '12%'", ["c"]),
        ("NOT dataset.name = 'rows'", ["open", "b", "a"]),
        ("status = 'running'", ["open"]),
        ("attributes.status IN ('succeeded') AND experiment = 'other'", ["c"]),
        ("inputs LIKE 'dataset:flights@%'", ["b"]),
        ("outputs = 'model:delay@1'", ["open"]),
        ("end_time IS NULL", ["open"]),
        ("run_name = 'a' AND start_time > '2013-01-31' AND user_id != ''", ["a"]),
        ("started_at > 4102444800000", []),
    ],
)
def test_runs_are_found_by_what_they_logged(store: Workspace, asked: str, found: list[str]) -> None:
    assert names(store, filter=asked) == found


def test_runs_sort_by_a_metric_with_what_lacks_it_last_either_way(store: Workspace) -> None:
    assert names(store, order_by="metrics.auc DESC") == ["c", "a", "open", "b"]
    assert names(store, order_by="metrics.auc, name DESC") == ["a", "c", "open", "b"]
    assert names(store, order_by="ended_at") == ["a", "b", "c", "open"]


def test_a_run_whose_lease_is_over_is_found_as_lost(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlops_ext.tracking import listing

    made(workspace, "open")
    assert names(workspace, filter="status = 'lost'") == []
    monkeypatch.setattr(listing, "now", lambda: datetime.now(timezone.utc) + timedelta(days=1))
    assert names(workspace, filter="status = 'lost'") == ["open"]


def test_experiments_and_datasets_are_searched_alike(store: Workspace) -> None:
    found = store.call(service.experiments_, ListExperiments(filter="name LIKE 'o%'"))
    assert [(each.name, each.runs) for each in found] == [("other", 1)]
    for rows in (2, 3):
        mlops.snapshot(pd.DataFrame({"x": range(rows)}), "flights", workspace=store)
    mlops.snapshot(pd.DataFrame({"x": [1]}), "weather", workspace=store)
    listed = store.call(
        datasets.list_, ListDatasets(filter="rows > 2 OR name = 'weather'", order_by="bytes, name DESC")
    )
    assert {each.name for each in listed} == {"flights", "weather"}
    first = store.call(datasets.list_, ListDatasets(order_by="bytes DESC", limit=1))
    rest = store.call(datasets.list_, ListDatasets(order_by="bytes DESC", limit=1, cursor=first.next))
    assert {first[0].name, rest[0].name} == {"flights", "weather"}
    versions = store.call(datasets.versions, ListDatasetVersions(dataset="flights", filter="rows < 3"))
    assert [each.version for each in versions] == [1]


def test_what_a_list_lacks_is_said(workspace: Workspace) -> None:
    with pytest.raises(InvalidFilter, match="no attribute 'statsu' here"):
        names(workspace, filter="statsu = 'x'")
    with pytest.raises(InvalidFilter, match="nothing here has 'params'"):
        workspace.call(service.experiments_, ListExperiments(filter="params.a = 'x'"))
    with pytest.raises(InvalidFilter, match="no dataset with 'nam' here"):
        names(workspace, filter="dataset.nam = 'x'")
