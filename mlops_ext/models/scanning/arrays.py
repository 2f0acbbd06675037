"""Arrays inside pickles: joblib writes their bytes between the opcodes, where no unpickler of Python's gets past."""

from __future__ import annotations

import math
import os
import re
from typing import Any, BinaryIO

from mlops_ext.models.scanning.pickles import Made, Unreadable, Walk, walk
from mlops_ext.models.scanning.reviewed import Name

__all__ = ["JoblibArrays"]

_WRAPPER = Name("joblib.numpy_pickle", "NumpyArrayWrapper")
_DTYPE = Name("numpy", "dtype")
_HAS_OBJECT = 1
# No opcode is so small: a plain unpickler stops where joblib's padding begins, and both read the same opcodes.
_MAX_PADDING = 16


class JoblibArrays:
    """Reads over the arrays of one file.

    Attributes
    ----------
    met : bool
        Whether there was one.
    """

    def __init__(self) -> None:
        self.met = False

    def __call__(self, file: BinaryIO, made: Made) -> Walk | None:
        """Read over the array that follows its description; None when the object describes none."""
        if made.callee != _WRAPPER:
            return None
        self.met = True
        if not isinstance(made.state, dict):
            raise Unreadable("an array that does not describe itself")
        size, has_object = _kind(made.state.get("dtype"))
        if has_object:
            return walk(file)
        shape = made.state.get("shape")
        if not isinstance(shape, tuple) or not all(type(each) is int and each >= 0 for each in shape):
            raise Unreadable("an array without a plain shape")
        if made.state.get("numpy_array_alignment_bytes") is None:
            raise Unreadable("an array without padding, as joblib before 1.1 wrote it")
        _skip(file, math.prod(shape) * size)
        return Walk((), referred=False)


def _skip(file: BinaryIO, size: int) -> None:
    padding = file.read(1)
    if not padding or padding[0] > _MAX_PADDING:
        raise Unreadable("an array with strange padding")
    start = file.tell() + padding[0]
    if start + size > file.seek(0, os.SEEK_END):
        raise Unreadable("an array is cut short")
    file.seek(start + size)


def _kind(dtype: Any) -> tuple[int, bool]:
    """Tell the bytes of one item, and whether items are objects, from the symbols of a NumPy type."""
    if not isinstance(dtype, Made) or dtype.callee != _DTYPE or not isinstance(dtype.arguments, tuple):
        raise Unreadable("an array without a plain type")
    code, state = dtype.arguments[:1], dtype.state
    if not code or not isinstance(code[0], str) or not re.fullmatch(r"[?a-zA-Z][0-9]*", code[0]):
        raise Unreadable("an array without a plain type")
    if not isinstance(state, tuple) or len(state) < 8 or not all(type(state[place]) is int for place in (5, 7)):
        raise Unreadable("an array type of another form")
    inner = [part[0] for part in (state[4] or {}).values()] + ([state[2][0]] if state[2] else [])
    objects = code[0].startswith("O") or any(_kind(each)[1] for each in inner)
    if objects != bool(state[7] & _HAS_OBJECT):
        raise Unreadable("an array type that contradicts itself")
    return (state[5] if state[5] >= 0 else _size(code[0])), objects


def _size(code: str) -> int:
    import numpy as np

    return int(np.dtype(code).itemsize)
