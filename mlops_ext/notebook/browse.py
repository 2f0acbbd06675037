"""A picker for models, datasets and runs in a cell's output, which leaves a table where no kernel answers."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

from mlops_ext.datasets import service as datasets
from mlops_ext.datasets.types import ListDatasets, ListDatasetVersions
from mlops_ext.errors import MlopsError
from mlops_ext.models import service as models
from mlops_ext.models.types import ListModels, ListVersions
from mlops_ext.notebook.display import LIMIT, html_of
from mlops_ext.notebook.widgets import ipywidgets, publish
from mlops_ext.records import Page, Record, now
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import ListRuns
from mlops_ext.workspace import Workspace

__all__ = ["Browser", "browse"]

SHOWN = 100
KINDS = ("models", "datasets", "runs")


def browse(workspace: Workspace | None = None) -> Browser:
    """Pick a model, a dataset or a run, then a version, and see what it holds.

    Parameters
    ----------
    workspace : Workspace, optional
        Where to look; the one found from here when left out.

    Returns
    -------
    Browser
        Shows itself; `.selected` is the record that is picked.

    Raises
    ------
    MissingExtra
        ipywidgets is not installed.
    """
    return Browser(workspace or Workspace.find())


class Browser:
    """The picker: kind, name, version, details, from left to right; tab and the arrow keys go through it.

    Attributes
    ----------
    kind, names, versions, details : ipywidgets.Widget
        Its parts.
    selected : Record or None
        What is picked now.
    """

    def __init__(self, ws: Workspace) -> None:
        widgets = ipywidgets()
        self.ws = ws
        self.selected: Record | None = None
        tall = {"width": "16em", "height": "16em"}
        self.kind = widgets.ToggleButtons(
            options=[(kind.capitalize(), kind) for kind in KINDS], tooltips=[f"Show {kind}" for kind in KINDS]
        )
        self.again = widgets.Button(description="Refresh", tooltip="Read the workspace again", icon="refresh")
        self.names = widgets.Select(layout=tall)
        self.versions = widgets.Select(layout={**tall, "width": "12em"})
        self.details = widgets.HTML(layout={"flex": "1 1 auto", "min_width": "16em", "overflow": "auto"})
        lists = widgets.HBox([self.names, self.versions, self.details], layout={"flex_flow": "row wrap"})
        self.box = widgets.VBox([widgets.HBox([self.kind, self.again]), lists])
        self.kind.observe(lambda _: self._show_names(), "value")
        self.names.observe(lambda _: self._show_versions(), "value")
        self.versions.observe(lambda _: self._pick(self.versions.value), "value")
        self.again.on_click(lambda _: self._show_names())
        self._show_names()

    def static(self) -> str:
        """Give the newest models, datasets and runs as tables, within what one display may save."""
        parts = [f"<p>Workspace {html.escape(str(self.ws.root))} as it stood at {now():%Y-%m-%d %H:%M} UTC</p>"]
        for kind in KINDS:
            table = html_of(_lists()[kind](self.ws), LIMIT // 4)
            parts.append(f"<h4>{kind.capitalize()}</h4>{table}")
        return "".join(parts)

    def _ipython_display_(self) -> None:
        publish(self.box, f"models, datasets and runs of {self.ws.root}", self.static(), self._text())

    def _text(self) -> str:
        return "\n".join(
            f"{kind}: {', '.join(_label(item) for item in _lists()[kind](self.ws)) or 'none yet'}" for kind in KINDS
        )

    def _show_names(self) -> None:
        page = self._read(lambda: _lists()[self.kind.value](self.ws))
        if page is not None:
            self.versions.layout.display = "none" if self.kind.value == "runs" else ""
            self._offer(self.names, page.items)
            self._show_versions()

    def _show_versions(self) -> None:
        item = self.names.value
        if item is None:
            self.versions.options = ()
            self._pick(None)
        elif self.kind.value == "runs":
            self._pick(item)
        elif (page := self._read(lambda: _versions(self.ws, self.kind.value, item))) is not None:
            self._offer(self.versions, page.items)
            self._pick(self.versions.value)

    def _offer(self, select: Any, items: Sequence[Record]) -> None:
        select.options = [(_label(item), item) for item in items]
        select.value = items[0] if items else None

    def _pick(self, record: Record | None) -> None:
        self.selected = record
        self.details.value = html_of(record) if record is not None else f"<em>No {self.kind.value} yet</em>"

    def _read(self, read: Callable[[], Page[Any]]) -> Page[Any] | None:
        """Read from the workspace; what goes wrong is said in the picker."""
        try:
            return read()
        except MlopsError as error:
            self.details.value = f"<em>{html.escape(str(error))}</em>"
            return None


def _lists() -> dict[str, Callable[[Workspace], Page[Any]]]:
    return {
        "models": lambda ws: ws.call(models.list_models, ListModels(limit=SHOWN)),
        "datasets": lambda ws: ws.call(datasets.list_, ListDatasets(limit=SHOWN)),
        "runs": lambda ws: ws.call(tracking.list_, ListRuns(limit=SHOWN)),
    }


def _versions(ws: Workspace, kind: str, item: Any) -> Page[Any]:
    if kind == "models":
        return ws.call(models.versions, ListVersions(model=item.name, limit=SHOWN))
    return ws.call(datasets.versions, ListDatasetVersions(dataset=item.name, limit=SHOWN))


def _label(item: Any) -> str:
    """Name an item of a list: a run by its moment, a version by its number, else by its name."""
    if hasattr(item, "started_at"):
        return f"{item.started_at:%Y-%m-%d %H:%M} {item.name or item.notebook or item.id[-8:]} ({item.status})"
    return f"@{item.version}" if hasattr(item, "version") else str(item.name)
