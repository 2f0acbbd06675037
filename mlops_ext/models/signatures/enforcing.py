"""A model that takes only what its signature says: columns by name, in any order, and types without loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mlops_ext.errors import InvalidValue
from mlops_ext.models.signatures.asking import answers_of
from mlops_ext.models.signatures.casting import Kind, fits, kind_of
from mlops_ext.models.signatures.columns import columns_of, exact
from mlops_ext.models.types import Field_, Signature

__all__ = ["Enforced", "conformed"]

_ASKED = frozenset({"decision_function", "predict_log_proba", "predict_proba", "score_samples", "transform"})


class Enforced:
    """A model behind its signature; what is not asked with rows goes straight to it.

    Parameters
    ----------
    model : object
        As it was loaded.
    signature : Signature
        Of its version.
    """

    def __init__(self, model: Any, signature: Signature) -> None:
        self.model = model
        self.signature = signature

    def predict(self, rows: Any, *arguments: Any, **options: Any) -> Any:
        """Predict rows that conform; a model without `predict` is asked for its outputs.

        Parameters
        ----------
        rows : DataFrame, Table, ndarray, or mapping of str to ndarray
            As the signature says.

        Raises
        ------
        InvalidValue
            Columns are missing or too many, or a type does not fit; each is named.
        """
        checked = conformed(self.signature, rows)
        if hasattr(self.model, "predict"):
            return self.model.predict(checked, *arguments, **options)
        found = {name: ask(checked) for name, ask in answers_of(self.model).items()}
        return next(iter(found.values())) if len(found) == 1 else found

    def __call__(self, rows: Any, *arguments: Any, **options: Any) -> Any:
        """Call a model that can be called, with rows that conform."""
        return self.model(conformed(self.signature, rows), *arguments, **options)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.model, name)
        if name not in _ASKED:
            return value
        ask: Callable[..., Any] = value
        return lambda rows, *arguments, **options: ask(conformed(self.signature, rows), *arguments, **options)

    def __reduce__(self) -> tuple[type[Enforced], tuple[Any, Signature]]:
        # Before Python 3.11 a copy would ask the model for its state.
        return type(self), (self.model, self.signature)

    def __repr__(self) -> str:
        return f"Enforced({self.model!r})"


def conformed(signature: Signature, rows: Any) -> Any:
    """Give rows as a signature says: its columns in its order, cast where nothing is lost.

    Raises
    ------
    InvalidValue
        Columns are missing or too many, or a type does not fit; each is named.
    """
    fields = signature.inputs
    if isinstance(rows, Mapping):
        _refuse_columns([field.name for field in fields], list(rows))
        return {field.name: _array(rows[field.name], field) for field in fields}
    if hasattr(rows, "columns") or hasattr(rows, "column_names"):
        return _frame(rows, fields)
    if hasattr(rows, "dtype") and hasattr(rows, "shape") and len(fields) == 1:
        return _array(rows, fields[0])
    names = ", ".join(field.name for field in fields)
    raise InvalidValue(
        f"the model takes columns by name, not a {type(rows).__name__}", hint=f"Give a frame with {names}"
    )


def _frame(rows: Any, fields: Sequence[Field_]) -> Any:
    columns = columns_of(rows)
    types = {name: str(kind) for name, kind in columns.kinds.items()}
    _refuse_columns([field.name for field in fields], list(types))
    casts, wrong = {}, []
    for field in fields:
        sent = types[field.name]
        if fits(sent, field.type):
            if _numbers_differ(kind_of(sent), kind_of(field.type)):
                casts[field.name] = kind_of(field.type)
        elif columns.lossless(field.name, kind_of(sent), kind_of(field.type)):
            casts[field.name] = kind_of(field.type)
        else:
            wrong.append(f"{field.name!r} is {sent}, the model takes {field.type}")
    if wrong:
        raise InvalidValue("; ".join(wrong), hint="Cast the columns, or register a model that takes them")
    return columns.given([field.name for field in fields], casts)


def _refuse_columns(wanted: Sequence[str], given: Sequence[str]) -> None:
    missing = [name for name in wanted if name not in given]
    extra = [name for name in given if name not in wanted]
    told = [
        f"{word}: {', '.join(map(repr, names))}" for word, names in (("missing", missing), ("extra", extra)) if names
    ]
    if told:
        raise InvalidValue(f"the columns are not the model's ({'; '.join(told)})", hint=f"It takes {', '.join(wanted)}")


def _numbers_differ(sent: Kind, taken: Kind) -> bool:
    return taken.family in ("int", "uint", "float", "time") and sent[:3] != taken[:3]


def _array(rows: Any, field: Field_) -> Any:
    """Check an array, or one of several, and cast it."""
    inner = "".join(f", {size}" for size in rows.shape[1:])
    name = str(rows.dtype).removeprefix("torch.")
    sent = f"{name}[-1{inner}]" if inner else name
    taken = kind_of(field.type)
    if not fits(sent, field.type) and not (kind_of(sent).shape == taken.shape and exact(rows, kind_of(sent), taken)):
        raise InvalidValue(f"{field.name!r} is {sent}, the model takes {field.type}", hint="Cast it, or give its shape")
    if not _numbers_differ(kind_of(sent), taken) or not hasattr(rows, "astype"):
        return rows
    return rows.astype(taken.plain)
