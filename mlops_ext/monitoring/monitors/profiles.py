"""A stored reference as what a monitor compares with: its file becomes a blob when the monitor is declared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row

from mlops_ext.errors import InvalidValue, did_you_mean
from mlops_ext.monitoring.monitors.types import AddMonitor
from mlops_ext.monitoring.types import REFERENCE_SUFFIX
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from mlops_ext.monitoring.sources import Columns

__all__ = ["checked_profile", "is_file", "pinned", "profile_of", "treatment"]

_ROWS = ("together", "text", "season")
"""What needs rows, which a profile has not."""


def is_file(reference: str) -> bool:
    """Tell whether a reference names a stored reference."""
    return reference.endswith(REFERENCE_SUFFIX)


def pinned(ws: Workspace, request: AddMonitor, folder: Path | None = None) -> AddMonitor:
    """Keep the file that a declaration names as a blob; any other declaration stays what it is.

    Parameters
    ----------
    ws : Workspace
        Where.
    request : AddMonitor
        As it was written.
    folder : Path, optional
        Where a relative path starts; here when left out.

    Raises
    ------
    InvalidValue
        There is no such file.
    """
    if not is_file(request.reference) or request.profile is not None:
        return request
    path = (folder or Path()) / Path(request.reference).expanduser()
    if not path.is_file():
        raise InvalidValue(f"there is no file {str(path)!r}", hint="Make it first: mlops store-reference")
    return request.model_copy(update={"reference": path.name, "profile": ws.put_blob(path)})


def checked_profile(ws: Workspace, request: AddMonitor) -> tuple[str, list[str]]:
    """Check what is declared against the profile; give the one dataset version that it was made of, and its columns.

    Raises
    ------
    InvalidValue
        It is no profile, has not a column, treats one otherwise, or something needs the rows.
    """
    if request.profile is None:
        raise InvalidValue(
            f"the stored reference {request.reference!r} is given by its path alone",
            hint="Put the file as a blob, and give its digest as profile",
        )
    for name in _ROWS:
        if getattr(request, name):
            raise InvalidValue(
                f"{name} needs the rows, and {request.reference!r} has none", hint="Name the dataset version itself"
            )
    known, sources = profile_of(ws, request.profile)
    named = (*request.columns, *request.categorical, *request.numeric, *request.importance)
    for name in named:
        if name not in known:
            raise InvalidValue(f"no column {name!r} in {request.reference}", hint=did_you_mean(name, list(known)))
    for kind, names in (("categorical", request.categorical), ("numeric", request.numeric)):
        wrong = [name for name in names if known[name].kind != kind]
        if wrong:
            raise InvalidValue(
                f"column {wrong[0]!r} is stored as {known[wrong[0]].kind}", hint=f"Store the reference with {kind}="
            )
    return (sources[0] if len(sources) == 1 else ""), list(dict.fromkeys(request.columns)) or list(known)


def profile_of(ws: Workspace, digest: str) -> tuple[Columns, Sequence[str]]:
    """Open a profile, and give the dataset versions that it was made of."""
    from mlops_ext.monitoring.drift.profile import read_profile, sources_of

    path = ws.blob_path(digest)
    return read_profile(path), sources_of(path)


def treatment(ws: Workspace, monitor: Row[Any]) -> tuple[list[str], list[str]]:
    """Give the columns that are categories, and those that are numbers, whatever their type: as a profile has it."""
    options = monitor.options
    if not options.get("profile"):
        return options["categorical"], options["numeric"]
    known, _ = profile_of(ws, options["profile"])
    found: dict[str, list[str]] = {"categorical": [], "numeric": []}
    for name in monitor.columns:
        stored = known[name]
        if stored.kind != stored.source and stored.kind in found:
            found[stored.kind].append(name)
    return found["categorical"], found["numeric"]
