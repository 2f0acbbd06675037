"""A window judged slice by slice, so that a model that fails some of its rows is seen to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mlops_ext.errors import InvalidValue
from mlops_ext.monitoring.groups.slicing import MOST_LABELS, check_column, is_ranged, slice_columns
from mlops_ext.monitoring.hiding import refuse_hidden
from mlops_ext.monitoring.performance.measure import Bootstrap, measure
from mlops_ext.monitoring.performance.predictions import FEATURE
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

    from mlops_ext.monitoring.performance.custom import Judged

__all__ = ["LEAST_ROWS", "check_slices", "judge_slices"]

LEAST_ROWS = 30
"""Slices of fewer rows are counted and not judged: they would tell of single rows."""


def check_slices(ws: Workspace, model: str, rows: pd.DataFrame, columns: Sequence[str]) -> None:
    """Refuse columns that a window cannot be sliced by.

    Parameters
    ----------
    model : str
        The version; columns that its inputs hide are refused.
    rows : pandas.DataFrame
        Of the window, with features in columns that begin with `feature:`.
    columns : sequence of str
        The features to slice by.

    Raises
    ------
    NotFound
        A feature is not logged.
    InvalidValue
        Its values are hidden, or numbers without end: their ranges would change from window to window.
    """
    refuse_hidden(ws, model, columns)
    known = [name.removeprefix(FEATURE) for name in rows.columns if name.startswith(FEATURE)]
    for name in columns:
        check_column(name, known)
        if is_ranged(rows[FEATURE + name]):
            raise InvalidValue(
                f"{name!r} has over {MOST_LABELS} different numbers, whose ranges differ from window to window",
                hint="Slice by a column of labels, or log its ranges as one",
            )


def judge_slices(
    rows: pd.DataFrame, columns: Sequence[str], judged: Callable[[pd.DataFrame], Judged], bootstrap: Bootstrap
) -> dict[str, dict[str, Any]]:
    """Judge the rows of each label of some features.

    Parameters
    ----------
    rows : pandas.DataFrame
        The labelled rows of a window, with features in columns that begin with `feature:`.
    columns : sequence of str
        The features; of each the most frequent labels.
    judged : callable
        Gives rows as what is judged.
    bootstrap : Bootstrap
        Draws of the intervals.

    Returns
    -------
    dict of str to dict
        By the slice's name, such as `origin=EWR`: `rows`, and `metrics` unless they are too few.
    """
    frame = rows[[FEATURE + name for name in columns]].rename(columns=lambda name: name.removeprefix(FEATURE))
    found: dict[str, dict[str, Any]] = {}
    for column in slice_columns([frame], columns):
        for code, name in enumerate(column.names):
            part = rows[column.codes[0] == code]
            metrics = measure(judged(part), bootstrap).metrics if len(part) >= LEAST_ROWS else ()
            found[name] = {"rows": len(part), "metrics": [each.model_dump(mode="json") for each in metrics]}
    return found
