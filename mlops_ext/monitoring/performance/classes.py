"""Several classes: counts by day and class from which macro F1, accuracy, log loss and calibration follow exactly."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mlops_ext.monitoring.drift.columns import Floats
from mlops_ext.monitoring.performance.blocks import ECE_BINS, LOG_CLIP

__all__ = ["ClassBlocks", "Classified", "bins_of"]

_CONFUSIONS = 10
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Classified:
    """One window of a classification with its labels.

    Attributes
    ----------
    day : ndarray of int64, shape (rows,)
        Days counted from 0, without gaps.
    label, predicted : ndarray of str, shape (rows,)
        The class that it was, and the one that the model said.
    probability : ndarray of float64, shape (rows, classes), or None
        What the model gave each class.
    classes : tuple of str
        The columns of `probability`.
    """

    day: npt.NDArray[np.int64]
    label: npt.NDArray[Any]
    predicted: npt.NDArray[Any]
    probability: Floats | None = None
    classes: tuple[str, ...] = ()

    def blocks(self) -> ClassBlocks:
        """Sum it up by day."""
        known, codes = np.unique(np.concatenate([self.label, self.predicted]), return_inverse=True)
        label, predicted = codes[: len(self.label)], codes[len(self.label) :]
        days, count = int(self.day.max()) + 1, len(known)

        def counted(which: Codes, where: npt.NDArray[np.bool_] | None = None) -> Floats:
            flat = self.day * count + which
            held = flat if where is None else flat[where]
            return np.bincount(held, minlength=days * count).astype(np.float64).reshape(days, count)

        rows = np.bincount(self.day, minlength=days).astype(np.float64)
        hits = counted(label, label == predicted)
        losses = residuals = None
        if self.probability is not None:
            losses = np.bincount(self.day, weights=self._losses(), minlength=days).astype(np.float64, copy=False)
            confidence = self.confidence()
            flat = self.day * ECE_BINS + bins_of(confidence)
            gaps = np.bincount(flat, weights=(label == predicted) - confidence, minlength=days * ECE_BINS)
            residuals = gaps.astype(np.float64, copy=False).reshape(days, ECE_BINS)
        return ClassBlocks(rows, counted(label), counted(predicted), hits, losses, residuals)

    def confidence(self) -> Floats:
        """Give the probability of the class that was said; 0 for one without a probability."""
        return self._probability_of(self.predicted)

    def about(self) -> dict[str, Any]:
        """Give what a report tells beside the metrics: sizes of classes, what is mistaken for what, calibration."""
        wrong = self.label != self.predicted
        pairs = Counter(zip(self.label[wrong].tolist(), self.predicted[wrong].tolist(), strict=True))
        rows = len(self.day)
        found: dict[str, Any] = {
            "task": "multiclass",
            "rows": rows,
            "classes": dict(sorted(Counter(self.label.tolist()).items())),
            "confusions": [
                {"label": label, "predicted": said, "rows": count, "share": count / rows}
                for (label, said), count in sorted(pairs.items(), key=lambda each: (-each[1], each[0]))[:_CONFUSIONS]
            ],
        }
        if self.probability is not None:
            from mlops_ext.monitoring.performance.measure import reliability

            found["reliability"] = reliability((~wrong).astype(np.float64), self.confidence())
            found["reliability_of"] = "the class that was said: its probability, and how often it was right"
        return found

    def _losses(self) -> Floats:
        return -np.log(np.clip(self._probability_of(self.label), LOG_CLIP, 1 - LOG_CLIP))

    def _probability_of(self, chosen: npt.NDArray[Any]) -> Floats:
        """Give each row's probability of the class that is chosen for it."""
        given = np.zeros(len(chosen))
        for place, name in enumerate(self.classes if self.probability is not None else ()):
            held = chosen == name
            given[held] = np.asarray(self.probability)[held, place]
        return given


@dataclass(frozen=True)
class ClassBlocks:
    """What a window of a classification holds, by day.

    Attributes
    ----------
    rows : ndarray of float64, shape (days,)
        Rows.
    labels, predictions, hits : ndarray of float64, shape (days, classes)
        How often each class was, was said, and was said rightly.
    losses : ndarray of float64, shape (days,), or None
        Sums of the log loss.
    residuals : ndarray of float64, shape (days, 15), or None
        Sums of hit minus probability in each bin.
    """

    rows: Floats
    labels: Floats
    predictions: Floats
    hits: Floats
    losses: Floats | None = None
    residuals: Floats | None = None

    @property
    def days(self) -> int:
        """How many days there are."""
        return len(self.rows)

    def evaluate(self, weights: Floats) -> dict[str, Floats]:
        """Compute every metric for every weighting of the days.

        Macro F1 is the mean over the classes that were or were said in a draw, as scikit-learn has it.
        """
        rows = weights @ self.rows
        either = weights @ (self.labels + self.predictions)
        hits = weights @ self.hits
        with np.errstate(divide="ignore", invalid="ignore"):
            f1 = np.where(either > 0, 2 * hits / either, 0.0).sum(axis=1) / (either > 0).sum(axis=1)
        found = {"macro_f1": f1, "accuracy": hits.sum(axis=1) / rows}
        if self.losses is not None and self.residuals is not None:
            found["log_loss"] = weights @ self.losses / rows
            found["ece"] = np.abs(weights @ self.residuals).sum(axis=1) / rows
        return found


def bins_of(score: Floats) -> Codes:
    """Give the bin of each probability: equally wide, (a, b], the first takes 0."""
    found: Codes = np.clip(np.ceil(score * ECE_BINS).astype(np.int64) - 1, 0, ECE_BINS - 1)
    return found
