"""The picker, with real widgets."""

from __future__ import annotations

import builtins
from typing import Any

import pytest

from mlops_ext.errors import MissingExtra
from mlops_ext.notebook.browse import browse
from mlops_ext.notebook.widgets import WIDGET_VIEW
from mlops_ext.tracking import service
from mlops_ext.tracking.types import LogRun, MetricPoint, StartRun
from mlops_ext.workspace import Workspace
from tests.tracking.kernels import kernel

pytestmark = pytest.mark.sqlite


def test_an_empty_workspace_is_browsed_without_being_made(workspace: Workspace) -> None:
    picker = browse(workspace)
    assert picker.selected is None
    assert "No models yet" in picker.details.value
    assert "nothing here yet" in picker.static()
    assert not workspace.exists()


def test_picking_a_run_shows_what_it_holds(workspace: Workspace) -> None:
    for name in ("first", "<b>second</b>"):
        run = workspace.call(service.start, StartRun(name=name))
        workspace.call(service.log, LogRun(run=run.id, metrics=(MetricPoint(key=f"auc of {name}", value=0.5),)))
    picker = browse(workspace)
    picker.kind.value = "runs"
    assert picker.selected.name == "<b>second</b>"
    picker.names.index = 1
    assert picker.selected.name == "first"
    assert "auc of first" in picker.details.value
    assert picker.versions.layout.display == "none"
    picker.names.index = 0
    assert "<b>" not in picker.details.value + picker.static()


def test_refresh_finds_what_came_meanwhile(workspace: Workspace) -> None:
    picker = browse(workspace)
    picker.kind.value = "runs"
    assert picker.selected is None
    run = workspace.call(service.start, StartRun(name="new"))
    picker.again.click()
    assert picker.selected.id == run.id


def test_a_notebook_keeps_a_table_beside_the_widget(workspace: Workspace) -> None:
    workspace.call(service.start, StartRun(name="trial 7"))
    with kernel() as cells:
        reply = cells.run("import mlops_ext as mlops; mlops.browse()")
    assert reply["status"] == "ok", reply["text"]
    live, static = reply["shown"]
    assert WIDGET_VIEW in live
    assert "text/html" in live
    assert "trial 7" in static["text/html"]
    assert "trial 7" in static["text/plain"]


def test_without_ipywidgets_the_remedy_is_named(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "ipywidgets":
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtra, match=r"pip install 'mlops-ext\[notebook\]'"):
        browse(workspace)
