"""One form for skops archives: the same fitted model gives the same bytes, in any process at any time.

skops names members and states by `id()` and stamps them with the time. Here both are numbered in
order of appearance, sets are ordered, the padding inside structured arrays is zeroed (it holds
whatever lay in memory), and every member carries the same time.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

__all__ = ["normalised"]

_SCHEMA = "schema.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)


def normalised(data: bytes) -> bytes:
    """Write a skops archive in its one form.

    Parameters
    ----------
    data : bytes
        What `skops.io.dumps` gave.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        names = _Names()
        schema = names.visit(json.loads(source.read(_SCHEMA)))
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            _write(archive, _SCHEMA, json.dumps(schema, separators=(",", ":")).encode())
            for old, new in names.files.items():
                _write(archive, new, _clean(old, source.read(old)))
        return target.getvalue()


class _Names:
    """Numbers in order of appearance."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self._ids: dict[int, int] = {}
        self._next = 0

    def visit(self, state: Any) -> Any:
        """Copy a state with its ids and member names replaced, depth first in the order written."""
        if isinstance(state, list):
            return [self.visit(each) for each in state]
        if not isinstance(state, dict):
            return state
        if state.get("__loader__") == "SetNode" and isinstance(state.get("content"), list):
            state = state | {"content": sorted(state["content"], key=_without_ids)}
        copy: dict[str, Any] = {}
        for key, value in state.items():
            if key == "__id__":
                copy[key] = self._id(value, shared=state.get("__loader__") != "JsonNode")
            elif key == "file" and isinstance(value, str):
                copy[key] = self._file(value)
            else:
                copy[key] = self.visit(value)
        return copy

    def _id(self, old: int, *, shared: bool) -> int:
        """Number an object; plain values are never shared, since whether they are interned is chance."""
        if shared and old in self._ids:
            return self._ids[old]
        self._next += 1
        if shared:
            self._ids[old] = self._next
        return self._next

    def _file(self, old: str) -> str:
        suffix = old[old.rfind(".") :] if "." in old else ""
        return self.files.setdefault(old, f"{len(self.files)}{suffix}")


def _without_ids(state: Any) -> str:
    if isinstance(state, dict):
        state = {key: _without_ids(value) for key, value in state.items() if key != "__id__"}
    elif isinstance(state, list):
        state = [_without_ids(each) for each in state]
    return json.dumps(state, sort_keys=True)


def _clean(name: str, data: bytes) -> bytes:
    """Zero the padding of a structured array; other members stay as they are."""
    if not name.endswith(".npy"):
        return data
    import numpy as np

    array = np.load(io.BytesIO(data), allow_pickle=False)
    if array.dtype.fields is None:
        return data
    blank = np.zeros(array.shape, array.dtype)
    for field in array.dtype.fields:
        blank[field] = array[field]
    target = io.BytesIO()
    np.save(target, blank, allow_pickle=False)
    return target.getvalue()


def _write(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    member = zipfile.ZipInfo(name, _EPOCH)
    member.create_system = 3
    member.external_attr = 0o644 << 16
    archive.writestr(member, data)
