"""A model's dashboard in a cell's output: pickers where a kernel answers, tables always."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, get_args

from mlops_ext.monitoring.dashboard.edge import STYLE, Dashboard, headline
from mlops_ext.monitoring.dashboard.types import FigureKind, WindowState
from mlops_ext.notebook.display import PLOTLY
from mlops_ext.notebook.widgets import ipywidgets, publish
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from mlops_ext.models.types import ModelVersion

__all__ = ["LiveDashboard", "dashboard"]

_ALL = ("all rows", "")


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
        self.head = widgets.HTML()
        self.again = widgets.Button(description="Refresh", tooltip="Read the workspace again", icon="refresh")
        self.metric = widgets.Dropdown(description="Metric")
        self.judged_slice = widgets.Dropdown(description="Slice", options=[_ALL])
        self.window = _slider(widgets, "Window")
        self.column = widgets.Dropdown(description="Column")
        self.column_slice = widgets.Dropdown(description="Slice", options=[_ALL])
        self.judged = _slider(widgets, "Window")
        self.told = _slider(widgets, "Window")
        self.figures = {kind: widgets.Output() for kind in get_args(FigureKind)}
        self.box = widgets.VBox([self.head, self.again, self._tabs(widgets)])
        self._offering = False
        self._on((self.metric, self.judged_slice), self._show_metric)
        self._on((self.window,), self._show_window)
        self._on((self.column, self.column_slice), self._show_column)
        self._on((self.judged,), self._show_reliability)
        self._on((self.told,), self._show_together)
        self.again.on_click(lambda _: self.refresh())
        self._show()

    def refresh(self) -> None:
        """Read the workspace again and draw what is shown anew."""
        self.dashboard.refresh()
        self._show()

    def _tabs(self, widgets: Any) -> Any:
        shown: dict[FigureKind, list[Any]] = {
            "metric": [self.metric, self.judged_slice],
            "drift": [],
            "column": [self.window, self.column, self.column_slice],
            "reliability": [self.judged],
            "gain": [],
            "together": [self.told],
        }
        titles = {
            "metric": "Performance",
            "drift": "Drift",
            "column": "Columns",
            "reliability": "Calibration",
            "gain": "Challengers",
            "together": "All columns together",
        }
        kinds = [kind for kind in shown if kind in self.dashboard.drawable()]
        pages = [widgets.VBox([widgets.HBox(shown[kind]), self.figures[kind]]) for kind in kinds]
        return widgets.Tab(pages, titles=[titles[kind] for kind in kinds])

    def _show(self) -> None:
        health = self.dashboard.health
        self.head.value = f"{STYLE}<div class='mlops-board'>{headline(health)}</div>"
        self._offer(self.metric, health.metrics)
        self._offer(self.judged_slice, [_ALL, *((name, name) for name in health.slices)])
        self._offer(self.window, [each.window for each in health.windows if each.drifted is not None], newest=True)
        self._offer(self.judged, [each.window for each in health.windows if each.calibrated], newest=True)
        self._offer(self.told, [each.window for each in health.windows if each.together], newest=True)
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
        if "together" in kinds:
            self._show_together()

    def _show_metric(self) -> None:
        if self.metric.value is not None:
            self._draw("metric", metric=self.metric.value, slice=self.judged_slice.value)

    def _show_window(self) -> None:
        """Offer the window's columns, those to look at first in front; the one that was looked at stays."""
        self._offer(self.column, tuple(self._window().pictured))
        self._show_column()

    def _show_column(self) -> None:
        """Draw the column, in one of the slices in which it was compared."""
        column = self.column.value
        slices = self._window().pictured.get(column)
        if slices is None:
            self.figures["column"].outputs = ()
            return
        self._offer(self.column_slice, [_ALL, *((name, name) for name in slices)])
        self._draw("column", window=self.window.value, column=column, slice=self.column_slice.value)

    def _window(self) -> WindowState:
        return next(each for each in self.dashboard.health.windows if each.window == self.window.value)

    def _show_reliability(self) -> None:
        self._draw("reliability", window=self.judged.value)

    def _show_together(self) -> None:
        self._draw("together", window=self.told.value)

    def _on(self, pickers: Sequence[Any], show: Callable[[], None]) -> None:
        for picker in pickers:
            picker.observe(lambda _: None if self._offering else show(), "value")

    def _offer(self, picker: Any, options: Sequence[str | tuple[str, str]], *, newest: bool = False) -> None:
        """Let a picker offer something else; what was chosen stays where it still is, and nothing is drawn for it."""
        if not options or tuple(options) == tuple(picker.options):
            return
        values = [each if isinstance(each, str) else each[1] for each in options]
        chosen = picker.value
        self._offering = True
        try:
            picker.options = options
            picker.value = chosen if chosen in values else values[-1 if newest else 0]
        finally:
            self._offering = False

    def _draw(
        self,
        kind: FigureKind,
        *,
        metric: str = "",
        window: str = "",
        column: str = "",
        slice: str = "",  # noqa: A002  the field's word
    ) -> None:
        drawn = self.dashboard.figure(kind, metric=metric, window=window, column=column, slice=slice)
        data = {PLOTLY: json.loads(drawn.to_json()), "text/plain": drawn.layout.title.text}
        # Set at once: what was there before stays until then, and nothing flickers.
        self.figures[kind].outputs = ({"output_type": "display_data", "data": data, "metadata": {}},)


def _slider(widgets: Any, description: str) -> Any:
    return widgets.SelectionSlider(
        options=[""], description=description, continuous_update=False, layout={"width": "28em"}
    )
