"""The drift report: an object for the notebook that stays readable when the kernel is gone."""

from __future__ import annotations

import html
import json
import math
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_ext.monitoring.drift.compare import Comparison
from mlops_ext.monitoring.drift.histograms import Histogram
from mlops_ext.monitoring.drift.verdict import Decision
from mlops_ext.monitoring.types import Report, SaveReport
from mlops_ext.records import text_of
from mlops_ext.store.schema import finite_json

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from mlops_ext.monitoring.drift.domain import DomainReport
    from mlops_ext.monitoring.figures import Template
    from mlops_ext.workspace import Workspace

__all__ = ["DriftReport"]

MOST = 60
"""Columns shown inline, the strongest first."""
DRAWN = 25
"""Columns with a histogram inline."""
_HEADS = (
    "Column",
    "Verdict",
    "PSI",
    "q",
    "KS / TVD",
    "Missing, reference",
    "Missing, current",
    "Reference and current",
)
_WORDS = {"drift": "drift", "no_drift": "no drift", "undecided": "undecided"}
_STYLE = (
    "<style>.mlops-drift{font:13px/1.45 system-ui,sans-serif}.mlops-drift table{border-collapse:collapse;font:inherit}"
    ".mlops-drift th,.mlops-drift td{text-align:left;padding:3px 10px;border-bottom:1px solid rgba(128,128,128,.25)}"
    ".mlops-drift td.n{text-align:right;white-space:nowrap;"
    "font-variant-numeric:tabular-nums}.mlops-drift .drift{font-weight:700}"
    ".mlops-drift .drift::before{content:'▲ '}.mlops-drift .undecided::before{content:'? '}"
    ".mlops-drift p{margin:4px 0;max-width:70em}.mlops-drift .soft{opacity:.7}"
    ".mlops-drift .r{fill:#0072b2}.mlops-drift .c{fill:#e69f00}</style>"
)


