"""Schedules of mlops.toml: a tick brings the table to what the file says, one event for each that differs."""

from __future__ import annotations

from mlops_ext.declaring import Entries
from mlops_ext.errors import InvalidValue
from mlops_ext.runs.schedules import service
from mlops_ext.runs.schedules.types import AddSchedule, ShowSchedule
from mlops_ext.settings import FILE, Settings, read_settings
from mlops_ext.workspace import Workspace

__all__ = ["apply_declared", "declared"]


def apply_declared(ws: Workspace) -> list[str]:
    """Add, change and remove what mlops.toml declares; schedules that were made otherwise stay as they are.

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
    if not settings.schedules and not ws.exists():
        return []
    wanted, held = declared(ws, settings), service.every_schedule(ws)
    changed = [each.schedule for each in wanted if service.differs(ws, each)]
    for each in wanted:
        if each.schedule in changed:
            ws.call(service.add, each)
    gone = sorted(name for name, where in held.items() if where == FILE and name not in {w.schedule for w in wanted})
    for name in gone:
        ws.call(service.remove, ShowSchedule(schedule=name))
    return changed + gone


def declared(ws: Workspace, settings: Settings) -> list[AddSchedule]:
    """Read the schedules that a file declares.

    Raises
    ------
    InvalidValue
        An unknown key, a wrong value or a name given twice: the line and the nearest key are named.
    """
    entries = Entries(ws.root, "schedules", "a schedule", "schedule", "docs/settings.md")
    found = [entries.read(AddSchedule, entry, at) for at, entry in enumerate(settings.schedules)]
    names = [each.schedule for each in found]
    for at, name in enumerate(names):
        if name in names[:at]:
            raise InvalidValue(f"{entries.place(at)}: a second schedule {name!r}", hint="Give it another name")
    return found
