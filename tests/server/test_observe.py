"""A serving process posts rows to a monitor over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

import mlops_ext as mlops
from mlops_ext.workspace import Workspace


def test_rows_are_posted_in_batches_that_count_once(ask: Any, folder: Path) -> None:
    ws = Workspace(folder)
    mlops.snapshot(pd.DataFrame({"x": [1.0, 2.0, 3.0], "c": ["a", "b", "a"]}), "flights", workspace=ws)
    mlops.monitor("live", reference="flights@1", workspace=ws)
    rows = [{"x": 1.5, "c": "a"}, {"x": "NaN", "c": None}]
    body = {"batch": "request-1", "rows": rows[:1], "at": "2013-03-14T15:30:00Z"}
    first = ask("POST", "monitors/live/observe", body)
    assert (first.code, first.json["window"], first.json["new"]) == (200, "2013-03-14", True)
    again = ask("POST", "monitors/live/observe", body)
    assert (again.json["new"], again.json["window_rows"]) == (False, 1)
    assert ask("POST", "monitors/live/observe", {**body, "batch": "other", "rows": rows}).json["window_rows"] == 3
    judged = mlops.run_monitor("live", close=True, workspace=ws).windows[0]
    assert (judged.rows, judged.state) == (3, "judged"), "NaN came as text and is a number all the same"
    assert ask("GET", "monitors/live/windows").json["items"][0]["status"] != "drift"
    refused = ask("POST", "monitors/live/observe", {"batch": "request-2"})
    assert (refused.code, refused.json["code"]) == (400, "invalid_value")
    assert ask("POST", "monitors/lvie/observe", body).code == 404
