"""Batches of predictions and labels: written as Parquet, read back and joined by id."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mlops_ext.errors import InvalidValue
from mlops_ext.monitoring.performance.measure import Scored
from mlops_ext.monitoring.sources import columns_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "FEATURE",
    "Joined",
    "join_labels",
    "label_table",
    "newest_by_id",
    "prediction_table",
    "read_batch",
    "scored_of",
    "write_batch",
]

FEATURE = "feature:"
"""How the name of a logged feature's column begins."""
_TIME = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True)
class Joined:
    """The predictions of one window with the labels that are known.

    Attributes
    ----------
    frame : pandas.DataFrame
        One row an id: `id`, `at`, `prediction`, `probability`, and `label` as 0.0, 1.0 or NaN.
    counts : dict of str to int
        Predictions, labels known, repeated ids of each, labels of unknown ids.
    """

    frame: pd.DataFrame
    counts: dict[str, int]

    @property
    def coverage(self) -> float:
        """The share of predictions whose label is known."""
        return float(self.frame["label"].notna().mean()) if len(self.frame) else 0.0

    def labelled(self) -> pd.DataFrame:
        """Give the rows with a label."""
        return self.frame[self.frame["label"].notna()]


def prediction_table(ids: Any, prediction: Any, probability: Any, at: Any, features: Any) -> pa.Table:
    """Check predictions and lay them out as `id, at, prediction, probability` and the features."""
    columns = {"id": _ids(ids)}
    rows = len(columns["id"])
    columns["at"] = _times(at, rows)
    columns["prediction"] = _as_long(_binary(prediction, "prediction"), rows, "prediction")
    if probability is not None:
        columns["probability"] = _as_long(_probabilities(probability), rows, "probability")
    if features is not None:
        for name, column in columns_of(features, "features").items():
            columns[FEATURE + name] = _as_long(
                pa.array(column) if isinstance(column, np.ndarray) else column, rows, name
            )
    return pa.table(columns)


def label_table(ids: Any, labels: Any, at: Any) -> pa.Table:
    """Check labels and lay them out as `id, at, label`."""
    column = _ids(ids)
    return pa.table(
        {"id": column, "at": _times(at, len(column)), "label": _as_long(_binary(labels, "label"), len(column), "label")}
    )


def write_batch(table: pa.Table, window: str) -> bytes:
    """Write a batch as Parquet; the window is part of it, so that the same rows of two windows are two batches."""
    sink = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({"window": window}), sink, compression="zstd")
    return sink.getvalue()


def read_batch(path: Any, columns: Sequence[str] | None) -> pd.DataFrame:
    """Read those of the columns that a batch has; all of them for None."""
    held = pq.read_schema(path).names
    wanted = held if columns is None else [name for name in columns if name in held]
    frame: pd.DataFrame = pq.read_table(path, columns=wanted).to_pandas()
    return frame


def newest_by_id(frames: Sequence[pd.DataFrame]) -> tuple[pd.DataFrame, int]:
    """Keep the last row of each id by time, of equal times the one logged last; give how many fell out."""
    import pandas as pd

    whole = pd.concat(frames, ignore_index=True)
    kept = whole.sort_values("at", kind="stable").drop_duplicates("id", keep="last")
    return kept.sort_index(), len(whole) - len(kept)


def join_labels(predictions: Sequence[pd.DataFrame], labels: Sequence[pd.DataFrame]) -> Joined:
    """Join predictions with labels by id.

    Of several labels, or predictions, of one id the last by time counts.
    """
    frame, repeated = newest_by_id(predictions)
    counts = {"predictions": len(frame), "repeated_predictions": repeated}
    if not labels:
        return Joined(frame.assign(label=np.nan), {**counts, "labels": 0, "repeated_labels": 0, "unknown_labels": 0})
    known, repeated = newest_by_id(labels)
    joined = frame.merge(known[["id", "label"]], on="id", how="left", validate="one_to_one")
    matched = int(joined["label"].notna().sum())
    counts |= {"labels": matched, "repeated_labels": repeated, "unknown_labels": len(known) - matched}
    return Joined(joined, counts)


