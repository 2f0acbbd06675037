"""The law of Kolmogorov and Smirnov for large samples, in a fraction of a millisecond and without loading scipy.stats.

The middle is Pelz and Good's expansion. The tail is Smirnov's one-sided law: its exact probability is a sum of n terms
(Dwass), each a binomial probability by Loader's saddle-point form. Over the inner points the terms are one smooth bump
that vanishes with all its derivatives at both ends, so the trapezoidal rule at a few hundred points gives the sum
itself: its error falls exponentially.
"""

from __future__ import annotations

import math

import numpy as np

from mlops_ext.monitoring.drift.columns import Floats

__all__ = ["LEAST_ROWS", "pelz_good", "smirnov_tail"]

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


def pelz_good(distance: float, n: int) -> float:
    """Give P(D < distance) of n rows by the expansion in powers of 1/sqrt(n) up to the third.

    Examples
    --------
    >>> from scipy.stats import kstwo
    >>> bool(abs(pelz_good(0.01, 5000) - kstwo.cdf(0.01, 5000)) < 1e-12)
    True

    References
    ----------
    Pelz, Good, "Approximating the lower tail-areas of the Kolmogorov-Smirnov one-sample statistic", J. R. Stat. Soc. B
    38 (1976).
    """
    z = math.sqrt(n) * distance
    z2, pi2 = z * z, math.pi**2
    count = int(16 * z / math.pi) + 2
    odd = (2.0 * np.arange(1, count + 1) - 1) ** 2
    near = np.exp(-pi2 / (8 * z2) * odd)
    whole = np.arange(1, count + 1, dtype=np.float64) ** 2
    far = np.exp(-pi2 / (2 * z2) * whole)
    first = pi2 / 4 * odd - z2
    second = 6 * z2**3 + 2 * z2**2 + (2 * z2**2 - 5 * z2) * pi2 / 4 * odd + (1 - 2 * z2) * pi2**2 / 16 * odd**2
    third = (
        -30 * z2**3
        - 90 * z2**4
        + (135 * z2**2 - 96 * z2**3) * pi2 / 4 * odd
        + (212 * z2**2 - 60 * z2) * pi2**2 / 16 * odd**2
        + (5 - 30 * z2) * pi2**3 / 64 * odd**3
    )
    terms = (
        near.sum() / z,
        (first * near).sum() / (6 * z2**2),
        (second * near).sum() / (72 * z2**3 * z) - pi2 / (36 * z2 * z) * (whole * far).sum(),
        (third * near).sum() / (6480 * z2**5) + pi2 / (216 * z2**3) * ((3 * z2 - pi2 * whole) * whole * far).sum(),
    )
    return math.sqrt(2 * math.pi) * float(sum(term / n ** (power / 2) for power, term in enumerate(terms)))


def _stirling_error(j: Floats) -> Floats:
    """Give log(j!) minus Stirling's formula; where j is too small for the series the terms vanish anyway."""
    square = 1 / (j * j)
    return np.where(j < 1, 0.0, (1 / 12 - (1 / 360 - (1 / 1260 - square / 1680) * square) * square) / j)
