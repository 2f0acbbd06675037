"""The tail of Smirnov's one-sided law for large samples, to thirteen digits in a fraction of a millisecond.

The exact probability is a sum of n terms (Dwass), each a binomial probability by Loader's saddle-point form. Over the
inner points the terms are one smooth bump that vanishes with all its derivatives at both ends, so the trapezoidal rule
at a few hundred points gives the sum itself: its error falls exponentially.
"""

from __future__ import annotations

import math

import numpy as np

from mlops_ext.monitoring.columns import Floats

__all__ = ["LEAST_ROWS", "smirnov_tail"]

LEAST_ROWS = 2_000
"""From so many rows on the tail holds for every n·d² of at least 2.2."""
_POINTS = 512


def smirnov_tail(distance: float, n: int) -> float:
    """Give P(D+ >= distance) of n rows, for n of at least 2,000 and n·distance² of at least 2.2.

    Parameters
    ----------
    distance : float
        Between 0 and 0.5.
    n : int
        Rows.

    Examples
    --------
    >>> from scipy.special import smirnov
    >>> bool(abs(smirnov_tail(0.05, 2000) / smirnov(2000, 0.05) - 1) < 1e-12)
    True

    References
    ----------
    Dwass, "The distribution of a generalized D+n statistic", Ann. Math. Stat. 30 (1959).
    Loader, "Fast and accurate computation of binomial probabilities" (2000).
    Trefethen, Weideman, "The exponentially convergent trapezoidal rule", SIAM Review 56 (2014).
    """
    t = n * distance
    j = np.linspace(0, 1, _POINTS + 1)[1:-1] * (n - t)
    rest = n - j
    exponent = j * np.log1p(t / j) + rest * np.log1p(-t / rest)  # of p^j q^(n-j) against the mode's own
    exponent += _stirling_error(np.array([float(n)])) - _stirling_error(j) - _stirling_error(rest)
    terms = np.exp(exponent) * np.sqrt(n / (2 * math.pi * j * rest)) * t / (t + j)
    return float(terms.sum() * (n - t) / _POINTS)


def _stirling_error(j: Floats) -> Floats:
    """Give log(j!) minus Stirling's formula; where j is too small for the series the terms vanish anyway."""
    square = 1 / (j * j)
    return np.where(j < 1, 0.0, (1 / 12 - (1 / 360 - (1 / 1260 - square / 1680) * square) * square) / j)
