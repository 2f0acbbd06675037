"""The figure of a sweep: parallel coordinates, an axis a parameter and a metric."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlops_ext.errors import MissingExtra, NotFound

if TYPE_CHECKING:
    from mlops_ext.runs.sweeps.types import Sweep, SweepPoint

__all__ = ["draw"]


def draw(sweep: Sweep, metric: str = "") -> Any:
    """Draw the succeeded runs of a sweep.

    Parameters
    ----------
    metric : str
        Which colours the lines; the first that was logged when left out.

    Returns
    -------
    plotly.graph_objects.Figure
        What is no number gets a place on its axis, in the order in which the values first came.

    Raises
    ------
    NotFound
        No run has succeeded yet.
    MissingExtra
        plotly is not installed.
    """
    try:
        import plotly.graph_objects as go
    except ImportError as error:
        raise MissingExtra.of("plotly", "notebook") from error
    points = [each for each in sweep.points if each.status == "succeeded"]
    if not points:
        raise NotFound(f"no run of {sweep.ref} has succeeded", hint="Wait for one, or see their errors")
    parameters = list(dict.fromkeys(name for each in points for name in each.parameters))
    metrics = list(dict.fromkeys(name for each in points for name in each.metrics))
    if metric and metric not in metrics:
        raise NotFound.of("metric", metric, metrics)
    axes = [_axis(name, [each.parameters.get(name) for each in points]) for name in parameters]
    axes += [_axis(name, [each.metrics.get(name) for each in points]) for name in metrics]
    colouring = metric or (metrics[0] if metrics else "")
    line = {"color": _colours(points, colouring), "colorscale": "Viridis", "showscale": True} if colouring else {}
    if colouring:
        line["colorbar"] = {"title": {"text": colouring}}
    figure = go.Figure(go.Parcoords(dimensions=axes, line=line))
    figure.update_layout(title=f"{sweep.notebook}: {len(points)} of {sweep.total} runs", margin={"t": 80, "b": 30})
    return figure


def _axis(name: str, values: list[Any]) -> dict[str, Any]:
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return {"label": name, "values": values}
    texts = [str(value) for value in values]
    places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    labels = {"tickvals": list(places.values()), "ticktext": list(places)}
    return {"label": name, "values": [places[text] for text in texts], **labels}


def _colours(points: list[SweepPoint], metric: str) -> list[float | None]:
    return [each.metrics.get(metric) for each in points]
