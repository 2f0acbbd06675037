"""What a window is compared with: one window or several, and of those only the rows of the same season."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from mlops_ext.errors import InvalidValue, did_you_mean
from mlops_ext.monitoring.drift.columns import kind_of
from mlops_ext.monitoring.drift.profile import Stored
from mlops_ext.monitoring.sources import Columns

__all__ = ["SEASONS", "Season", "joined", "of_season"]

Season = Literal["", "month", "weekday"]
SEASONS = ("month", "weekday")
"""`month`: the same months of the year before. `weekday`: the same days of the week, before the window begins."""
_MONDAY = np.datetime64("1970-01-05", "D")


def joined(windows: Sequence[Columns]) -> Columns:
    """Put several windows below each other, a column at a time; a column that one of them lacks is left out.

    Raises
    ------
    InvalidValue
        There is no window, or a column of one is of another kind than in the first.
    """
    if not windows:
        raise InvalidValue("a reference of no windows", hint="Give at least one")
    if len(windows) == 1:
        return windows[0]
    shared = [name for name in windows[0] if all(name in each for each in windows)]
    readers: dict[str, Callable[[], Any]] = {name: partial(_stacked, windows, name) for name in shared}
    return Columns(readers, sum(each.rows for each in windows))


def of_season(reference: Columns, current: Columns, season: str, at: str) -> Columns:
    """Keep the rows of a reference that are of the same season as a window.

    Parameters
    ----------
    reference, current : Columns
        Both with a column of times.
    season : {"month", "weekday"}
        See `SEASONS`. Times with a zone are read in it.
    at : str
        The column of times.

    Raises
    ------
    InvalidValue
        The column is not there, or holds no times; or no row of the reference is of the season.
    """
    if season not in SEASONS:
        raise InvalidValue(f"no season {season!r}", hint=did_you_mean(season, SEASONS))
    before, now = _times(reference, at, "reference"), _times(current, at, "current window")
    now = now[~np.isnat(now)]
    if not len(now):
        raise InvalidValue(f"column {at!r} of the current window holds no time", hint="Give rows with times")
    if season == "month":
        months = np.unique(now.astype("datetime64[M]")) - np.timedelta64(12, "M")
        kept = np.isin(before.astype("datetime64[M]"), months)
        said = ", ".join(str(each) for each in months[:3])
    else:
        days = np.unique(_weekday(now))
        kept = np.isin(_weekday(before), days) & (before < now.min()) & ~np.isnat(before)
        said = f"the same weekday before {now.min().astype('datetime64[D]')}"
    if not kept.any():
        raise InvalidValue(f"no row of the reference is of {said}", hint="Give a reference that reaches back so far")
    return Columns({name: partial(_kept, reference, name, kept) for name in reference}, int(kept.sum()))


def _weekday(times: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return (times.astype("datetime64[D]") - _MONDAY).astype(np.int64) % 7


def _times(side: Columns, name: str, word: str) -> npt.NDArray[Any]:
    """Give local times as microseconds; NaT where there is none."""
    if name not in side:
        raise InvalidValue(f"no column {name!r} in the {word}", hint=did_you_mean(name, list(side)))
    column = side[name]
    if isinstance(column, Stored):
        raise InvalidValue("a stored reference has no rows to choose from", hint="Give the reference itself")
    if isinstance(column, np.ndarray):
        raise InvalidValue(f"column {name!r} of the {word} holds no times", hint="Name the column of times")
    try:
        if pa.types.is_timestamp(column.type) and column.type.tz:
            column = pc.local_timestamp(column)
        found: npt.NDArray[Any] = pc.cast(column, pa.timestamp("us"), safe=False).to_numpy(zero_copy_only=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InvalidValue(f"column {name!r} of the {word} holds no times", hint="Name the column of times") from error
    return found.astype("datetime64[us]")


def _stacked(windows: Sequence[Columns], name: str) -> Any:
    parts = [each[name] for each in windows]
    if any(isinstance(part, Stored) for part in parts):
        raise InvalidValue("a stored reference is one window", hint="Give the windows themselves, or store all as one")
    kinds = {kind_of(part) for part in parts} - {"empty"}
    if len(kinds) > 1:
        raise InvalidValue(
            f"column {name!r} is {' and '.join(sorted(kinds))} in windows of the reference", hint="Leave one out"
        )
    if all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate(parts)
    arrays = [pa.array(part, from_pandas=True) if isinstance(part, np.ndarray) else part for part in parts]
    chunks = [chunk for each in arrays for chunk in _plain(each)]
    types = pa.unify_schemas([pa.schema([(name, chunk.type)]) for chunk in chunks], promote_options="permissive")
    return pa.chunked_array([chunk.cast(types.field(0).type) for chunk in chunks])


def _plain(column: Any) -> list[Any]:
    """Give the chunks of a column; of a dictionary the values, whose codes differ from window to window."""
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    return [chunk.dictionary_decode() if pa.types.is_dictionary(chunk.type) else chunk for chunk in chunks]


def _kept(side: Columns, name: str, kept: npt.NDArray[np.bool_]) -> Any:
    column = side[name]
    return column[kept] if isinstance(column, np.ndarray) else column.filter(pa.array(kept))
