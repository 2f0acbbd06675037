"""64 bits for each value of a column, alike exactly when the values are, whatever the layout.

For telling rows apart in one process: not a format, never stored as an identity. Floating-point numbers
count by their bits, so -0.0 is not 0.0 and a NaN equals the same NaN; a null is like no value.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlops_ext.datasets.content.arrow_types import is_binary, is_list, is_string
from mlops_ext.datasets.content.canonical import fixed_values, text_parts, validity

__all__ = ["mixed", "row_hashes", "value_hashes"]

_ODD = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_NULL = np.uint64(0xD6E8FEB86659FD93)
_WORD = 8
_MASKS = np.array([(1 << 8 * size) - 1 for size in range(_WORD + 1)], np.uint64)
_BATCH = 1 << 15
"""Rows hashed at once: what is under way stays in the processor's cache."""


def row_hashes(table: pa.Table) -> np.ndarray:
    """Give 64 bits for each row: those of its values, each at its place.

    Two different rows of a million share them with a probability under 1e-7.
    """
    rows = np.full(table.num_rows, _ODD, np.uint64)
    for values in table.columns:
        rows = mixed(rows * _ODD + value_hashes(values))
    return rows


def value_hashes(values: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """Give 64 bits for each value."""
    chunks = values.chunks if isinstance(values, pa.ChunkedArray) else [values]
    parts = [_hashes(chunk.slice(at, _BATCH)) for chunk in chunks for at in range(0, len(chunk), _BATCH)]
    return parts[0] if len(parts) == 1 else np.concatenate([np.zeros(0, np.uint64), *parts])


def mixed(bits: np.ndarray) -> np.ndarray:
    """Spread every bit over all 64 (SplitMix64's finalizer)."""
    bits = bits ^ (bits >> np.uint64(30))
    bits *= _FIRST
    bits ^= bits >> np.uint64(27)
    bits *= _SECOND
    bits ^= bits >> np.uint64(31)
    return bits


def _hashes(array: pa.Array) -> np.ndarray:
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return _hashes(array.storage)
    if pa.types.is_null(kind):
        return np.full(len(array), _NULL, np.uint64)
    if pa.types.is_dictionary(kind):
        found = np.append(_hashes(array.dictionary), _NULL)
        places = pc.fill_null(array.indices.cast(pa.int64()), len(array.dictionary))
        taken: np.ndarray = found[places.to_numpy(zero_copy_only=False)]
        return taken
    if str(kind).startswith(("list_view<", "large_list_view<")):
        return _hashes(array.cast(pa.large_list(kind.value_type)))
    valid = validity(array)
    found = _present(array, valid)
    return found if valid is None else np.where(valid, found, _NULL)


def _present(array: pa.Array, valid: np.ndarray | None) -> np.ndarray:
    kind = array.type
    if is_string(kind) or is_binary(kind):
        return _text_hashes(array, valid)
    if pa.types.is_boolean(kind):
        return mixed(pc.fill_null(array, False).to_numpy(zero_copy_only=False).astype(np.uint64) + _ODD)
    if kind.num_fields:
        return _nested(array, valid)
    found = fixed_values(array)
    return mixed(found.astype(np.uint64) + _ODD) if found.ndim == 1 else _wide(found)


def _wide(found: np.ndarray) -> np.ndarray:
    """Mix values of more than eight bytes word by word."""
    rows, width = found.shape
    padded = np.zeros((rows, -(-width // _WORD) * _WORD), np.uint8)
    padded[:, :width] = found
    bits = np.full(rows, _ODD, np.uint64)
    for word in padded.view("<u8").T:
        bits = mixed(bits * _ODD + word)
    return bits


def _text_hashes(array: pa.Array, valid: np.ndarray | None) -> np.ndarray:
    """Mix the words of each text; a round for each word, over the texts that still have one."""
    offsets, lengths, data = text_parts(array, valid)
    first, last = int(offsets[0]), int(offsets[-1])
    held = np.zeros(last - first + _WORD, np.uint8)
    held[: last - first] = np.frombuffer(data, np.uint8, last - first, first) if last > first else 0
    words = np.ndarray((len(held) - _WORD + 1,), "<u8", held.data, strides=(1,))
    starts = offsets[:-1].astype(np.int64) - first
    bits = mixed(lengths.astype(np.uint64) + _ODD)
    live: np.ndarray | slice = np.flatnonzero(lengths) if lengths.min(initial=1) == 0 else slice(None)
    left = lengths[live]
    done = 0
    while len(left):
        word = words[starts[live] + done] & _MASKS[np.minimum(left, _WORD)]
        bits[live] = mixed(bits[live] * _ODD + word)
        done += _WORD
        live = np.flatnonzero(lengths > done)
        left = lengths[live] - done
    return bits


def _nested(array: pa.Array, valid: np.ndarray | None) -> np.ndarray:
    kind = array.type
    if pa.types.is_struct(kind):
        bits = np.full(len(array), _ODD, np.uint64)
        for child in array.flatten():
            bits = mixed(bits * _ODD + _hashes(child))
        return bits
    present = array if valid is None else array.filter(pa.array(valid))
    found = _sequences(present)
    if valid is None:
        return found
    bits = np.zeros(len(array), np.uint64)
    bits[valid] = found
    return bits


def _sequences(array: pa.Array) -> np.ndarray:
    """Mix the values of each list, each with its place in it; no list here is null."""
    kind = array.type
    if pa.types.is_map(kind):
        lengths = np.diff(array.offsets.to_numpy())
        start = array.offsets[0].as_py() if len(array) else 0
        parts = (each.slice(start, int(lengths.sum())) for each in (array.keys, array.items))
        keys, items = (_hashes(each) for each in parts)
        values = mixed(keys * _ODD + items)
    else:
        is_counted = is_list(kind)
        counted = pc.list_value_length(array).to_numpy() if is_counted else np.full(len(array), kind.list_size)
        lengths, values = counted.astype(np.int64), _hashes(array.flatten())
    ends = np.cumsum(lengths)
    places = np.arange(len(values)) - np.repeat(ends - lengths, lengths)
    sums = np.concatenate(
        [np.zeros(1, np.uint64), np.cumsum(mixed(values + places.astype(np.uint64) * _ODD), dtype=np.uint64)]
    )
    found: np.ndarray = mixed((sums[ends] - sums[ends - lengths]) * _ODD + lengths.astype(np.uint64))
    return found
