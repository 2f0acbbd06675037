"""pandas frames to Arrow and exactly back: labels, index, dtypes and attributes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from mlops_ext.datasets.frames import pandas_arrays as arrays
from mlops_ext.datasets.frames.arrow_frames import unique_names
from mlops_ext.datasets.frames.pandas_arrays import Words, refuse
from mlops_ext.errors import InvalidValue

__all__ = ["column_labels", "from_pandas", "index_names", "to_pandas"]

_SAMPLE_ROWS = 3


def from_pandas(frame: pd.DataFrame) -> tuple[pa.Table, Words]:
    """Turn a frame into a table and the words that make the same frame again.

    Raises
    ------
    InvalidValue
        Something in the frame cannot be kept exactly; it is named.
    """
    if type(frame) is not pd.DataFrame:
        raise refuse(f"a {type(frame).__name__}", "it is a subclass of DataFrame", "Snapshot pd.DataFrame(frame)")
    names = _names(frame.columns)
    columns: list[Any] = []
    dtypes: list[Words] = []
    for position, name in enumerate(names):
        values, words = arrays.encode(frame.iloc[:, position], f"column {name!r}")
        columns.append(values)
        dtypes.append(words)
    levels, index = _encode_index(frame.index, set(names))
    written = {
        "labels": _encode_columns(frame.columns),
        "dtypes": dtypes,
        "index": index,
        "attrs": _attrs(frame.attrs),
        "duplicate_labels": frame.flags.allows_duplicate_labels,
    }
    table = _table([*names, *levels], [*columns, *levels.values()], len(frame))
    _check(frame, table, written)
    return table, written


def to_pandas(
    table: pa.Table, written: Words, columns: list[str] | None = None, rows: tuple[Any, int] | None = None
) -> pd.DataFrame:
    """Make the frame again, or some of its columns with the whole index.

    Parameters
    ----------
    table : pyarrow.Table
        With the columns asked for and those of the index.
    written : dict
        What `from_pandas` gave.
    columns : list of str, optional
        Names in the table, in the wanted order; all when left out.
    rows : (range or numpy.ndarray, int), optional
        Which rows of how many these are; all when left out.
    """
    labels = _decode_columns(written["labels"])
    names = _names(labels)
    places = list(range(len(names))) if columns is None else [names.index(name) for name in columns]
    index = _decode_index(table, written["index"], rows)
    parts: dict[int, pd.Series] = {}
    for place, position in enumerate(places):
        values = arrays.decode(table[names[position]], written["dtypes"][position])
        parts[place] = pd.Series(values, index=index, dtype=values.dtype, copy=False)
    frame = pd.DataFrame(parts, index=index, copy=False)
    frame.columns = labels if columns is None else labels.take(places)
    frame.attrs = json.loads(json.dumps(written["attrs"]))
    if not written["duplicate_labels"]:
        frame = frame.set_flags(allows_duplicate_labels=False)
    return frame


def index_names(written: Words) -> list[str]:
    """Give the names of the table's columns that hold the index."""
    return [level["name"] for level in written["index"].get("levels", [])]


def _table(names: list[str], columns: list[Any], rows: int) -> pa.Table:
    if names:
        return pa.table(columns, names=names)
    return pa.table({"rows": pa.nulls(rows)}).select([])


def _names(labels: pd.Index) -> list[str]:
    return unique_names([label if isinstance(label, str) else str(label) for label in labels])


def column_labels(written: Words) -> list[tuple[Any, str]]:
    """Give each column's label with its name in the table."""
    labels = _decode_columns(written["labels"])
    return list(zip(labels, _names(labels), strict=True))


def _encode_index(index: pd.Index, taken: set[str]) -> tuple[dict[str, Any], Words]:
    names = [_encode_label(name, "the name of the index") for name in index.names]
    if isinstance(index, pd.RangeIndex):
        return {}, {"range": [index.start, index.step], "names": names}
    parts = (
        [
            pd.Categorical.from_codes(codes, categories=level.rename(None))
            for codes, level in zip(index.codes, index.levels, strict=True)
        ]
        if isinstance(index, pd.MultiIndex)
        else [index]
    )
    columns: dict[str, Any] = {}
    levels: list[Words] = []
    for position, part in enumerate(parts):
        name = _level_name(index.names[position], position, taken | set(columns))
        columns[name], words = (
            arrays.encode_labels(part, "the index") if isinstance(part, pd.Index) else arrays.encode(part, "the index")
        )
        levels.append({"name": name, "words": words})
    return columns, {"levels": levels, "names": names, "multi": isinstance(index, pd.MultiIndex)}


def _level_name(name: Any, position: int, taken: set[str]) -> str:
    wanted = name if isinstance(name, str) and name else f"__index_level_{position}__"
    while wanted in taken:
        wanted = f"__index_level_{position}__" if not wanted.startswith("__index") else f"{wanted}_"
    return wanted


