"""Columns of pandas, Polars and Arrow frames alike: their types, what a cast would lose, choosing and casting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from mlops_ext.models.signatures.casting import UNITS, Kind, kinds_fit

__all__ = ["Columns", "columns_of", "exact"]

_EXACT_IN_FLOAT64 = 1 << 53


class Columns(Protocol):
    """A frame's columns."""

    @property
    def kinds(self) -> Mapping[str, Any]:
        """The library's own type of each column, in order."""
        ...

    def lossless(self, name: str, sent: Kind, taken: Kind) -> bool:
        """Tell whether the very values of a column fit a type that not every value of its type fits."""
        ...

    def given(self, names: list[str], casts: Mapping[str, Kind]) -> Any:
        """Give a frame of these columns, in this order, some of them cast."""
        ...


def columns_of(rows: Any) -> Columns:
    """Give the columns of a frame."""
    library = type(rows).__module__.partition(".")[0]
    if library == "polars":
        return _Polars(rows)
    if library == "pyarrow":
        return _Arrow(rows)
    return _Pandas(rows)


def exact(values: Any, sent: Kind, taken: Kind) -> bool:
    """Tell whether integers of 64 bits that are here are exact as floats of 64 bits."""
    if sent.family not in ("int", "uint") or (taken.family, taken.size) != ("float", 64):
        return False
    return len(values) == 0 or bool(values.min() >= -_EXACT_IN_FLOAT64 and values.max() <= _EXACT_IN_FLOAT64)


class _Pandas:
    def __init__(self, rows: Any) -> None:
        self.rows = rows
        self.kinds = {str(name): kind for name, kind in zip(rows.columns, rows.dtypes, strict=True)}

    def lossless(self, name: str, sent: Kind, taken: Kind) -> bool:
        import pandas as pd

        column = self.rows[name]
        if sent.family == "object":
            return taken.family == "text" and pd.api.types.infer_dtype(column, skipna=True) in ("string", "empty")
        if sent.nullable and not taken.nullable and column.isna().any():
            return False
        return kinds_fit(sent._replace(nullable=False), taken) or exact(column, sent, taken)

    def given(self, names: list[str], casts: Mapping[str, Kind]) -> Any:
        types = {name: _pandas_type(kind) for name, kind in casts.items() if kind.is_number or kind.size}
        return self.rows[names].astype(types) if types else self.rows[names]


class _Polars:
    def __init__(self, rows: Any) -> None:
        self.rows = rows
        self.kinds = dict(zip(rows.columns, rows.dtypes, strict=True))

    def lossless(self, name: str, sent: Kind, taken: Kind) -> bool:
        column = self.rows[name]
        if column.null_count() and not taken.nullable:
            return False
        return kinds_fit(sent._replace(nullable=False), taken) or exact(column, sent, taken)

    def given(self, names: list[str], casts: Mapping[str, Kind]) -> Any:
        import polars as pl

        types = {name: getattr(pl, kind.capital) for name, kind in casts.items() if kind.is_number}
        return self.rows.select(names).cast(types) if types else self.rows.select(names)


class _Arrow:
    def __init__(self, rows: Any) -> None:
        self.rows = rows
        self.kinds = dict(zip(rows.schema.names, rows.schema.types, strict=True))

    def lossless(self, name: str, sent: Kind, taken: Kind) -> bool:
        column = self.rows[name]
        if column.null_count and not taken.nullable:
            return False
        return kinds_fit(sent._replace(nullable=False), taken) or exact(column.to_numpy(), sent, taken)

    def given(self, names: list[str], casts: Mapping[str, Kind]) -> Any:
        import pyarrow as pa

        chosen = self.rows.select(names)
        for place, name in enumerate(names):
            if name in casts and casts[name].is_number:
                column = chosen[name].cast(pa.type_for_alias(casts[name].plain))
                chosen = chosen.set_column(place, name, column)
        return chosen


def _pandas_type(kind: Kind) -> str:
    if kind.family != "time":
        return kind.capital if kind.nullable else kind.plain
    unit = UNITS[kind.size]
    return f"datetime64[{unit}, {kind.zone}]" if kind.zone else f"datetime64[{unit}]"
