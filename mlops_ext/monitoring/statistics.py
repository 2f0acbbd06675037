"""All statistics of one column as rows; every constant that a number used stands in its row."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mlops_ext.monitoring import binning, categorical, numeric
from mlops_ext.monitoring.columns import Categories, Floats, Numbers
from mlops_ext.monitoring.types import DriftRow

__all__ = ["categorical_rows", "missing_rows", "numeric_rows"]


def numeric_rows(name: str, reference: Numbers, current: Numbers) -> list[DriftRow]:
    """Compare a numeric column: KS, Wasserstein, PSI, Jensen-Shannon, mean, standard deviation and missing values."""
    a, b = reference.values, current.values
    sizes = {"n": len(a), "m": len(b)}
    bins = binning.bins_of(a)
    counts = bins.count(a), bins.count(b)
    binned = {**sizes, "bins": len(counts[0]), "rule": bins.rule}
    with_missing = np.append(counts[0], reference.missing), np.append(counts[1], current.missing)
    return [
        *_distance_rows(name, a, b),
        _psi(name, "psi", counts, binned),
        _psi(name, "psi_na", with_missing, {**binned, "bins": len(counts[0]) + 1, "missing": "a bin of its own"}),
        _row(name, "js", binning.js_distance(*counts), {**binned, "base": 2, "form": "distance"}),
        *_moments(name, a, b),
        *missing_rows(name, reference, current),
    ]


def categorical_rows(name: str, reference: Categories, current: Categories) -> list[DriftRow]:
    """Compare a categorical column: chi-squared, distances, PSI, new categories and missing values."""
    sides = categorical.align(reference, current)
    p, q = sides.reference, sides.current
    sizes = {"n": reference.present, "m": current.present, "categories": len(sides.labels)}
    counts = sides.by_reference(p), sides.by_reference(q)
    binned = {**sizes, "bins": len(counts[0]), "rule": "one bin per reference category, and one for others"}
    with_missing = np.append(counts[0], reference.missing), np.append(counts[1], current.missing)
    unseen = sides.labels[sides.known :]
    return [
        *_chi_squared_rows(name, sides, sizes),
        _row(name, "tvd", categorical.tvd(p, q), sizes),
        _row(name, "hellinger", categorical.hellinger(p, q), sizes),
        _psi(name, "psi", counts, binned),
        _psi(name, "psi_na", with_missing, {**binned, "bins": len(counts[0]) + 1, "missing": "a bin of its own"}),
        _row(name, "js", binning.js_distance(p, q), {**sizes, "base": 2, "form": "distance"}),
        _row(name, "new_categories", categorical.new_share(sides), {**sizes, "new": len(unseen), "first": unseen[:5]}),
        *missing_rows(name, reference, current),
    ]


def missing_rows(name: str, reference: Numbers | Categories, current: Numbers | Categories) -> list[DriftRow]:
    """Compare the shares of null, NaN and infinite values; they are left out of all other statistics but `psi_na`."""
    shares = [_ratio(side.missing, side.rows) for side in (reference, current)]
    p_value = categorical.two_proportions(reference.missing, reference.rows, current.missing, current.rows)
    sizes = {"n": reference.rows, "m": current.rows}
    counts = [{"rows": side.rows, "missing": side.missing, "infinite": side.infinite} for side in (reference, current)]
    change = shares[1] - shares[0]
    return [
        _row(name, "missing_ref", shares[0], counts[0]),
        _row(name, "missing_cur", shares[1], counts[1]),
        _row(name, "missing_change", change, {**sizes, "method": "two proportions, pooled, two-sided z"}, p_value),
    ]


def _distance_rows(name: str, a: Floats, b: Floats) -> list[DriftRow]:
    sizes = {"n": len(a), "m": len(b)}
    found = numeric.compare_sorted(a, b)
    if not sizes["n"] or not sizes["m"]:
        return [_row(name, statistic, math.nan, sizes) for statistic in ("ks", "w1", "w1_norm")]
    effective = numeric.effective_size(len(a), len(b))
    law = {
        **sizes,
        "n_eff": effective,
        "method": "kstwo at n_eff = round(nm/(n+m)), two-sided, at least 2/binomial(n+m, n)",
    }
    p_value = numeric.ks_p_value(found.ks, len(a), len(b))
    with np.errstate(over="ignore", invalid="ignore"):
        spread = float(np.std(a))
    divisor = max(spread, numeric.STD_FLOOR)
    normed = {
        **sizes,
        "divisor": divisor,
        "rule": f"max(std of the reference, ddof 0; {numeric.STD_FLOOR})",
        "constant_reference": bool(a[0] == a[-1]),
    }
    return [
        _row(name, "ks", found.ks, law, p_value),
        _row(name, "w1", found.w1, sizes),
        _row(name, "w1_norm", found.w1 / divisor, normed),
    ]


def _chi_squared_rows(name: str, sides: categorical.Aligned, sizes: dict[str, Any]) -> list[DriftRow]:
    whole = categorical.chi_squared(sides.reference, sides.current)
    law = {
        **sizes,
        "dof": whole.dof,
        "method": "contingency table, no continuity correction",
        "expected_below_5": whole.low,
    }
    rows = [_row(name, "chi2", whole.statistic, law, whole.p_value)]
    if whole.low:
        p, q, count = categorical.pooled(sides.reference, sides.current)
        fewer = categorical.chi_squared(p, q)
        how = {**law, "dof": fewer.dof, "expected_below_5": fewer.low, "pooled_categories": count}
        rows.append(_row(name, "chi2_pooled", fewer.statistic, how, fewer.p_value))
    return rows


def _moments(name: str, a: Floats, b: Floats) -> list[DriftRow]:
    rows = []
    for side, values in (("ref", a), ("cur", b)):
        with np.errstate(over="ignore", invalid="ignore"):
            mean, std = (float(np.mean(values)), float(np.std(values))) if len(values) else (math.nan, math.nan)
        rows.append(_row(name, f"mean_{side}", mean, {"rows": len(values)}))
        rows.append(_row(name, f"std_{side}", std, {"rows": len(values), "ddof": 0}))
    return rows


def _psi(name: str, statistic: str, counts: tuple[Any, Any], parameters: dict[str, Any]) -> DriftRow:
    return _row(name, statistic, binning.psi(*counts), {**parameters, "epsilon": binning.EPSILON})


def _row(name: str, statistic: str, value: float, parameters: dict[str, Any], p_value: float | None = None) -> DriftRow:
    defined = p_value if p_value is not None and not math.isnan(p_value) else None
    return DriftRow(column=name, statistic=statistic, value=value, p_value=defined, parameters=parameters)


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else math.nan
