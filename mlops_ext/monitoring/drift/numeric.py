"""Two sorted numeric samples: Kolmogorov-Smirnov, Wasserstein distance, Cramér-von Mises, and their laws."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mlops_ext.monitoring.drift.merge import BLOCK, Cuts, Sorted, cut, gap_and_area
from mlops_ext.monitoring.drift.smirnov import LEAST_ROWS, pelz_good, smirnov_tail

__all__ = [
    "CVM_TERM", "EXACT_ROWS", "STD_FLOOR", "Distances", "compare_sorted", "cramer_von_mises",
    "cramer_von_mises_p_value", "effective_size", "ks_exact_p_value", "ks_p_value",
]  # fmt: skip

STD_FLOOR = 0.001
"""What a standard deviation below it is replaced with when a distance is divided by it."""
EXACT_ROWS = 10_000
"""The exact law of KS is computed up to so many rows a side; the work grows with n·m·D."""
_MIDDLE, _TAIL, _ZERO = 1.4, 2.2, 373.0
"""n·D^1.5 from which the expansion holds; n·D² from which twice the one-sided law is the two-sided one to fifteen
digits; and from which both are 0."""
CVM_TERM = 1e-7
"""The series of the Cramér-von Mises law ends at a term below it."""


@dataclass(frozen=True)
class Distances:
    """How far two empirical distributions lie apart.

    Attributes
    ----------
    ks : float
        Largest vertical gap between them, 0 to 1.
    w1 : float
        Area between them, in the unit of the column.
    """

    ks: float
    w1: float


def compare_sorted(a: Sorted, b: Sorted, cuts: Cuts | None = None) -> Distances:
    """Compare two sorted samples without missing values.

    Both distribution functions are right-continuous and are compared at each distinct pooled value. The gaps are
    whole numbers over n·m, divided once at the end.

    Parameters
    ----------
    a, b : ndarray of float64 or int64, shape (n,) and (m,)
        Sorted and finite. Integers are compared as such when both sides hold them.
    cuts : Cuts, optional
        Those of `a`, when they are known already.

    Returns
    -------
    Distances
        NaN when a side is empty.

    Examples
    --------
    >>> compare_sorted(np.array([1.0, 2.0]), np.array([2.0, 3.0]))
    Distances(ks=0.5, w1=1.0)

    References
    ----------
    Ramdas, Garcia Trillos, Cuturi, "On Wasserstein two-sample testing and related families of nonparametric tests",
    Entropy 19 (2017).
    """
    n, m = len(a), len(b)
    if n == 0 or m == 0:
        return Distances(float("nan"), float("nan"))
    if a.dtype != b.dtype:
        a, b, cuts = a.astype(np.float64, copy=False), b.astype(np.float64, copy=False), None
    largest, area = gap_and_area(a, cuts or cut(a), b)
    return Distances(largest / (n * m), area / (n * m))


def effective_size(n: int, m: int) -> int:
    """Give round(nm / (n + m)), half to even and at least 1: the sample size of the one-sample law."""
    return max(1, round(n * m / (n + m)))


def ks_p_value(distance: float, n: int, m: int) -> float:
    """Give P(D >= distance) by the one-sample law at the effective size.

    For large samples its tail is summed by the trapezoidal rule, which agrees with SciPy's to twelve digits.
    It tends to the exact law of continuous columns as n and m grow, and errs on the safe side with ties.

    References
    ----------
    Simard, L'Ecuyer, "Computing the two-sided Kolmogorov-Smirnov distribution", J. Stat. Softw. 39 (2011).
    """
    effective = effective_size(n, m)
    strength = effective * distance * distance
    if effective >= LEAST_ROWS and strength > _ZERO:
        return 0.0
    if effective >= LEAST_ROWS and strength >= _TAIL and distance < 0.5:
        return min(1.0, 2 * smirnov_tail(distance, effective))
    if effective >= LEAST_ROWS and strength < _TAIL and effective * distance**1.5 > _MIDDLE:
        return min(1.0, max(0.0, 1.0 - pelz_good(distance, effective)))
    from scipy.stats import kstwo

    return min(1.0, float(kstwo.sf(distance, effective)))


def ks_exact_p_value(a: Sorted, b: Sorted) -> float | None:
    """Give P(D >= distance) by the exact law of two continuous samples; None above 10,000 rows a side.

    References
    ----------
    Hodges, "The significance probability of the Smirnov two-sample test", Ark. Mat. 3 (1958).
    """
    if max(len(a), len(b)) > EXACT_ROWS:
        return None
    from scipy.stats import ks_2samp

    return float(ks_2samp(a, b, method="auto").pvalue)  # exact at these sizes, and silent where rounding passes 1


def cramer_von_mises(a: Sorted, b: Sorted) -> float:
    """Give the two-sample Cramér-von Mises statistic T with mid-ranks for ties; NaN when a side is empty.

    References
    ----------
    Anderson, "On the distribution of the two-sample Cramér-von Mises criterion", Ann. Math. Stat. 33 (1962).
    Conover, Practical Nonparametric Statistics (1971), for mid-ranks.
    """
    n, m = len(a), len(b)
    if n == 0 or m == 0:
        return float("nan")
    if a.dtype != b.dtype:
        a, b = a.astype(np.float64, copy=False), b.astype(np.float64, copy=False)
    total = math.fsum(_rank_squares(a, b, *part) for part in _pooled_parts(a, b))
    return float(total / (n * m * (n + m)) - (4 * n * m - 1) / (6 * (n + m)))


def _pooled_parts(a: Sorted, b: Sorted) -> Iterator[tuple[slice, slice]]:
    """Cut both samples at common values, so that a part of both has few rows beside its ties."""
    step = BLOCK // 4
    points = np.union1d(a[::step], b[::step])[1:]
    places = [np.concatenate([[0], np.searchsorted(side, points, "left"), [len(side)]]) for side in (a, b)]
    for first_a, last_a, first_b, last_b in zip(places[0], places[0][1:], places[1], places[1][1:], strict=False):
        yield slice(first_a, last_a), slice(first_b, last_b)


def _rank_squares(a: Sorted, b: Sorted, part_a: slice, part_b: slice) -> float:
    """Sum the squared distances of rank in the pool and rank in the sample, weighted as T has them, over a part."""
    n, m = len(a), len(b)
    values = np.concatenate([a[part_a], b[part_b]])
    order = values.argsort(kind="stable")  # two sorted runs: one merge
    values = values[order]
    ends = np.flatnonzero(np.append(values[1:] > values[:-1], True)) if len(values) else np.empty(0, dtype=np.int64)
    from_first = np.cumsum(order < part_a.stop - part_a.start)[ends].astype(np.float64)
    from_second = ends + 1.0 - from_first
    p, q = np.diff(from_first, prepend=0.0), np.diff(from_second, prepend=0.0)
    below_a, below_b = from_first + part_a.start, from_second + part_b.start
    # of a tie of p and q values, those of a have the mid-rank minus their own rank: below_b - q/2 plus a centred run
    from_a = p * (below_b - q / 2) ** 2 + p * (p * p - 1) / 12
    from_b = q * (below_a - p / 2) ** 2 + q * (q * q - 1) / 12
    return float(n * from_a.sum() + m * from_b.sum())


def cramer_von_mises_p_value(statistic: float, n: int, m: int) -> float:
    """Give P(T >= statistic) by the limit law after Anderson's correction of mean and variance.

    References
    ----------
    Anderson (1962), equation 6; Csörgő, Faraway, "The exact and asymptotic distributions of Cramér-von Mises
    statistics", J. R. Stat. Soc. B 58 (1996), equation 1.2.
    """
    both = n + m
    mean = (1 + 1 / both) / 6
    variance = (both + 1) * (4 * m * n * both - 3 * (m * m + n * n) - 2 * m * n) / (45 * both**2 * 4 * m * n)
    x = 1 / 6 + (statistic - mean) / math.sqrt(45 * variance)
    return min(1.0, max(0.0, 1.0 - _cvm_limit(x))) if x >= 0.003 else 1.0


def _cvm_limit(x: float) -> float:
    """Sum the limit law's series down to terms of 1e-7, where SciPy stops too: p-values below that are noise."""
    from scipy.special import gammaln, kv

    total, k, term = 0.0, 0, 1.0
    while term >= CVM_TERM:
        y = 4 * k + 1
        q = y * y / (16 * x)
        scale = math.exp(float(gammaln(k + 0.5)) - float(gammaln(k + 1))) / (math.pi**1.5 * math.sqrt(x))
        term = scale * math.sqrt(y) * math.exp(-q) * float(kv(0.25, q))
        total, k = total + term, k + 1
    return total
