"""`%load_ext mlops_ext` and `%mlops …`: the command line's own grammar, with the notebook's variables.

%mlops models list
version = %mlops snapshot df --name flights
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_ext.discovery import find_root, git_root
from mlops_ext.errors import InvalidValue, MlopsError
from mlops_ext.notebook import display

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["load", "run_line"]

TRACEBACK = "--traceback"


def load(shell: Any) -> None:
    """Give a shell the magic `%mlops` and the displays, and say in one line where it works."""
    from mlops_ext.notebook.completion import complete

    def mlops(line: str) -> Any:
        """Run one command of mlops, such as `%mlops models list`; variables of the notebook stand for their values."""
        return run_line(line, shell.user_ns)

    shell.register_magic_function(mlops, "line", "mlops")
    shell.set_hook("complete_command", complete, str_key="%mlops")
    shell.set_hook("complete_command", complete, str_key="mlops")
    display.install(shell)
    sys.stdout.write(greeting() + "\n")


def run_line(line: str, variables: Mapping[str, Any]) -> Any:
    """Run one line of the magic and give the record.

    Parameters
    ----------
    line : str
        What stands after `%mlops`; `--traceback` shows where an error came from.
    variables : mapping
        The notebook's variables by name.

    Raises
    ------
    MlopsError
        Whatever went wrong; shown as one sentence with its remedy.
    """
    wanted, words = False, []
    try:
        words = _split(line)
        wanted = TRACEBACK in words
        from mlops_ext.cli.main import invoke

        return invoke([word for word in words if word != TRACEBACK], variables)
    except MlopsError as error:
        if not wanted:
            # IPython asks an exception how it wants to be shown; the cell still fails with it.
            shown = sentence(error)
            error.__dict__["_render_traceback_"] = lambda: shown
        raise


def sentence(error: MlopsError) -> list[str]:
    """Write an error as notebooks show it: what is wrong, and what to do."""
    hint = [error.hint] if error.hint else []
    return [f"mlops: {error.message}", *hint]


def greeting() -> str:
    """Name the workspace of this kernel; say when the folder belongs to another one, or lies on a network."""
    here = Path.cwd()
    found, named = find_root(here), os.environ.get("MLOPS_WORKSPACE", "")
    if not named:
        return (
            f"mlops: workspace {_placed(found)}"
            if found
            else f"mlops: no workspace yet; the first write makes one in {_new(here)}"
        )
    folder = Path(named).expanduser()
    if not folder.is_dir():
        return f"mlops: MLOPS_WORKSPACE names {folder}, which does not exist; make it, or run: mlops init {folder}"
    root = folder.parent.resolve() if folder.name == ".mlops" else folder.resolve()
    if found is not None and found.resolve() != root:
        return f"mlops: workspace {root}, from MLOPS_WORKSPACE; but this folder belongs to the workspace {found}"
    return f"mlops: workspace {_placed(root)}"


def _placed(root: Path) -> str:
    from mlops_ext.store.filesystem import NETWORK, is_network

    catalog = root / ".mlops" / "catalog.db"
    return f"{root}, {NETWORK}" if catalog.exists() and is_network(catalog) else str(root)


def _new(here: Path) -> Path:
    return git_root(here) or here


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise InvalidValue(f"cannot read {line!r}: {error}", hint="Close the quotation mark") from error
