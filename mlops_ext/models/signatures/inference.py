"""Signatures, inferred from an example: names and exact types of what a model takes and gives.

A type is the library's own name for it: `int64`, `Int64` (may be missing), `category`, `datetime64[us, UTC]` of
pandas; `double`, `timestamp[us, tz=UTC]` of Arrow; `Float64`, `Categorical` of Polars. A tensor's is its dtype
and shape, with -1 for the rows: `float32[-1, 28, 28]`. `signatures/casting.py` knows which fits which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlops_ext.errors import InvalidValue
from mlops_ext.models.signatures.asking import answers_of
from mlops_ext.models.types import Field_, Signature

__all__ = ["infer"]

_ROWS = 5


def infer(model: Any, example: Any) -> Signature:
    """Infer a signature from an example of the inputs and what the model makes of its first rows.

    Parameters
    ----------
    model : object
        Fitted; its `predict` and `predict_proba`, or what its flavor says can be asked.
    example : DataFrame, Table, ndarray, tensor, or mapping of str to ndarray
        Rows as the model takes them: pandas, Polars, Arrow, or arrays of shape (n_rows, …).

    Raises
    ------
    InvalidValue
        The example is of no such kind, or the model cannot predict it.
    """
    rows = _head(example)
    return Signature(inputs=_fields(rows), outputs=_outputs(model, rows))


def _head(example: Any) -> Any:
    if isinstance(example, Mapping):
        return {name: _head(each) for name, each in example.items()}
    if hasattr(example, "head"):
        return example.head(_ROWS)
    if hasattr(example, "slice") and hasattr(example, "schema"):
        return example.slice(0, _ROWS)
    if hasattr(example, "dtype") and hasattr(example, "shape"):
        return example[:_ROWS]
    raise InvalidValue(
        f"an example cannot be a {type(example).__name__}", hint="Give a DataFrame, an Arrow table or a NumPy array"
    )


def _fields(rows: Any, name: str = "input") -> tuple[Field_, ...]:  # noqa: PLR0911 - one line for each kind
    if hasattr(rows, "dtypes") and hasattr(rows, "columns"):
        pairs = zip(rows.columns, rows.dtypes, strict=True)
        return tuple(Field_(name=str(field), type=str(kind)) for field, kind in pairs)
    if hasattr(rows, "schema"):
        pairs = zip(rows.schema.names, rows.schema.types, strict=True)
        return tuple(Field_(name=str(field), type=str(kind)) for field, kind in pairs)
    if isinstance(rows, Mapping):
        return tuple(field for key, each in rows.items() for field in _fields(each, str(key)))
    if hasattr(rows, "dtype") and hasattr(rows, "shape"):
        own = getattr(rows, "name", None)
        return (Field_(name=str(own) if own else name, type=_tensor(rows)),)
    if isinstance(rows, tuple) and len(rows) > 1:
        return tuple(field for place, each in enumerate(rows) for field in _fields(each, f"{name}_{place}"))
    if isinstance(rows, Sequence) and not isinstance(rows, str) and rows:
        return (Field_(name=name, type=type(rows[0]).__name__),)
    return (Field_(name=name, type=type(rows).__name__),)


def _tensor(rows: Any) -> str:
    kind = str(rows.dtype).removeprefix("torch.")
    inner = "".join(f", {size}" for size in rows.shape[1:])
    return f"{kind}[-1{inner}]" if inner else kind


def _outputs(model: Any, rows: Any) -> tuple[Field_, ...]:
    asked = answers_of(model).items()
    return tuple(field for name, function in asked for field in _fields(_call(function, rows), name))


def _call(function: Any, rows: Any) -> Any:
    try:
        return function(rows)
    except Exception as error:
        raise InvalidValue(
            f"the model cannot predict the example: {type(error).__name__}: {error}",
            hint="Give rows as the model takes them, or a signature instead of an example",
        ) from error
