"""A stored reference is what a monitor compares with: pinned as a blob, its types fixed, its datasets in lineage."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

import mlops_ext as mlops
from mlops_ext.cli.session import Session
from mlops_ext.cli.tree import Root
from mlops_ext.errors import InvalidValue
from mlops_ext.governance.lineage import show as lineage
from mlops_ext.governance.types import ShowLineage
from mlops_ext.monitoring.drift.edge import drift
from mlops_ext.monitoring.monitors import service
from mlops_ext.monitoring.monitors.declared import apply_declared
from mlops_ext.monitoring.monitors.running import run_due
from mlops_ext.monitoring.monitors.types import AddMonitor
from mlops_ext.monitoring.service import show as show_report
from mlops_ext.monitoring.types import ShowReport
from mlops_ext.store.schema import blob_owners
from mlops_ext.workspace import Workspace
from tests.monitoring.monitors.support import event_count, frame
from tests.monitoring.monitors.test_monitors import windows

pytestmark = pytest.mark.sqlite


def stored(workspace, folder):
    mlops.snapshot(frame(2000, 1), "flights", workspace=workspace)
    path = folder / "flights.reference"
    return mlops.store_reference("flights@1", path, categorical=["k"], workspace=workspace)


def owned(ws):
    with ws.catalog.read() as connection:
        rows = connection.execute(blob_owners.select().where(blob_owners.c.owner.startswith("monitor:"))).all()
    return {row.owner: row.digest for row in rows}


def edges(ws, ref):
    return {(edge.source, edge.target) for edge in ws.call(lineage, ShowLineage(ref=ref)).edges}


def test_versions_are_compared_with_the_stored_reference_and_its_types(workspace, tmp_path):
    path = stored(workspace, tmp_path)
    made = mlops.monitor("m", reference=path, data="flights", workspace=workspace)
    assert (made.reference, made.reference_given) == ("dataset:flights@1", "flights.reference")
    assert owned(workspace) == {"monitor:m": made.profile}
    before = event_count(workspace)
    assert mlops.monitor("m", reference=path, data="flights", workspace=workspace) == made
    assert event_count(workspace) == before
    path.unlink()
    mlops.snapshot(frame(1500, 2, shift=1.0), "flights", workspace=workspace)
    assert run_due(workspace) == 1
    (judged,) = windows(workspace, "m")
    assert (judged.status, judged.drifted) == ("drift", ("x",))
    report = workspace.call(show_report, ShowReport(report=judged.report))
    assert report.details["kinds"]["k"] == "categorical"
    expected = drift("flights@1", "flights@2", categorical=["k"], workspace=workspace).comparison.rows
    assert {(row.column, row.statistic): row.value for row in report.rows} == {
        (row.column, row.statistic): row.value for row in expected
    }
    assert {("dataset:flights@1", "monitor:m"), ("monitor:m", report.ref), ("dataset:flights@1", report.ref)} <= edges(
        workspace, "dataset:flights@1"
    )
    mlops.monitor("m", reference="flights@1", data="flights", workspace=workspace)
    assert owned(workspace) == {}


@pytest.mark.parametrize("exact_rows", [1000, 100_000])
def test_a_stream_keeps_the_types_also_when_it_is_a_sketch(workspace, tmp_path, exact_rows):
    mlops.monitor("live", reference=stored(workspace, tmp_path), exact_rows=exact_rows, workspace=workspace)
    mlops.observe("live", frame(3000, 3), workspace=workspace)
    (judged,) = mlops.run_monitor("live", close=True, workspace=workspace).windows
    assert (judged.status, judged.exact) == ("no_drift", exact_rows > 3000)
    report = workspace.call(show_report, ShowReport(report=judged.report))
    assert report.details["kinds"] == {"x": "numeric", "k": "categorical", "c": "categorical", "m": "numeric"}


def test_the_file_and_the_command_line_take_it_too(workspace, tmp_path, monkeypatch):
    stored(workspace, workspace.root)
    text = '[monitors.rows]\nreference = "flights.reference"\ndata = "flights"\ncolumns = ["x"]\n'
    (workspace.root / "mlops.toml").write_text(text, encoding="utf-8")
    ws = Workspace(workspace.root)
    assert apply_declared(ws) == ["rows"]
    assert apply_declared(ws) == []
    monkeypatch.chdir(workspace.root)
    words = ["monitors", "add", "word", "--reference", "flights.reference", "--data", "flights", "--json"]
    ended = CliRunner().invoke(Root(()), words, obj=Session())
    assert ended.exit_code == 0, ended.output
    assert set(owned(ws)) == {"monitor:rows", "monitor:word"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"columns": ["q"]}, "no column 'q' in flights.reference"),
        ({"numeric": ["k"]}, "column 'k' is stored as categorical"),
        ({"together": True}, "together needs the rows"),
        ({"kind": "quality"}, "profile is for monitors of drift"),
        ({"reference": "gone.reference"}, "there is no file"),
    ],
)
def test_what_a_stored_reference_cannot_do_is_refused(workspace, tmp_path, settings, message):
    path = stored(workspace, tmp_path)
    with pytest.raises(InvalidValue, match=message):
        mlops.monitor("m", **{"reference": path, "data": "flights", **settings}, workspace=workspace)
    with pytest.raises(InvalidValue, match="given by its path alone"):
        workspace.call(service.add, AddMonitor(monitor="m", reference=str(path), data="flights"))


def test_every_window_of_a_reference_is_in_the_lineage(workspace):
    for seed in range(3):
        mlops.snapshot(frame(300, seed), "flights", workspace=workspace)
    found = drift(["flights@1", "flights@2"], "flights@3", save=True, workspace=workspace).saved
    assert (found.reference, found.details["references"]) == ("dataset:flights@1", ["dataset:flights@2"])
    assert {(f"dataset:flights@{version}", found.ref) for version in (1, 2, 3)} == edges(workspace, found.ref)
