"""Schedules of mlops.toml: a tick brings the table to what the file says, one event for each that differs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from mlops_ext.errors import InvalidValue, did_you_mean
from mlops_ext.runs.schedules import service
from mlops_ext.runs.schedules.types import AddSchedule, ShowSchedule
from mlops_ext.settings import FILE, Settings, line_of, read_settings
from mlops_ext.workspace import Workspace

__all__ = ["KEYS", "apply_declared", "declared"]

KEYS = ("name", *(name for name in AddSchedule.model_fields if name not in ("schedule", "declared_in")))


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
    path = ws.root / FILE
    text = path.read_text(encoding="utf-8") if settings.schedules else ""
    found = [_entry(entry, at, text, str(path)) for at, entry in enumerate(settings.schedules)]
    names = [each.schedule for each in found]
    for at, name in enumerate(names):
        if name in names[:at]:
            place = f"{path}{line_of(text, ('schedules', at))}"
            raise InvalidValue(f"{place}: a second schedule {name!r}", hint="Give it another name")
    return found


def _entry(entry: Mapping[str, Any], at: int, text: str, path: str) -> AddSchedule:
    for key in entry:
        if key not in KEYS:
            place = f"{path}{line_of(text, ('schedules', at, key))}"
            raise InvalidValue(f"{place}: unknown key {key!r} of a schedule", hint=did_you_mean(key, KEYS))
    values = {"schedule" if key == "name" else key: value for key, value in entry.items()}
    try:
        return AddSchedule.model_validate({**values, "declared_in": FILE})
    except ValidationError as error:
        fault = error.errors()[0]
        key = "name" if fault["loc"][0] == "schedule" else str(fault["loc"][0])
        place = f"{path}{line_of(text, ('schedules', at, key))}"
        raise InvalidValue(f"{place}: {key}: {fault['msg'].lower()}", hint="See docs/settings.md") from error
