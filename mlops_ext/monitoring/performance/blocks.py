"""Sums by day from which every metric of a window, and of any resampling of its days, follows exactly.

Area under the ROC curve, too: with A[d, e] the pairs of a positive of day d and a negative of day e that are ranked
right, a resample in which day d stands w[d] times has the area w'Aw / (w'P)(w'N). So each draw of the bootstrap costs
a product with a small matrix, however many rows there are, and equals a computation on the resampled rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlops_ext.monitoring.drift.columns import Floats

__all__ = [
    "DRAWS",
    "ECE_BINS",
    "LEVEL",
    "LOG_CLIP",
    "SEED",
    "Blocks",
    "blocks_of",
    "day_weights",
    "evaluate",
    "interval",
]

DRAWS = 200
SEED = 2013
LEVEL = 0.95
ECE_BINS = 15
"""Equally wide bins ((b-1)/15, b/15] of the probability; the first takes 0. They do not depend on the data, so that
values of different windows and models compare."""
LOG_CLIP = float(np.finfo(np.float64).eps)
"""Log loss takes probabilities no nearer to 0 and 1 than this."""


@dataclass(frozen=True)
class Blocks:
    """What one scored window holds, by day.

    Attributes
    ----------
    rows, positives, negatives : ndarray of float64, shape (days,)
        Weights by day.
    ranked : ndarray of float64, shape (days, days), or None
        Twice the weight of pairs ranked right: positive's day, negative's day; ties count once. None without scores.
    sums : dict of str to ndarray, shape (days,)
        `tp fp fn tn` at the threshold; `squared` and `log` losses.
    residuals : ndarray of float64, shape (days, 15)
        Sum of label minus probability in each bin.
    """

    rows: Floats
    positives: Floats
    negatives: Floats
    sums: dict[str, Floats]
    ranked: Floats | None = None
    residuals: Floats | None = None

    @property
    def days(self) -> int:
        """How many days there are."""
        return len(self.rows)

    def evaluate(self, weights: Floats) -> dict[str, Floats]:
        """Compute every metric for every weighting of the days."""
        return evaluate(self, weights)


def blocks_of(
    day: npt.NDArray[np.int64],
    positive: Floats,
    score: Floats | None = None,
    predicted: npt.NDArray[np.bool_] | None = None,
) -> Blocks:
    """Sum a window up by day.

    Parameters
    ----------
    day : ndarray of int64, shape (rows,)
        0 to days - 1.
    positive : ndarray of float64, shape (rows,)
        The label, 0 or 1; or the probability of 1, for expected metrics.
    score : ndarray of float64, shape (rows,), optional
        The probability that the model gave.
    predicted : ndarray of bool, shape (rows,), optional
        The decision that was made.
    """
    days = int(day.max()) + 1 if len(day) else 0
    negative = 1.0 - positive

    def total(weights: Floats) -> Floats:
        return np.bincount(day, weights=weights, minlength=days).astype(np.float64, copy=False)

    sums: dict[str, Floats] = {}
    if predicted is not None:
        sums |= {"tp": total(positive * predicted), "fp": total(negative * predicted)}
        sums |= {"fn": total(positive * ~predicted), "tn": total(negative * ~predicted)}
    rows = np.bincount(day, minlength=days).astype(np.float64)
    if score is None:
        return Blocks(rows, total(positive), total(negative), sums)
    clipped = np.clip(score, LOG_CLIP, 1 - LOG_CLIP)
    sums["squared"] = total(positive * (1 - score) ** 2 + negative * score**2)
    sums["log"] = total(-positive * np.log(clipped) - negative * np.log1p(-clipped))
    bins = np.clip(np.ceil(score * ECE_BINS).astype(np.int64) - 1, 0, ECE_BINS - 1)
    flat = np.bincount(day * ECE_BINS + bins, weights=positive - score, minlength=days * ECE_BINS)
    ranked = _ranked_pairs(day, days, positive, score)
    return Blocks(
        rows,
        total(positive),
        total(negative),
        sums,
        ranked,
        flat.astype(np.float64, copy=False).reshape(days, ECE_BINS),
    )


def day_weights(days: int, draws: int = DRAWS, seed: int = SEED) -> Floats:
    """Draw whole days with replacement; say how often each stands in each draw.

    Parameters
    ----------
    days : int
        How many there are; each draw takes as many.
    draws, seed : int
        How many draws, from `numpy.random.default_rng(seed).integers`.

    Returns
    -------
    ndarray of float64, shape (draws, days)
    """
    picked = np.random.default_rng(seed).integers(0, days, size=(draws, days))
    flat = (picked + np.arange(draws)[:, None] * days).ravel()
    return np.bincount(flat, minlength=draws * days).reshape(draws, days).astype(np.float64)


def evaluate(blocks: Blocks, weights: Floats) -> dict[str, Floats]:
    """Compute every metric for every weighting of the days.

    Parameters
    ----------
    blocks : Blocks
        The window.
    weights : ndarray of float64, shape (draws, days)
        Of ones for the window itself.

    Returns
    -------
    dict of str to ndarray, shape (draws,)
        `auc`, `brier`, `log_loss`, `ece` with scores; `f1` and `accuracy` with decisions. NaN where undefined:
        `auc` without both labels, `f1` without any positive, true or predicted.
    """
    found: dict[str, Floats] = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        rows = weights @ blocks.rows
        if blocks.ranked is not None and blocks.residuals is not None:
            pairs = np.einsum("bd,bd->b", weights @ blocks.ranked, weights) / 2
            found["auc"] = pairs / ((weights @ blocks.positives) * (weights @ blocks.negatives))
            found["brier"] = weights @ blocks.sums["squared"] / rows
            found["log_loss"] = weights @ blocks.sums["log"] / rows
            found["ece"] = np.abs(weights @ blocks.residuals).sum(axis=1) / rows
        if "tp" in blocks.sums:
            tp, fp, fn, tn = (weights @ blocks.sums[name] for name in ("tp", "fp", "fn", "tn"))
            found["f1"] = 2 * tp / (2 * tp + fp + fn)
            found["accuracy"] = (tp + tn) / rows
    return found


def interval(values: Floats, level: float = LEVEL) -> tuple[float, float]:
    """Give the percentile interval of bootstrap values, leaving undefined draws out; NaN when all are."""
    defined = values[np.isfinite(values)]
    if not len(defined):
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _ranked_pairs(day: npt.NDArray[np.int64], days: int, positive: Floats, score: Floats) -> Floats:
    """Count, for each pair of days, positives of the one above negatives of the other, twice, and ties once."""
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    rank = np.cumsum(np.concatenate([[False], ordered[1:] > ordered[:-1]]))
    sorted_day, up, down = day[order], positive[order], 1.0 - positive[order]
    held = np.flatnonzero(up)
    up, up_day, up_rank = up[held], sorted_day[held], rank[held]
    by_day = np.argsort(sorted_day, kind="stable")
    ends = np.cumsum(np.bincount(sorted_day, minlength=days))
    found = np.zeros((days, days))
    for each in range(days):
        here = by_day[ends[each - 1] if each else 0 : ends[each]]
        at = np.bincount(rank[here], weights=down[here], minlength=rank[-1] + 1)
        gain = 2 * np.cumsum(at) - at
        found[:, each] = np.bincount(up_day, weights=up * gain[up_rank], minlength=days)
    return found
