"""Columns cut into slices: labels as they are, numbers at the quartiles, what is missing apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mlops_ext.errors import NotFound, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MOST_LABELS", "Sliced", "check_column", "is_ranged", "slice_columns"]

MOST_LABELS = 20
"""The most frequent labels of a column; all others are one."""
_MISSING = "missing"
_OTHER = "other"


@dataclass(frozen=True)
class Sliced:
    """One column as codes of its slices.

    Attributes
    ----------
    names : tuple of str
        Of the slices, such as `origin=EWR` or `temp≤40.1`.
    codes : list of ndarray of int64, each of shape (rows,)
        One for each frame that was given.
    """

    column: str
    names: tuple[str, ...]
    codes: list[npt.NDArray[np.int64]]


def slice_columns(frames: Sequence[pd.DataFrame], columns: Sequence[str]) -> list[Sliced]:
    """Cut columns alike in several frames; a column with a single slice is left out.

    Parameters
    ----------
    frames : sequence of pandas.DataFrame
        Edges and labels are taken from all of them together.
    columns : sequence of str
        Which.
    """
    made = [_sliced(frames, name) for name in columns]
    return [each for each in made if len(each.names) > 1]


def check_column(name: str, known: Sequence[str]) -> None:
    """Refuse a column that is not there, naming the nearest."""
    if name not in known:
        raise NotFound(f"no column {name!r} is logged of this window", hint=did_you_mean(name, known))


def is_ranged(column: pd.Series[Any]) -> bool:
    """Tell whether a column holds so many different numbers that its slices are ranges."""
    import pandas as pd

    number = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    return bool(number and column.nunique() > MOST_LABELS)


def _sliced(frames: Sequence[pd.DataFrame], name: str) -> Sliced:
    import pandas as pd

    columns = [frame[name] for frame in frames]
    whole = pd.concat(columns, ignore_index=True)
    if is_ranged(whole):
        return _numeric(name, whole, columns)
    return _labelled(name, whole, columns)


def _numeric(name: str, whole: Any, columns: Sequence[Any]) -> Sliced:
    values = whole.to_numpy(dtype=np.float64, na_value=np.nan)
    edges = np.unique(np.quantile(values[np.isfinite(values)], [0.25, 0.5, 0.75]))
    parts = [f"{name}≤{edges[0]:.4g}"]
    parts += [f"{low:.4g}<{name}≤{high:.4g}" for low, high in pairwise(edges)]
    parts += [f"{name}>{edges[-1]:.4g}"]
    codes = []
    for column in columns:
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        found = np.searchsorted(edges, numbers, side="left").astype(np.int64)
        codes.append(np.where(np.isfinite(numbers), found, len(parts)))
    return _compact(name, [*parts, f"{name} {_MISSING}"], codes)


def _labelled(name: str, whole: Any, columns: Sequence[Any]) -> Sliced:
    most = whole.astype(object).dropna().map(_label).value_counts().index[:MOST_LABELS].tolist()
    place = {label: number for number, label in enumerate(most)}
    codes = []
    for column in columns:
        plain = column.astype(object)
        found = plain.map(lambda value: place.get(_label(value), len(most))).to_numpy(dtype=np.int64, na_value=0)
        codes.append(np.where(plain.isna().to_numpy(), len(most) + 1, found))
    return _compact(name, [*(f"{name}={label}" for label in most), f"{name} {_OTHER}", f"{name} {_MISSING}"], codes)


def _label(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _compact(name: str, names: Sequence[str], codes: list[npt.NDArray[np.int64]]) -> Sliced:
    """Leave out the slices that no row is in."""
    held = np.unique(np.concatenate(codes)) if codes else np.empty(0, dtype=np.int64)
    place = np.zeros(len(names), dtype=np.int64)
    place[held] = np.arange(len(held))
    return Sliced(name, tuple(names[code] for code in held), [place[each] for each in codes])
