"""What records show inline, and how much of it is saved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlops_ext.notebook.display import LIMIT, PLOTLY, bundle
from mlops_ext.records import Page, Record


class Row(Record):
    name: str


class Drawn(Row):
    points: int

    def figure(self) -> Any:
        import plotly.graph_objects as go

        return go.Figure(go.Scatter(x=list(range(self.points)), y=list(range(self.points))))


@pytest.fixture(autouse=True)
def _no_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLOPS_WORKSPACE", raising=False)
    monkeypatch.delenv("MLOPS_DISPLAY", raising=False)


def size(shown: dict[str, Any]) -> int:
    return sum(len((each if isinstance(each, str) else json.dumps(each)).encode()) for each in shown.values())


def test_a_figure_is_shown_with_a_table_and_a_text() -> None:
    shown = bundle(Drawn(name="roc", points=3))
    assert set(shown) == {"text/plain", "text/html", PLOTLY}
    assert shown[PLOTLY]["data"][0]["type"] == "scatter"


def test_minimal_writes_text_only(tmp_path: Path) -> None:
    (tmp_path / "mlops.toml").write_text('version = 1\n[workspace]\ndisplay = "minimal"\n')
    shown = bundle(Drawn(name="roc", points=3))
    assert set(shown) == {"text/plain"}
    assert "roc" in shown["text/plain"]


@pytest.mark.parametrize("points", [10, 1_000, 20_000, 100_000])
def test_a_display_saves_at_most_150_kb(points: int) -> None:
    shown = bundle(Drawn(name="roc", points=points))
    assert size(shown) <= LIMIT
    assert (PLOTLY in shown) == (points <= 1_000)
    assert "text/html" in shown


def test_of_a_long_list_the_first_rows_are_saved() -> None:
    page = Page[Row](items=tuple(Row(name=f"{number:04} " + "é" * 290) for number in range(1000)))
    shown = bundle(page)
    assert size(shown) <= LIMIT
    assert "0000 " in shown["text/html"]
    assert "…</td></tr></tfoot>" in shown["text/html"]


def test_hostile_text_is_inert() -> None:
    assert "<script>" not in bundle(Row(name="<script>alert(1)</script>"))["text/html"]
