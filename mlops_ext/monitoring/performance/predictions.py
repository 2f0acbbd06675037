"""Batches of predictions and labels: written as Parquet, read back and joined by id."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mlops_ext.errors import InvalidValue, did_you_mean, refuse_text
from mlops_ext.monitoring.performance.answers import OF_CLASS, answers_of, as_array, as_long, labels_of
from mlops_ext.monitoring.performance.measure import Scored
from mlops_ext.monitoring.sources import columns_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "FEATURE",
    "Joined",
    "days_of",
    "join_labels",
    "label_table",
    "newest_by_id",
    "prediction_table",
    "read_batch",
    "sampled",
    "scored_of",
    "write_batch",
]

FEATURE = "feature:"
"""How the name of a logged feature's column begins."""
_TIME = pa.timestamp("us", tz="UTC")
_TWO = "This is for models that answer 0 or 1; see performance() for the others"


@dataclass(frozen=True)
class Joined:
    """The predictions of one window with the labels that are known.

    Attributes
    ----------
    frame : pandas.DataFrame
        One row an id: `id`, `at`, `prediction`, `probability` or one column a class, and `label`, NaN where unknown.
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


def prediction_table(
    ids: Any,
    prediction: Any,
    probability: Any,
    at: Any,
    features: Any,
    *,
    task: str = "",
    classes: Sequence[Any] | None = None,
    columns: Sequence[str] | None = None,
) -> pa.Table:
    """Check predictions and lay them out as `id, at, prediction`, probabilities and the features.

    Parameters
    ----------
    task : {"", "binary", "multiclass", "regression"}
        What the predictions are; seen by themselves when left out.
    classes : sequence, optional
        What the columns of `probability` are.
    columns : sequence of str, optional
        The features that are kept; all when left out.
    """
    made = {"id": _ids(ids)}
    rows = len(made["id"])
    made["at"] = _times(at, rows)
    for name, column in answers_of(prediction, probability, task, classes).items():
        made[name] = as_long(column, rows, name)
    given = columns_of(features, "features") if features is not None else {}
    for name in given if columns is None else _allowed(columns, given):
        column = given[name]
        made[FEATURE + name] = as_long(pa.array(column) if isinstance(column, np.ndarray) else column, rows, name)
    return pa.table(made)


def sampled(table: pa.Table, share: float) -> pa.Table:
    """Keep a share of the rows; the id alone decides which.

    Raises
    ------
    InvalidValue
        The share is no number above 0 to 1.
    """
    import pandas as pd

    if not 0 < share <= 1:
        raise InvalidValue(f"sample is {share}", hint="Give a share above 0 to 1, such as 0.1")
    if share == 1:
        return table
    drawn = pd.util.hash_array(table["id"].to_pandas().to_numpy(dtype=object)) / 2.0**64
    return table.filter(pa.array(drawn < share))


def label_table(ids: Any, labels: Any, at: Any) -> pa.Table:
    """Check labels and lay them out as `id, at, label`."""
    column = _ids(ids)
    return pa.table(
        {"id": column, "at": _times(at, len(column)), "label": as_long(labels_of(labels), len(column), "label")}
    )


def write_batch(table: pa.Table, window: str) -> bytes:
    """Write a batch as Parquet; the window is part of it, so that the same rows of two windows are two batches."""
    sink = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({"window": window}), sink, compression="zstd")
    return sink.getvalue()


def read_batch(path: Any, columns: Sequence[str] | None) -> pd.DataFrame:
    """Read those of the columns that a batch has, and probabilities of classes; all of them for None."""
    held = pq.read_schema(path).names
    wanted = held if columns is None else [name for name in held if name in columns or name.startswith(OF_CLASS)]
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
    day, score = days_of(frame), None
    truth = np.asarray(label)
    if truth.dtype.kind not in "fiub" or frame["prediction"].dtype.kind not in "fiub":
        raise InvalidValue("the predictions or labels are classes, not 0 and 1", hint=_TWO)
    wrong = truth[~((truth >= 0) & (truth <= 1))]
    if len(wrong):
        raise InvalidValue(f"a label is {wrong[0]:g}, not 0 or 1", hint=_TWO)
    if "probability" in frame and frame["probability"].notna().all():
        score = frame["probability"].to_numpy(dtype=np.float64)
    if score is not None and threshold is not None:
        return Scored(day, np.asarray(label, dtype=np.float64), score, score >= threshold)
    predicted = frame["prediction"].to_numpy(dtype=np.float64) == 1
    return Scored(day, np.asarray(label, dtype=np.float64), score, predicted)


def days_of(frame: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Number the days in UTC on which rows were predicted, from 0 without gaps."""
    moment = frame["at"].to_numpy(dtype="datetime64[us]")
    return np.unique(moment.astype("datetime64[D]"), return_inverse=True)[1].astype(np.int64)


def _allowed(columns: Sequence[str], given: Mapping[str, Any]) -> list[str]:
    refuse_text("columns", columns)
    for name in columns:
        if name not in given:
            raise InvalidValue(f"no column {name!r} among the features", hint=did_you_mean(name, given))
    return list(dict.fromkeys(columns))


def _ids(ids: Any) -> pa.Array:
    column = as_array(ids)
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
    return as_long(pc.cast(column, _TIME, safe=False), rows, "at")
