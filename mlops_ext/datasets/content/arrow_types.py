"""Arrow types in words: the logical type that is hashed, and the exact type that a load gives back.

A *logical* type is a short text such as `timestamp[us,UTC]` or `list<string>`; it leaves out what two
libraries choose differently for the same values (offset widths, views, index widths, item names).
An *exact* type is JSON from which the very same Arrow type is made again.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from mlops_ext.errors import InvalidValue

__all__ = [
    "describe",
    "describe_schema",
    "is_binary",
    "is_list",
    "is_string",
    "logical_type",
    "restore",
    "restore_schema",
]

_PLAIN = {
    "null", "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "halffloat", "float", "double", "date32[day]", "date64[ms]",
    "string", "large_string", "string_view", "binary", "large_binary", "binary_view",
}  # fmt: skip
_LOGICAL_NAMES = {"halffloat": "float16", "float": "float32", "double": "float64"}
_MAKERS = {
    "halffloat": pa.float16,
    "float": pa.float32,
    "double": pa.float64,
    "date32[day]": pa.date32,
    "date64[ms]": pa.date64,
}


def is_string(kind: pa.DataType) -> bool:
    """Tell text of any layout."""
    return str(kind) in ("string", "large_string", "string_view")


def is_binary(kind: pa.DataType) -> bool:
    """Tell bytes of any length and layout."""
    return str(kind) in ("binary", "large_binary", "binary_view")


def is_list(kind: pa.DataType) -> bool:
    """Tell lists of any length and layout."""
    return _list_name(kind) is not None


def logical_type(kind: pa.DataType) -> str:
    """Write the logical type in the grammar of canonical form c1.

    Parameters
    ----------
    kind : pyarrow.DataType
        Any type that c1 knows.

    Returns
    -------
    str
        Such as `int64`, `timestamp[us,Europe/Berlin]`, `struct<"a":int64>`, `dictionary<string>`.

    Raises
    ------
    InvalidValue
        c1 has no word for the type: unions, intervals, run-end encoded and extension types.

    Examples
    --------
    >>> import pyarrow as pa
    >>> logical_type(pa.large_list(pa.string()))
    'list<string>'
    """
    if pa.types.is_dictionary(kind):
        return f"dictionary<{logical_type(kind.value_type)}{',ordered' if kind.ordered else ''}>"
    return _logical_nested(kind) or _logical_leaf(kind)


def _logical_nested(kind: pa.DataType) -> str:
    if is_list(kind):
        return f"list<{logical_type(kind.value_type)}>"
    if pa.types.is_fixed_size_list(kind):
        return f"fixed_list<{logical_type(kind.value_type)},{kind.list_size}>"
    if pa.types.is_map(kind):
        return f"map<{logical_type(kind.key_type)},{logical_type(kind.item_type)}>"
    if pa.types.is_struct(kind):
        fields = (f"{json.dumps(each.name, ensure_ascii=False)}:{logical_type(each.type)}" for each in kind)
        return f"struct<{','.join(fields)}>"
    return ""


def _logical_leaf(kind: pa.DataType) -> str:
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    if pa.types.is_timestamp(kind):
        return f"timestamp[{kind.unit}]" if kind.tz is None else f"timestamp[{kind.unit},{kind.tz}]"
    if pa.types.is_duration(kind):
        return f"duration[{kind.unit}]"
    if pa.types.is_time(kind):
        return f"time[{kind.unit}]"
    if pa.types.is_fixed_size_binary(kind):
        return f"fixed_binary({kind.byte_width})"
    return _plain_word(kind)


def _plain_word(kind: pa.DataType) -> str:
    if is_string(kind):
        return "string"
    if is_binary(kind):
        return "binary"
    if str(kind) not in _PLAIN or isinstance(kind, pa.BaseExtensionType):
        raise _unknown(kind)
    return _LOGICAL_NAMES.get(str(kind), str(kind))


def describe(kind: pa.DataType) -> Any:
    """Write an exact type as JSON that does not depend on the library's version.

    Raises
    ------
    InvalidValue
        The type cannot be kept exactly.
    """
    if str(kind) in _PLAIN and not isinstance(kind, pa.BaseExtensionType):
        return str(kind)
    if pa.types.is_dictionary(kind):
        return ["dictionary", describe(kind.index_type), describe(kind.value_type), kind.ordered]
    return _describe_nested(kind) or _describe_leaf(kind)


def _describe_nested(kind: pa.DataType) -> list[Any] | None:
    if is_list(kind):
        return [_list_name(kind), _describe_field(kind.value_field)]
    if pa.types.is_fixed_size_list(kind):
        return ["fixed_size_list", _describe_field(kind.value_field), kind.list_size]
    if pa.types.is_map(kind):
        return ["map", _describe_field(kind.key_field), _describe_field(kind.item_field), kind.keys_sorted]
    if pa.types.is_struct(kind):
        return ["struct", [_describe_field(each) for each in kind]]
    return None


def _describe_leaf(kind: pa.DataType) -> list[Any]:
    if pa.types.is_decimal(kind):
        return [f"decimal{kind.bit_width}", kind.precision, kind.scale]
    if pa.types.is_timestamp(kind):
        return ["timestamp", kind.unit, kind.tz]
    if pa.types.is_duration(kind):
        return ["duration", kind.unit]
    if pa.types.is_time(kind):
        return [f"time{kind.bit_width}", kind.unit]
    if pa.types.is_fixed_size_binary(kind):
        return ["fixed_size_binary", kind.byte_width]
    raise _unknown(kind)


def restore(text: Any) -> pa.DataType:
    """Make the type again that `describe` wrote."""
    if isinstance(text, str):
        return _MAKERS[text]() if text in _MAKERS else getattr(pa, "bool_" if text == "bool" else text)()
    name, *rest = text
    return _RESTORERS[name](*rest) if name in _RESTORERS else getattr(pa, name)(*rest)


def describe_schema(schema: pa.Schema) -> dict[str, Any]:
    """Write a schema, its fields' flags and its metadata as JSON."""
    written: dict[str, Any] = {"fields": [_describe_field(each) for each in schema]}
    if schema.metadata:
        written["metadata"] = _pairs(schema.metadata)
    return written


