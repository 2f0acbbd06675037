"""Every figure of monitoring, built once for notebook, HTML report and panel.

Colours are those of Okabe and Ito, which people with any colour vision tell apart; shape and text repeat what they say.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, get_args

import plotly.graph_objects as go

from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.monitoring.types import BETTER, MetricEstimate, Report, metric_name

__all__ = [
    "Template",
    "challenger_gain",
    "column_drift",
    "metric_over_windows",
    "psi_over_windows",
    "reliability_curve",
    "told_apart",
]

Template = Literal["light", "dark", "any", "none"]
"""`any` can be read on light and on dark, where nobody knows which: a kernel does not know its page's theme.
`none` leaves colours to the page, and is drawn ten times as fast."""
_TEMPLATES: dict[Template, str] = {
    "light": "plotly_white",
    "dark": "plotly_dark",
    "any": "plotly_white",
    "none": "none",
}
REFERENCE, CURRENT, WARNING, THIRD = "#0072B2", "#E69F00", "#D55E00", "#009E73"
MIDDLE, FAINT = "#7b8591", "rgba(128,128,128,0.25)"
MOST_TOLD = 20
"""Columns by which a classifier tells sides apart, those that tell most."""
PSI_TOP = 0.5
"""The end of the heat map's colours; the numbers stand in the cells."""


def metric_over_windows(
    reports: Sequence[Report],
    metric: str = "auc",
    *,
    limit: float | None = None,
    limit_name: str = "limit",
    template: Template = "light",
) -> go.Figure:
    """Draw a metric window by window with its interval; estimates stand beside what was measured.

    Parameters
    ----------
    reports : sequence of Report
        Of the kinds `performance` and `estimate`, in the order of their windows.
    metric : str
        Which metric.
    limit : float, optional
        The worse end of the band, drawn as a line.
    limit_name : str
        What the line is called.
    template : {"light", "dark", "any", "none"}
        Colours.
    """
    windows = list(dict.fromkeys(report.window for report in reports))
    ordered = {"type": "category", "categoryorder": "array", "categoryarray": windows}
    figure = _figure(template, f"{metric_name(metric)} by window", "Window", metric_name(metric), xaxis=ordered)
    kinds = (("measured", REFERENCE, "solid", "circle"), ("estimated", CURRENT, "dash", "diamond-open"))
    for kind, colour, dash, symbol in kinds:
        points = [
            (report.window, each)
            for report in reports
            for each in report.metrics
            if each.name == metric and each.kind == kind
        ]
        if points:
            _add_band(figure, points, f"{kind}, {points[0][1].level:.0%} interval", colour, dash, symbol)
    if limit is not None:
        figure.add_hline(y=limit, line={"color": WARNING, "dash": "dot"}, annotation_text=f"{limit_name} {limit:.3f}")
    return figure


def psi_over_windows(
    reports: Sequence[Report], *, statistic: str = "psi_na", template: Template = "light"
) -> go.Figure:
    """Draw the PSI of every column in every window as a heat map, the strongest column on top.

    Parameters
    ----------
    reports : sequence of Report
        Of the kind `drift`, with their rows, in the order of their windows.
    statistic : str
        Another statistic than PSI with a bin for missing values.
    template : {"light", "dark", "any", "none"}
        Colours.
    """
    found = {
        (row.column, report.window): row.value
        for report in reports
        for row in report.rows
        if row.statistic == statistic
    }
    windows = list(dict.fromkeys(report.window for report in reports))
    strength = {column: max(v for (c, _), v in found.items() if c == column) for column in {c for c, _ in found}}
    columns = sorted(strength, key=lambda column: (strength[column], column))
    values = [[found.get((column, window), math.nan) for window in windows] for column in columns]
    height = 120 + 24 * max(len(columns), 6)
    title = "Drift by column and window (PSI)"
    figure = _figure(template, title, "Window", "", xaxis={"type": "category"}, height=height)
    figure.add_heatmap(
        x=windows,
        y=columns,
        z=values,
        text=[["" if math.isnan(value) else f"{value:.2f}" for value in row] for row in values],
        texttemplate="%{text}",
        hovertemplate="%{y}, %{x}: PSI %{z:.4f}<extra></extra>",
        colorscale="Cividis",
        zmin=0,
        zmax=PSI_TOP,
        colorbar={"title": {"text": f"PSI, up to {PSI_TOP:g}"}},
    )
    return figure


