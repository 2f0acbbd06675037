"""Where columns come from: frames of any library, and files read a column at a time."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from mlops_ext.errors import InvalidValue
from mlops_ext.monitoring.types import REFERENCE_SUFFIX

if TYPE_CHECKING:
    from pyarrow.dataset import Dataset

__all__ = ["LONG", "SUFFIXES", "Batches", "Columns", "columns_in", "columns_of", "looks_like_path"]

SUFFIXES = {".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".csv.gz": "csv", ".tsv": "csv"}
MISSING = (
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
"""What stands for a missing value in a CSV file; the list of pandas."""
LONG = 20_000_000
"""A column of more rows is not taken into memory where it can be read batch by batch."""
MOST_CSV = 8 * 2**30
"""More bytes of CSV are refused."""
_ONE_BLOCK = 2**30
Batches = Callable[[], Iterator[Any]]
"""Reads a column anew, a batch at a time."""


@dataclass(frozen=True)
class Columns(Mapping[str, Any]):
    """Columns by name, each read or converted anew when it is asked for, so that few lie in memory at once.

    Attributes
    ----------
    readers : dict of str to callable
        Gives a NumPy array of numbers, or an Arrow array.
    rows : int
        How many rows each has.
    batches : dict of str to callable
        Reads a column a batch at a time, where that is possible.
    """

    readers: dict[str, Callable[[], Any]]
    rows: int
    batches: dict[str, Batches] = field(default_factory=dict)

    def long(self, name: str) -> Batches | None:
        """Give a column batch by batch when it is too long to be read whole."""
        return self.batches.get(name) if self.rows > LONG else None

    def __getitem__(self, name: str) -> Any:
        return self.readers[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self.readers)

    def __len__(self) -> int:
        return len(self.readers)

    def __contains__(self, name: object) -> bool:
        return name in self.readers


def columns_of(frame: Any, side: str = "frame") -> Columns:
    """Take a frame apart.

    Parameters
    ----------
    frame : pandas, Polars, Arrow or Dask frame, DuckDB relation, path or mapping of name to values
    side : str
        What to call it in an error.

    Returns
    -------
    Columns
        Numeric NumPy arrays as they are, all others as Arrow.

    Raises
    ------
    InvalidValue
        It is no frame, a name stands twice, or the columns have different lengths.
    """
    if isinstance(frame, Columns):
        return frame
    if isinstance(frame, Path):
        return columns_in(frame)
    if hasattr(frame, "__dask_graph__") and hasattr(frame, "columns"):
        return _of_dask(frame, side)
    if hasattr(frame, "iloc") and hasattr(frame, "columns"):
        pairs: list[tuple[str, Any]] = [(str(name), frame.iloc[:, at]) for at, name in enumerate(frame.columns)]
    elif isinstance(frame, Mapping):
        pairs = [(str(name), values) for name, values in frame.items()]
    elif hasattr(frame, "__arrow_c_stream__") and not hasattr(frame, "dtype"):
        return _of_table(pa.table(frame), side)
    else:
        raise InvalidValue(
            f"the {side} is a {type(frame).__name__}, not a frame",
            hint="Give a frame (pandas, Polars, Arrow), a mapping of columns, a path or a dataset reference",
        )
    _refuse_twice([name for name, _ in pairs], side)
    single = [name for name, values in pairs if not hasattr(values, "__len__") or isinstance(values, str | bytes)]
    if single:
        raise InvalidValue(f"column {single[0]!r} of the {side} is one value", hint="Give a list of values, one a row")
    lengths = {name: len(values) for name, values in pairs}
    if len(set(lengths.values())) > 1:
        raise InvalidValue(
            f"the columns of the {side} have different lengths: {lengths}", hint="Give as many values each"
        )
    rows = len(frame) if hasattr(frame, "iloc") else next(iter(lengths.values()), 0)
    return Columns({name: partial(_plain, values, name) for name, values in pairs}, rows)


def looks_like_path(text: str) -> bool:
    """Tell whether a text names a file rather than a dataset, whose names hold no slash."""
    return "/" in text or "\\" in text or _format(Path(text)) != "" or text.endswith(REFERENCE_SUFFIX)


def columns_in(path: Path) -> Columns:
    """Read a CSV or Parquet file, or a folder of either.

    Parquet is read a column at a time, when it is asked for; so a folder may be larger than memory.

    Raises
    ------
    InvalidValue
        There is no such file, it is of another format, or it cannot be read.
    """
    if not path.exists():
        raise InvalidValue(f"there is no file or folder {str(path)!r}", hint="Check the path, or name a dataset")
    if path.suffix == REFERENCE_SUFFIX:
        from mlops_ext.monitoring.drift.profile import read_profile

        return read_profile(path)
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if _is_data(each, path))
    formats = {_format(each) for each in files}
    if len(formats) != 1 or formats == {""}:
        found = " and ".join(sorted(formats - {""})) or "no data that is known"
        raise InvalidValue(f"{str(path)!r} holds {found}", hint=f"Give files of one kind: {', '.join(SUFFIXES)}")
    try:
        if formats == {"csv"}:
            _refuse_huge(path, files)
            tables = [_read_csv(each) for each in files]
            return _of_table(pa.concat_tables(tables, promote_options="permissive"), f"file {path.name}")
        return _of_parquet(path, files)
    except pa.ArrowException as error:
        raise InvalidValue(f"{str(path)!r} cannot be read: {_first_line(error)}", hint="Is the file whole?") from error


def _is_data(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
    return path.is_file() and not hidden and _format(path) != ""


def _format(path: Path) -> str:
    name = path.name.lower()
    return next((kind for suffix, kind in SUFFIXES.items() if name.endswith(suffix)), "")


def _of_table(table: pa.Table, side: str) -> Columns:
    _refuse_twice(table.column_names, side)
    return Columns({name: partial(table.column, name) for name in table.column_names}, table.num_rows)


def _of_dask(frame: Any, side: str) -> Columns:
    """Take a Dask frame apart; a column is computed when it is asked for, so that few lie in memory at once."""
    _refuse_twice([str(name) for name in frame.columns], side)
    readers: dict[str, Callable[[], Any]] = {str(name): partial(_computed, frame, name) for name in frame.columns}
    batches: dict[str, Batches] = {str(name): partial(_partitions, frame, name) for name in frame.columns}
    return Columns(readers, len(frame), batches)


def _computed(frame: Any, name: Any) -> Any:
    return _plain(frame[name].compute(), str(name))


def _partitions(frame: Any, name: Any) -> Iterator[Any]:
    return (_plain(part.compute(), str(name)) for part in frame[name].partitions)


def _of_parquet(path: Path, files: Sequence[Path]) -> Columns:
    import pyarrow.dataset as ds

    paths = [str(each) for each in files]
    parts = {"partitioning": ds.HivePartitioning.discover(), "partition_base_dir": str(path)}
    base = ds.dataset(paths, format="parquet", **parts)
    schemas = [base.schema, *(fragment.physical_schema for fragment in base.get_fragments())]
    schema = pa.unify_schemas(schemas, promote_options="permissive")
    texts = [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)]
    encoded = ds.ParquetFileFormat(dictionary_columns=texts) if texts else ds.ParquetFileFormat()
    fields = [pa.field(f.name, pa.dictionary(pa.int32(), pa.string())) if f.name in texts else f for f in schema]
    whole = ds.dataset(
        paths, schema=pa.schema(fields), format=encoded, partitioning=base.partitioning, partition_base_dir=str(path)
    )
    _refuse_twice(schema.names, f"file {path.name}")
    readers: dict[str, Callable[[], Any]] = {name: partial(_parquet_column, whole, name) for name in schema.names}
    batches: dict[str, Batches] = {name: partial(_parquet_batches, whole, name) for name in schema.names}
    return Columns(readers, whole.count_rows(), batches)


def _parquet_column(dataset: Dataset, name: str) -> pa.ChunkedArray:
    import pyarrow.dataset as ds

    at_once = ds.ParquetFragmentScanOptions(pre_buffer=False)  # one column lies together: nothing to gather first
    try:
        return dataset.to_table(columns=[name], fragment_scan_options=at_once).column(0)
    except pa.ArrowException as error:
        raise InvalidValue(
            f"column {name!r} cannot be read: {_first_line(error)}", hint="Is the file whole?"
        ) from error


def _parquet_batches(dataset: Dataset, name: str) -> Iterator[pa.Array]:
    """Read pages, not row groups, and few ahead: a column may be one group."""
    import pyarrow.dataset as ds

    options = ds.ParquetFragmentScanOptions(use_buffered_stream=True, pre_buffer=False)
    ahead = {"batch_readahead": 2, "fragment_readahead": 1, "fragment_scan_options": options}
    return (batch.column(0) for batch in dataset.to_batches(columns=[name], **ahead))


def _read_csv(path: Path) -> pa.Table:
    from pyarrow import csv

    rules = csv.ConvertOptions(null_values=MISSING, strings_can_be_null=True)
    tabs = csv.ParseOptions(delimiter="\t" if path.name.lower().endswith(".tsv") else ",", newlines_in_values=True)
    try:
        return csv.read_csv(path, parse_options=tabs, convert_options=rules)
    except pa.ArrowInvalid:  # a later block differs from the first: let every row vote on the type
        block = csv.ReadOptions(block_size=_ONE_BLOCK)
        return csv.read_csv(path, read_options=block, parse_options=tabs, convert_options=rules)


def _refuse_huge(path: Path, files: Sequence[Path]) -> None:
    """Refuse text that would fill the memory: it is read whole, since any row may change a column's type."""
    size = sum(each.stat().st_size for each in files)
    if size > MOST_CSV:
        raise InvalidValue(
            f"{str(path)!r} holds {size / 1e9:.1f} GB of CSV, which is read whole",
            hint="Write it as Parquet, which is read a column at a time and may be larger than memory",
        )


