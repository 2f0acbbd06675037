"""The dashboard's pickers, with real widgets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import mlops_ext as mlops
from mlops_ext.notebook.dashboard import Board, dashboard
from mlops_ext.notebook.display import PLOTLY
from mlops_ext.notebook.widgets import WIDGET_VIEW
from mlops_ext.workspace import Workspace
from tests.models.support import registered
from tests.monitoring.dashboard.test_health import drifted, judged, raised
from tests.tracking.kernels import kernel

pytestmark = pytest.mark.sqlite


@pytest.fixture
def ws(workspace: Workspace) -> Workspace:
    registered(workspace)
    for window, shift in (("2013-02", 0.0), ("2013-03", 2.0)):
        judged(workspace, window, 0.7)
        drifted(workspace, window, shift)
    return workspace


def drawn(board: Board, kind: str) -> dict[str, Any]:
    (output,) = board.figures[kind].outputs
    figure: dict[str, Any] = output["data"][PLOTLY]
    return figure


def test_figures_follow_the_pickers(ws: Workspace) -> None:
    board = Board(dashboard("delay", workspace=ws))
    assert board.window.value == "2013-03"
    assert board.column.value == "temp", "what drifted most is looked at first"
    moved = drawn(board, "column")["data"][1]["y"]
    board.window.value = "2013-02"
    assert board.column.value == "temp", "the column that was looked at stays"
    assert drawn(board, "column")["data"][1]["y"] != moved
    board.column.value = "wind"
    assert drawn(board, "column")["layout"]["title"]["text"] == "wind: reference and current"
    assert "all right" in board.head.value


def test_refreshing_shows_an_alert_that_came_meanwhile(ws: Workspace) -> None:
    board = Board(dashboard("delay", workspace=ws))
    raised(ws, "2013-03")
    board.again.click()
    assert "degraded since 2013-03" in board.head.value


def test_a_notebook_keeps_tables_beside_the_widgets(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLOPS_WORKSPACE", str(ws.root))
    with kernel() as cells:
        reply = cells.run("import mlops_ext as mlops; mlops.dashboard('delay')")
    assert reply["status"] == "ok", reply["text"]
    live, static = reply["shown"]
    assert WIDGET_VIEW in live
    assert "What moved in the newest window" in static["text/html"]
    assert "delay is all right" in static["text/plain"]


def test_a_slice_is_offered_for_the_columns_that_were_compared_in_it(ws: Workspace) -> None:
    rng = np.random.default_rng(0)
    sides = [pd.DataFrame({"temp": rng.normal(size=600), "origin": rng.choice(["EWR", "JFK"], 600)}) for _ in range(2)]
    sides[1].loc[sides[1]["origin"] == "EWR", "temp"] += 3
    mlops.drift(*sides, slices=["origin"], window="2013-04", model="delay@1", save=True, workspace=ws)
    board = Board(dashboard("delay", workspace=ws))
    assert set(board.column.options) == {"temp", "origin"}, "slices are picked apart"
    board.column.value = "temp"
    assert {value for _, value in board.column_slice.options} == {"", "origin=EWR", "origin=JFK"}
    board.column_slice.value = "origin=JFK"
    assert drawn(board, "column")["layout"]["title"]["text"] == "temp [origin=JFK]: reference and current"
    board.column.value = "origin"
    assert (board.column_slice.value, len(board.column_slice.options)) == ("", 1), "a slice has one label of its own"
    board.window.value = "2013-03"
    assert board.column.value == "temp"
