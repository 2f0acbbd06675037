"""Monitors of mlops.toml: a tick brings the table to what the file says, one event for each that differs."""

from __future__ import annotations

from mlops_ext.declaring import Entries
from mlops_ext.monitoring.monitors import service
from mlops_ext.monitoring.monitors.profiles import pinned
from mlops_ext.monitoring.monitors.types import AddMonitor, ShowMonitor
from mlops_ext.settings import FILE, Settings, read_settings
from mlops_ext.workspace import Workspace

__all__ = ["apply_declared", "declared"]


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
        ws.call(service.add, pinned(ws, each, ws.root))
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
    entries = Entries(ws.root, "monitors", "a monitor", "monitor", "docs/monitors.md")
    return [entries.read(AddMonitor, entry, name) for name, entry in settings.monitors.items()]
