"""Which slices moved the mean loss from one window to another: by how many rows they are, or by how they fare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mlops_ext.monitoring.drift.columns import Floats
from mlops_ext.monitoring.groups.rates import rate_of
from mlops_ext.monitoring.groups.slicing import slice_columns
from mlops_ext.monitoring.groups.types import Moved, Rate
from mlops_ext.monitoring.performance.blocks import day_weights
from mlops_ext.monitoring.performance.measure import Bootstrap

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Loss", "Share", "Side", "decompose", "moved_between", "sums_of"]


@dataclass(frozen=True)
class Loss:
    """The rows of a window, the loss of each, and its day."""

    frame: pd.DataFrame
    loss: Floats
    day: npt.NDArray[np.int64]

    @property
    def days(self) -> int:
        """How many there are."""
        return int(self.day.max()) + 1


@dataclass(frozen=True)
class Side:
    """One window of one column, summed up.

    Attributes
    ----------
    rows, loss : ndarray of float64, shape (slices, blocks)
        Rows and their losses.
    """

    rows: Floats
    loss: Floats


@dataclass(frozen=True)
class Share:
    """What each slice adds, for every weighting of the blocks.

    Attributes
    ----------
    composition, within : ndarray of float64, shape (slices, draws)
        By being more or fewer of the rows; by being predicted worse or better. All together are the change.
    shares, losses : tuple of two ndarrays, each of shape (slices, draws)
        Before and after.
    """

    composition: Floats
    within: Floats
    shares: tuple[Floats, Floats]
    losses: tuple[Floats, Floats]


def sums_of(codes: npt.NDArray[np.int64], slices: int, loss: Floats, block: npt.NDArray[np.int64]) -> Side:
    """Sum a window's rows and losses up by slice and block."""
    shape = (slices, int(block.max()) + 1)
    place = codes * shape[1] + block
    rows = np.bincount(place, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
    total = np.bincount(place, weights=loss, minlength=shape[0] * shape[1])
    return Side(rows, total.reshape(shape).astype(np.float64, copy=False))


def decompose(before: Side, after: Side, weights: tuple[Floats, Floats]) -> Share:
    """Split the change of the mean loss exactly, slice by slice.

    A slice adds its change of share times how far its mean loss, averaged over both windows, lies above the mean of
    all; and its change of mean loss times its average share. A slice without rows on a side has no change of loss.

    Parameters
    ----------
    before, after : Side
        The windows.
    weights : tuple of two ndarrays, each of shape (draws, blocks)
        Of ones for the windows themselves.

    References
    ----------
    Kitagawa, "Components of a difference between two rates", J. Am. Stat. Assoc. 50 (1955).
    """
    rows = before.rows @ weights[0].T, after.rows @ weights[1].T
    total = before.loss @ weights[0].T, after.loss @ weights[1].T
    shares = rows[0] / rows[0].sum(axis=0), rows[1] / rows[1].sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = [sums / counts for sums, counts in zip(total, rows, strict=True)]
    losses = (
        np.where(rows[0] > 0, means[0], np.where(rows[1] > 0, means[1], 0.0)),
        np.where(rows[1] > 0, means[1], np.where(rows[0] > 0, means[0], 0.0)),
    )
    level = (total[0].sum(axis=0) / rows[0].sum(axis=0) + total[1].sum(axis=0) / rows[1].sum(axis=0)) / 2
    composition = (shares[1] - shares[0]) * ((losses[0] + losses[1]) / 2 - level)
    within = (losses[1] - losses[0]) * (shares[0] + shares[1]) / 2
    return Share(composition, within, shares, losses)


def moved_between(before: Loss, after: Loss, columns: Sequence[str], bootstrap: Bootstrap) -> tuple[list[Moved], Rate]:
    """Decompose the change of the mean loss by each column; give the slices, and the change.

    First come those that moved it further its way than their size lets expect, for a large slice always adds much.
    """
    ones = np.ones((1, before.days)), np.ones((1, after.days))
    weights = (
        day_weights(before.days, bootstrap.draws, bootstrap.seed),
        day_weights(after.days, bootstrap.draws, bootstrap.seed + 1),
    )
    moved = []
    for each in slice_columns([before.frame, after.frame], columns):
        sides = [
            sums_of(codes, len(each.names), side.loss, side.day)
            for codes, side in zip(each.codes, (before, after), strict=True)
        ]
        whole, drawn = decompose(sides[0], sides[1], ones), decompose(sides[0], sides[1], weights)
        moved += [_moved(each.column, name, place, whole, drawn) for place, name in enumerate(each.names)]
    change = float(after.loss.mean() - before.loss.mean())
    sign = -1 if change > 0 else 1
    moved.sort(key=lambda each: sign * (each.contribution.value - sum(each.shares) / 2 * change))
    means = [_means(side, weight) for side, weight in zip((before, after), weights, strict=True)]
    return moved, rate_of(change, means[1] - means[0])


def _moved(column: str, name: str, place: int, whole: Share, drawn: Share) -> Moved:
    composition, within = float(whole.composition[place, 0]), float(whole.within[place, 0])
    return Moved(
        column=column,
        slice=name,
        contribution=rate_of(composition + within, drawn.composition[place] + drawn.within[place]),
        composition=composition,
        within=within,
        shares=(float(whole.shares[0][place, 0]), float(whole.shares[1][place, 0])),
        losses=(float(whole.losses[0][place, 0]), float(whole.losses[1][place, 0])),
    )


def _means(side: Loss, weights: Floats) -> Floats:
    total = np.bincount(side.day, weights=side.loss, minlength=side.days)
    found: Floats = (weights @ total) / (weights @ np.bincount(side.day, minlength=side.days))
    return found
