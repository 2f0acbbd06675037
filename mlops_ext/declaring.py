"""What mlops.toml declares, entry by entry: a wrong key or value is told with its line and the nearest key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from mlops_ext.errors import InvalidValue, did_you_mean
from mlops_ext.records import Request
from mlops_ext.settings import FILE, line_of

__all__ = ["Entries", "keys_of"]

R = TypeVar("R", bound=Request)


@dataclass(frozen=True)
class Entries:
    """The entries of one kind in a workspace's file.

    Attributes
    ----------
    root : Path
        The workspace's folder.
    section : str
        Where they stand, such as `schedules`.
    kind : str
        What one is called, with its article: `a schedule`.
    field : str
        The request's field that holds the name.
    guide : str
        The page that explains the keys.
    """

    root: Path
    section: str
    kind: str
    field: str
    guide: str

    def place(self, *path: str | int) -> str:
        """Give file and line of a key."""
        file = self.root / FILE
        return f"{file}{line_of(file.read_text(encoding='utf-8'), (self.section, *path))}"

    def read(self, request: type[R], entry: Any, at: str | int) -> R:
        """Read one entry as the request that adds it.

        Parameters
        ----------
        request : type of Request
            It has `declared_in`, which becomes the file's name.
        entry : mapping
            As the file has it.
        at : str or int
            The entry's name where the section is a table, which it then takes; its number where it is a list.

        Raises
        ------
        InvalidValue
            It is no section, or has an unknown key or a wrong value.
        """
        named = {self.field: at} if isinstance(at, str) else {}
        keys = keys_of(request, self.field, listed=not named)
        if not isinstance(entry, Mapping):
            hint = f"Write [{self.section}.{at}]"
            raise InvalidValue(f"{self.place(at)}: {at!r} of {self.section} is no section", hint=hint)
        for key in entry:
            if key not in keys:
                said = f"{self.place(at, key)}: unknown key {key!r} of {self.kind}"
                raise InvalidValue(said, hint=did_you_mean(key, keys))
        values = {self.field if key == "name" else key: value for key, value in entry.items()}
        try:
            return request.model_validate({**values, **named, "declared_in": FILE})
        except ValidationError as error:
            fault = error.errors()[0]
            first, *rest = fault["loc"]
            key = "name" if first == self.field else str(first)
            said = f"{self.place(at, key, *rest)}: {key}: {fault['msg'].lower()}"
            raise InvalidValue(said, hint=f"See {self.guide}") from error


def keys_of(request: type[Request], field: str, *, listed: bool) -> list[str]:
    """Name the keys that an entry may have; in a list its name is one of them.

    Parameters
    ----------
    field : str
        The request's field that holds the name.
    """
    others = [each for each in request.model_fields if each not in (field, "declared_in")]
    return ["name", *others] if listed else others
