"""Why a model says what it says, as records that show themselves, with or without a kernel."""

from __future__ import annotations

import html
from typing import Any, ClassVar, Literal

from mlops_ext.records import Record, Timestamp

__all__ = ["Contribution", "Explanation", "Method", "Served", "WhyPrediction"]

Method = Literal["tree", "linear", "permutation"]
_SAID = 3
_BAR = 120


class Contribution(Record):
    """What one feature adds to a model's answer."""

    shown: ClassVar[tuple[str, ...]] = ("feature", "value", "contribution")
    feature: str
    value: str
    """Of the row, as text."""
    contribution: float
    """In the unit of the answer."""


class Explanation(Record):
    """Shapley values of one row: they and the base sum to the model's answer."""

    tables: ClassVar[tuple[str, ...]] = ("contributions",)
    model: str
    row: str = ""
    """What the row is, such as the id of a prediction."""
    output: str
    """What is explained: `probability of 1`, `log-odds of 1` or `prediction`."""
    answer: float
    base: float
    """The mean answer over the background rows."""
    contributions: tuple[Contribution, ...]
    """The strongest first."""
    method: Method
    reason: str
    """Why this method, and what it holds fixed."""
    background: str
    """SHA-256 of the background rows."""
    background_rows: int
    additivity_error: float
    """By how much base and contributions together miss the answer."""

    def sentence(self) -> str:
        """Say it in words."""
        said = ", ".join(
            f"{each.feature} = {each.value} {each.contribution:+.3g}" for each in self.contributions[:_SAID]
        )
        side = "above" if self.answer >= self.base else "below"
        gap = abs(self.answer - self.base)
        return f"{self.model}: {self.output} is {self.answer:.3g}, {gap:.3g} {side} the mean {self.base:.3g}: {said}"

    @property
    def df(self) -> Any:
        """The contributions as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame([each.model_dump() for each in self.contributions])

    def _repr_html_(self) -> str:
        widest = max((abs(each.contribution) for each in self.contributions), default=0.0) or 1.0
        rows = "".join(_bar(each, widest) for each in self.contributions)
        return (
            f"<p>{html.escape(self.sentence())}</p><table class='mlops-record'><thead><tr><th>Feature</th>"
            f"<th>Value</th><th>Contribution</th><th></th></tr></thead><tbody>{rows}</tbody></table>"
            f"<p style='opacity:.7'>{html.escape(self.reason)}</p>"
        )


class Served(Record):
    """When an environment served the version that answered, and who let it."""

    shown: ClassVar[tuple[str, ...]] = ("environment", "since", "until", "by", "approvers", "comment")
    environment: str
    since: Timestamp
    until: Timestamp | None = None
    by: str
    approvers: tuple[str, ...] = ()
    comment: str = ""


class WhyPrediction(Record):
    """A logged prediction, its reasons, and the version behind it with all that it was made of."""

    tables: ClassVar[tuple[str, ...]] = ("contributions", "served")
    prediction: str
    model: str
    at: Timestamp
    decision: float
    probability: float | None = None
    label: float | None = None
    window: str = ""
    reasons: str
    """The explanation in words, or why there is none."""
    contributions: tuple[Contribution, ...] = ()
    explanation: Explanation | None = None
    served: tuple[Served, ...] = ()
    """The environments that served the version when the prediction was logged."""
    registered_by: str
    registered_at: Timestamp
    run: str = ""
    notebook: str = ""
    commit: str = ""
    data: tuple[str, ...] = ()

    def pairs(self) -> Any:
        """Give each field but the explanation, whose parts stand here already."""
        return ((name, text) for name, text in super().pairs() if name != "explanation")


def _bar(each: Contribution, widest: float) -> str:
    width = _BAR * abs(each.contribution) / widest
    up = each.contribution >= 0
    place = _BAR if up else _BAR - width
    color = "#d1495b" if up else "#3a7ca5"
    bar = (
        f"<svg role='img' aria-label='{each.contribution:+.3g}' width='{2 * _BAR}' height='12'>"
        f"<rect x='{place:.1f}' y='1' width='{width:.1f}' height='10' fill='{color}'/>"
        f"<line x1='{_BAR}' x2='{_BAR}' y1='0' y2='12' stroke='currentColor' stroke-opacity='.4'/></svg>"
    )
    cells = (each.feature, each.value, f"{each.contribution:+.4g}")
    return "<tr>" + "".join(f"<td>{html.escape(cell[:120])}</td>" for cell in cells) + f"<td>{bar}</td></tr>"