def reliability_curve(reports: Sequence[Report], *, template: Template = "light") -> go.Figure:
    """Draw how often what was given a probability came true.

    Parameters
    ----------
    reports : sequence of Report
        Of the kind `performance`, with details; at most three, so that the lines stay apart.
    template : {"light", "dark", "any", "none"}
        Colours.
    """
    shares = {"range": [0, 1], "tickformat": ".0%"}
    titles = ("Reliability", "Mean predicted probability", "Share of positives")
    figure = _figure(template, *titles, xaxis=shares, yaxis=shares)
    ideal = {"color": "gray", "dash": "dot"}
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line=ideal, name="perfectly calibrated", hoverinfo="skip")
    styles = ((REFERENCE, "circle"), (CURRENT, "diamond"), (THIRD, "square"))
    if len(reports) > len(styles):
        raise InvalidValue(f"{len(reports)} reliability curves in one figure", hint=f"Draw at most {len(styles)}")
    for report, (colour, symbol) in zip(reports, styles, strict=False):
        curve = report.details.get("reliability")
        if curve is None:
            raise NotFound(f"{report.ref} has no reliability curve", hint="Show a report of a model with probabilities")
        figure.add_scatter(
            x=curve["probability"],
            y=curve["positive"],
            customdata=curve["rows"],
            mode="lines+markers",
            name=f"{report.model} on {report.window}",
            line={"color": colour},
            marker={"symbol": symbol, "size": 8},
            hovertemplate="predicted %{x:.3f}, came true %{y:.3f}, %{customdata:,} rows<extra></extra>",
        )
    return figure


def column_drift(column: str, histogram: Mapping[str, Any], *, template: Template = "light") -> go.Figure:
    """Draw one column in the reference and the current window.

    Parameters
    ----------
    column : str
        Its name.
    histogram : mapping
        `edges` or `labels`, and the shares `reference` and `current`; a drift report holds it in its details.
    template : {"light", "dark", "any", "none"}
        Colours.
    """
    edges = list(histogram["edges"])
    figure = _figure(
        template,
        f"{column}: reference and current",
        column,
        "Share of rows",
        xaxis={} if edges else {"type": "category"},
        yaxis={"tickformat": ".0%", "rangemode": "tozero"},
        barmode="overlay" if edges else "group",
    )
    sides = (("reference", REFERENCE, ""), ("current", CURRENT, "/"))
    for name, colour, pattern in sides:
        marker = {"color": colour, "pattern": {"shape": pattern}}
        if edges:
            middles = [(low + high) / 2 for low, high in pairwise(edges)]
            spans = [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
            figure.add_bar(
                x=middles, y=histogram[name], width=edges[1] - edges[0], customdata=spans, name=name, marker=marker,
                opacity=0.6, hovertemplate="%{customdata}: %{y:.2%}<extra>" + name + "</extra>",
            )  # fmt: skip
        else:
            hover = "%{x}: %{y:.2%}<extra>" + name + "</extra>"
            figure.add_bar(x=histogram["labels"], y=histogram[name], name=name, marker=marker, hovertemplate=hover)
    return figure


def challenger_gain(reports: Sequence[Report], metric: str = "auc", *, template: Template = "light") -> go.Figure:
    """Draw what the challenger gains over the champion, window by window, with the interval.

    Parameters
    ----------
    reports : sequence of Report
        Of the kind `comparison`.
    metric : str
        Which metric.
    template : {"light", "dark", "any", "none"}
        Colours.
    """
    way = "more" if BETTER.get(metric) == "higher" else "less"
    title = f"Challenger minus champion, {metric_name(metric)} ({way} is better)"
    found = [(report, each) for report in reports for each in report.metrics if each.name == metric]
    places = [
        f"{report.window}: {report.model} against {report.reference.removeprefix('model:')}" for report, _ in found
    ]
    # Room for the words above the first; the first on top.
    rows = {"type": "category", "range": [len(set(places)) - 0.5, -0.6]}
    height = 160 + 60 * max(len(found), 1)
    figure = _figure(template, title, f"Difference in {metric_name(metric)}", "", yaxis=rows, height=height)
    figure.add_scatter(
        x=[each.value for _, each in found],
        y=places,
        mode="markers+text",
        text=[f"{each.value:+.3f}, {report.status.replace('_', ' ')}" for report, each in found],
        textposition="top center",
        marker={"color": REFERENCE, "size": 10},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [each.high - each.value for _, each in found],
            "arrayminus": [each.value - each.low for _, each in found],
        },
        customdata=[[each.low, each.high] for _, each in found],
        hovertemplate="%{y}: %{x:+.4f} [%{customdata[0]:+.4f}, %{customdata[1]:+.4f}]<extra></extra>",
        showlegend=False,
    )
    figure.add_vline(x=0, line={"color": "gray", "dash": "dot"})
    return figure