def restore_schema(written: dict[str, Any]) -> pa.Schema:
    """Make the schema again that `describe_schema` wrote."""
    return pa.schema([_restore_field(each) for each in written["fields"]], metadata=_unpaired(written.get("metadata")))


def _describe_field(field: pa.Field) -> dict[str, Any]:
    written: dict[str, Any] = {"name": field.name, "type": describe(field.type)}
    if not field.nullable:
        written["nullable"] = False
    if field.metadata:
        written["metadata"] = _pairs(field.metadata)
    return written


def _restore_field(written: dict[str, Any]) -> pa.Field:
    return pa.field(
        written["name"],
        restore(written["type"]),
        nullable=written.get("nullable", True),
        metadata=_unpaired(written.get("metadata")),
    )


def _pairs(metadata: dict[bytes, bytes]) -> list[list[str]]:
    return sorted([base64.b64encode(key).decode(), base64.b64encode(value).decode()] for key, value in metadata.items())


def _unpaired(pairs: list[list[str]] | None) -> dict[bytes, bytes] | None:
    return {base64.b64decode(key): base64.b64decode(value) for key, value in pairs} if pairs else None


def _list_name(kind: pa.DataType) -> str | None:
    if pa.types.is_list(kind):
        return "list"
    if pa.types.is_large_list(kind):
        return "large_list"
    text = str(kind)
    return next((name for name in ("list_view", "large_list_view") if text.startswith(f"{name}<")), None)


def _unknown(kind: pa.DataType) -> InvalidValue:
    return InvalidValue(f"a column of type {kind} cannot be kept exactly", hint="Convert it to a plain type first")


_RESTORERS: dict[str, Callable[..., pa.DataType]] = {
    "dictionary": lambda index, values, ordered: pa.dictionary(restore(index), restore(values), ordered=ordered),
    "list": lambda item: pa.list_(_restore_field(item)),
    "large_list": lambda item: pa.large_list(_restore_field(item)),
    "list_view": lambda item: pa.list_view(_restore_field(item)),
    "large_list_view": lambda item: pa.large_list_view(_restore_field(item)),
    "fixed_size_list": lambda item, size: pa.list_(_restore_field(item), size),
    "map": lambda key, item, is_sorted: pa.map_(_restore_field(key), _restore_field(item), keys_sorted=is_sorted),
    "struct": lambda fields: pa.struct([_restore_field(each) for each in fields]),
    "fixed_size_binary": pa.binary,
}
