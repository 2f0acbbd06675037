"""What models answer and what labels say, checked: two classes, several, or numbers; and what a window is judged as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlops_ext.errors import InvalidValue, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from mlops_ext.monitoring.performance.custom import Judged

__all__ = ["OF_CLASS", "TASKS", "answers_of", "as_array", "as_long", "judged_of", "labels_of", "task_of"]

OF_CLASS = "probability:"
"""How the name of a class's column of probabilities begins."""
TASKS = ("binary", "multiclass", "regression")
Task = Literal["binary", "multiclass", "regression"]
_WHOLE = 2.0**53


def answers_of(prediction: Any, probability: Any, task: str, classes: Sequence[Any] | None) -> dict[str, Any]:
    """Check predictions and probabilities, and give them as columns.

    Parameters
    ----------
    prediction : array_like, shape (rows,)
        0 or 1, classes, or numbers.
    probability : array_like, shape (rows,) or (rows, classes), frame or mapping of class to values, or None
        Of 1, or of each class.
    task : {"", "binary", "multiclass", "regression"}
        Seen by themselves when empty: two classes with one probability a row, several with one a class or with names.
    classes : sequence, optional
        What the columns of `probability` are.

    Raises
    ------
    InvalidValue
        A value is missing, no number where one is wanted, or no probability.
    """
    if task and task not in TASKS:
        raise InvalidValue(f"no task {task!r}", hint=did_you_mean(task, TASKS))
    by_class = _by_class(probability, classes)
    if by_class is not None:
        if task not in ("", "multiclass"):
            raise InvalidValue(f"probabilities of classes for a task {task!r}", hint="Give one probability a row")
        return {"prediction": _classes(prediction, "prediction"), **by_class}
    if task == "multiclass":
        if probability is not None:
            raise InvalidValue("one probability a row for several classes", hint="Give one a class, with classes=")
        return {"prediction": _classes(prediction, "prediction")}
    if probability is not None:
        if task == "regression":
            raise InvalidValue("probabilities of a regression", hint="Leave probability= out")
        return {"prediction": _binary(prediction, "prediction"), "probability": _probabilities(probability)}
    if task == "binary":
        return {"prediction": _binary(prediction, "prediction")}
    return {"prediction": _values(prediction, "prediction")}


def labels_of(labels: Any) -> Any:
    """Check labels: 0 or 1, classes, or numbers."""
    return _values(labels, "label")


def task_of(rows: pd.DataFrame) -> Task:
    """Tell what a window's predictions are: named by what was logged, else by their values."""
    if any(name.startswith(OF_CLASS) for name in rows.columns):
        return "multiclass"
    sides = [rows[name] for name in ("prediction", "label") if name in rows]
    if any(side.dtype.kind not in "fiub" for side in sides):
        return "multiclass"
    if "probability" in rows and rows["probability"].notna().any():
        return "binary"
    return "binary" if all(side.dropna().isin((0, 1)).all() for side in sides) else "regression"


def judged_of(rows: pd.DataFrame, threshold: float | None, task: str = "") -> Judged:
    """Give the labelled rows of a window as what is judged.

    Parameters
    ----------
    rows : pandas.DataFrame
        With `at`, `prediction`, `label` and what probabilities there are.
    threshold : float or None
        Of two classes: decide by probability from here on; None takes the logged predictions.
    task : {"", "binary", "multiclass", "regression"}
        What to judge them as; by `task_of` when empty.
    """
    from mlops_ext.monitoring.performance.classes import Classified
    from mlops_ext.monitoring.performance.predictions import days_of, scored_of
    from mlops_ext.monitoring.performance.regression import Predicted

    if task and task not in TASKS:
        raise InvalidValue(f"no task {task!r}", hint=did_you_mean(task, TASKS))
    kind = task or task_of(rows)
    if kind == "binary":
        return scored_of(rows, rows["label"], threshold)
    day = days_of(rows)
    if kind == "regression":
        return Predicted(day, _floats(rows["label"], "label"), _floats(rows["prediction"], "prediction"))
    names = [name for name in rows.columns if name.startswith(OF_CLASS)]
    given = rows[names].to_numpy(dtype=np.float64) if names else None
    if given is not None and np.isnan(given).any():
        given, names = None, []
    classes = tuple(name.removeprefix(OF_CLASS) for name in names)
    return Classified(day, _texts(rows["label"]), _texts(rows["prediction"]), given, classes)


