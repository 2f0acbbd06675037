"""Drift of a current window against a reference: every column compared, decided on and drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlops_ext.errors import InvalidValue, did_you_mean
from mlops_ext.monitoring.binning import quantiles
from mlops_ext.monitoring.columns import Categories, Kind, Numbers, categories_of, columns_of, kind_of, numbers_of
from mlops_ext.monitoring.statistics import categorical_rows, numeric_rows
from mlops_ext.monitoring.types import DriftRow, Verdict
from mlops_ext.monitoring.verdict import ALPHA, BOUND, Decision, decide, verdict_of

__all__ = ["Comparison", "Histogram", "compare_frames"]

HISTOGRAM_BINS = 24
HISTOGRAM_LABELS = 20
MANY = 20
"""A categorical column with more labels, each expected fewer than five times, is taken for an identifier."""
TAIL = 0.005
"""The share of pooled values beyond each end of a histogram; they stand in its end bins."""


@dataclass(frozen=True)
class Histogram:
    """The shares of one column on both sides, for the eye; no statistic is computed from it.

    Attributes
    ----------
    edges : tuple of float
        Of equally wide bins, one more than shares; empty for a categorical column.
    labels : tuple of str
        The most frequent categories; the rest stands in "other". Empty for a numeric column.
    reference, current : tuple of float
        Shares of the rows that have a value.
    """

    reference: tuple[float, ...]
    current: tuple[float, ...]
    edges: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON."""
        return {key: list(getattr(self, key)) for key in ("edges", "labels", "reference", "current")}


@dataclass(frozen=True)
class Comparison:
    """All that was found: rows by column, what was decided, and what was left out."""

    rows: tuple[DriftRow, ...]
    decisions: tuple[Decision, ...]
    verdict: Verdict
    sizes: tuple[int, int]
    bound: float
    kinds: dict[str, str] = field(default_factory=dict)
    histograms: dict[str, Histogram] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def compare_frames(
    reference: Any,
    current: Any,
    *,
    columns: Sequence[str] | None = None,
    categorical: Iterable[str] = (),
    numeric: Iterable[str] = (),
    alpha: float = ALPHA,
    bound: float = BOUND,
) -> Comparison:
    """Compare two frames column by column.

    Parameters
    ----------
    reference, current : frame
        pandas, Polars, Arrow, DuckDB, or a mapping of columns.
    columns : sequence of str, optional
        Which; those on both sides when left out. One that was asked for and is missing on a side has drifted.
    categorical, numeric : iterable of str
        Columns to treat so whatever their type. By default numbers are numeric, text and truth values
        categorical; times are left out unless they are named.
    alpha, bound : float
        See `verdict.decide`.

    Raises
    ------
    InvalidValue
        A named column exists on no side, or no column can be compared.
    """
    sides = columns_of(reference, "reference"), columns_of(current, "current window")
    treated = _treatments(categorical, numeric)
    chosen = _chosen(sides, columns, treated)
    rows: list[DriftRow] = []
    kinds: dict[str, str] = {}
    histograms: dict[str, Histogram] = {}
    left_out = _one_sided(sides) if columns is None else {}
    for name in chosen:
        missing = _absent(name, sides)
        kind, problem = (None, missing) if missing else _kind(name, sides, treated)
        if isinstance(problem, DriftRow):
            rows.append(problem)
        elif kind is None:
            left_out[name] = str(problem)
        else:
            found, histogram = _compare(name, kind, sides)
            if columns is None and name not in treated and _is_identifier(found):
                left_out[name] = "its labels hardly repeat, as in an identifier; name it in `categorical` to compare it"
                continue
            kinds[name], histograms[name] = kind, histogram
            rows.extend(found)
    if not rows:
        raise InvalidValue("no column can be compared", hint=_why_none(left_out))
    decisions = tuple(decide(rows, alpha, bound))
    sizes = tuple(len(next(iter(side.values()), ())) for side in sides)
    verdict = verdict_of(decisions, alpha, bound)
    return Comparison(tuple(rows), decisions, verdict, (sizes[0], sizes[1]), bound, kinds, histograms, left_out)


def _compare(name: str, kind: str, sides: tuple[dict[str, Any], dict[str, Any]]) -> tuple[list[DriftRow], Histogram]:
    if kind == "numeric":
        numbers = [numbers_of(side[name], name) for side in sides]
        return numeric_rows(name, *numbers), _numeric_histogram(*numbers)
    labels = [categories_of(side[name]) for side in sides]
    return categorical_rows(name, *labels), _categorical_histogram(*labels)


def _is_identifier(rows: Iterable[DriftRow]) -> bool:
    """Tell whether every one of many labels is too rare for a test of shares to say anything."""
    return any(
        row.statistic == "chi2_pooled" and row.parameters["dof"] == 0 and row.parameters["categories"] > MANY
        for row in rows
    )


