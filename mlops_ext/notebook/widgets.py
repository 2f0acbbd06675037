"""Widgets that leave something to read where no kernel answers."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

from mlops_ext.errors import MissingExtra
from mlops_ext.records import new_id

__all__ = ["WIDGET_VIEW", "ipywidgets", "publish"]

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def ipywidgets() -> Any:
    """Give the module.

    Raises
    ------
    MissingExtra
        It is not installed.
    """
    try:
        import ipywidgets as module
    except ImportError as error:
        raise MissingExtra.of("ipywidgets", "notebook") from error
    return module


def publish(box: Any, summary: str, static: str, text: str) -> None:
    """Show a widget, and under it the same as it stands now, which hides where the widget lives.

    A saved notebook keeps both. Without a kernel the widget's place says only that its model is not found, so it is
    the widget's place that hides then.

    Parameters
    ----------
    box : ipywidgets.Widget
        What lives.
    summary : str
        What it is, in a line.
    static, text : str
        What is left of it, as HTML and as text.
    """
    from IPython import display

    show: Callable[..., None] = display.publish_display_data
    name = f"mlops-live-{new_id()[-12:]}"
    box.add_class(name)
    view = {key: value for key, value in box._repr_mimebundle_().items() if key == WIDGET_VIEW}
    show({**view, "text/html": f"<em>{html.escape(summary)}</em>", "text/plain": summary})
    show({"text/html": _style(name) + static, "text/plain": text})


def _style(name: str) -> str:
    live, here, child = f".{name}", f".{name}-static", ".jp-OutputArea-child"
    return (
        f"<div class='{here[1:]}'></div><style>"
        f"body:has({live}) {child}:has({here}) {{ display: none; }}"
        f"{child}:has(+ {child} {here}):not(:has({live})) {{ display: none; }}"
        "</style>"
    )