def told_apart(report: Report, *, template: Template = "light") -> go.Figure:
    """Draw by which columns a classifier tells a window from the reference, those that tell most on top.

    Parameters
    ----------
    report : Report
        Of the kind `drift`, made with `together`.
    template : {"light", "dark", "any", "none"}
        Colours.
    """
    found = report.details.get("together")
    if found is None:
        raise NotFound(f"{report.ref} has no classifier", hint="Compare with together=True")
    columns = found["columns"][:MOST_TOLD]
    title = f"All columns together in {report.window}: AUC {found['auc']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"
    figure = _figure(
        template,
        title,
        "Fall of the AUC when the column is shuffled",
        "",
        yaxis={"type": "category", "autorange": "reversed"},
        height=160 + 24 * max(len(columns), 3),
    )
    figure.add_bar(
        x=[each["importance"] for each in columns],
        y=[each["column"] for each in columns],
        customdata=[each["kind"] for each in columns],
        orientation="h",
        marker={"color": WARNING if found["drifted"] else REFERENCE},
        hovertemplate="%{y} (%{customdata}): %{x:.4f}<extra></extra>",
        showlegend=False,
    )
    return figure


def _add_band(
    figure: go.Figure, points: Sequence[tuple[str, MetricEstimate]], name: str, colour: str, dash: str, symbol: str
) -> None:
    windows = [window for window, _ in points]
    low, high = [each.low for _, each in points], [each.high for _, each in points]
    figure.add_scatter(
        x=windows + windows[::-1],
        y=high + low[::-1],
        mode="lines",
        fill="toself",
        fillcolor=_faint(colour),
        line={"width": 0},
        hoverinfo="skip",
        legendgroup=name,
        showlegend=False,
    )
    figure.add_scatter(
        x=windows,
        y=[each.value for _, each in points],
        customdata=list(zip(low, high, strict=True)),
        mode="lines+markers",
        name=name,
        legendgroup=name,
        line={"color": colour, "dash": dash},
        marker={"symbol": symbol, "size": 9},
        error_y=_whisker(points) if len(points) == 1 else None,
        hovertemplate="%{x}: %{y:.4f} [%{customdata[0]:.4f}, %{customdata[1]:.4f}]<extra></extra>",
    )


def _whisker(points: Sequence[tuple[str, MetricEstimate]]) -> dict[str, Any]:
    """Draw the interval of a lone point, whose band has no width."""
    ((_, point),) = points
    return {
        "type": "data",
        "symmetric": False,
        "array": [point.high - point.value],
        "arrayminus": [point.value - point.low],
    }


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.18)"


def _figure(
    template: Template,
    title: str,
    x: str,
    y: str,
    *,
    xaxis: Mapping[str, Any] | None = None,
    yaxis: Mapping[str, Any] | None = None,
    **layout: Any,
) -> go.Figure:
    if template not in get_args(Template):
        raise InvalidValue(f"template is {template!r}", hint=f"Choose one of {', '.join(get_args(Template))}")
    faint = {"gridcolor": FAINT, "zerolinecolor": FAINT} if template == "any" else {}
    # Said at once: each update of a figure costs more than drawing it.
    return go.Figure(
        layout={
            "template": _TEMPLATES[template],
            "title": {"text": title},
            "margin": {"l": 60, "r": 20, "t": 60, "b": 50},
            "height": 380,
            "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 1, "xanchor": "right"},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "xaxis": {"title": {"text": x}, "automargin": True, **faint, **(xaxis or {})},
            "yaxis": {"title": {"text": y}, "automargin": True, **faint, **(yaxis or {})},
            **({"font": {"color": MIDDLE}} if template == "any" else {}),
            **layout,
        }
    )
