"""Metrics of one's own: a function of the rows of a window, with intervals from the same resampled days."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from mlops_ext.errors import InvalidValue
from mlops_ext.monitoring.drift.columns import Floats

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["GROUP", "Judged", "Metric", "Summed", "metrics_named", "with_metrics"]

GROUP = "mlops_ext.metrics"
"""The group of entry points whose functions are known by name."""
Metric = Callable[["pd.DataFrame"], float]
"""Takes the labelled rows, `label`, `prediction`, `probability` where there is one, `at`, and `feature:…`."""


class Summed(Protocol):
    """What a window comes to, by day."""

    @property
    def days(self) -> int:
        """How many days there are."""

    def evaluate(self, weights: Floats) -> dict[str, Floats]:
        """Compute every metric for every weighting of the days."""


class Judged(Protocol):
    """One window with its labels."""

    @property
    def day(self) -> npt.NDArray[np.int64]:
        """Days counted from 0, without gaps."""

    @property
    def label(self) -> npt.NDArray[Any]:
        """What each row was."""

    def blocks(self) -> Summed:
        """Sum it up by day."""

    def about(self) -> dict[str, Any]:
        """Give what a report tells beside the metrics."""


def metrics_named(given: Sequence[str | Metric]) -> dict[str, Metric]:
    """Find metrics by the name of their entry point; a function goes by its own name.

    Raises
    ------
    NotFound
        No installed package brings one of that name.
    InvalidValue
        Two go by one name.
    """
    from mlops_ext.models.plugins import load_plugin

    found: dict[str, Metric] = {}
    for each in given:
        name = each if isinstance(each, str) else getattr(each, "__name__", type(each).__name__)
        if name in found:
            raise InvalidValue(f"two metrics go by the name {name!r}", hint="Give one of them another name")
        found[name] = load_plugin(GROUP, each) if isinstance(each, str) else each
    return found


def with_metrics(judged: Judged, rows: pd.DataFrame, metrics: dict[str, Metric]) -> Judged:
    """Add metrics of one's own to a window."""
    return _More(judged, rows.reset_index(drop=True), metrics) if metrics else judged


@dataclass(frozen=True)
class _More:
    judged: Judged
    rows: pd.DataFrame
    metrics: dict[str, Metric]

    @property
    def day(self) -> npt.NDArray[np.int64]:
        return self.judged.day

    @property
    def label(self) -> npt.NDArray[Any]:
        return self.judged.label

    def blocks(self) -> Summed:
        return _Blocks(self.judged.blocks(), self.judged.day, self.rows, self.metrics)

    def about(self) -> dict[str, Any]:
        better = {name: way for name, each in self.metrics.items() if (way := _way(each))}
        return {**self.judged.about(), "custom": sorted(self.metrics), "better": better}


@dataclass(frozen=True)
class _Blocks:
    judged: Summed
    day: npt.NDArray[np.int64]
    rows: pd.DataFrame
    metrics: dict[str, Metric]

    @property
    def days(self) -> int:
        return self.judged.days

    def evaluate(self, weights: Floats) -> dict[str, Floats]:
        found = self.judged.evaluate(weights)
        taken = next((name for name in self.metrics if name in found), None)
        if taken is not None:
            raise InvalidValue(f"a metric {taken!r} is there already", hint="Give yours another name")
        own: dict[str, list[float]] = {name: [] for name in self.metrics}
        for weight in weights:
            drawn = self.rows.take(np.repeat(np.arange(len(self.day)), weight[self.day].astype(np.int64)))
            for name, metric in self.metrics.items():
                own[name].append(_number(name, metric(drawn)))
        return {**found, **{name: np.array(values) for name, values in own.items()}}


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise InvalidValue(f"the metric {name!r} gave {value!r}", hint="Let it return a number") from error


def _way(metric: Any) -> str:
    way = str(getattr(metric, "better", ""))
    if way not in ("higher", "lower", ""):
        raise InvalidValue(f"a metric's `better` is {way!r}", hint="Set it to 'higher' or 'lower'")
    return way
