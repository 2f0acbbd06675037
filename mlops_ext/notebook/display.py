"""What records show inline: a table, its figure when it has one, and always a text; 150 KB at most are saved."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_ext.discovery import find_root

if TYPE_CHECKING:
    from mlops_ext.records import Page, Record

__all__ = ["LIMIT", "PLOTLY", "bundle", "figure_of", "html_of", "install", "is_minimal", "text_of"]

LIMIT = 150_000
"""Bytes that one display may add to a notebook."""
PLOTLY = "application/vnd.plotly.v1+json"
_RECORD = ("mlops_ext.records", "Record")
_WIDTH = 120


def install(shell: Any) -> None:
    """Let IPython show records this way; nothing is imported before the first one is shown."""
    formatter = shell.display_formatter
    formatter.formatters["text/plain"].for_type_by_name(
        *_RECORD, lambda record, printer, _: printer.text(text_of(record))
    )
    formatter.formatters["text/html"].for_type_by_name(*_RECORD, lambda record: bundle(record).get("text/html"))
    formatter.mimebundle_formatter.for_type_by_name(*_RECORD, _figure_only)


def bundle(record: Record) -> dict[str, Any]:
    """Give all that a record shows, by MIME type, in at most 150 KB.

    Parameters
    ----------
    record : Record
        One with a method `figure`, which gives a plotly figure, is shown with it.

    Returns
    -------
    dict
        Always `text/plain`; `text/html` and plotly's type unless the workspace's display is minimal.
    """
    shown: dict[str, Any] = {"text/plain": text_of(record)}
    if is_minimal():
        return shown
    room = LIMIT - len(shown["text/plain"].encode())
    html, figure = html_of(record, room), figure_of(record)
    if html:
        shown["text/html"] = html
        room -= len(html.encode())
    if figure is not None and len(json.dumps(figure).encode()) <= room:
        shown[PLOTLY] = figure
    return shown


def is_minimal() -> bool:
    """Tell whether displays are texts only, by MLOPS_DISPLAY or `display` in mlops.toml."""
    from mlops_ext.settings import read_settings

    named = os.environ.get("MLOPS_WORKSPACE")
    root = Path(named).expanduser() if named else find_root(Path.cwd()) or Path.cwd()
    return read_settings(root).workspace.display == "minimal"


def text_of(record: Record) -> str:
    """Write a record as the terminal shows it, without colours."""
    from rich.console import Console

    page = io.StringIO()
    # Left to itself, rich sees the kernel and displays into the cell instead of writing to the file.
    Console(file=page, width=_WIDTH, color_system=None, force_terminal=False, force_jupyter=False).print(record)
    lines = [line.rstrip() for line in page.getvalue().splitlines()]
    return _cut("\n".join(lines).strip("\n"), LIMIT // 3)


def html_of(record: Record, room: int = LIMIT) -> str:
    """Write a record as a table that fits into `room` bytes; of a long list the first rows."""
    from mlops_ext.records import Page

    html = record._repr_html_()
    while len(html.encode()) > room and isinstance(record, Page) and len(record) > 1:
        record = _half(record)
        html = record._repr_html_()
    return html if len(html.encode()) <= room else ""


def figure_of(record: Record) -> dict[str, Any] | None:
    """Give a record's plotly figure as JSON, when it has one."""
    draw = getattr(record, "figure", None)
    if not callable(draw):
        return None
    drawn: dict[str, Any] = json.loads(draw().to_json())
    return drawn


def _figure_only(record: Record) -> dict[str, Any] | None:
    shown = bundle(record) if callable(getattr(record, "figure", None)) else {}
    return {PLOTLY: shown[PLOTLY]} if PLOTLY in shown else None


def _half(page: Page[Any]) -> Page[Any]:
    """Keep the first half of a page; its cursor tells that there is more."""
    return page.model_copy(update={"items": page.items[: len(page) // 2], "next": page.next or "more"})


def _cut(text: str, room: int) -> str:
    data = text.encode()
    return text if len(data) <= room else data[:room].decode(errors="ignore") + "\n…"
