"""One pandas array of any dtype to Arrow and a few words that bring exactly that array back."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from mlops_ext.errors import InvalidValue

__all__ = ["decode", "decode_labels", "encode", "encode_labels", "identical", "refuse"]

Words = dict[str, Any]
_NAT = np.iinfo(np.int64).min
_MASKED = (pd.arrays.IntegerArray, pd.arrays.FloatingArray, pd.arrays.BooleanArray)
_OBJECT_TYPES: dict[type, pa.DataType] = {
    str: pa.large_string(),
    bytes: pa.large_binary(),
    bool: pa.bool_(),
    float: pa.float64(),
}


def refuse(what: str, why: str, hint: str) -> InvalidValue:
    """Say which column cannot be kept exactly, and what to do."""
    return InvalidValue(f"{what} cannot be kept exactly: {why}", hint=hint)


def encode(values: Any, what: str) -> tuple[pa.Array | pa.ChunkedArray, Words]:
    """Turn an array, Series or Index into Arrow.

    Parameters
    ----------
    values : pandas array, Series or Index
        One-dimensional, of any dtype.
    what : str
        What an error calls it, such as ``column 'price'``.

    Returns
    -------
    (pyarrow array, words)
        The values, and the JSON from which `decode` makes the same array again.

    Raises
    ------
    InvalidValue
        The values cannot be kept exactly.
    """
    array = values.array if isinstance(values, pd.Series | pd.Index) else values
    if type(array) is pd.arrays.NumpyExtensionArray:
        array = array.to_numpy()
    dtype = array.dtype
    if isinstance(dtype, np.dtype):
        return _encode_numpy(array, dtype, what)
    if isinstance(array, _MASKED):
        masked: Any = array
        return pa.array(masked._data, mask=masked._mask, from_pandas=False), {"dtype": "masked"}
    for kind, function in _ENCODERS.items():
        if isinstance(dtype, kind):
            return function(array, what)
    raise refuse(what, f"its dtype is {dtype}", _hint(dtype))


def decode(values: pa.ChunkedArray, words: Words) -> Any:
    """Make the array again that `encode` took: a NumPy or pandas array."""
    return _DECODERS[words["dtype"]](values, words)


def _encode_numpy(array: Any, dtype: np.dtype[Any], what: str) -> tuple[pa.Array, Words]:
    if dtype.kind == "O":
        return _encode_object(np.asarray(array, dtype=object), what)
    if dtype.kind in "Mm":
        return _encode_moments(array, what)
    if dtype.kind not in "biuf" or dtype.itemsize > 8 or not dtype.isnative:
        raise refuse(what, f"its dtype is {dtype}", _hint(dtype))
    return pa.array(np.ascontiguousarray(array), from_pandas=False), {"dtype": "numpy"}


def _decode_numpy(values: pa.ChunkedArray, _words: Words) -> Any:
    data = values.to_numpy()
    return data if data.flags.writeable else data.copy()


def _decode_masked(values: pa.ChunkedArray, _words: Words) -> Any:
    whole = _whole(values)
    mask = whole.is_null().to_numpy(zero_copy_only=False).copy()
    kind = whole.type
    filled = pc.fill_null(whole, pa.scalar(0, pa.int8()).cast(kind)) if whole.null_count else whole
    data = filled.to_numpy(zero_copy_only=False).copy()
    if pa.types.is_boolean(kind):
        return pd.arrays.BooleanArray(data, mask)
    return (pd.arrays.FloatingArray if pa.types.is_floating(kind) else pd.arrays.IntegerArray)(data, mask)


def _encode_moments(array: Any, what: str) -> tuple[pa.Array, Words]:
    """Take datetimes (naive or zoned) and timedeltas of any unit."""
    whole = np.asarray(array.asi8)
    numbers = pa.array(whole, mask=whole == _NAT)
    if isinstance(array.dtype, np.dtype) and array.dtype.kind == "m":
        return numbers.cast(pa.duration(array.unit)), {"dtype": "timedelta"}
    if array.tz is None:
        return numbers.cast(pa.timestamp(array.unit)), {"dtype": "datetime"}
    zone = str(pa.lib.tzinfo_to_string(array.tz))
    words = {"dtype": "zoned", "zone": zone}
    if not _same_zone(pd.DatetimeTZDtype(array.unit, zone).tz, array.tz):
        raise refuse(what, f"its time zone is {array.tz!r}", "Use a named zone: df[c].dt.tz_convert('Europe/Berlin')")
    return numbers.cast(pa.timestamp(array.unit, zone)), words


def _same_zone(made: Any, given: Any) -> bool:
    names = {str(made).removeprefix("UTC") or "UTC", str(given).removeprefix("UTC") or "UTC"}
    return made == given or len(names) == 1


def _decode_moments(values: pa.ChunkedArray, words: Words) -> Any:
    whole = _whole(values)
    numbers = pc.fill_null(whole.cast(pa.int64()), _NAT).to_numpy(zero_copy_only=False).copy()
    letter = "m" if words["dtype"] == "timedelta" else "M"
    moments = numbers.view(f"{letter}8[{whole.type.unit}]")
    if words["dtype"] != "zoned":
        return moments
    return pd.DatetimeIndex(moments, tz="UTC").tz_convert(words["zone"]).array


def _encode_text(array: Any, _what: str) -> tuple[pa.Array | pa.ChunkedArray, Words]:
    dtype = array.dtype
    missing = "na" if dtype.na_value is pd.NA else "nan"
    values = array.__arrow_array__(type=pa.large_string())
    return values, {"dtype": "string", "storage": dtype.storage, "missing": missing}


def _decode_text(values: pa.ChunkedArray, words: Words) -> Any:
    dtype: Any = (
        pd.StringDtype(words["storage"])
        if words["missing"] == "na"
        else pd.StringDtype(words["storage"], na_value=np.nan)
    )
    return dtype.__from_arrow__(values)


def _encode_categories(array: Any, what: str) -> tuple[pa.Array, Words]:
    categories, words = encode_labels(array.categories, f"the categories of {what}")
    if isinstance(categories, pa.ChunkedArray):
        categories = _whole(categories)
    codes = np.asarray(array.codes)
    values = pa.DictionaryArray.from_arrays(
        pa.array(codes.astype(np.int32), mask=codes < 0), categories, ordered=bool(array.ordered)
    )
    return values, {"dtype": "category", "categories": words}


def _decode_categories(values: pa.ChunkedArray, words: Words) -> Any:
    values = values.unify_dictionaries()
    if values.num_chunks == 0:
        values = pa.chunked_array([pa.array([], values.type)])
    dictionary = values.chunk(0).dictionary
    codes = [pc.fill_null(each.indices, -1).to_numpy(zero_copy_only=False) for each in values.chunks]
    categories = decode_labels(pa.chunked_array([dictionary]), words["categories"])
    return pd.Categorical.from_codes(np.concatenate(codes), categories=categories, ordered=values.type.ordered)


def encode_labels(index: pd.Index, what: str) -> tuple[pa.Array | pa.ChunkedArray, Words]:
    """Encode an Index with what makes it that Index: a frequency, or being a range."""
    values, words = encode(index, what)
    if isinstance(index, pd.RangeIndex):
        return values, {**words, "range": [index.start, index.stop, index.step]}
    frequency = getattr(index, "freqstr", None) if isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex) else None
    return values, {**words, "freq": frequency} if frequency else words


def decode_labels(values: pa.ChunkedArray, words: Words) -> pd.Index:
    """Make the Index again that `encode_labels` took, without its name."""
    if "range" in words:
        return pd.RangeIndex(*words["range"])
    array = decode(values, words)
    if words.get("freq"):
        kind = pd.TimedeltaIndex if words["dtype"] == "timedelta" else pd.DatetimeIndex
        timed: pd.Index = kind(array, freq=words["freq"])
        return timed
    index: pd.Index = pd.Index(array, dtype=array.dtype, copy=False)
    return index


def _encode_interval(array: Any, what: str) -> tuple[pa.Array, Words]:
    left, words = encode(array.left, what)
    right, _ = encode(array.right, what)
    missing = pa.array(np.asarray(array.isna()))
    values = pa.StructArray.from_arrays([left, right], ["left", "right"], mask=missing)
    return values, {"dtype": "interval", "closed": array.closed, "sides": words}


def _decode_interval(values: pa.ChunkedArray, words: Words) -> Any:
    whole = _whole(values)
    left, right = [decode(pa.chunked_array([side]), words["sides"]) for side in whole.flatten()]
    return pd.arrays.IntervalArray.from_arrays(left, right, closed=words["closed"])


def _encode_period(array: Any, _what: str) -> tuple[pa.Array, Words]:
    ordinals = np.asarray(array.asi8)
    return pa.array(ordinals, mask=ordinals == _NAT), {"dtype": "period", "freq": str(array.dtype)[7:-1]}


def _decode_period(values: pa.ChunkedArray, words: Words) -> Any:
    ordinals = pc.fill_null(_whole(values), _NAT).to_numpy(zero_copy_only=False).copy()
    periods: Any = pd.PeriodIndex
    return periods.from_ordinals(ordinals, freq=words["freq"]).array


def _encode_arrow(array: Any, _what: str) -> tuple[pa.ChunkedArray, Words]:
    return array.__arrow_array__(), {"dtype": "arrow"}


def _encode_object(values: np.ndarray, what: str) -> tuple[pa.Array, Words]:
    """Take Python objects of one type, with one kind of missing value."""
    items = values.tolist()
    kinds = set(map(type, items))
    missing = "none"
    if type(None) in kinds:
        kinds.discard(type(None))
    elif type(pd.NA) in kinds:
        kinds.discard(type(pd.NA))
        missing = "na"
    elif float in kinds and len(kinds) > 1 and all(math.isnan(each) for each in items if type(each) is float):
        kinds.discard(float)
        missing = "nan"
    if len(kinds) > 1:
        names = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise refuse(what, f"it mixes {names}", "Give it one type, such as df[c].astype('string')")
    if missing != "none":
        items = [None if each is pd.NA or type(each) is float else each for each in items]
    return _objects_to_arrow(items, next(iter(kinds), type(None)), what), {"dtype": "object", "missing": missing}


def _objects_to_arrow(items: list[Any], kind: type, what: str) -> pa.Array:
    if kind in _OBJECT_TYPES:
        return pa.array(items, type=_OBJECT_TYPES[kind], from_pandas=False)
    try:
        made = pa.array(items, type=None, from_pandas=False)
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        raise refuse(what, f"it holds {kind.__name__}: {error}", "Turn it into numbers, text or times") from error
    if kind is not int and not identical(made.to_pylist(), items):
        raise refuse(what, f"it holds {kind.__name__} objects", "Turn it into numbers, text or times")
    return made


def _decode_object(values: pa.ChunkedArray, words: Words) -> Any:
    made = np.empty(len(values), dtype=object)
    made[:] = [None] * len(values)
    items = values.to_pylist()
    missing: Any = {"none": None, "na": pd.NA, "nan": math.nan}[words["missing"]]
    for position, each in enumerate(items):
        made[position] = missing if each is None else each
    return made


def identical(left: Any, right: Any) -> bool:
    """Compare as deep as lists and dicts go, types included."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(identical, left, right))
    if isinstance(left, dict):
        return list(left) == list(right) and all(identical(left[key], right[key]) for key in left)
    return repr(left) == repr(right)


