"""Arrow tables as they are stored: each name once, extension types as what they are made of; and back."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from mlops_ext.errors import InvalidValue

__all__ = ["restored", "stored", "unique_names"]

_WITHOUT_WORDS = ("arrow.uuid", "arrow.json", "arrow.bool8")


def unique_names(names: Sequence[str]) -> list[str]:
    """Give each name once: what stands there again gets `.1`, `.2` and so on.

    Examples
    --------
    >>> unique_names(["x", "x", "x.1"])
    ['x', 'x.2', 'x.1']
    """
    if len(set(names)) == len(names):
        return list(names)
    taken, seen = set(names), set()
    found, counts = [], dict.fromkeys(names, 1)
    for name in names:
        made = name
        while made in seen or (made != name and made in taken):
            made = f"{name}.{counts[name]}"
            counts[name] += 1
        seen.add(made)
        found.append(made)
    return found


def stored(table: pa.Table) -> tuple[pa.Table, dict[str, Any]]:
    """Give the table that is kept, and the words that make the given one again.

    Raises
    ------
    InvalidValue
        An extension type does not say how to make it again.
    """
    words: dict[str, Any] = {}
    names = unique_names(table.column_names)
    if names != table.column_names:
        words["names"] = table.column_names
        table = table.rename_columns(names)
    extended = [each for each in table.schema if isinstance(each.type, pa.BaseExtensionType)]
    if not extended:
        return table, words
    words["extensions"] = {each.name: _described(each) for each in extended}
    for each in extended:
        place = table.schema.get_field_index(each.name)
        chunks = [chunk.storage for chunk in table.column(place).chunks]
        field = each.with_type(each.type.storage_type)
        table = table.set_column(place, field, pa.chunked_array(chunks, field.type))
    return table, words


def restored(table: pa.Table, words: dict[str, Any]) -> pa.Table:
    """Make the given table again, or some columns of it.

    Raises
    ------
    InvalidValue
        An extension type is not known in this process.
    """
    for name, (kind, data) in words.get("extensions", {}).items():
        if name in table.column_names:
            place = table.schema.get_field_index(name)
            field = table.schema.field(place)
            made = _type(field.type, kind, base64.b64decode(data))
            if made is None:
                text = f"column {name!r} is of the extension type {kind!r}, which this process does not know"
                raise InvalidValue(text, hint="Import the package that registers it first")
            chunks = [pa.ExtensionArray.from_storage(made, chunk) for chunk in table.column(place).chunks]
            table = table.set_column(place, field.with_type(made), pa.chunked_array(chunks, made))
    if "names" in words:
        before = dict(zip(unique_names(words["names"]), words["names"], strict=True))
        table = table.rename_columns([before.get(name, name) for name in table.column_names])
    return table


def _described(field: pa.Field) -> list[str]:
    """Write an extension type: its name, and what it says of itself."""
    kind = field.type
    name = kind.extension_name
    data = kind.__arrow_ext_serialize__() if hasattr(kind, "__arrow_ext_serialize__") else _known(kind, name)
    if data is None or _type(kind.storage_type, name, data) != kind:
        raise InvalidValue(f"column {field.name!r} cannot be kept exactly: its type is {kind}", hint="Convert it first")
    return [name, base64.b64encode(data).decode()]


def _known(kind: Any, name: str) -> bytes | None:
    """Write Arrow's own extension types as their specification says."""
    if name in _WITHOUT_WORDS:
        return b""
    if name == "arrow.opaque":
        return json.dumps({"type_name": kind.type_name, "vendor_name": kind.vendor_name}).encode()
    if name == "arrow.fixed_shape_tensor":
        said = {"shape": kind.shape, "dim_names": kind.dim_names, "permutation": kind.permutation}
        return json.dumps({key: list(value) for key, value in said.items() if value is not None}).encode()
    return None


def _type(storage: pa.DataType, name: str, data: bytes) -> pa.DataType | None:
    """Let Arrow make the type from its description, as it does on reading a file."""
    words = {"ARROW:extension:name": name.encode(), "ARROW:extension:metadata": data}
    written = pa.schema([pa.field("x", storage, metadata=words)]).serialize()
    made = pa.ipc.read_schema(written).field(0).type
    return made if isinstance(made, pa.BaseExtensionType) else None
