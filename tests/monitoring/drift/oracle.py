"""Slow and plain forms of the statistics, written from their definitions."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from itertools import pairwise


def ecdf_gap(a: list[float], b: list[float]) -> float:
    """The largest gap of two right-continuous distribution functions, in whole fractions."""
    points = sorted({*a, *b})
    return float(
        max(abs(Fraction(sum(x <= p for x in a), len(a)) - Fraction(sum(x <= p for x in b), len(b))) for p in points)
    )


def ecdf_area(a: list[float], b: list[float]) -> float:
    """The area between two distribution functions."""
    points = sorted({*a, *b})
    return math.fsum(
        abs(sum(x <= low for x in a) / len(a) - sum(x <= low for x in b) / len(b)) * (high - low)
        for low, high in pairwise(points)
    )


def decile_psi(reference: list[float], current: list[float], epsilon: float) -> float:
    """PSI over reference deciles, or over the reference's values when they are few."""
    distinct = sorted(set(reference))
    if len(distinct) <= 20:
        bins = [lambda x, v=v: x == v for v in distinct] + [lambda x: x not in distinct]
    else:
        cuts = sorted({_quantile(sorted(reference), k / 10) for k in range(1, 10)})
        ends = [-math.inf, *cuts, math.inf]
        bins = [lambda x, lo=lo, hi=hi: lo < x <= hi for lo, hi in pairwise(ends)]
    total = 0.0
    for inside in bins:
        p = sum(map(inside, reference)) / len(reference) or epsilon
        q = sum(map(inside, current)) / len(current) or epsilon
        total += (q - p) * math.log(q / p)
    return total


def category_psi(reference: list[str], current: list[str], epsilon: float) -> float:
    """PSI over the reference's categories and one bin for all others."""
    known = set(reference)
    before, after = Counter(reference), Counter(x if x in known else None for x in current)
    total = 0.0
    for label in [*sorted(before), None]:
        p, q = before[label] / len(reference) or epsilon, after[label] / len(current) or epsilon
        total += (q - p) * math.log(q / p)
    return total


def _quantile(ordered: list[float], at: float) -> float:
    import numpy as np

    return float(np.quantile(ordered, at, method="linear"))