def _whole(values: pa.ChunkedArray | pa.Array) -> pa.Array:
    if isinstance(values, pa.Array):
        return values
    return values.chunk(0) if values.num_chunks == 1 else pa.concat_arrays(values.chunks or [pa.array([], values.type)])


def _hint(dtype: Any) -> str:
    text = str(dtype).lower()
    if "sparse" in text:
        return "Make it dense first: df[c].sparse.to_dense()"
    if "complex" in text:
        return "Keep the real and imaginary part as two columns"
    if isinstance(dtype, np.dtype) and not dtype.isnative:
        return f"Use this machine's byte order ({sys.byteorder}): df[c].astype(df[c].dtype.newbyteorder('='))"
    return "Convert it to a dtype of numbers, text, times or categories first"


_ENCODERS: dict[Any, Callable[[Any, str], tuple[Any, Words]]] = {
    pd.StringDtype: _encode_text,
    pd.CategoricalDtype: _encode_categories,
    pd.DatetimeTZDtype: _encode_moments,
    pd.IntervalDtype: _encode_interval,
    pd.PeriodDtype: _encode_period,
    pd.ArrowDtype: _encode_arrow,
}
_DECODERS: dict[str, Callable[[pa.ChunkedArray, Words], Any]] = {
    "numpy": _decode_numpy,
    "masked": _decode_masked,
    "datetime": _decode_moments,
    "timedelta": _decode_moments,
    "zoned": _decode_moments,
    "string": _decode_text,
    "category": _decode_categories,
    "interval": _decode_interval,
    "period": _decode_period,
    "object": _decode_object,
    "arrow": lambda values, _words: pd.arrays.ArrowExtensionArray(values),
}
