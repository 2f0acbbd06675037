"""The dashboard of a model: an object for the notebook, readable without a kernel, and one page for everybody else."""

from __future__ import annotations

import html
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_ext.monitoring.dashboard.drawing import NEEDS, figure
from mlops_ext.monitoring.dashboard.health import health
from mlops_ext.monitoring.dashboard.types import DrawFigure, FigureKind, Health, ShowHealth, Together, WindowState
from mlops_ext.monitoring.service import show as show_report
from mlops_ext.monitoring.service import text_of
from mlops_ext.monitoring.types import Report, ReportKind, ShowReport, metric_name
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from mlops_ext.models.types import ModelVersion
    from mlops_ext.monitoring.figures import Template

__all__ = ["STYLE", "Dashboard", "headline"]

WORDS = {"healthy": "all right", "at_risk": "at risk", "degraded": "degraded", "unknown": "not watched yet"}
_MARKS = {"healthy": "✓", "at_risk": "!", "degraded": "▼", "unknown": "?"}
STYLE = (
    "<style>.mlops-board{font:13px/1.45 system-ui,sans-serif;max-width:76em}"
    ".mlops-board table{border-collapse:collapse;font:inherit;margin:4px 0 12px}"
    ".mlops-board th,.mlops-board td{text-align:left;padding:3px 10px;border-bottom:1px solid rgba(128,128,128,.25)}"
    ".mlops-board .n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"
    ".mlops-board .state{display:inline-block;padding:1px 10px;border-radius:10px;font-weight:600;color:#fff}"
    ".mlops-board .healthy{background:#00734f}.mlops-board .at_risk{background:#8a5a00}"
    ".mlops-board .degraded{background:#b3391b}.mlops-board .unknown{background:#5c6470}"
    ".mlops-board h3{font-size:14px;margin:14px 0 4px}.mlops-board p{margin:6px 0}.mlops-board ul{margin:4px 0 8px}"
    ".mlops-board .soft{opacity:.75}</style>"
)


