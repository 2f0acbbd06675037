"""The whole story runs as a user runs it, in a process of its own, and its numbers are the ones that hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from sklearn.metrics import brier_score_loss, roc_auc_score

import mlops_ext as mlops
from mlops_ext.datasets import service as datasets
from mlops_ext.datasets.types import ShowDataset
from mlops_ext.demo import flights
from mlops_ext.demo.main import parse_months, run_demo
from mlops_ext.demo.teller import Outcome, StepFailed, Teller
from mlops_ext.errors import Conflict, InvalidValue, RunFailed
from mlops_ext.governance import service as governance
from mlops_ext.governance.types import ListEvents
from mlops_ext.workspace import Workspace

WATCHMAN = """
import socket
_connect = socket.socket.connect
def connect(self, address):
    if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
        with open({log!r}, "a") as file:
            file.write(f"{{address}}\\n")
        raise OSError("no network in this test")
    return _connect(self, address)
socket.socket.connect = connect
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The story of three months, told once, with every connection to elsewhere refused and noted."""
    folder = tmp_path_factory.mktemp("demo")
    guard = folder / "guard"
    guard.mkdir()
    (guard / "sitecustomize.py").write_text(WATCHMAN.format(log=str(folder / "connections")), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(guard), os.environ.get("PYTHONPATH", "")])}
    for name in ("MLOPS_WORKSPACE", "MLOPS_CATALOG", "MLOPS_RUN"):
        environment.pop(name, None)
    command = [sys.executable, "-m", "mlops_ext.cli.main", "--json", "demo", "--dir", str(folder / "story")]
    done = subprocess.run(
        [*command, "--months", "1-3"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert len(done.stdout.splitlines()) == 1, "stdout holds exactly one line"
    result: dict[str, Any] = json.loads(done.stdout)
    return {**result, "connections": folder / "connections", "errors": done.stderr}


@pytest.fixture
def ws(told: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("MLOPS_WORKSPACE", told["workspace"])
    monkeypatch.delenv("MLOPS_CATALOG", raising=False)
    return Workspace(Path(told["workspace"]))


def step(told: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in told["steps"] if each["name"] == name)


def test_every_step_is_told_with_its_time(told: dict[str, Any]) -> None:
    assert told["ok"] is True
    names = [each["name"] for each in told["steps"]]
    assert names[:4] == ["snapshot", "join weather", "train with papermill", "gates, promote"]
    assert names[-5:] == ["a bad challenger", "look inside", "roll back and forward", "verify the trail", "report"]
    assert all(each["status"] == "ok" and each["seconds"] >= 0 for each in told["steps"])


def test_nothing_connects_to_anywhere(told: dict[str, Any]) -> None:
    assert not told["connections"].exists(), told["connections"].read_text(encoding="utf-8")


def test_the_performance_told_is_the_performance_of_the_stored_model(told: dict[str, Any], ws: Workspace) -> None:
    joined = mlops.join(flights.flights_through(2, first=2), "weather_at_origin", at="scheduled", offset="-1h")
    label = flights.label_of(joined)
    known = label.notna()
    model = mlops.load_model("delay@1")
    score = model.predict_proba(flights.features_of(joined, flights.plane_register())[known])[:, 1]
    numbers = step(told, "labels of 2013-02")["numbers"]
    assert numbers["auc"]["value"] == pytest.approx(roc_auc_score(label[known], score), abs=1e-9)
    assert numbers["brier"]["value"] == pytest.approx(brier_score_loss(label[known], score), abs=1e-9)
    assert numbers["label_coverage"] == pytest.approx(known.mean(), abs=1e-9)


def test_the_same_data_made_no_second_version(told: dict[str, Any]) -> None:
    assert step(told, "snapshot")["numbers"]["new_versions_of_the_same"] == 0


def test_the_bad_challenger_is_refused_and_the_refusal_is_on_the_trail(told: dict[str, Any], ws: Workspace) -> None:
    bad = step(told, "a bad challenger")["numbers"]
    assert bad["gain"]["high"] < 0
    events = ws.call(governance.log, ListEvents(limit=1000)).items
    refused = [event.subject for event in events if event.action == "model.promotion_refused"]
    assert f"model:{bad['challenger']}" in refused


def test_the_look_inside_counts_the_rows_and_explains_a_logged_flight(told: dict[str, Any], ws: Workspace) -> None:
    numbers = step(told, "look inside")["numbers"]
    first, last = (ws.call(datasets.show, ShowDataset(dataset=ref)).rows for ref in ("flights@1", "flights"))
    assert (numbers["rows_added"], numbers["rows_removed"]) == (last - first, 0)
    why = mlops.why(f"prediction:{numbers['prediction']}", workspace=ws)
    assert why.explanation is not None
    assert why.explanation.answer == pytest.approx(why.probability)
    assert why.reasons == numbers["reasons"]


def test_an_alert_queues_the_retraining_that_it_names(told: dict[str, Any], ws: Workspace) -> None:
    events = ws.call(governance.log, ListEvents(limit=1000)).items
    alerts = [event for event in events if event.action == "alert.raised"]
    submitted = [event.data for event in events if event.action == "job.submitted" and event.data.get("trigger")]
    assert [data["trigger"] for data in submitted] == [event.subject for event in alerts]
    assert [data["parameters"] for data in submitted] == [event.data["details"] for event in alerts]


def test_the_report_needs_no_network(told: dict[str, Any]) -> None:
    html = Path(told["report"]).read_text(encoding="utf-8")
    body = html[html.rindex("</script>") if html.count("<script") == 1 else 0 :]
    assert "<script src" not in html
    assert "<link" not in body
    assert html.count("Plotly.newPlot") >= 4


@pytest.mark.fast
@pytest.mark.parametrize("text", ["", "2-6", "1-2", "1-13", "1-x", "6", "1-6-7"])
def test_months_that_tell_no_story_are_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match="months"):
        parse_months(text)


@pytest.mark.fast
def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(Conflict, match="not empty"):
        run_demo(tmp_path, "1-6", Console(quiet=True))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.fast
def test_a_step_that_fails_stops_the_story_with_its_reason() -> None:
    def broken() -> Outcome:
        raise RunFailed("the kernel is gone", hint="Install it")

    with Teller(Console(quiet=True)) as teller:
        teller.tell("first", lambda: Outcome("done"))
        with pytest.raises(StepFailed, match="'second' failed: the kernel is gone") as caught:
            teller.tell("second", broken)
    assert caught.value.hint == "Install it"
    assert [each.status for each in teller.steps] == ["ok", "failed"]
