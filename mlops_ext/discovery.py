"""Which folder is the workspace: found without opening anything, so that `%load_ext` can name it at once."""

from __future__ import annotations

from pathlib import Path

__all__ = ["FILE", "find_root", "git_root"]

FILE = "mlops.toml"


def find_root(start: Path) -> Path | None:
    """Give the nearest folder with mlops.toml or .mlops, up to the git root or the home folder."""
    for folder in (start, *start.parents):
        if (folder / FILE).is_file() or (folder / ".mlops").is_dir():
            return folder
        if (folder / ".git").exists() or folder == Path.home():
            return None
    return None


def git_root(start: Path) -> Path | None:
    """Give the folder of the git checkout that holds `start`."""
    return next((folder for folder in (start, *start.parents) if (folder / ".git").exists()), None)
