"""One call of the command line: its options, its workspace, and how results and errors are shown."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_ext.errors import MlopsError

if TYPE_CHECKING:
    from rich.console import Console

    from mlops_ext.workspace import Workspace

__all__ = ["REFUSED", "Session"]

REFUSED = 6
"""Exit code of a check whose answer is no."""
_WIDE = 200


@dataclass
class Session:
    """What the options that every command has were set to, and what a call needs.

    Attributes
    ----------
    json : bool
        Exactly one JSON document on stdout.
    quiet : bool
        References only, no progress.
    traceback : bool
        Show where an error came from.
    folder : str
        The workspace that was named; empty for the one found from here.
    variables : mapping
        A notebook's variables; an argument that takes an object may name one.
    """

    json: bool = False
    quiet: bool = False
    traceback: bool = False
    folder: str = ""
    variables: Mapping[str, object] = field(default_factory=dict)
    exit_code: int = 0

    @cached_property
    def workspace(self) -> Workspace:
        """The workspace that this call works on."""
        from mlops_ext.workspace import Workspace

        return Workspace.find(self.folder or None)

    @cached_property
    def messages(self) -> Console:
        """Where progress and remarks go: stderr, so that stdout holds the result alone."""
        from rich.console import Console

        return Console(stderr=True, quiet=self.quiet)

    def named(self, text: str) -> Any:
        """Give the notebook's variable of that name, else the text."""
        return self.variables.get(text, text)

    def path(self, text: str) -> Path:
        """Give a path that was written from where the user stands."""
        return Path(text).expanduser()

    def show(self, result: object) -> None:
        """Write a result to stdout."""
        if result is None:
            return
        if self.json:
            sys.stdout.write(_json(result) + "\n")
        elif self.quiet:
            sys.stdout.write("".join(f"{line}\n" for line in _references(result)))
        else:
            self._draw(result)

    def fail(self, error: MlopsError) -> None:
        """Write an error: one JSON document on stdout, or a sentence on stderr."""
        if self.json:
            sys.stdout.write(json.dumps(error.to_dict()) + "\n")
        else:
            hint = f"\n{error.hint}" if error.hint else ""
            sys.stderr.write(f"mlops: {error.message}{hint}\n")

    def _draw(self, result: object) -> None:
        from rich.console import Console

        width = None if sys.stdout.isatty() else _WIDE
        console = Console(width=width, highlight=False)
        if isinstance(result, dict):
            for key, value in result.items():
                console.print(f"[bold]{key}[/bold]  {value}", highlight=False)
        elif hasattr(result, "__rich__"):
            console.print(result)
        else:
            console.print(str(result), markup=False)


def _json(result: object) -> str:
    from mlops_ext.records import Record
    from mlops_ext.store.schema import finite_json

    if isinstance(result, Record):
        return result.model_dump_json(by_alias=True)
    if hasattr(result, "to_dict"):
        result = result.to_dict()
    return json.dumps(finite_json(result), ensure_ascii=False, allow_nan=False)


def _references(result: object) -> list[str]:
    from mlops_ext.records import Page, Record, text_of

    if isinstance(result, Page):
        return [line for item in result.items for line in _references(item)]
    if isinstance(result, dict):
        return [str(value) for value in result.values()]
    for name in ("ref", "name", "id", "model", "root"):
        if hasattr(result, name):
            return [str(getattr(result, name))]
    if isinstance(result, Record) and type(result).tables:
        return [line for item in getattr(result, type(result).tables[0]) for line in _references(item)]
    if isinstance(result, Record) and type(result).shown:
        return [text_of(getattr(result, type(result).shown[0]))]
    return [str(result)]