def _kind(
    name: str, sides: tuple[dict[str, Any], dict[str, Any]], treated: Mapping[str, Kind]
) -> tuple[Kind | None, DriftRow | str]:
    """Fix how a column is treated by its reference; a side without any value follows the other."""
    if name in treated:
        return treated[name], ""
    before, after = (kind_of(side[name]) for side in sides)
    if before == "empty" or after == "empty":
        known = after if before == "empty" else before
        return (
            ("numeric" if known == "empty" else known, "")
            if known in ("numeric", "categorical", "empty")
            else (None, _skipped(known))
        )
    if before != after:
        types = [str(getattr(side[name], "type", None) or side[name].dtype) for side in sides]
        sentence = f"was {before} ({types[0]}), is {after} ({types[1]})"
        return None, DriftRow(
            column=name,
            statistic="retyped",
            value=1.0,
            parameters={"sentence": sentence, "reference": types[0], "current": types[1]},
        )
    return (before, "") if before in ("numeric", "categorical") else (None, _skipped(before))


def _skipped(kind: str) -> str:
    if kind == "time":
        return "holds times, which move on by themselves; name it in `numeric` to compare it"
    return "holds nested values; name it in `categorical` to compare them as text"


def _absent(name: str, sides: tuple[dict[str, Any], dict[str, Any]]) -> DriftRow | None:
    """Say that a column which was asked for is missing on a side."""
    if name in sides[0] and name in sides[1]:
        return None
    statistic, sentence = (
        ("gone", "only in the reference") if name in sides[0] else ("new_column", "only in the current window")
    )
    return DriftRow(column=name, statistic=statistic, value=1.0, parameters={"sentence": sentence})


def _one_sided(sides: tuple[dict[str, Any], dict[str, Any]]) -> dict[str, str]:
    only = {name: "only in the reference" for name in sides[0] if name not in sides[1]}
    return only | {name: "only in the current window" for name in sides[1] if name not in sides[0]}


def _treatments(categorical: Iterable[str], numeric: Iterable[str]) -> dict[str, Kind]:
    treated: dict[str, Kind] = dict.fromkeys(categorical, "categorical")
    twice = [name for name in numeric if name in treated]
    if twice:
        raise InvalidValue(f"column {twice[0]!r} is named categorical and numeric", hint="Name it once")
    return treated | dict.fromkeys(numeric, "numeric")


def _chosen(
    sides: tuple[dict[str, Any], dict[str, Any]], columns: Sequence[str] | None, treated: Mapping[str, Kind]
) -> list[str]:
    if isinstance(columns, str):
        raise InvalidValue(f"columns is the text {columns!r}", hint=f"Write columns=[{columns!r}]")
    known = dict.fromkeys([*sides[0], *sides[1]])
    for name in [*(columns or ()), *treated]:
        if name not in known:
            raise InvalidValue(f"no column {name!r} in either frame", hint=did_you_mean(name, known))
    return list(dict.fromkeys(columns)) if columns is not None else [name for name in sides[0] if name in sides[1]]


def _why_none(left_out: Mapping[str, str]) -> str:
    reasons = [f"{name}: {reason}" for name, reason in list(left_out.items())[:5]]
    return "; ".join(reasons) or "Give frames with columns of the same names"


def _numeric_histogram(reference: Numbers, current: Numbers) -> Histogram:
    ends = [quantiles(side.values, np.array([TAIL, 1 - TAIL])) for side in (reference, current) if side.present]
    if not ends:
        return Histogram((), ())
    low, high = min(float(end[0]) for end in ends), max(float(end[1]) for end in ends)
    if not low < high or not np.isfinite(high - low):
        low, high = min(low, high) - 0.5, max(low, high) + 0.5
    edges = np.linspace(low, high, HISTOGRAM_BINS + 1)
    shares = []
    for side in (reference, current):
        counts = np.diff(np.concatenate([[0], np.searchsorted(side.values, edges[1:-1], "left"), [side.present]]))
        shares.append(tuple(np.round(counts / max(side.present, 1), 5).tolist()))
    return Histogram(shares[0], shares[1], edges=tuple(float(f"{edge:.6g}") for edge in edges))


def _categorical_histogram(reference: Categories, current: Categories) -> Histogram:
    sizes = max(reference.present, 1), max(current.present, 1)
    weight = {
        label: reference.counts.get(label, 0) / sizes[0] + current.counts.get(label, 0) / sizes[1]
        for label in reference.counts.keys() | current.counts.keys()
    }
    top = sorted(weight, key=lambda label: (-weight[label], label))[:HISTOGRAM_LABELS]
    shares = [
        [side.counts.get(label, 0) / size for label in top]
        for side, size in zip((reference, current), sizes, strict=True)
    ]
    if len(weight) > len(top):
        shares = [[*side, max(0.0, 1 - sum(side))] for side in shares]
        top = [*top, "other"]
    rounded = [tuple(round(share, 5) for share in side) for side in shares]
    return Histogram(rounded[0], rounded[1], labels=tuple(label[:60] for label in top))
