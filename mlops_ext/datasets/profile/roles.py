"""What a column seems to be: a key, a time, a target."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from mlops_ext.datasets.profile.types import Kind

__all__ = ["roles_of"]

_TARGET = re.compile(r"(^|_)(target|label|outcome|churn(ed)?|default(ed)?|fraud|response|y)($|_)|^class$")
_MOMENT = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$"
_MOST = 0.95


def roles_of(name: str, values: pa.ChunkedArray, kind: Kind, *, is_unique: bool) -> tuple[str, ...]:
    """Say what a column seems to be.

    Parameters
    ----------
    name : str
        Targets are told by it.
    values : pyarrow.ChunkedArray
        Sampled values.
    kind : str
        What it holds.
    is_unique : bool
        Whether no two of them are alike: then the column is likely a key.
    """
    found = []
    if is_unique and len(values) > 1:
        found.append("key")
    if (kind == "time" and not pa.types.is_duration(values.type)) or (kind == "text" and _are_moments(values)):
        found.append("time")
    if kind in ("number", "truth", "text") and _TARGET.search(name.lower()):
        found.append("target")
    return tuple(found)


def _are_moments(values: pa.ChunkedArray) -> bool:
    some = values.drop_null().slice(0, 200)
    return len(some) > 0 and pc.sum(pc.match_substring_regex(some, _MOMENT)).as_py() >= _MOST * len(some)
