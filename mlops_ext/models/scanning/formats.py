"""What a file is, told by its bytes: formats whose readers run nothing, and the wrappings that hide others."""

from __future__ import annotations

import bz2
import codecs
import json
import lzma
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

__all__ = ["PACKING_ERRORS", "is_array", "is_inert", "is_packed", "is_zip", "objects_in_array", "unpacked"]

PACKING_ERRORS = (zlib.error, lzma.LZMAError)

_CHUNK = 1 << 16
# Small, since a few bytes may unpack to a great many.
_PIECE = 1 << 12
_MAX_HEADER = 100_000_000
_NPY = b"\x93NUMPY"
_PACKED: tuple[tuple[bytes, Callable[[], Any]], ...] = (
    (b"\x1f\x8b", lambda: zlib.decompressobj(wbits=31)),
    (b"x\x01", zlib.decompressobj),
    (b"x\x5e", zlib.decompressobj),
    (b"x\x9c", zlib.decompressobj),
    (b"x\xda", zlib.decompressobj),
    (b"BZh", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\x00", lzma.LZMADecompressor),
    (b"\x5d\x00\x00", lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE)),
)
# ONNX, a protobuf: the fields of ModelProto with their wire types (0 is a number, 2 has a length).
_MODEL_PROTO = {1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2, 26: 2}


def is_zip(head: bytes) -> bool:
    """Tell whether a file begins as a zip archive."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def is_array(head: bytes) -> bool:
    """Tell whether a file begins as an array of NumPy's."""
    return head.startswith(_NPY)


def is_packed(head: bytes) -> bool:
    """Tell whether a file begins as gzip, zlib, bzip2 or xz."""
    return _decompressor(head) is not None


def unpacked(file: BinaryIO) -> Iterator[bytes]:
    """Unpack a compressed file, all its parts, in small pieces.

    Raises
    ------
    ValueError
        It is cut short, or other bytes follow.
    """
    make = _decompressor(file.read(16))
    file.seek(0)
    pending = b""
    while make is not None and (pending := pending or file.read(_PIECE)):
        part = make()
        while not part.eof:
            if not pending:
                raise ValueError("it is cut short")
            yield part.decompress(pending)
            pending = part.unused_data if part.eof else file.read(_PIECE)
        pending = pending or file.read(_PIECE)
        if pending and _decompressor(pending) is None:
            raise ValueError("other bytes follow")


def _decompressor(head: bytes) -> Callable[[], Any] | None:
    return next((make for magic, make in _PACKED if head.startswith(magic)), None)


def objects_in_array(file: BinaryIO) -> bool:
    """Tell whether an `.npy` holds objects, which are a pickle, and stand where that begins.

    Raises
    ------
    ValueError
        The header is no header, or other bytes follow the numbers.
    """
    import numpy as np

    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    else:
        shape, _, dtype = np.lib.format.read_array_header_2_0(file)
    if dtype.hasobject:
        return True
    end = file.tell() + int(np.prod([int(each) for each in shape], dtype=object)) * dtype.itemsize
    if end != file.seek(0, os.SEEK_END):
        raise ValueError("its length is not that of its numbers")
    return False


def is_inert(file: BinaryIO) -> bool:
    """Tell whether a file is in a known format that cannot make its reader run anything.

    Text (JSON, LightGBM's and other), safetensors, UBJSON as XGBoost writes it, and ONNX.
    """
    return any(_asks(check, file) for check in (_safetensors, _ubjson, _onnx, _text))


def _asks(check: Callable[[BinaryIO, int], bool], file: BinaryIO) -> bool:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    try:
        return check(file, size)
    except (ValueError, struct.error, IndexError, KeyError, RecursionError):
        return False


def _text(file: BinaryIO, size: int) -> bool:  # noqa: ARG001
    decoder = codecs.getincrementaldecoder("utf-8")()
    while chunk := file.read(_CHUNK):
        text = decoder.decode(chunk)
        if any(letter < " " and letter not in "\t\n\r\f" for letter in text):
            return False
    decoder.decode(b"", final=True)
    return True


def _safetensors(file: BinaryIO, size: int) -> bool:
    """Eight bytes with the header's length, a JSON header, and tensors that fill the rest without gap or overlap."""
    (length,) = struct.unpack("<Q", file.read(8))
    if length > min(size - 8, _MAX_HEADER):
        return False
    header = json.loads(file.read(length))
    places = sorted(entry["data_offsets"] for name, entry in header.items() if name != "__metadata__")
    starts = [0, *(end for _, end in places)]
    return starts[:-1] == [begin for begin, _ in places] and starts[-1] == size - 8 - length


def _ubjson(file: BinaryIO, size: int) -> bool:  # noqa: ARG001
    """An object whose first key has its length in one of UBJSON's integer types, as XGBoost begins."""
    head = file.read(10)
    return head[:2] == b"{L" and 0 < struct.unpack(">q", head[2:])[0] < 1 << 16


def _onnx(file: BinaryIO, size: int) -> bool:
    """Only fields of ModelProto, of the right wire type, up to the last byte; and a graph among them."""
    seen = set()
    while file.tell() < size:
        key = _varint(file)
        number, wire = key >> 3, key & 7
        if _MODEL_PROTO[number] != wire:
            return False
        seen.add(number)
        if wire == 0:
            _varint(file)
        elif (end := _varint(file) + file.tell()) > size:
            return False
        else:
            file.seek(end)
    return 7 in seen


def _varint(file: BinaryIO) -> int:
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)[0]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value
    raise ValueError("no varint")
