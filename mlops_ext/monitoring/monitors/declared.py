"""Monitors of mlops.toml: a tick brings the table to what the file says, one event for each that differs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from mlops_ext.errors import InvalidValue, did_you_mean
from mlops_ext.monitoring.monitors import service
from mlops_ext.monitoring.monitors.types import AddMonitor, ShowMonitor
from mlops_ext.settings import FILE, Settings, line_of, read_settings
from mlops_ext.workspace import Workspace

__all__ = ["KEYS", "apply_declared", "declared"]

KEYS = tuple(name for name in AddMonitor.model_fields if name not in ("monitor", "declared_in"))


def apply_declared(ws: Workspace) -> list[str]:
    """Add, change and remove what mlops.toml declares; monitors that were made otherwise stay as they are.

    Returns
    -------
    list of str
        The names of those that were changed.

    Raises
    ------
    InvalidValue, NotFound
        An entry is wrong; the line is named.
    """
    settings = read_settings(ws.root)
    if not settings.monitors and not ws.exists():
        return []
    wanted = declared(ws, settings)
    held = {row.name: row for row in service.every_monitor(ws)}
    changed = [each for each in wanted if service.differs(held.get(each.monitor), each)]
    for each in changed:
        ws.call(service.add, each)
    names = {each.monitor for each in wanted}
    gone = sorted(name for name, row in held.items() if row.declared_in == FILE and name not in names)
    for name in gone:
        ws.call(service.remove, ShowMonitor(monitor=name))
    return [each.monitor for each in changed] + gone


def declared(ws: Workspace, settings: Settings) -> list[AddMonitor]:
    """Read the monitors that a file declares.

    Raises
    ------
    InvalidValue
        An unknown key or a wrong value: the line and the nearest key are named.
    """
    path = ws.root / FILE
    text = path.read_text(encoding="utf-8") if settings.monitors else ""
    return [_entry(name, entry, text, str(path)) for name, entry in settings.monitors.items()]


def _entry(name: str, entry: Any, text: str, path: str) -> AddMonitor:
    if not isinstance(entry, Mapping):
        place = f"{path}{line_of(text, ('monitors', name))}"
        raise InvalidValue(f"{place}: the monitor {name!r} is no section", hint=f"Write [monitors.{name}]")
    for key in entry:
        if key not in KEYS:
            place = f"{path}{line_of(text, ('monitors', name, key))}"
            raise InvalidValue(f"{place}: unknown key {key!r} of a monitor", hint=did_you_mean(key, KEYS))
    try:
        return AddMonitor.model_validate({**entry, "monitor": name, "declared_in": FILE})
    except ValidationError as error:
        fault = error.errors()[0]
        place = f"{path}{line_of(text, ('monitors', name, *fault['loc']))}"
        key = str(fault["loc"][0])
        raise InvalidValue(f"{place}: {key}: {fault['msg'].lower()}", hint="See docs/monitors.md") from error