def _refuse_twice(names: Sequence[str], side: str) -> None:
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise InvalidValue(f"the {side} has two columns {twice[0]!r}", hint="Rename one of them")


def _plain(values: Any, name: str) -> Any:
    dtype = getattr(values, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind in "iuf":
        array = np.asarray(values)
        if array.ndim != 1:
            raise InvalidValue(f"column {name!r} has {array.ndim} dimensions", hint="Give one value a row")
        return array if array.dtype.itemsize <= 8 else array.astype(np.float64)
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    if hasattr(values, "to_arrow"):
        return values.to_arrow()
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError, UnicodeEncodeError):
        return _mixed(values)


def _mixed(values: Any) -> pa.Array:
    """Take values of several types: all numbers, however huge, become float64; else each is a label of its own."""
    if all(_is_number(value) or _label(value) is None for value in values):
        return pa.array([None if _label(value) is None else float(value) for value in values], type=pa.float64())
    return pa.array([_label(value) for value in values], type=pa.large_string())


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and not _is_beyond(value)


def _is_beyond(value: Any) -> bool:
    """Tell whether a number is infinite as a float, be it that it is too long for one."""
    try:
        return abs(float(value)) == math.inf
    except OverflowError:
        return True


def _label(value: Any) -> str | None:
    """Name a value of a column of mixed types, so that 1 and "1" stay two labels."""
    if value is None or _is_nan(value) or type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()  # half a surrogate pair is no UTF-8
    shown = hex(value) if isinstance(value, int) and _is_beyond(value) else value  # Python writes no 5,000 digits
    return f"{shown} ({type(value).__name__})"


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and value != value  # noqa: PLR0124


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
