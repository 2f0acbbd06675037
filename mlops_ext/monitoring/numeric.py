"""Two sorted numeric samples in one merge: Kolmogorov-Smirnov and Wasserstein distance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mlops_ext.monitoring.columns import Floats

__all__ = ["STD_FLOOR", "Distances", "compare_sorted", "effective_size", "ks_p_value"]

STD_FLOOR = 0.001
"""What a standard deviation below it is replaced with when a distance is divided by it."""


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


def compare_sorted(a: Floats, b: Floats) -> Distances:
    """Compare two sorted samples without missing values.

    Both distribution functions are right-continuous and are compared at each distinct pooled value. The gaps are
    whole numbers over n·m, divided once at the end.

    Parameters
    ----------
    a, b : ndarray of float64, shape (n,) and (m,)
        Sorted and finite.

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
    pooled = np.concatenate([a, b])
    order = pooled.argsort(kind="stable")  # two sorted runs: one merge
    below_a = np.cumsum(order < n, dtype=np.int64)
    rank = np.arange(1, n + m + 1, dtype=np.int64)
    gap = np.abs(below_a * (n + m) - rank * n)[:-1]
    with np.errstate(over="ignore"):
        step = np.diff(pooled[order])
        area = float(gap.astype(np.float64) @ step) / (n * m)
    largest = int(gap[step > 0].max(initial=0))
    return Distances(largest / (n * m), area)


def effective_size(n: int, m: int) -> int:
    """Give round(nm / (n + m)), half to even and at least 1: the sample size of the one-sample law."""
    return max(1, round(n * m / (n + m)))


def ks_p_value(distance: float, n: int, m: int) -> float:
    """Give P(D >= distance) by the one-sample law at the effective size, but no less than two samples can give.

    It tends to the exact law of continuous columns as n and m grow and errs on the safe side with ties. Of n + m
    values in any order, 2 in binomial(n + m, n) separate the sides wholly; the one-sample law would go below that.

    References
    ----------
    Simard, L'Ecuyer, "Computing the two-sided Kolmogorov-Smirnov distribution", J. Stat. Softw. 39 (2011).
    """
    from scipy.stats import kstwo

    orders = math.lgamma(n + m + 1) - math.lgamma(n + 1) - math.lgamma(m + 1)
    least = math.exp(math.log(2) - orders)
    return min(1.0, max(float(kstwo.sf(distance, effective_size(n, m))), least))
