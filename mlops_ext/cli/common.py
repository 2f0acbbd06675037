"""The options that every command takes, before or after its words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

__all__ = ["common_options"]


def _common(name: str) -> Callable[..., None]:
    def keep(context: click.Context, _parameter: click.Parameter, value: Any) -> None:
        if value:
            setattr(context.obj, name, value)

    return keep


def _flag(words: list[str], name: str, about: str, **more: Any) -> click.Option:
    return click.Option(words, expose_value=False, callback=_common(name), help=about, **more)


def common_options() -> list[click.Parameter]:
    """Make them anew; a command owns its parameters."""
    return [
        _flag(["--json", "json_"], "json", "Write one JSON document to stdout.", is_flag=True),
        _flag(["--workspace"], "folder", "Folder of the workspace.", metavar="FOLDER"),
        _flag(["-q", "--quiet"], "quiet", "Write references only, and no progress.", is_flag=True),
        _flag(["--traceback"], "traceback", "Show where an error came from.", is_flag=True),
    ]
