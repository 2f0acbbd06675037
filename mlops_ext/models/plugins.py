"""Plug-ins by entry point: found by name, and named when they are missing or do not load."""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib.metadata import EntryPoints, entry_points
from pathlib import Path
from typing import Any

from mlops_ext.errors import InvalidValue, MlopsError, NotFound

__all__ = ["BrokenPlugin", "installed", "load_plugin"]


class BrokenPlugin(MlopsError):
    """A plug-in is installed but does not load."""

    code = "broken_plugin"


def installed(group: str) -> list[str]:
    """Give the names of the plug-ins of one group.

    Parameters
    ----------
    group : str
        Entry point group, such as `mlops_ext.gates`.
    """
    return sorted({point.name for point in _points(group)})


def load_plugin(group: str, name: str) -> Any:
    """Import one plug-in.

    Raises
    ------
    NotFound
        None of that name is installed.
    BrokenPlugin
        Its import fails.
    InvalidValue
        Two packages bring the same name.
    """
    kind = group.rpartition(".")[2].removesuffix("s")
    points = {point.value: point for point in _points(group).select(name=name)}
    if not points:
        raise NotFound(
            f"the {kind} {name!r} is not installed",
            hint=f"Install the package that brings it; installed: {', '.join(installed(group)) or 'none'}",
        )
    if len(points) > 1:
        raise InvalidValue(f"two packages bring the {kind} {name!r}", hint=f"Uninstall one of {', '.join(points)}")
    point = next(iter(points.values()))
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        raise BrokenPlugin(
            f"the {kind} {name!r} does not load: {error}", hint=f"Mend or reinstall {point.value}"
        ) from error


def _points(group: str) -> EntryPoints:
    """Give a group's entry points; they are read again only when a folder of the path has changed."""
    return _read(group, tuple((place, _changed(place)) for place in sys.path))


@lru_cache(maxsize=8)
def _read(group: str, path: tuple[tuple[str, int], ...]) -> EntryPoints:  # noqa: ARG001 - the key of the cache
    return entry_points(group=group)


def _changed(place: str) -> int:
    try:
        return Path(place).stat().st_mtime_ns
    except OSError:
        return 0