def scored_of(frame: pd.DataFrame, label: Any, threshold: float | None) -> Scored:
    """Give a window as arrays: days in UTC, labels, probabilities if all rows have one, and decisions.

    Parameters
    ----------
    frame : pandas.DataFrame
        With `at`, `prediction` and perhaps `probability`.
    label : array_like of float, shape (rows,)
        0 or 1.
    threshold : float or None
        Decide by probability from here on; None takes the logged predictions.
    """
    moment = frame["at"].to_numpy(dtype="datetime64[us]")
    day = np.unique(moment.astype("datetime64[D]"), return_inverse=True)[1].astype(np.int64)
    score = None
    if "probability" in frame and frame["probability"].notna().all():
        score = frame["probability"].to_numpy(dtype=np.float64)
    if score is not None and threshold is not None:
        return Scored(day, np.asarray(label, dtype=np.float64), score, score >= threshold)
    predicted = frame["prediction"].to_numpy(dtype=np.float64) == 1
    return Scored(day, np.asarray(label, dtype=np.float64), score, predicted)


def _ids(ids: Any) -> pa.Array:
    column = _array(ids)
    if pa.types.is_floating(column.type):
        raise InvalidValue(
            "the ids are floating-point numbers", hint="Give whole numbers or text, so that they join exactly"
        )
    if pa.types.is_nested(column.type) or pa.types.is_null(column.type):
        raise InvalidValue(f"the ids are of type {column.type}", hint="Give whole numbers or text")
    if column.null_count:
        raise InvalidValue(f"{column.null_count} ids are missing", hint="Give every row an id")
    return pc.cast(column, pa.string())


def _times(at: Any, rows: int) -> pa.Array:
    import pandas as pd

    try:
        found = pd.to_datetime(at.to_pandas() if hasattr(at, "to_pandas") else at, utc=True)
    except (ValueError, TypeError) as error:
        raise InvalidValue(f"`at` holds no times: {error}", hint="Give times, or one for all rows") from error
    if isinstance(found, pd.Timestamp):
        return pa.array([found.to_pydatetime()] * rows, type=_TIME)
    column = pa.array(found, from_pandas=True)
    if column.null_count or found is pd.NaT:
        raise InvalidValue(f"{column.null_count} times are missing in `at`", hint="Give every row a time")
    return _as_long(pc.cast(column, _TIME, safe=False), rows, "at")


def _binary(values: Any, what: str) -> pa.Array:
    """Take 0 and 1, or truth values, and nothing else."""
    column = _array(values)
    if pa.types.is_boolean(column.type):
        column = pc.cast(column, pa.int8())
    numeric = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
    distinct = pc.unique(column).to_pylist()[:1000] if len(column) else []
    wrong = [value for value in distinct if not numeric or value not in (0, 1)]
    if wrong:
        raise InvalidValue(
            f"a {what} is {wrong[0]!r}", hint=f"Give each {what} as 0 or 1; leave rows without one out of the batch"
        )
    return pc.cast(column, pa.float64())


def _probabilities(values: Any) -> pa.Array:
    column = _array(values)
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type) or pa.types.is_null(column.type)):
        raise InvalidValue(f"the probabilities are of type {column.type}", hint="Give numbers from 0 to 1")
    numbers = np.asarray(pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False))
    wrong = numbers[~((numbers >= 0) & (numbers <= 1))]
    if len(wrong):
        raise InvalidValue(f"a probability is {wrong[0]}", hint="Give the probability of 1, from 0 to 1, for every row")
    return pa.array(numbers)


def _array(values: Any) -> pa.Array:
    if isinstance(values, pa.ChunkedArray):
        return values.combine_chunks()
    if hasattr(values, "to_arrow"):
        return values.to_arrow()
    try:
        found = pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise InvalidValue(f"values of mixed types: {error}", hint="Give values of one type") from error
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def _as_long(column: Any, rows: int, what: str) -> Any:
    if len(column) != rows:
        raise InvalidValue(f"{rows} ids, but {len(column)} values of {what}", hint="Give one value for every id")
    return column
