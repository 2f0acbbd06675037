"""Edge code works over HTTP as it does on a local workspace, with the same results."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.models.types import ShowModel
from mlops_ext.operations import OPERATIONS
from mlops_ext.workspace import Workspace
from tests.server.live_server import LiveServer, serving
from tests.support.remote import RemoteWorkspace

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


def test_a_model_is_registered_promoted_and_rolled_back_over_http(remote: Any) -> None:
    from sklearn.linear_model import LogisticRegression

    from mlops_ext.models.edge import load_model, promote, register, rollback

    table = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0]})
    model = LogisticRegression().fit(table, [0, 0, 1, 1])
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


def test_errors_arrive_as_what_they_were(remote: Any) -> None:
    show = OPERATIONS["models.show"]
    with pytest.raises(NotFound, match="nobody"):
        remote.call(show, ShowModel(model="nobody"))
    with pytest.raises(InvalidValue, match="a/b"):
        remote.call(show, ShowModel(model="a/b"))
