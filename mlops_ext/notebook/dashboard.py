"""A model's dashboard in a cell's output: pickers where a kernel answers, tables always."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mlops_ext.monitoring.dashboard.edge import STYLE, Dashboard, headline
from mlops_ext.monitoring.dashboard.types import FigureKind
from mlops_ext.notebook.display import PLOTLY
from mlops_ext.notebook.widgets import ipywidgets, publish
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from mlops_ext.models.types import ModelVersion

__all__ = ["LiveDashboard", "dashboard"]


def dashboard(
    model: str | ModelVersion, *, metric: str = "", most: int = 24, workspace: Workspace | None = None
) -> LiveDashboard:
    """Show how a model does: is it all right, since when not, what moved, what to do.

    Parameters
    ----------
    model : str or ModelVersion
        The model; all its versions count.
    metric : str
        Metric to judge the windows by; the alerts' own when left out.
    most : int
        How many windows at most, the newest.
    workspace : Workspace, optional
        Where; the one found from here when left out.

    Returns
    -------
    LiveDashboard
        Shows itself; `.status`, `.health`, `.figure(kind, metric=, window=, column=)`, `.save_html(path)`.

    Raises
    ------
    NotFound
        No such model.

    Examples
    --------
    >>> mlops.dashboard("delay")                            # doctest: +SKIP
    >>> mlops.dashboard("delay").save_html("delay.html")    # doctest: +SKIP
    """
    return LiveDashboard(model, metric=metric, most=most, workspace=workspace)


class LiveDashboard(Dashboard):
    """A dashboard whose figures follow pickers."""

    def _ipython_display_(self) -> None:
        publish(Board(self).box, f"dashboard of {self.model}", self.static(), str(self))


class Board:
    """The widgets of a dashboard; tab and the arrow keys go through them."""

    def __init__(self, dashboard: LiveDashboard) -> None:
        widgets = ipywidgets()
        self.dashboard = dashboard
        windows = [each.window for each in dashboard.health.windows if each.drifted is not None]
        judged = [each.window for each in dashboard.health.windows if each.calibrated]
        self.head = widgets.HTML()
        self.again = widgets.Button(description="Refresh", tooltip="Read the workspace again", icon="refresh")
        self.metric = widgets.Dropdown(options=dashboard.health.metrics, description="Metric")
        self.window = _slider(widgets, windows)
        self.column = widgets.Dropdown(description="Column")
        self.judged = _slider(widgets, judged)
        self.figures = {kind: widgets.Output() for kind in ("metric", "drift", "column", "reliability", "gain")}
        self.box = widgets.VBox([self.head, self.again, self._tabs(widgets)])
        self.metric.observe(lambda _: self._show_metric(), "value")
        self.window.observe(lambda _: self._show_window(), "value")
        self.column.observe(lambda _: self._show_column(), "value")
        self.judged.observe(lambda _: self._show_reliability(), "value")
        self.again.on_click(lambda _: self.refresh())
        self._show()

    def refresh(self) -> None:
        """Read the workspace again and draw what is shown anew."""
        self.dashboard.refresh()
        self._show()

    def _tabs(self, widgets: Any) -> Any:
        shown: dict[FigureKind, list[Any]] = {
            "metric": [self.metric],
            "drift": [],
            "column": [self.window, self.column],
            "reliability": [self.judged],
            "gain": [],
        }
        titles = {
            "metric": "Performance",
            "drift": "Drift",
            "column": "Columns",
            "reliability": "Calibration",
            "gain": "Challengers",
        }
        kinds = [kind for kind in shown if kind in self.dashboard.drawable()]
        pages = [widgets.VBox([widgets.HBox(shown[kind]), self.figures[kind]]) for kind in kinds]
        return widgets.Tab(pages, titles=[titles[kind] for kind in kinds])

    def _show(self) -> None:
        self.head.value = f"{STYLE}<div class='mlops-board'>{headline(self.dashboard.health)}</div>"
        kinds = self.dashboard.drawable()
        if "metric" in kinds:
            self._show_metric()
        if "drift" in kinds:
            self._draw("drift")
            self._show_window()
        if "reliability" in kinds:
            self._show_reliability()
        if "gain" in kinds:
            self._draw("gain", metric=self.metric.value or "")

    def _show_metric(self) -> None:
        self._draw("metric", metric=self.metric.value or "")

    def _show_window(self) -> None:
        """Offer the window's columns, those to look at first in front; the one that was looked at stays."""
        found = {each.window: each.columns for each in self.dashboard.health.windows}
        columns, chosen = found.get(self.window.value, ()), self.column.value
        self.column.options = columns
        self.column.value = chosen if chosen in columns else next(iter(columns), None)
        self._show_column()

    def _show_column(self) -> None:
        if self.column.value is not None:
            self._draw("column", window=self.window.value, column=self.column.value)

    def _show_reliability(self) -> None:
        self._draw("reliability", window=self.judged.value)

    def _draw(self, kind: FigureKind, metric: str = "", window: str = "", column: str = "") -> None:
        drawn = self.dashboard.figure(kind, metric=metric, window=window, column=column)
        data = {PLOTLY: json.loads(drawn.to_json()), "text/plain": drawn.layout.title.text}
        # Set at once: what was there before stays until then, and nothing flickers.
        self.figures[kind].outputs = ({"output_type": "display_data", "data": data, "metadata": {}},)


def _slider(widgets: Any, windows: list[str]) -> Any:
    """Make a slider over windows; without any there is nothing to slide."""
    if not windows:
        return widgets.SelectionSlider(options=[""], description="Window", disabled=True)
    return widgets.SelectionSlider(
        options=windows, value=windows[-1], description="Window", continuous_update=False, layout={"width": "28em"}
    )
