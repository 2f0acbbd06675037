"""All statistics of one column as rows; every constant that a number used stands in its row."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np

from mlops_ext.errors import InvalidValue, did_you_mean, refuse_text
from mlops_ext.monitoring.drift import binning, categorical, numeric
from mlops_ext.monitoring.drift.columns import Categories, Numbers
from mlops_ext.monitoring.drift.merge import Counts
from mlops_ext.monitoring.drift.sketched import Sketched, sketched_distances
from mlops_ext.monitoring.types import DriftRow

__all__ = ["DECIDING", "STATISTICS", "categorical_rows", "missing_rows", "numeric_rows", "wanted"]

STATISTICS = (
    "ks", "ks_exact", "w1", "w1_norm", "cvm", "psi", "psi_na", "js", "hellinger", "tvd", "linf", "chi2", "chi2_pooled",
    "new_categories", "mean_ref", "mean_cur", "std_ref", "std_cur", "missing_ref", "missing_cur", "missing_change",
)  # fmt: skip
DECIDING = ("ks", "ks_exact", "chi2", "chi2_pooled", "psi_na", "missing_ref", "missing_cur", "missing_change")
"""What the verdict is made from; always computed."""
Pair = tuple[Counts, Counts]


def wanted(names: Collection[str] | None) -> frozenset[str]:
    """Give the statistics to compute: those asked for, all without a wish, and always the deciding ones.

    Raises
    ------
    InvalidValue
        One is unknown.
    """
    refuse_text("statistics", names)
    for name in names or ():
        if name not in STATISTICS:
            raise InvalidValue(f"no statistic {name!r}", hint=did_you_mean(name, STATISTICS))
    return frozenset(STATISTICS if names is None else (*names, *DECIDING))


def numeric_rows(
    name: str, reference: Numbers, current: Numbers | Sketched, asked: Collection[str] = STATISTICS
) -> list[DriftRow]:
    """Compare a numeric column: distances, shares in bins, moments and missing values.

    Of a sketch there is no `ks_exact` and no `cvm`.
    """
    bins = binning.bins_of(reference.values)
    after = current.count(bins) if isinstance(current, Sketched) else bins.count(current.values)
    counts = bins.count(reference.values), after
    sizes = {"n": reference.present, "m": current.present}
    binned = {**sizes, "bins": len(counts[0]), "rule": bins.rule}
    if isinstance(current, Sketched):
        binned |= {"sketch": current.sketch, "share_error": 2 * current.rank_error}
    rows = [
        *_of_values(name, reference, current, asked),
        *_shares(name, counts, (reference.missing, current.missing), binned, asked),
        *_moments(name, (("ref", reference), ("cur", current)), asked),
        *missing_rows(name, reference, current),
    ]
    return [row for row in rows if row.statistic in asked]


def categorical_rows(
    name: str, reference: Categories, current: Categories, asked: Collection[str] = STATISTICS
) -> list[DriftRow]:
    """Compare a categorical column: chi-squared, distances, PSI, new categories and missing values."""
    sides = categorical.align(reference, current)
    p, q = sides.reference, sides.current
    sizes: dict[str, Any] = {"n": reference.present, "m": current.present, "categories": len(p)}
    if current.others:
        sizes |= {"sketch": "frequent labels", "share_error": current.share_error}
    counts = sides.by_reference(p), sides.by_reference(q)
    rule = "one bin per reference category, and one for others"
    missing = reference.missing, current.missing
    first = sides.labels[sides.known : sides.known + 5].to_pylist()
    unseen = {**sizes, "new": len(p) - sides.known, "first": first}
    rows = [
        *_chi_squared(name, sides, missing, sizes),
        *_psi(name, counts, missing, {**sizes, "bins": len(counts[0]), "rule": rule}),
        *_between(name, (p, q), sizes),
        _row(name, "new_categories", categorical.new_share(sides), unseen),
        *missing_rows(name, reference, current),
    ]
    return [row for row in rows if row.statistic in asked]


def missing_rows(
    name: str, reference: Numbers | Categories, current: Numbers | Categories | Sketched
) -> list[DriftRow]:
    """Compare the shares of null, NaN and infinite values; they are left out of all other statistics but `psi_na`."""
    shares = [_ratio(side.missing, side.rows) for side in (reference, current)]
    p_value, method = categorical.equal_shares(reference.missing, reference.rows, current.missing, current.rows)
    sizes = {"n": reference.rows, "m": current.rows}
    counts = [{"rows": side.rows, "missing": side.missing, "infinite": side.infinite} for side in (reference, current)]
    change = shares[1] - shares[0]
    return [
        _row(name, "missing_ref", shares[0], counts[0]),
        _row(name, "missing_cur", shares[1], counts[1]),
        _row(name, "missing_change", change, {**sizes, "method": method}, p_value),
    ]


def _of_values(
    name: str, reference: Numbers, current: Numbers | Sketched, asked: Collection[str]
) -> Iterator[DriftRow]:
    if isinstance(current, Sketched):
        found = sketched_distances(reference, current, asked)
        yield from (_row(name, statistic, value, constants, p) for statistic, value, constants, p in found)
        return
    yield from _distances(name, reference, current, asked)
    yield from _laws(name, reference, current, asked)


def _distances(name: str, reference: Numbers, current: Numbers, asked: Collection[str]) -> Iterator[DriftRow]:
    n, m = reference.present, current.present
    sizes = {"n": n, "m": m}
    if not n or not m:
        yield from (_row(name, statistic, math.nan, sizes) for statistic in ("ks", "ks_exact", "w1", "w1_norm"))
        return
    found = numeric.compare_sorted(reference.values, current.values, reference.cuts)
    law = {**sizes, "n_eff": numeric.effective_size(n, m), "method": "kstwo at n_eff = round(nm/(n+m)), two-sided"}
    yield _row(name, "ks", found.ks, law, numeric.ks_p_value(found.ks, n, m))
    if "ks_exact" in asked:
        p_value = numeric.ks_exact_p_value(reference.values, current.values)
        most = f"no p-value above {numeric.EXACT_ROWS} rows a side"
        how = {**sizes, "method": "exact law of two samples, two-sided", "limit": most}
        yield _row(name, "ks_exact", found.ks, how, p_value)
    yield _row(name, "w1", found.w1, sizes)
    if "w1_norm" in asked:
        divisor = max(reference.moments[1], numeric.STD_FLOOR)
        rule = f"max(std of the reference, ddof 0; {numeric.STD_FLOOR})"
        constant = bool(reference.values[0] == reference.values[-1])
        normed = {**sizes, "divisor": divisor, "rule": rule, "constant_reference": constant}
        yield _row(name, "w1_norm", found.w1 / divisor, normed)


def _laws(name: str, reference: Numbers, current: Numbers, asked: Collection[str]) -> Iterator[DriftRow]:
    if "cvm" not in asked:
        return
    n, m = reference.present, current.present
    value = numeric.cramer_von_mises(reference.values, current.values)
    p_value = numeric.cramer_von_mises_p_value(value, n, m) if n > 1 and m > 1 else None
    method = "limit law with Anderson's correction, mid-ranks for ties"
    yield _row(name, "cvm", value, {"n": n, "m": m, "method": method, "series_ends_at": numeric.CVM_TERM}, p_value)


def _shares(
    name: str, counts: Pair, missing: tuple[int, int], binned: dict[str, Any], asked: Collection[str]
) -> Iterator[DriftRow]:
    yield from _psi(name, counts, missing, binned)
    if not {"js", "hellinger", "tvd", "linf"}.isdisjoint(asked):
        yield from _between(name, counts, binned)


def _between(name: str, counts: Pair, parameters: dict[str, Any]) -> Iterator[DriftRow]:
    """Give the distances of two lists of shares."""
    yield _row(name, "js", binning.js_distance(*counts), {**parameters, "base": 2, "form": "distance"})
    yield _row(name, "hellinger", categorical.hellinger(*counts), parameters)
    yield _row(name, "tvd", categorical.tvd(*counts), parameters)
    yield _row(name, "linf", categorical.linf(*counts), parameters)


def _psi(name: str, counts: Pair, missing: tuple[int, int], parameters: dict[str, Any]) -> Iterator[DriftRow]:
    fixed = {**parameters, "epsilon": binning.EPSILON}
    yield _row(name, "psi", binning.psi(*counts), fixed)
    with_missing = np.append(counts[0], missing[0]), np.append(counts[1], missing[1])
    fixed = {**fixed, "bins": parameters["bins"] + 1, "missing": "a bin of its own"}
    yield _row(name, "psi_na", binning.psi(*with_missing), fixed)


def _chi_squared(
    name: str, sides: categorical.Aligned, missing: tuple[int, int], sizes: dict[str, Any]
) -> Iterator[DriftRow]:
    whole = categorical.chi_squared(sides.reference, sides.current)
    method = "contingency table, no continuity correction"
    law = {**sizes, "dof": whole.dof, "method": method, "expected_below_5": whole.low}
    yield _row(name, "chi2", whole.statistic, law, whole.p_value)
    if whole.low:
        p, q, count = categorical.pooled(sides.reference, sides.current)
        fewer = categorical.chi_squared(p, q)
        size = binning.psi(np.append(p, missing[0]), np.append(q, missing[1]))
        how = {**law, "dof": fewer.dof, "expected_below_5": fewer.low, "pooled_categories": count, "psi_na": size}
        yield _row(name, "chi2_pooled", fewer.statistic, how, fewer.p_value)


def _moments(
    name: str, sides: tuple[tuple[str, Numbers | Sketched], ...], asked: Collection[str]
) -> Iterator[DriftRow]:
    for side, column in sides:
        if f"mean_{side}" in asked or f"std_{side}" in asked:
            mean, std = column.moments
            yield _row(name, f"mean_{side}", mean, {"rows": column.present})
            yield _row(name, f"std_{side}", std, {"rows": column.present, "ddof": 0})


def _row(name: str, statistic: str, value: float, parameters: dict[str, Any], p_value: float | None = None) -> DriftRow:
    defined = p_value if p_value is not None and not math.isnan(p_value) else None
    return DriftRow(column=name, statistic=statistic, value=value, p_value=defined, parameters=parameters)


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else math.nan
