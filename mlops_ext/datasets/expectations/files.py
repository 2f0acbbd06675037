"""Expectations as a TOML file that a human reviews: read and written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tomlkit
from pydantic import ValidationError
from tomlkit.exceptions import TOMLKitError

from mlops_ext.datasets.expectations.rules import check_rules
from mlops_ext.datasets.expectations.types import ColumnExpectations, Expectations
from mlops_ext.errors import InvalidValue, NotFound, did_you_mean

__all__ = ["from_toml", "read_expectations", "to_toml"]


def to_toml(expectations: Expectations) -> str:
    """Write expectations as TOML, without what says nothing."""
    document = tomlkit.document()
    for key in ("min_rows", "max_rows", "no_others"):
        value = getattr(expectations, key)
        if value not in (None, False):
            document[key] = value
    columns = tomlkit.table(is_super_table=True)
    for name, column in expectations.columns.items():
        each = tomlkit.table()
        for key, value in column.model_dump(exclude_defaults=True, exclude={"checks"}).items():
            each[key] = value
        if column.checks:
            checks = tomlkit.inline_table()
            checks.update(column.checks)
            each["checks"] = checks
        columns[name] = each
    document["columns"] = columns
    return tomlkit.dumps(document)


def from_toml(text: str, said: str = "the text") -> Expectations:
    """Read expectations.

    Raises
    ------
    InvalidValue
        It is no TOML, or has a key or rule that is not known; the nearest is named.
    """
    try:
        found: dict[str, Any] = tomlkit.parse(text).unwrap()
    except TOMLKitError as error:
        raise InvalidValue(f"{said} is no TOML: {error}", hint="Start from: mlops datasets propose") from error
    _check_keys(found, Expectations.model_fields, said)
    for name, column in found.get("columns", {}).items():
        _check_keys(column, ColumnExpectations.model_fields, f"column {name!r}")
    try:
        made = Expectations.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InvalidValue(f"{said}: {place} = {first['input']!r}: {first['msg']}", hint="Correct the file") from error
    check_rules(made)
    return made


def read_expectations(path: Path) -> Expectations:
    """Read the file of expectations."""
    if not path.is_file():
        raise NotFound(f"no file {str(path)!r}", hint="Write one with: mlops datasets propose NAME --out FILE")
    return from_toml(path.read_text(encoding="utf-8"), str(path))


def _check_keys(found: Any, known: Any, said: str) -> None:
    if not isinstance(found, dict):
        raise InvalidValue(f"{said} is {found!r}", hint="Write a table")
    for key in found:
        if key not in known:
            raise InvalidValue(f"unknown key {key!r} in {said}", hint=did_you_mean(key, known))
