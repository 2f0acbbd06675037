"""The groups of a column judged: their rates with intervals, and the disparity between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mlops_ext.errors import InvalidValue
from mlops_ext.monitoring.drift.columns import Floats
from mlops_ext.monitoring.groups.rates import RATES, disparities, group_sums, rate_of, rates_of
from mlops_ext.monitoring.groups.slicing import check_column
from mlops_ext.monitoring.groups.types import Disparity, GroupRates
from mlops_ext.monitoring.performance.blocks import day_weights
from mlops_ext.monitoring.performance.measure import Bootstrap, Scored

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MISSING", "judge_groups"]

MISSING = "(missing)"
"""The group of the rows that have none."""


def judge_groups(
    scored: Scored, frame: pd.DataFrame, columns: Sequence[str], least: int, bootstrap: Bootstrap
) -> tuple[list[GroupRates], list[Disparity], list[str]]:
    """Judge the groups of one column, or of the pairs of two.

    Parameters
    ----------
    scored : Scored
        The rows, with decisions.
    frame : pandas.DataFrame, shape (rows, …)
        Holds the columns.
    columns : sequence of str
        One or two.
    least : int
        Groups of fewer rows are named, as the third thing given, and not judged.
    bootstrap : Bootstrap
        Of the intervals.

    Raises
    ------
    InvalidValue
        Fewer than two groups of a single column are large enough.
    """
    for name in columns:
        check_column(name, list(frame.columns))
    parts = [frame[name].astype(object).where(frame[name].notna(), MISSING).astype(str) for name in columns]
    labels = parts[0] if len(parts) == 1 else parts[0] + " & " + parts[1]
    names, code = np.unique(labels.to_numpy(dtype=object), return_inverse=True)
    counts = np.bincount(code)
    kept = np.flatnonzero(counts >= least)
    by = " & ".join(columns)
    small = [f"{by}: {names[each]} (n={counts[each]})" for each in np.flatnonzero(counts < least)]
    if len(kept) < 2:
        if len(columns) == 2:
            return [], [], small
        raise InvalidValue(f"{by!r} has {len(kept)} groups of at least {least} rows", hint="Two are compared")
    sums = group_sums(scored.label, scored.predicted, code.astype(np.int64), scored.day).of(kept)
    days = sums.rows.shape[1]
    rates = rates_of(sums, np.ones((1, days)))
    drawn = rates_of(sums, day_weights(days, bootstrap.draws, bootstrap.seed)) if days > 1 else None
    told = [names[each] for each in kept]
    groups = [
        GroupRates(
            by=by,
            group=name,
            rows=int(counts[kept[place]]),
            **{each: rate_of(rates[each][place, 0], None if drawn is None else drawn[each][place]) for each in RATES},
        )
        for place, name in enumerate(told)
    ]
    return groups, _disparities(by, told, rates, drawn), small


def _disparities(
    by: str, names: Sequence[str], rates: dict[str, Floats], drawn: dict[str, Floats] | None
) -> list[Disparity]:
    values, draws = disparities(rates), {} if drawn is None else disparities(drawn)
    made = []
    for measure, value in values.items():
        of = "selection_rate" if measure.startswith("demographic") else "true_positive_rate"
        if measure.startswith("equalized"):
            of = max(("true_positive_rate", "false_positive_rate"), key=lambda each: float(np.ptp(rates[each][:, 0])))
        held = rates[of][:, 0]
        if np.isnan(held).any():
            held = np.nan_to_num(held, nan=0.0)
        lowest, highest = names[int(held.argmin())], names[int(held.argmax())]
        rate = rate_of(value[0], draws.get(measure))
        made.append(Disparity(by=by, measure=measure, value=rate, lowest=lowest, highest=highest))
    return made
