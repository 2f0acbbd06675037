"""From what a user writes to a remote: a name of mlops.toml, a URL, or a folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.secret_forms import is_secret
from mlops_ext.shown import shown_url
from mlops_ext.store.remotes.files import open_files
from mlops_ext.store.remotes.remote import Remote

__all__ = ["Declared", "declared_remotes", "open_remote"]


class Declared(Protocol):
    """A remote as mlops.toml declares it."""

    @property
    def url(self) -> str:
        """A URL, or a folder."""

    @property
    def options(self) -> Mapping[str, Any]:
        """What its driver takes besides."""


def open_remote(text: str, declared: Mapping[str, Declared], root: Path) -> Remote:
    """Open a remote.

    Parameters
    ----------
    text : str
        Its name in mlops.toml, a URL, or a folder's path; the only declared one when empty.
    declared : mapping
        Those of mlops.toml.
    root : Path
        The workspace's folder, which declared folders are below.

    Raises
    ------
    InvalidValue
        None was named, and there is not just one.
    NotFound
        No remote goes by that name.
    """
    if not text:
        if len(declared) != 1:
            known = f"Name one of {', '.join(sorted(declared))}" if declared else "Give a URL or a folder"
            raise InvalidValue(
                "no remote is named", hint=f"{known}, or declare one: [remotes.team] url = … in mlops.toml"
            )
        (text,) = declared
    if text in declared:
        return _opened(text, declared[text], root)
    if "://" in text:
        return Remote(open_files(text, {}, shown_url(text)))
    folder = Path(text).expanduser()
    if text.startswith((".", "~")) or len(folder.parts) > 1 or folder.is_dir():
        where = os.path.abspath(folder)  # noqa: PTH100 - a path with dots would say nothing in an event
        return Remote(open_files(where, {}, where))
    missing = NotFound.of("remote", text, declared)
    raise NotFound(missing.message, hint=f"{missing.hint or 'None is declared.'} Of a folder write ./{text}")


def declared_remotes(declared: Mapping[str, Declared], root: Path) -> list[Remote]:
    """Open every remote of mlops.toml."""
    return [_opened(name, each, root) for name, each in declared.items()]


def _opened(name: str, declared: Declared, root: Path) -> Remote:
    url = declared.url
    _refuse_secrets(name, declared.options)
    shown = f"{name} ({shown_url(url)})"
    where = url if "://" in url else str((root / Path(url).expanduser()).absolute())
    return Remote(open_files(where, declared.options, shown))


def _refuse_secrets(remote: str, options: Mapping[str, Any]) -> None:
    for name, value in options.items():
        if is_secret(name):
            raise InvalidValue(
                f"mlops.toml: the option {name!r} of remote {remote!r} is a secret",
                hint="Take it out, and give it in the environment or in fsspec's own configuration",
            )
        if isinstance(value, Mapping):
            _refuse_secrets(remote, value)
