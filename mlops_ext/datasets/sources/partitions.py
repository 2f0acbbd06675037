"""Columns that stand in the paths of files, as in `year=2013/month=1/part-0.parquet`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from urllib.parse import unquote

import pyarrow as pa

from mlops_ext.errors import InvalidValue

__all__ = ["partition_columns"]

_NULL = "__HIVE_DEFAULT_PARTITION__"


def partition_columns(paths: Sequence[str]) -> list[dict[str, pa.Scalar]]:
    """Read the partitions of each path.

    Parameters
    ----------
    paths : sequence of str
        Below the folder that was given.

    Returns
    -------
    list of dict
        Of each path, its columns and their one value; whole numbers where all of a column are.

    Raises
    ------
    InvalidValue
        The paths do not speak of the same columns.

    Examples
    --------
    >>> partition_columns(["m=1/a.parquet", "m=2/a.parquet"])[1]["m"].as_py()
    2
    """
    found = [_pairs(path) for path in paths]
    names = list(found[0]) if found else []
    for path, each in zip(paths, found, strict=True):
        if list(each) != names:
            raise InvalidValue(
                f"{path!r} has other partitions than the first file: {', '.join(each) or 'none'}",
                hint="Snapshot files of one layout",
            )
    kinds = {name: _kind([each[name] for each in found]) for name in names}
    return [{name: _scalar(each[name], kinds[name]) for name in names} for each in found]


def _pairs(path: str) -> dict[str, str]:
    parts = (part.partition("=") for part in PurePath(path).parts[:-1])
    return {unquote(name): unquote(value) for name, equals, value in parts if equals and name}


def _kind(values: Sequence[str]) -> pa.DataType:
    numbers = [value for value in values if value != _NULL]
    is_whole = all(value.lstrip("-").isdecimal() and str(int(value)) == value and len(value) < 19 for value in numbers)
    return pa.int64() if is_whole and numbers else pa.string()


def _scalar(value: str, kind: pa.DataType) -> pa.Scalar:
    if value == _NULL:
        return pa.scalar(None, kind)
    return pa.scalar(int(value) if pa.types.is_integer(kind) else value, kind)
