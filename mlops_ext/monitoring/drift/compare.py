"""Drift of a current window against a reference: every column compared, decided on and drawn."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mlops_ext.errors import InvalidValue, did_you_mean, refuse_text
from mlops_ext.monitoring.drift.columns import Kind, Numbers
from mlops_ext.monitoring.drift.external import TooMany, as_floats, stored_of
from mlops_ext.monitoring.drift.histograms import Histogram, categorical_histogram, numeric_histogram
from mlops_ext.monitoring.drift.kinds import as_categories, as_numbers, missing_of, shared_kind
from mlops_ext.monitoring.drift.sketched import Sketched
from mlops_ext.monitoring.drift.slices import Slice, slices_of
from mlops_ext.monitoring.drift.statistics import categorical_rows, missing_rows, numeric_rows, wanted
from mlops_ext.monitoring.drift.verdict import ALPHA, BOUND, Decision, decide, verdict_of
from mlops_ext.monitoring.sources import LONG, Columns, columns_of
from mlops_ext.monitoring.types import DriftRow, Verdict, column_of_slice

if TYPE_CHECKING:
    from mlops_ext.monitoring.drift.domain import DomainReport

__all__ = ["Comparison", "Treatment", "compare_frames"]

MANY = 20
"""A categorical column with more labels, each expected fewer than five times, is taken for an identifier."""
_SMALL = 50_000
"""Below so many values in all, threads cost more than they save."""


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
    roles: dict[str, str] = field(default_factory=dict)
    slices: tuple[str, ...] = ()
    """Names of the slices in which the columns were compared once more."""
    together: DomainReport | None = None
    """Whether a classifier tells the sides apart by all columns together."""


@dataclass(frozen=True)
class Treatment:
    """How columns are chosen and treated.

    Attributes
    ----------
    columns : sequence of str, optional
        Which; those on both sides when left out. One that was asked for and is missing on a side has drifted.
    categorical, numeric : iterable of str
        Columns to treat so whatever their type. By default numbers are numeric, text and truth values
        categorical; times are left out unless they are named.
    slices : sequence of str
        Columns by whose labels the others are compared once more, label by label.
    statistics : collection of str, optional
        Which; all when left out. What the verdict needs is always computed.
    target, prediction : str
        Columns that are compared whatever `columns` says, and named for what they are.
    importance : mapping of str to float
        How much each column matters to the model, at least 0; drifted columns are ranked by importance times size.
    told : mapping of str to float
        The same as the model tells it, for want of `importance`: features that stand on no side count for nothing, and
        target and prediction as much as all features together.
    complete : bool
        A column of the reference that is gone has drifted, even where no columns are named.
    together : bool
        Also ask whether a classifier tells the sides apart by all columns together; it and the columns share `alpha`.
    text : sequence of str
        Columns whose words that classifier compares.
    """

    columns: Sequence[str] | None = None
    categorical: Iterable[str] = ()
    numeric: Iterable[str] = ()
    slices: Sequence[str] = ()
    statistics: Collection[str] | None = None
    target: str = ""
    prediction: str = ""
    importance: Mapping[str, float] = field(default_factory=dict)
    told: Mapping[str, float] = field(default_factory=dict)
    complete: bool = False
    together: bool = False
    text: Sequence[str] = ()

    @property
    def roles(self) -> dict[str, str]:
        """The target's and the prediction's columns with what they are."""
        return {name: role for role, name in (("target", self.target), ("prediction", self.prediction)) if name}

    def weights(self, columns: Collection[str]) -> Mapping[str, float]:
        """Give what ranks columns; nothing when the model tells of none of them."""
        known = {name: share for name, share in self.told.items() if name in columns}
        return self.importance or (known and {**known, **dict.fromkeys(self.roles, sum(self.told.values()))})


@dataclass(frozen=True)
class _Found:
    """What came of one column."""

    rows: list[DriftRow]
    kind: str = ""
    histogram: Histogram | None = None
    left_out: str = ""


def compare_frames(
    reference: Any, current: Any, treatment: Treatment | None = None, *, alpha: float = ALPHA, bound: float = BOUND
) -> Comparison:
    """Compare two frames column by column.

    Parameters
    ----------
    reference, current : frame or path
        pandas, Polars, Arrow, DuckDB, a mapping of columns, or a file or folder.
    treatment : Treatment, optional
        Which columns, and how.
    alpha, bound : float
        See `verdict.decide`.

    Raises
    ------
    InvalidValue
        A named column exists on no side, or no column can be compared.
    """
    how = treatment or Treatment()
    sides = columns_of(reference, "reference"), columns_of(current, "current window")
    work = _Work(sides, _treatments(how.categorical, how.numeric), wanted(how.statistics), how.columns is not None)
    chosen = _chosen(sides, how, work.treated)
    slices = slices_of(sides, how.slices)
    found = _all(work, chosen, slices)
    left_out = _one_sided(sides, found) if how.columns is None else {}
    left_out |= {name: each.left_out for name, each in found.items() if each.left_out}
    compared = {name: each for name, each in found.items() if not each.left_out}
    rows = [row for each in compared.values() for row in each.rows]
    domain = _together(sides, how, alpha / 2) if how.together else None
    alpha = alpha / 2 if domain else alpha
    if not rows and domain is None:
        raise InvalidValue("no column can be compared", hint=_why_none(left_out))
    decisions = tuple(decide(rows, alpha, bound, how.weights({*sides[0], *sides[1]})))
    rows += [row for name, reason in left_out.items() for row in _left_out_rows(name, reason, found.get(name))]
    return Comparison(
        tuple(rows),
        decisions,
        _verdict(decisions, alpha, bound, domain),
        (sides[0].rows, sides[1].rows),
        bound,
        {name: each.kind for name, each in compared.items() if each.kind},
        {name: each.histogram for name, each in compared.items() if each.histogram},
        left_out,
        how.roles,
        tuple(each.name for each in slices),
        domain,
    )


def _verdict(decisions: Sequence[Decision], alpha: float, bound: float, domain: DomainReport | None) -> Verdict:
    """Sum up; a classifier that tells the sides apart is drift, too, whatever the columns say alone."""
    found = verdict_of(decisions, alpha, bound)
    if domain is None:
        return found
    status = "drift" if domain.drifted else found.status if decisions else "no_drift"
    method = f"{found.method}; and all columns together: {domain.method}"
    return found.model_copy(update={"status": status, "alpha": 2 * alpha, "method": method})


def _together(sides: tuple[Columns, Columns], how: Treatment, alpha: float) -> DomainReport:
    """Compare all columns at once: those that are named, else those on both sides; text by its words."""
    from mlops_ext.monitoring.drift.domain import compare_domains

    shared = [name for name in sides[0] if name in sides[1]]
    refuse_text("text", how.text)
    for name in how.text:
        if name not in shared:
            raise InvalidValue(f"no column {name!r} on both sides", hint=did_you_mean(name, shared))
    named = [*(how.columns if how.columns is not None else shared), *how.text]
    chosen = [name for name in dict.fromkeys(named) if name in shared]
    return compare_domains(*sides, chosen, text=how.text, alpha=alpha)


@dataclass(frozen=True)
class _Work:
    """One comparison, asked column by column."""

    sides: tuple[Columns, Columns]
    treated: Mapping[str, Kind]
    asked: frozenset[str]
    named: bool

    def compare(self, name: str, part: Slice | None = None) -> _Found:
        """Compare a column, or only its rows of a slice."""
        absent = _absent(name, self.sides)
        if absent:
            return _Found([absent])
        shown = _name(name, part)
        try:
            columns = self._columns(name, part)
            kind, problem = (self.treated[name], "") if name in self.treated else shared_kind(shown, columns)
            if isinstance(problem, DriftRow):
                return _Found([problem])
            if kind is None:
                labels = [missing_of(column) for column in columns]
                return _Found(missing_rows(name, *labels), left_out=problem)
            found = _compare(shown, kind, columns, self.asked)
        except (TooMany, pa.ArrowException) as error:
            return _Found([], left_out=f"cannot be compared: {str(error).splitlines()[0]}")
        if not self.named and name not in self.treated and _is_identifier(found.rows):
            left = "its labels hardly repeat, as in an identifier; name it in `categorical` to compare it"
            return _Found([row for row in found.rows if row.statistic.startswith("missing")], left_out=left)
        return found

    def _columns(self, name: str, part: Slice | None) -> tuple[Any, Any]:
        """Read a column; of a long one, what the statistics need of it."""
        if part is not None:
            return part.of((self.sides[0][name], self.sides[1][name]))
        before, after = (self._side(side, name) for side in self.sides)
        return before, after

    def _side(self, side: Columns, name: str) -> Any:
        batches = side.long(name)
        if batches is None:
            return side[name]
        return stored_of(batches, name, self.treated.get(name))


def _all(work: _Work, chosen: Sequence[str], slices: Sequence[Slice]) -> dict[str, _Found]:
    """Compare all columns, and then each in each slice, on as many threads as there are processors."""
    jobs: list[tuple[str, Slice | None]] = [(name, None) for name in chosen]
    jobs += [(name, part) for part in slices for name in chosen if name != part.column]
    names = [_name(name, part) for name, part in jobs]
    workers = min(len(jobs), os.cpu_count() or 1)
    if workers < 2 or len(jobs) * (work.sides[0].rows + work.sides[1].rows) < _SMALL:
        return dict(zip(names, [work.compare(*job) for job in jobs], strict=True))
    with ThreadPoolExecutor(workers, thread_name_prefix="drift") as threads:
        return dict(zip(names, threads.map(lambda job: work.compare(*job), jobs), strict=True))


def _name(column: str, part: Slice | None) -> str:
    return column_of_slice(column, part.name if part else "")


def _compare(name: str, kind: str, columns: tuple[Any, Any], asked: frozenset[str]) -> _Found:
    if kind == "numeric":
        reference, current = (as_numbers(column, name) for column in columns)
        if isinstance(reference, Sketched):
            raise InvalidValue(f"column {name!r} of the reference is a sketch", hint="Give the rows themselves")
        if isinstance(current, Numbers) and max(reference.present, current.present) > LONG:
            reference, current = _alike(reference, current)
        return _Found(numeric_rows(name, reference, current, asked), kind, numeric_histogram(reference, current))
    before, after = (as_categories(column, name) for column in columns)
    return _Found(categorical_rows(name, before, after, asked), kind, categorical_histogram(before, after))


def _alike(reference: Numbers, current: Numbers) -> tuple[Numbers, Numbers]:
    """Bring two long columns to one type, so that nothing else has to copy them."""
    if reference.values.dtype == current.values.dtype:
        return reference, current
    before, after = (each if each.values.dtype.kind == "f" else as_floats(each) for each in (reference, current))
    return before, after


def _is_identifier(rows: Iterable[DriftRow]) -> bool:
    """Tell whether every one of many labels is too rare for a test of shares to say anything."""
    return any(
        row.statistic == "chi2_pooled" and row.parameters["dof"] == 0 and row.parameters["categories"] > MANY
        for row in rows
    )


def _absent(name: str, sides: tuple[Columns, Columns]) -> DriftRow | None:
    """Say that a column which was asked for is missing on a side."""
    if name in sides[0] and name in sides[1]:
        return None
    statistic, sentence = (
        ("gone", "only in the reference") if name in sides[0] else ("new_column", "only in the current window")
    )
    return DriftRow(column=name, statistic=statistic, value=1.0, parameters={"sentence": sentence})


def _one_sided(sides: tuple[Columns, Columns], found: Collection[str]) -> dict[str, str]:
    only = {name: "only in the reference" for name in sides[0] if name not in sides[1] and name not in found}
    return only | {name: "only in the current window" for name in sides[1] if name not in sides[0]}


def _left_out_rows(name: str, reason: str, found: _Found | None) -> list[DriftRow]:
    """Say in the rows, too, that a column was left out; it decides nothing."""
    row = DriftRow(column=name, statistic="left_out", value=1.0, parameters={"sentence": reason})
    return [row, *(found.rows if found else ())]


def _treatments(categorical: Iterable[str], numeric: Iterable[str]) -> dict[str, Kind]:
    for word, names in (("categorical", categorical), ("numeric", numeric)):
        refuse_text(word, names)
    treated: dict[str, Kind] = dict.fromkeys(categorical, "categorical")
    numeric = list(numeric)
    twice = [name for name in numeric if name in treated]
    if twice:
        raise InvalidValue(f"column {twice[0]!r} is named categorical and numeric", hint="Name it once")
    return treated | dict.fromkeys(numeric, "numeric")


def _chosen(sides: tuple[Columns, Columns], how: Treatment, treated: Mapping[str, Kind]) -> list[str]:
    columns = how.columns
    refuse_text("columns", columns)
    known = dict.fromkeys([*sides[0], *sides[1]])
    for name in [*(columns or ()), *treated, *how.roles, *how.importance]:
        if name not in known:
            raise InvalidValue(f"no column {name!r} in either frame", hint=did_you_mean(name, known))
    chosen = columns if columns is not None else [name for name in sides[0] if how.complete or name in sides[1]]
    return list(dict.fromkeys([*chosen, *how.roles]))


def _why_none(left_out: Mapping[str, str]) -> str:
    reasons = [f"{name}: {reason}" for name, reason in list(left_out.items())[:5]]
    return "; ".join(reasons) or "Give frames with columns of the same names"