class Dashboard:
    """How a model does, at a glance and in depth.

    Attributes
    ----------
    model : str
        Its name.
    health : Health
        Is it all right, since when not, what moved, what to do.
    """

    def __init__(
        self, model: str | ModelVersion, *, metric: str = "", most: int = 24, workspace: Workspace | None = None
    ) -> None:
        self.ws = workspace or Workspace.find()
        self._asked = ShowHealth(model=text_of(model), metric=metric, most=most)
        self.health: Health = self.ws.call(health, self._asked)
        self.model = self.health.model

    @property
    def status(self) -> str:
        """`healthy`, `at_risk`, `degraded` or `unknown`."""
        return self.health.status

    def refresh(self) -> Dashboard:
        """Read the workspace again."""
        self.health = self.ws.call(health, self._asked)
        self.__dict__.pop("reports", None)
        return self

    @cached_property
    def reports(self) -> dict[ReportKind, list[Report]]:
        """The reports of the windows that are shown, by kind, in the order of the windows."""
        kinds: list[ReportKind] = ["performance", "estimate", "drift"]
        of_windows = {
            kind: [self._report(each.reports[kind]) for each in self.health.windows if kind in each.reports]
            for kind in kinds
        }
        return {**of_windows, "comparison": [self._report(each) for each in self.health.comparisons]}

    def figure(
        self,
        kind: FigureKind = "metric",
        *,
        metric: str = "",
        window: str = "",
        column: str = "",
        slice: str = "",  # noqa: A002  the field's word
        template: Template = "any",
    ) -> go.Figure:
        """Draw one figure.

        Parameters
        ----------
        kind : {"metric", "drift", "column", "reliability", "gain", "together"}
            A metric by window; drift by column and window; one column on both sides; calibration; what challengers
            gain; by what a classifier of all columns tells a window from the reference.
        metric, window, column : str
            Which; the first metric, the newest window and the strongest column when left out.
        slice : str
            Only its rows, such as `origin=EWR`; of a metric or a column.
        template : {"light", "dark", "any", "none"}
            Colours.
        """
        import plotly.graph_objects as go

        asked = DrawFigure(
            model=self.model,
            figure=kind,
            metric=metric or (self.health.windows[-1].metric if self.health.windows else ""),
            window=window,
            column=column,
            slice=slice,
            template=template,
            most=self._asked.most,
        )
        return go.Figure(self.ws.call(figure, asked).figure)

    def drawable(self) -> tuple[FigureKind, ...]:
        """Give the figures for which there is something to draw."""
        have = {kind for kind, found in self.reports.items() if found}
        found = tuple(kind for kind, needed in NEEDS.items() if have.intersection(needed))
        calibrated = any(window.calibrated for window in self.health.windows)
        joint = any(window.together for window in self.health.windows)
        has = {"reliability": calibrated, "together": joint}
        return tuple(kind for kind in found if has.get(kind, True))

    def to_dict(self) -> dict[str, Any]:
        """Give what it says as JSON; non-finite numbers are text."""
        return self.health.model_dump(mode="json")

    def show(self) -> None:
        """Show it: in a notebook as tables or widgets, elsewhere as text."""
        from IPython.display import display

        display(self)  # type: ignore[no-untyped-call]

    def save_html(self, path: str | Path) -> Path:
        """Write one page that needs no network: all tables, and every figure to look at closely.

        The page holds statistics and bins, never rows. Without scripts, in a mail say, the tables are still there.

        Parameters
        ----------
        path : str or Path
            Where to; the file is whole or not there.
        """
        from mlops_ext.monitoring.dashboard.page import write_page

        return write_page(self, Path(path))

    def static(self) -> str:
        """Give it as HTML without scripts."""
        return f"{STYLE}<div class='mlops-board'>{headline(self.health)}{tables(self.health)}</div>"

    def _report(self, made: str) -> Report:
        return self.ws.call(show_report, ShowReport(report=made))

    def __str__(self) -> str:
        found = self.health
        lines = [found.summary_text, *(f"  ! {each}" for each in found.alerts), *(f"  → {each}" for each in found.todo)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return self.static()


def headline(found: Health) -> str:
    """Say at a glance how a model does, and what to do."""
    word = f"{_MARKS[found.status]} {WORDS[found.status]}" + (f" since {found.since}" if found.since else "")
    serving = f"{found.serving} serves {found.environment}" if found.serving else "no version serves an environment"
    listed = "".join(f"<li>{_text(each)}</li>" for each in found.alerts)
    alerts = f"<ul>{listed}</ul>" if listed else ""
    steps = "".join(f"<li>{_text(each)}</li>" for each in found.todo)
    todo = f"<h3>What to do</h3><ul>{steps}</ul>" if steps else ""
    return (
        f"<p><span class='state {found.status}'>{_text(word)}</span> <strong>{_text(found.model)}</strong> "
        f"<span class='soft'>{_text(serving)}</span></p><p>{_text(found.summary_text)}</p>{alerts}{todo}"
    )


def tables(found: Health) -> str:
    """Give windows and moved columns as tables."""
    moved = _table(
        "What moved in the newest window",
        ("Column", "PSI", "Since", "Why"),
        [(each.column, f"{each.psi:.3g}", each.since, each.reason) for each in found.moved],
        numeric=(1,),
    )
    windows = _table(
        "Windows",
        (
            "Window",
            "Version",
            metric_name(found.windows[-1].metric) if found.windows else "",
            "Interval",
            "",
            "Labels",
            "Drifted",
        ),
        [_cells(each) for each in found.windows],
        numeric=(2, 3, 5, 6),
    )
    joint = _table(
        "All columns together",
        ("Window", "AUC of a classifier", "Interval", "", "Most by"),
        [(each.window, *_told(each.together)) for each in found.windows if each.together],
        numeric=(1, 2),
    )
    return windows + moved + joint


def _told(found: Together) -> tuple[str, str, str, str]:
    word = "tells the window apart" if found.drifted else "does not tell it apart"
    spread = f"{found.low:.3f} to {found.high:.3f}"
    return f"{found.auc:.3f}", spread, word, ", ".join(found.columns[:3]) if found.drifted else "–"


def _cells(window: WindowState) -> tuple[str, ...]:
    value = "–" if window.value is None else f"{window.value:.4g}"
    spread = "–" if window.low is None or window.high is None else f"{window.low:.4g} to {window.high:.4g}"
    labels = "–" if window.label_coverage is None else f"{window.label_coverage:.0%}"
    drifted = "–" if window.drifted is None else f"{window.drifted} of {len(window.columns)}"
    return window.window, window.model, value, spread, window.kind, labels, drifted


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[int]) -> str:
    if not rows:
        return ""
    classes = ["class='n'" if place in numeric else "" for place in range(len(heads))]
    head = "".join(f"<th scope='col' {css}>{_text(name)}</th>" for name, css in zip(heads, classes, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td {css}>{_text(cell)}</td>" for cell, css in zip(row, classes, strict=True)) + "</tr>"
        for row in rows
    )
    return f"<h3>{title}</h3><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _text(text: str) -> str:
    return html.escape(text if len(text) <= 400 else text[:399] + "…")
