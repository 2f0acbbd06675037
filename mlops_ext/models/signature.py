"""Signatures, inferred from an example: names and exact types of what a model takes and gives."""

from __future__ import annotations

from typing import Any

from mlops_ext.errors import InvalidValue
from mlops_ext.models.types import Field_, Signature

__all__ = ["infer"]

_ROWS = 5


def infer(model: Any, example: Any) -> Signature:
    """Infer a signature from an example of the inputs and what the model makes of its first rows.

    Parameters
    ----------
    model : object
        Fitted; its `predict` and `predict_proba`, or itself when it is callable, are asked.
    example : DataFrame, Table or ndarray
        Rows as the model takes them: pandas, Polars, Arrow or NumPy of shape (n_rows, …).

    Raises
    ------
    InvalidValue
        The example is of no such kind, or the model cannot predict it.
    """
    rows = _head(example)
    return Signature(inputs=_fields(rows), outputs=_outputs(model, rows))


def _head(example: Any) -> Any:
    if hasattr(example, "head"):
        return example.head(_ROWS)
    if hasattr(example, "slice") and hasattr(example, "schema"):
        return example.slice(0, _ROWS)
    if hasattr(example, "dtype") and hasattr(example, "shape"):
        return example[:_ROWS]
    raise InvalidValue(
        f"an example cannot be a {type(example).__name__}", hint="Give a DataFrame, an Arrow table or a NumPy array"
    )


def _fields(rows: Any, name: str = "input") -> tuple[Field_, ...]:
    if hasattr(rows, "dtypes") and hasattr(rows, "columns"):
        pairs = zip(rows.columns, rows.dtypes, strict=True)
        return tuple(Field_(name=str(field), type=str(kind)) for field, kind in pairs)
    if hasattr(rows, "schema"):
        pairs = zip(rows.schema.names, rows.schema.types, strict=True)
        return tuple(Field_(name=str(field), type=str(kind)) for field, kind in pairs)
    if hasattr(rows, "dtype"):
        inner = "".join(f", {size}" for size in rows.shape[1:])
        own = getattr(rows, "name", None)
        return (Field_(name=str(own) if own else name, type=f"{rows.dtype}[n{inner}]" if inner else str(rows.dtype)),)
    return (Field_(name=name, type=type(rows).__name__),)


def _outputs(model: Any, rows: Any) -> tuple[Field_, ...]:
    asked = [("prediction", getattr(model, "predict", None)), ("probability", getattr(model, "predict_proba", None))]
    if asked[0][1] is None:
        asked = [("prediction", model if callable(model) else None)]
    found: list[Field_] = []
    for name, function in asked:
        if function is not None:
            found += _fields(_call(function, rows), name)
    return tuple(found)


def _call(function: Any, rows: Any) -> Any:
    try:
        return function(rows)
    except Exception as error:
        raise InvalidValue(
            f"the model cannot predict the example: {type(error).__name__}: {error}",
            hint="Give rows as the model takes them, or a signature instead of an example",
        ) from error
