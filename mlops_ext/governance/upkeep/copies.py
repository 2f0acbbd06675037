"""Where fsck takes good copies from: another workspace, or a remote that versions were pushed to."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from mlops_ext.errors import InvalidValue
from mlops_ext.store.blobs import Source
from mlops_ext.store.remotes.opening import declared_remotes, open_remote
from mlops_ext.workspace import Workspace

__all__ = ["Copies", "WorkspaceCopies", "find_copies"]


class Copies(Protocol):
    """A store that may have good copies."""

    @property
    def shown(self) -> str:
        """What it is called in messages."""

    def fetch(self, digest: str, size: int, folder: Path) -> Source:
        """Give a copy that has been compared with its digest; large ones as a file, which may lie in a folder."""


class WorkspaceCopies:
    """The blobs of another workspace.

    Parameters
    ----------
    ws : Workspace
        It exists.
    """

    def __init__(self, ws: Workspace) -> None:
        self._ws = ws
        self.shown = str(ws.root)

    def fetch(self, digest: str, size: int, folder: Path) -> Source:  # noqa: ARG002 - it lies there as a file
        """Give the file of a blob."""
        return self._ws.blob_path(digest)


def find_copies(ws: Workspace, text: str) -> list[Copies]:
    """Find what a user means: a workspace's folder, a remote of mlops.toml, a URL, a folder that was pushed to.

    Parameters
    ----------
    text : str
        Every remote of mlops.toml when empty.

    Raises
    ------
    InvalidValue
        No remote is declared.
    NotFound
        Nothing goes by that name, or nothing was ever pushed there.
    """
    folder = Path(text).expanduser()
    folder = folder.parent if folder.name == ".mlops" else folder
    if text and text not in ws.settings.remotes and (folder / ".mlops").is_dir():
        return [WorkspaceCopies(Workspace(folder))]
    declared = ws.settings.remotes
    if not text and not declared:
        raise InvalidValue(
            "no remote is declared to repair from", hint="Name one: --from with a URL, a folder or another workspace"
        )
    found = [open_remote(text, declared, ws.root)] if text else declared_remotes(declared, ws.root)
    for each in found:
        each.require()
    return list(found)