def as_array(values: Any) -> pa.Array:
    """Take values of one type."""
    if isinstance(values, pa.ChunkedArray):
        return values.combine_chunks()
    if hasattr(values, "to_arrow"):
        return values.to_arrow()
    try:
        found = pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise InvalidValue(f"values of mixed types: {error}", hint="Give values of one type") from error
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def as_long(column: Any, rows: int, what: str) -> Any:
    """Refuse a column that has another length than the ids."""
    if len(column) != rows:
        raise InvalidValue(f"{rows} ids, but {len(column)} values of {what}", hint="Give one value for every id")
    return column


def _values(values: Any, what: str) -> pa.Array:
    """Take numbers or classes; truth values are 0 and 1."""
    column = as_array(values)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_boolean(column.type):
        column = pc.cast(column, pa.int8())
    _refuse_missing(column, what)
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        numbers = pc.cast(column, pa.float64(), safe=False)
        wrong = numbers.filter(pc.invert(pc.is_finite(numbers)))
        if len(wrong):
            raise InvalidValue(f"a {what} is {wrong[0].as_py()}", hint=_LEAVE_OUT)
        return numbers
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return pc.cast(column, pa.string())
    raise InvalidValue(f"the {what}s are of type {column.type}", hint="Give 0 and 1, names of classes, or numbers")


_LEAVE_OUT = "Leave rows without one out of the batch"


def _classes(values: Any, what: str) -> pa.Array:
    """Take names of classes; a whole number is its own name."""
    column = _values(values, what)
    if pa.types.is_floating(column.type):
        return pa.array([_name(value) for value in column.to_pylist()], pa.string())
    return column


def _binary(values: Any, what: str) -> pa.Array:
    """Take 0 and 1, or truth values, and nothing else."""
    column = as_array(values)
    if pa.types.is_boolean(column.type):
        column = pc.cast(column, pa.int8())
    numeric = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
    distinct = pc.unique(column).to_pylist()[:1000] if len(column) else []
    wrong = [value for value in distinct if not numeric or value not in (0, 1)]
    if wrong:
        raise InvalidValue(f"a {what} is {wrong[0]!r}", hint=f"Give each {what} as 0 or 1; {_LEAVE_OUT.lower()}")
    return pc.cast(column, pa.float64())


def _probabilities(values: Any) -> pa.Array:
    column = as_array(values)
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type) or pa.types.is_null(column.type)):
        raise InvalidValue(f"the probabilities are of type {column.type}", hint="Give numbers from 0 to 1")
    numbers = np.asarray(pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False))
    wrong = numbers[~((numbers >= 0) & (numbers <= 1))]
    if len(wrong):
        raise InvalidValue(f"a probability is {wrong[0]}", hint="Give one from 0 to 1 for every row")
    return pa.array(numbers)


def _by_class(probability: Any, classes: Sequence[Any] | None) -> dict[str, pa.Array] | None:
    """Take probabilities of each class apart; None when there is one a row, or none."""
    if isinstance(probability, Mapping) or hasattr(probability, "columns") or isinstance(probability, pa.Table):
        from mlops_ext.monitoring.sources import columns_of

        columns: Mapping[Any, Any] = columns_of(probability, "probability")
    elif probability is not None and getattr(probability, "ndim", 1) == 2:
        if classes is None or len(classes) != probability.shape[1]:
            raise InvalidValue(
                f"probabilities of {probability.shape[1]} classes, and {len(classes or ())} names",
                hint="Write classes=model.classes_",
            )
        columns = {each: probability[:, place] for place, each in enumerate(classes)}
    else:
        return None
    return {f"{OF_CLASS}{_name(each)}": _probabilities(values) for each, values in columns.items()}


def _refuse_missing(column: pa.Array, what: str) -> None:
    if column.null_count or pa.types.is_null(column.type):
        raise InvalidValue(f"a {what} is None", hint=_LEAVE_OUT)


def _floats(values: Any, what: str) -> Any:
    try:
        return values.to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidValue(f"a {what} is no number: {error}", hint="Write task='multiclass'") from error


def _texts(values: Any) -> Any:
    return np.array([_name(value) for value in values.tolist()], dtype=str)


def _name(value: Any) -> str:
    """Write a class as text; 3.0 is 3, as it is in another batch that held whole numbers."""
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, float) and plain.is_integer() and abs(plain) < _WHOLE:
        return str(int(plain))
    return str(plain)
