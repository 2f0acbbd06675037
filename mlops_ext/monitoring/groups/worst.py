"""The slices on which a model does worst, found among all single ones and pairs, with false alarms controlled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlops_ext.monitoring.drift.columns import Floats
from mlops_ext.monitoring.groups.slicing import Sliced

__all__ = ["Candidate", "find_worst"]

LEAST_ROWS = 100
"""A slice of fewer rows is not looked at."""
_WEIGHT = 0.95
"""Of the loss against the size of a slice, as SliceLine has it."""
_BETTER_PARENT = 1.1
"""A pair is told of when its loss is so many times that of either half."""


@dataclass(frozen=True)
class Candidate:
    """A slice, its rows, its mean loss, by how much that is above all other rows, and how sure that is."""

    name: str
    rows: int
    loss: float
    excess: float
    error: float
    q_value: float


def find_worst(
    sliced: list[Sliced], loss: Floats, block: npt.NDArray[np.int64], *, most: int, alpha: float
) -> tuple[list[Candidate], int]:
    """Search single slices and pairs of two columns; give the worst, and how many were looked at.

    Errors of the mean are cluster-robust: rows of a block depend on each other. Significance is Benjamini-Hochberg
    over all that were looked at; what remains is ranked by SliceLine's score.

    Parameters
    ----------
    sliced : list of Sliced
        Of one frame.
    loss : ndarray of float64, shape (rows,)
        Of each row.
    block : ndarray of int64, shape (rows,)
        Days from 0.
    most : int
        How many to give.
    alpha : float
        Share of false alarms among them.

    References
    ----------
    Sagadeeva, Boehm, "SliceLine: fast, linear-algebra-based slice finding", SIGMOD (2021).
    Chung et al., "Slice finder: automated data slicing for model validation", ICDE (2019).
    """
    from scipy.stats import false_discovery_control, t

    names = [name for each in sliced for name in each.names]
    owner = np.repeat(np.arange(len(sliced)), [len(each.names) for each in sliced])
    if not names or len(np.unique(block)) < 3:
        return [], 0
    rows, total = _sums(sliced, len(names), loss, block)
    first, second = np.triu_indices(len(names))
    size = rows[:, first, second].sum(axis=0)
    kept = ((owner[first] != owner[second]) | (first == second)) & (size >= LEAST_ROWS) & (size < len(loss))
    first, second = first[kept], second[kept]
    if not len(first):
        return [], 0
    mean, excess, error = _compared(rows[:, first, second], total[:, first, second], loss, block)
    blocks = rows.shape[0]
    p_value = t.sf(excess / np.maximum(error, 1e-300), blocks - 1)
    q_value = false_discovery_control(p_value)
    size = rows[:, first, second].sum(axis=0)
    score = _WEIGHT * (mean / loss.mean() - 1) - (1 - _WEIGHT) * (len(loss) / size - 1)
    alone = dict(zip(first[first == second].tolist(), mean[first == second].tolist(), strict=True))
    found: list[Candidate] = []
    for place in np.argsort(-score, kind="stable"):
        left, right = int(first[place]), int(second[place])
        halves = max(alone.get(left, 0.0), alone.get(right, 0.0))
        if q_value[place] > alpha or (left != right and mean[place] < _BETTER_PARENT * halves):
            continue
        name = names[left] if left == right else f"{names[left]} and {names[right]}"
        numbers = (float(each[place]) for each in (mean, excess, error, q_value))
        found.append(Candidate(name, int(size[place]), *numbers))
        if len(found) == most:
            break
    return found, len(first)


def _sums(sliced: list[Sliced], width: int, loss: Floats, block: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Sum rows and losses by block for every pair of slices: the products of the one-hot matrix with itself."""
    hot = np.zeros((len(loss), width), dtype=np.float32)
    start = 0
    for each in sliced:
        hot[np.arange(len(loss)), start + each.codes[0]] = 1.0
        start += len(each.names)
    blocks = int(block.max()) + 1
    rows, total = np.zeros((blocks, width, width)), np.zeros((blocks, width, width))
    for number in range(blocks):
        here = block == number
        part = hot[here].astype(np.float64)
        rows[number] = part.T @ part
        total[number] = part.T @ (part * loss[here, None])
    return rows, total


def _compared(rows: Floats, total: Floats, loss: Floats, block: npt.NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    """Give each slice's mean loss, its excess over all other rows, and that excess's cluster-robust error."""
    blocks = rows.shape[0]
    all_rows = np.bincount(block, minlength=blocks).astype(np.float64)[:, None]
    all_loss = np.bincount(block, weights=loss, minlength=blocks)[:, None]
    inside, outside = rows.sum(axis=0), all_rows.sum() - rows.sum(axis=0)
    mean = total.sum(axis=0) / inside
    other = (all_loss.sum() - total.sum(axis=0)) / outside
    pull = (total - mean * rows) / inside - (all_loss - total - other * (all_rows - rows)) / outside
    error = np.sqrt((pull**2).sum(axis=0) * blocks / (blocks - 1))
    return mean, mean - other, error
