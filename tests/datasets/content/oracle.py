"""Canonical form c1, written from its page alone: value by value, in plain Python."""

from __future__ import annotations

import hashlib
import struct

import blake3

BLOCK = 65_536


def table_digest(columns, rows, algorithm):
    """Digest of [(name, type, values)]; types are words or tuples such as ("list", "int64")."""
    data = lp("mlops_ext c1 table") + struct.pack("<QQ", rows, len(columns))
    for name, kind, values in columns:
        data += lp(name) + lp(word(kind)) + lp(column_digest(kind, values, algorithm))
    return digest(data, algorithm)


def column_digest(kind, values, algorithm):
    data = lp("mlops_ext c1 column") + lp(word(kind)) + struct.pack("<Q", len(values))
    for start in range(0, len(values), BLOCK):
        data += node(kind, values[start : start + BLOCK], top=True)
    if kind[0] == "dictionary":
        data += node(kind[1], kind[2])
    return digest(data, algorithm)


def word(kind):
    if isinstance(kind, str):
        return kind
    name = kind[0]
    if name == "list":
        return f"list<{word(kind[1])}>"
    if name == "fixed_list":
        return f"fixed_list<{word(kind[1])},{kind[2]}>"
    if name == "struct":
        return "struct<" + ",".join(f'"{key}":{word(each)}' for key, each in kind[1]) + ">"
    if name == "map":
        return f"map<{word(kind[1])},{word(kind[2])}>"
    return f"dictionary<{word(kind[1])}{',ordered' if kind[3] else ''}>"


def node(kind, values, *, top=False):
    nulls = sum(each is None for each in values)
    data = b"N" + struct.pack("<QQ", len(values), nulls)
    if kind == "null":
        return data
    if nulls:
        data += part(b"V", bits(each is not None for each in values))
    present = [each for each in values if each is not None]
    if isinstance(kind, tuple):
        return data + nested(kind, values, present, top=top)
    if kind in ("string", "binary"):
        encoded = [b"" if each is None else each.encode() if isinstance(each, str) else each for each in values]
        lengths = b"".join(struct.pack("<q", len(each)) for each in encoded)
        return data + part(b"L", lengths) + part(b"B", b"".join(encoded))
    if kind == "bool":
        return data + part(b"D", bits(bool(each) for each in values))
    return data + part(b"D", b"".join(fixed(kind, 0 if each is None else each) for each in values))


def nested(kind, values, present, *, top):
    name = kind[0]
    lengths = part(b"L", b"".join(struct.pack("<q", 0 if each is None else len(each)) for each in values))
    if name == "list":
        return lengths + node(kind[1], [item for each in present for item in each])
    if name == "fixed_list":
        return node(kind[1], [item for each in present for item in each])
    if name == "struct":
        return b"".join(node(each, [row[key] for row in present]) for key, each in kind[1])
    if name == "map":
        pairs = [pair for each in present for pair in each]
        return lengths + node(kind[1], [key for key, _ in pairs]) + node(kind[2], [value for _, value in pairs])
    places = b"".join(struct.pack("<q", 0 if each is None else kind[2].index(each)) for each in values)
    return part(b"I", places) + (b"" if top else node(kind[1], kind[2]))


def fixed(kind, value):
    formats = {
        "int8": "b", "int16": "h", "int32": "i", "int64": "q", "uint8": "B", "uint16": "H", "uint32": "I", "uint64": "Q",
        "float16": "e", "float32": "f", "float64": "d", "date32[day]": "i",
    }  # fmt: skip
    if kind.startswith("decimal"):
        scale = int(kind.partition(",")[2][:-1])
        return round(value * 10**scale).to_bytes(16, "little", signed=True)
    if kind.startswith("fixed_binary"):
        return value or bytes(int(kind[13:-1]))
    return struct.pack("<" + formats.get(kind, "q"), value)


def bits(flags):
    flags = list(flags)
    return bytes(
        sum(flag << place for place, flag in enumerate(flags[start : start + 8])) for start in range(0, len(flags), 8)
    )


def part(letter, data):
    return letter + struct.pack("<Q", len(data)) + data


def lp(text):
    return struct.pack("<Q", len(text.encode())) + text.encode()


def digest(data, algorithm):
    hasher = blake3.blake3(data) if algorithm == "b3" else hashlib.sha256(data)
    return f"{algorithm}:{hasher.hexdigest()}"
