"""Writes the story as one self-contained HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_ext.demo.teller import Outcome, Step
from mlops_ext.governance import service as governance
from mlops_ext.governance.types import ListEvents, ShowHead
from mlops_ext.monitoring import figures
from mlops_ext.store.filesystem import write_whole

if TYPE_CHECKING:
    from mlops_ext.demo.story import Story

__all__ = ["write_report"]


def write_report(story: Story, steps: list[Step], path: Path) -> Outcome:
    """Write the report.

    Parameters
    ----------
    story : Story
        What happened.
    steps : list of Step
        The steps so far, with their times.
    path : Path
        Where to write it; written whole or not at all.
    """
    from jinja2 import Environment, PackageLoader
    from plotly.offline import get_plotlyjs

    page = Environment(loader=PackageLoader("mlops_ext.demo", "."), autoescape=True).get_template("report.html.j2")
    events = story.ws.call(governance.log, ListEvents(limit=1000)).items
    head = story.ws.call(governance.head, ShowHead())
    html = page.render(
        title="Will this flight be late?",
        lead="One model in production for the flights of 2013: trained, promoted, watched, retrained, rolled back.",
        numbers=[{"label": label, "value": value} for label, value in story.decisive_numbers()],
        figures=_figures(story),
        deployments=story.deployments(),
        steps=steps,
        events=events,
        head_seq=head.seq,
        head_hash=head.hash,
        plotly_js=get_plotlyjs(),
    )
    write_whole(path, html.encode())
    return Outcome(f"{path.name}, {path.stat().st_size / 1e6:.1f} MB, needs no network", {"bytes": path.stat().st_size})


def _figures(story: Story) -> list[dict[str, Any]]:
    measured = [month.performance for month in story.months.values() if month.performance is not None]
    estimated = [month.estimate for month in story.months.values()]
    drift = [month.drift for month in story.months.values()]
    drawn = [
        (
            "Performance of the model that served, month by month",
            "Measured when the labels came, with 95 % intervals from resampled days, beside what was estimated before.",
            figures.metric_over_windows([*estimated, *measured], "auc"),
        ),
        (
            "Calibration error",
            "Expected calibration error of the served probabilities; lower is better.",
            figures.metric_over_windows(measured, "ece"),
        ),
        (
            "Drift of each column against January",
            "Population stability index. Weather drifts with the seasons every month: drift alone raises no alert.",
            figures.psi_over_windows(drift),
        ),
        (
            "Challenger against champion",
            "Gain in AUC on a month later than both trained on. Promotion asks for an interval that excludes no gain.",
            figures.challenger_gain(story.comparisons, "auc"),
        ),
    ]
    return [
        {"title": title, "note": note, "html": figure.to_html(full_html=False, include_plotlyjs=False)}
        for title, note, figure in drawn
    ]