def _decode_index(table: pa.Table, written: Words, rows: tuple[Any, int] | None = None) -> pd.Index:
    names = [_decode_label(name) for name in written["names"]]
    places, total = rows or (range(table.num_rows), table.num_rows)
    if "range" in written:
        start, step = written["range"]
        whole = pd.RangeIndex(start, start + step * total, step, name=names[0])
        return whole[places.start : places.stop] if isinstance(places, range) else whole.take(places)
    levels = written["levels"]
    if not isinstance(places, range):
        # Rows that were left out leave no even steps.
        levels = [{**level, "words": {**level["words"], "freq": None}} for level in levels]
    if not written["multi"]:
        index: pd.Index = arrays.decode_labels(table[levels[0]["name"]], levels[0]["words"]).rename(names[0])
        return index
    parts = [arrays.decode(table[level["name"]], level["words"]) for level in levels]
    return pd.MultiIndex(levels=[part.categories for part in parts], codes=[part.codes for part in parts], names=names)


def _encode_columns(labels: pd.Index) -> Words:
    if isinstance(labels, pd.MultiIndex):
        levels = [_encode_columns(level) for level in labels.levels]
        codes = [[int(code) for code in each] for each in labels.codes]
        names = [_encode_label(name, "the name of the columns") for name in labels.names]
        return {"levels": levels, "codes": codes, "names": names}
    name = _encode_label(labels.name, "the name of the columns")
    if isinstance(labels, pd.RangeIndex):
        return {"range": [labels.start, labels.stop, labels.step], "name": name}
    values = [_encode_label(label, "a column label") for label in labels.astype(object)]
    return {"values": values, "dtype": str(labels.dtype), "name": name}


def _decode_columns(written: Words) -> pd.Index:
    if "levels" in written:
        names = [_decode_label(name) for name in written["names"]]
        levels: Any = [_decode_columns(level) for level in written["levels"]]
        return pd.MultiIndex(levels=levels, codes=written["codes"], names=names)
    name = _decode_label(written["name"])
    if "range" in written:
        start, stop, step = written["range"]
        return pd.RangeIndex(start, stop, step, name=name)
    values = [_decode_label(value) for value in written["values"]]
    if written["dtype"] == "object":
        return _objects(values, name)
    labels: pd.Index = pd.Index(values, dtype=written["dtype"], name=name)
    return labels


def _objects(values: list[Any], name: Any) -> pd.Index:
    held = np.empty(len(values), dtype=object)
    for position, value in enumerate(values):
        held[position] = value
    return pd.Index(held, dtype=object, name=name, tupleize_cols=False)


def _encode_label(label: Any, what: str) -> Any:
    if label is None or type(label) in (str, int, bool, float):
        return label
    if type(label) is tuple:
        return {"tuple": [_encode_label(each, what) for each in label]}
    if type(label) is pd.Timestamp:
        return {"time": label.isoformat()}
    raise refuse(f"{what} {label!r}", f"it is a {type(label).__name__}", "Use text or numbers as labels")


def _decode_label(written: Any) -> Any:
    if isinstance(written, dict) and "tuple" in written:
        return tuple(_decode_label(each) for each in written["tuple"])
    return pd.Timestamp(written["time"]) if isinstance(written, dict) else written


def _attrs(attrs: dict[Any, Any]) -> dict[str, Any]:
    hint = "Use text, numbers, lists and dicts with text keys in df.attrs"
    try:
        text = json.dumps(attrs, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise refuse("df.attrs", str(error), hint) from error
    if not arrays.identical(json.loads(text), attrs):
        raise refuse("df.attrs", "JSON does not give it back the same", hint)
    return dict(attrs)


def _check(frame: pd.DataFrame, table: pa.Table, written: Words) -> None:
    """Make the first rows again and compare, so that nothing is found lost after the commit."""
    sample = frame.iloc[:_SAMPLE_ROWS]
    made = to_pandas(table.slice(0, len(sample)), written)
    for name, left, right in zip(_names(frame.columns), sample.dtypes, made.dtypes, strict=True):
        if left != right or type(left) is not type(right):
            raise refuse(f"column {name!r}", f"its dtype {left} would come back as {right}", "Convert it first")
    if not _same_labels(frame.columns, made.columns):
        raise refuse("the column labels", f"they are a {type(frame.columns).__name__}", "Use plain text labels")
    if not _same_labels(sample.index, made.index):
        raise refuse(
            "the index", f"it is a {type(frame.index).__name__} of {frame.index.dtype}", "Use df.reset_index()"
        )
    try:
        pd.testing.assert_frame_equal(sample, made, check_exact=True, check_freq=False)
    except AssertionError as error:
        raise InvalidValue(f"the frame cannot be kept exactly: {error}", hint="Convert the named part first") from error


def _same_labels(left: pd.Index, right: pd.Index) -> bool:
    return (
        type(left) is type(right)
        and left.dtype == right.dtype
        and list(left.names) == list(right.names)
        and left.nlevels == right.nlevels
        and list(map(type, left)) == list(map(type, right))
        and left.equals(right)
    )
