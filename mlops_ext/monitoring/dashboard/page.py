"""A dashboard as one HTML file: tables for everybody, and figures for whoever's browser runs scripts."""

from __future__ import annotations

import base64
import gzip
import json
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_ext.monitoring.dashboard.drawing import draw
from mlops_ext.monitoring.dashboard.edge import STYLE, headline, tables
from mlops_ext.monitoring.dashboard.reading import of_slice
from mlops_ext.monitoring.dashboard.types import DrawFigure, FigureKind, WindowState
from mlops_ext.monitoring.types import metric_name
from mlops_ext.store.filesystem import write_whole

if TYPE_CHECKING:
    from mlops_ext.monitoring.dashboard.edge import Dashboard

__all__ = ["write_page"]

PLOTLY = "plotly-cartesian.min.js"
MOST_FIGURES = 60
"""Columns of a window that are drawn, those to look at first, and with what is left their slices."""


def write_page(board: Dashboard, path: Path) -> Path:
    """Write the page, whole or not at all.

    Parameters
    ----------
    board : Dashboard
        What to write.
    path : Path
        Where to.

    Raises
    ------
    MissingExtra
        plotly is not installed.
    """
    from jinja2 import Environment, PackageLoader

    page = Environment(loader=PackageLoader("mlops_ext.monitoring.dashboard", "."), autoescape=True)
    whole = page.get_template("page.html.j2").render(
        model=board.model,
        style=STYLE,
        headline=headline(board.health),
        tables=tables(board.health),
        metrics=board.health.metrics,
        windows=[window.window for window in board.health.windows],
        figures=_packed(json.dumps(_figures(board), allow_nan=False).encode()),
        plotly=_packed(files("mlops_ext.monitoring.dashboard").joinpath(PLOTLY).read_bytes()),
    )
    write_whole(path, whole.encode())
    return path


def _figures(board: Dashboard) -> dict[str, Any]:
    """Draw everything once; the colours of light and dark stand beside, since each figure would repeat them."""
    import plotly.io

    words = {name: metric_name(name) for name in board.health.metrics}
    drawn: dict[str, Any] = {"metric": {}, "column": {}, "words": words}
    kinds = board.drawable()
    if "metric" in kinds:
        drawn["metric"] = {name: _metric(board, name) for name in board.health.metrics}
    if "gain" in kinds:
        drawn["gain"] = _figure(board, "gain")
    if "drift" in kinds:
        drawn["drift"] = _figure(board, "drift")
        drawn["column"] = {window.window: _columns(board, window) for window in board.health.windows if window.pictured}
    if "together" in kinds:
        asked = [window.window for window in board.health.windows if window.together]
        drawn["together"] = {window: _figure(board, "together", window=window) for window in asked}
    templates = {
        name: plotly.io.templates[f"plotly_{kind}"].to_plotly_json()
        for name, kind in (("light", "white"), ("dark", "dark"))
    }
    return {"templates": templates, **drawn}


def _metric(board: Dashboard, name: str) -> dict[str, Any]:
    """Draw a metric of all rows, which stand under no name, and of each slice that it was measured in."""
    found = {"": _figure(board, "metric", metric=name)}
    for part in board.health.slices:
        measured = {each.name for report in board.reports["performance"] for each in of_slice(report, part).metrics}
        if name in measured:
            found[part] = _figure(board, "metric", metric=name, slice=part)
    return found


def _columns(board: Dashboard, window: WindowState) -> dict[str, dict[str, Any]]:
    """Draw the columns of a window, and as many of their slices as there is room for."""
    whole = [(column, "") for column in window.pictured]
    parts = [(column, part) for column, slices in window.pictured.items() for part in slices]
    drawn: dict[str, dict[str, Any]] = {}
    for column, part in [*whole, *parts][:MOST_FIGURES]:
        figure = _figure(board, "column", window=window.window, column=column, slice=part)
        drawn.setdefault(column, {})[part] = figure
    return drawn


def _figure(board: Dashboard, kind: FigureKind, **which: str) -> dict[str, Any]:
    asked = DrawFigure(model=board.model, figure=kind, template="none", **which)
    drawn, caption = draw(board.model, board.reports, asked)
    drawn.layout.template = None
    return {**json.loads(drawn.to_json()), "caption": caption}


def _packed(data: bytes) -> str:
    # The same input gives the same page: no time stands in the header.
    return base64.b64encode(gzip.compress(data, 9, mtime=0)).decode()
