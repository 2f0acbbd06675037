"""Edge code works over HTTP as it does on a local workspace, with the same results."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.models.types import ShowModel
from mlops_ext.rooms import OPERATIONS
from mlops_ext.workspace import Workspace
from tests.server.live_server import LiveServer, serving
from tests.support.remote import RemoteWorkspace

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")
pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("remote")
    with serving(folder / "project", folder / "config") as live:
        yield live


@pytest.fixture
def remote(server: LiveServer, tmp_path: Path) -> Iterator[Any]:
    from mlops_ext.tracking.edge import end_run

    far: Any = RemoteWorkspace(server.api, server.token, tmp_path)
    yield far
    end_run(workspace=far)


def frame() -> Any:
    return pd.DataFrame(
        {
            "x": [1.0, 2.0, float("nan"), 4.0],
            "name": ["Ä", "b", None, "d"],
            "at": pd.date_range("2013-01-01", periods=4, tz="UTC"),
        }
    )


def test_a_snapshot_over_http_equals_a_local_one(remote: Any, tmp_path: Path) -> None:
    from mlops_ext.datasets.edge import load, snapshot

    (tmp_path / "local").mkdir()
    here = snapshot(frame(), "flights", workspace=Workspace(tmp_path / "local"))
    there = snapshot(frame(), "flights", workspace=remote)
    again = snapshot(frame(), "flights", workspace=remote)
    moments = {"created_at", "created_by"}
    assert there.model_dump(exclude=moments) == here.model_dump(exclude=moments)
    assert again == there
    pd.testing.assert_frame_equal(load("flights", workspace=remote), frame())
    assert there.created_by == "anonymous"


def test_a_diff_over_http_is_the_one_here_whatever_names_the_versions(remote: Any, tmp_path: Path) -> None:
    from mlops_ext.datasets.curation.edge import alias_dataset
    from mlops_ext.datasets.diff.edge import diff
    from mlops_ext.datasets.edge import snapshot

    before = pd.DataFrame({"day": [1, 1, 2, 2], "shop": ["a", "b", "a", "b"], "x": [1.5, 2.5, 3.5, 4.5]})
    after = before.assign(x=[1.5, 9.5, 3.5, 4.5])
    (tmp_path / "local").mkdir()
    found = []
    for ws in (Workspace(tmp_path / "local"), remote):
        one, two = (snapshot(each, "sales", workspace=ws) for each in (before, after))
        alias_dataset(one, "golden", workspace=ws)
        named = [diff(one, two, workspace=ws), diff("sales@golden", "sales", workspace=ws)]
        named += [diff(f"dataset:sales@{one.digest[:19]}", two, key=["day", "shop"], workspace=ws)]
        assert [each.model_copy(update={"key_from": "given"}) for each in named] == [named[2]] * 3
        found.append(named)
    assert found[0] == found[1]
    assert (found[1][0].key, found[1][0].key_from, found[1][0].changed) == (("day", "shop"), "inferred", 1)


def test_a_model_is_registered_promoted_and_rolled_back_over_http(remote: Any) -> None:
    from sklearn.linear_model import LogisticRegression

    from mlops_ext.models import service
    from mlops_ext.models.edge import load_model, register
    from mlops_ext.models.promotion.edge import promote, rollback
    from mlops_ext.models.promotion.types import ApplyPolicy, Policy

    table = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0]})
    model = LogisticRegression().fit(table, [0, 0, 1, 1])
    remote.call(service.apply_policy, ApplyPolicy(policy=Policy()))
    first = register(model, "delay", metrics={"auc": 0.7, "odd": float("nan")}, example=table, workspace=remote)
    second = register(LogisticRegression(C=9).fit(table, [0, 1, 1, 1]), "delay", example=table, workspace=remote)
    assert (first.ref, second.ref) == ("delay@1", "delay@2")
    assert promote("delay@1", to="production", workspace=remote).version == 1
    assert promote("delay@2", to="production", workspace=remote).previous == 1
    assert rollback("delay@production", workspace=remote).version == 1
    assert list(load_model("delay@production", workspace=remote).predict(table)) == list(model.predict(table))
    actions = [
        each.action for each in remote.call(OPERATIONS["audit.log"], OPERATIONS["audit.log"].request(newest=True)).items
    ]
    assert actions[:3] == ["model.rolled_back", "model.promoted", "model.promoted"]
    assert remote.call(OPERATIONS["audit.verify"], OPERATIONS["audit.verify"].request()).ok


def test_a_run_is_tracked_over_http(remote: Any) -> None:
    from mlops_ext.tracking.edge import log_metrics, log_params, start_run

    with start_run("tuning", workspace=remote) as run:
        log_params({"depth": 3, "rate": float("inf")}, workspace=remote)
        for step in range(3):
            log_metrics({"auc": 0.5 + step / 10}, step=step, workspace=remote)
    found = run.record
    assert (found.status, found.metrics, found.created_by) == ("succeeded", {"auc": 0.7}, "anonymous")
    assert found.parameters == {"depth": "3", "rate": '"Infinity"'}


def test_windows_are_judged_over_http_as_here(remote: Any, tmp_path: Path) -> None:
    (tmp_path / "local").mkdir()
    here = judged(Workspace(tmp_path / "local"))
    there = judged(remote)
    assert [each.kind for each in there] == ["estimate", "performance", "comparison"]
    for far, near in zip(there, here, strict=True):
        assert far.metrics == near.metrics
        assert far.label_coverage == near.label_coverage
    assert there[1].details["estimate"]["report"] == there[0].ref


def judged(ws: Any) -> list[Any]:
    """Score a window with two versions, and estimate, measure and compare them."""
    from sklearn.linear_model import LogisticRegression

    from mlops_ext.models.edge import register
    from mlops_ext.monitoring.performance.edge import compare_window, estimate, log_labels, log_predictions, performance
    from mlops_ext.tracking.edge import end_run

    random = np.random.default_rng(7)
    x = pd.DataFrame({"a": random.normal(size=600)})
    y = (x["a"] + random.normal(size=600) > 0).astype(int)
    days = pd.date_range("2013-02-01", periods=600, freq="h", tz="UTC")
    versions = []
    for strength in (0.0001, 1.0):
        model = LogisticRegression(C=strength).fit(x, y)
        version = register(model, "judged", example=x, inputs=[], workspace=ws)
        score = model.predict_proba(x)[:, 1]
        log_predictions(version, None, score > 0.5, range(600), probability=score, at=days, window="feb", workspace=ws)
        versions.append(version)
    end_run(workspace=ws)
    before = estimate(versions[0], "feb", workspace=ws)
    log_labels(versions[0], range(600), y, at=days, window="feb", workspace=ws)
    after = performance(versions[0], "feb", workspace=ws)
    return [before, after, compare_window(versions[0], versions[1], "feb", workspace=ws)]


def test_an_alert_is_raised_and_acknowledged_over_http(remote: Any) -> None:
    about = {"model": "judged@1", "window": "feb", "kind": "performance_loss", "monitor": "auc", "message": "worse"}
    raised = called(remote, "monitoring.raise", **about)
    assert [each.id for each in called(remote, "monitoring.alerts", state="open")] == [raised.id]
    assert called(remote, "monitoring.acknowledge", alert=raised.id, comment="seen").state == "acknowledged"
    assert called(remote, "monitoring.alerts", state="open").items == ()


def test_a_job_that_is_queued_over_http_is_run_by_the_server(server: LiveServer, remote: Any) -> None:
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [
        nbformat.v4.new_code_cell("month = 1", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell("import mlops_ext as mlops\nmlops.log_metric('doubled', month * 2)"),
    ]
    (server.folder / "double.ipynb").write_text(nbformat.writes(notebook), encoding="utf-8")
    job = called(remote, "jobs.submit", notebook="double.ipynb", parameters={"month": 21})
    deadline = time.monotonic() + 90
    while (ended := called(remote, "jobs.show", job=job.id)).ended_at is None and time.monotonic() < deadline:
        time.sleep(0.2)
    assert ended.status == "succeeded", ended.error
    assert called(remote, "tracking.show", run=ended.run).metrics == {"doubled": 42.0}


def called(ws: Any, name: str, **fields: Any) -> Any:
    operation = OPERATIONS[name]
    return ws.call(operation, operation.request(**fields))


def test_errors_arrive_as_what_they_were(remote: Any) -> None:
    show = OPERATIONS["models.show"]
    with pytest.raises(NotFound, match="nobody"):
        remote.call(show, ShowModel(model="nobody"))
    with pytest.raises(InvalidValue, match="a/b"):
        remote.call(show, ShowModel(model="a/b"))