@dataclass(frozen=True)
class DriftReport:
    """What `drift` found.

    Attributes
    ----------
    comparison : Comparison
        Rows, decisions and histograms.
    reference, current : str
        Full references of the datasets, or `file:NAME`; empty for frames.
    references : tuple of str
        The dataset versions that the reference is made of.
    window, model : str
        What it is about.
    saved : Report or None
        The stored report.
    """

    comparison: Comparison
    reference: str = ""
    current: str = ""
    references: tuple[str, ...] = ()
    window: str = "current"
    model: str = ""
    saved: Report | None = None

    @property
    def drifted(self) -> bool:
        """Whether any column drifted."""
        return self.comparison.verdict.status == "drift"

    @property
    def status(self) -> str:
        """`drift`, `no_drift` or `undecided`."""
        return self.comparison.verdict.status

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that drifted, strongest first."""
        return self.comparison.verdict.columns

    @property
    def df(self) -> Any:
        """One row a column, strongest first, as a pandas DataFrame: decision and all statistics."""
        import pandas as pd

        values = {column: dict(found) for column, found in self._values.items()}
        for row in self.comparison.rows:
            if row.p_value is not None:
                values[row.column][f"{row.statistic}_p"] = row.p_value
        return pd.DataFrame([{**each.to_dict(), **values[each.column]} for each in self.comparison.decisions])

    @cached_property
    def _values(self) -> dict[str, dict[str, float]]:
        """Each column's statistics."""
        values: dict[str, dict[str, float]] = {}
        for row in self.comparison.rows:
            values.setdefault(row.column, {})[row.statistic] = row.value
        return values

    def to_dict(self) -> dict[str, Any]:
        """Give everything as JSON; non-finite numbers are text."""
        found: dict[str, Any] = finite_json(self.request().model_dump(mode="json"))
        return found

    def request(self) -> SaveReport:
        """Give what is stored when the report is saved."""
        found = self.comparison
        return SaveReport(
            kind="drift",
            model=self.model,
            reference=_stored(self.reference) or next(iter(self.references), ""),
            references=self.references[1:],
            current=_stored(self.current),
            window=self.window,
            status=found.verdict.status,
            rows=found.rows,
            verdict=found.verdict,
            details={
                "sides": {"reference": self.reference, "current": self.current},
                "rows": {"reference": found.sizes[0], "current": found.sizes[1]},
                "bound": found.bound,
                "decisions": [each.to_dict() for each in found.decisions],
                "kinds": found.kinds,
                "roles": found.roles,
                "left_out": found.left_out,
                "slices": found.slices,
                **({"together": found.together.model_dump(mode="json")} if found.together else {}),
                "histograms": {name: each.to_dict() for name, each in found.histograms.items()},
            },
        )

    def saved_in(self, workspace: Workspace) -> DriftReport:
        """Store it as a report and give it with its record."""
        from mlops_ext.monitoring.service import report

        return replace(self, saved=workspace.call(report, self.request()))

    def figure(self, column: str, *, template: Template = "any") -> go.Figure:
        """Draw one column on both sides.

        Parameters
        ----------
        column : str
            Its name.
        template : {"light", "dark", "any", "none"}
            Colours.
        """
        from mlops_ext.errors import NotFound
        from mlops_ext.monitoring.figures import column_drift

        if column not in self.comparison.histograms:
            raise NotFound.of("compared column", column, self.comparison.histograms)
        return column_drift(column, self.comparison.histograms[column].to_dict(), template=template)

    def show(self) -> None:
        """Show it: in a notebook as a table, elsewhere as text."""
        from IPython.display import display

        display(self)  # type: ignore[no-untyped-call]

    def save_html(self, path: str | Path) -> Path:
        """Write a page that needs no network and no script: all columns, statistics and constants.

        Parameters
        ----------
        path : str or Path
            Where to; the file is whole or not there.
        """
        return _write(
            path,
            "<!doctype html><html lang='en'><head><meta charset='utf-8'><meta name='color-scheme' content='light dark'>"
            f"<title>Drift of {html.escape(self.window)}</title></head><body style='margin:2em'>"
            f"<h1 style='font:600 20px system-ui'>Drift of {html.escape(self.window)}</h1>"
            f"{self._table(most=None, drawn=None)}{self._classifier()}{self._constants()}</body></html>",
        )

    def save_json(self, path: str | Path) -> Path:
        """Write `{"rows": [...], "verdict": {...}}`; non-finite numbers are text.

        Parameters
        ----------
        path : str or Path
            Where to; the file is whole or not there.
        """
        whole = self.to_dict()
        found = {"rows": whole["rows"], "verdict": whole["verdict"]}
        found |= {"together": whole["details"]["together"]} if self.together else {}
        return _write(path, json.dumps(found, ensure_ascii=False, allow_nan=False) + "\n")

    def _repr_html_(self) -> str:
        return self._table(MOST, DRAWN)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:  # noqa: ARG002
        return {"text/plain": str(self), "text/html": self._repr_html_()}

    def __str__(self) -> str:
        lines = [self._sentence()]
        shown = self.comparison.decisions[:MOST]
        width = max((len(each.column[:40]) for each in shown), default=0)
        lines += [f"  {each.column[:40]:<{width}}  {_WORDS[each.status]:<9}  {each.reason}" for each in shown]
        hidden = len(self.comparison.decisions) - len(shown)
        lines += [f"  … and {hidden} more columns, see .df"] if hidden else []
        return "\n".join(lines)

    def _sentence(self) -> str:
        found = self.comparison
        before, after = self.reference or "reference", self.current or "current"
        count = (
            f"{len(self.columns)} of {len(found.decisions)} columns drifted" if self.columns else _WORDS[self.status]
        )
        left = f"; left out: {', '.join(list(found.left_out)[:8])}" if found.left_out else ""
        said = f"; {found.together.sentence}" if found.together else ""
        sides = f"({before}, {found.sizes[0]:,} rows; {after}, {found.sizes[1]:,} rows)"
        return f"{self.window}: {count} {sides}{left}{said}"

    @property
    def together(self) -> DomainReport | None:
        """What a classifier found over all columns together; None when it was not asked."""
        return self.comparison.together

    def _table(self, most: int | None, drawn: int | None) -> str:
        decisions = self.comparison.decisions[:most]
        head = "".join(f"<th scope='col'>{name}</th>" for name in _HEADS)
        body = "".join(self._row(each, place, drawn) for place, each in enumerate(decisions))
        hidden = len(self.comparison.decisions) - len(decisions)
        more = f"<p class='soft'>… and {hidden} more columns, see .df</p>" if hidden else ""
        left = "".join(
            f"<li>{_text(name)}: {_text(reason)}</li>" for name, reason in list(self.comparison.left_out.items())[:most]
        )
        left = f"<p>Left out</p><ul>{left}</ul>" if left else ""
        return (
            f"{_STYLE}<div class='mlops-drift'><p>{_text(self._sentence(), 600)}</p>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}{left}"
            f"<p class='soft'>{_text(self.comparison.verdict.method, 600)}</p></div>"
        )

    def _row(self, decision: Decision, place: int, drawn: int | None) -> str:
        found = self._values.get(decision.column, {})
        distance = found.get("ks", found.get("tvd", math.nan))
        histogram = self.comparison.histograms.get(decision.column)
        picture = _bars(histogram) if histogram and (drawn is None or place < drawn) else ""
        numbers = [
            _number(decision.size),
            _number(decision.q_value),
            _number(distance),
            _share(found.get("missing_ref", math.nan)),
            _share(found.get("missing_cur", math.nan)),
        ]
        cells = "".join(f"<td class='n'>{number}</td>" for number in numbers)
        word = f"<td class='{decision.status}' title='{_text(decision.reason)}'>{_WORDS[decision.status]}</td>"
        return f"<tr><td>{_text(decision.column, 60)}</td>{word}{cells}<td>{picture}</td></tr>"

    def _classifier(self) -> str:
        """List by which columns a classifier tells the sides apart."""
        if self.together is None:
            return ""
        rows = "".join(
            f"<tr><td>{_text(each.column)}</td><td>{each.kind}</td><td class='n'>{_number(each.importance)}</td></tr>"
            for each in self.together.columns
        )
        head = "".join(f"<th scope='col'>{name}</th>" for name in ("Column", "Kind", "Fall of the AUC when shuffled"))
        return (
            f"<div class='mlops-drift'><p>{_text(self.together.sentence)}</p>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        )

    def _constants(self) -> str:
        rows = "".join(
            f"<tr><td>{_text(row.column)}</td><td>{row.statistic}</td><td class='n'>{_number(row.value)}</td>"
            f"<td class='n'>{_number(row.p_value)}</td><td>{_text(text_of(row.parameters))}</td></tr>"
            for row in self.comparison.rows
        )
        head = "".join(f"<th scope='col'>{name}</th>" for name in ("Column", "Statistic", "Value", "p", "Constants"))
        return (
            "<details class='mlops-drift'><summary>All statistics and constants</summary>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></details>"
        )


def _stored(name: str) -> str:
    """Give a dataset's reference; a file is none that lineage could follow."""
    return name if name.startswith("dataset:") else ""


def _write(path: str | Path, text: str) -> Path:
    target = Path(path)
    draft = target.with_name(f".{target.name}.part")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return target


def _bars(histogram: Histogram) -> str:
    """Draw both sides as bars on one line: a picture of a few hundred bytes that needs no script."""
    pairs = list(zip(histogram.reference, histogram.current, strict=True))
    top = max((max(pair) for pair in pairs), default=0)
    if not top:
        return ""
    step = 144 / len(pairs)
    bars = []
    for place, pair in enumerate(pairs):
        for offset, name, share in ((0, "r", pair[0]), (step * 0.45, "c", pair[1])):
            height = 22 * share / top
            if height >= 0.1:
                at = f"x='{place * step + offset:.1f}' y='{24 - height:.1f}'"
                bars.append(f"<rect class='{name}' {at} width='{step * 0.4:.1f}' height='{height:.1f}'/>")
    label = "shares by bin, reference blue, current orange"
    return f"<svg role='img' aria-label='{label}' width='144' height='24'>{''.join(bars)}</svg>"


def _number(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞"
    if 0 <= value < 1e-9:
        return "0" if value == 0 else "&lt; 1e-9"
    return f"{value:.3g}"


def _share(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.1%}"


def _text(text: str, most: int = 300) -> str:
    return html.escape(text if len(text) <= most else text[: most - 1] + "…", quote=True)
