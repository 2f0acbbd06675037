"""Figures hold the numbers of their reports, in both colour schemes."""

from __future__ import annotations

import math

import pytest

from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.monitoring import figures
from mlops_ext.monitoring.types import DriftRow, MetricEstimate, Report
from mlops_ext.records import now


def report(window, *metrics, kind="performance", **fields):
    return Report(
        id="r", kind=kind, model="delay@2", window=window, status="measured", metrics=metrics, created_at=now(),
        created_by="me", **fields,
    )  # fmt: skip


def auc(value, kind="measured"):
    return MetricEstimate(name="auc", value=value, low=value - 0.02, high=value + 0.03, kind=kind)


def test_a_metric_is_drawn_with_its_interval_and_limit():
    reports = [
        report("2013-02", auc(0.6)),
        report("2013-03", auc(0.65)),
        report("2013-03", auc(0.72, "estimated"), kind="estimate"),
    ]
    figure = figures.metric_over_windows(reports, limit=0.58)
    band, line, _, estimated = figure.data
    assert (list(line.x), list(line.y)) == (["2013-02", "2013-03"], [0.6, 0.65])
    assert list(band.y) == pytest.approx([0.63, 0.68, 0.63, 0.58])
    assert list(estimated.y) == [0.72]
    assert figure.layout.yaxis.title.text == "AUC"
    assert len(figure.layout.shapes) == 1


def test_the_heat_map_has_the_strongest_column_on_top_and_gaps_where_nothing_was_measured():
    def drift(window, **psi):
        return report(
            window, kind="drift", rows=[DriftRow(column=c, statistic="psi_na", value=v) for c, v in psi.items()]
        )

    heat = figures.psi_over_windows([drift("01", temp=0.4, dest=0.01), drift("02", temp=1.1)]).data[0]
    assert list(heat.y) == ["dest", "temp"]
    assert heat.z[1] == [0.4, 1.1] or list(heat.z[1]) == [0.4, 1.1]
    assert math.isnan(heat.z[0][1])


def test_reliability_is_drawn_from_the_reports_details():
    curve = {"probability": [0.1, 0.6], "positive": [0.2, 0.5], "rows": [10, 20]}
    figure = figures.reliability_curve([report("2013-02", details={"reliability": curve})])
    assert list(figure.data[1].y) == [0.2, 0.5]
    with pytest.raises(NotFound, match="no reliability curve"):
        figures.reliability_curve([report("2013-02")])
    with pytest.raises(InvalidValue, match="at most 3"):
        figures.reliability_curve([report("w", details={"reliability": curve})] * 4)


def test_a_category_is_drawn_as_grouped_bars():
    histogram = {"edges": [], "labels": ["a", "b"], "reference": [0.5, 0.5], "current": [0.1, 0.9]}
    figure = figures.column_drift("carrier", histogram)
    assert figure.layout.barmode == "group"
    assert list(figure.data[1].y) == [0.1, 0.9]


def test_a_gain_is_drawn_with_its_interval_around_zero():
    gain = MetricEstimate(name="auc", value=0.03, low=0.01, high=0.06, kind="difference")
    figure = figures.challenger_gain([report("2013-02", gain, kind="comparison", reference="model:delay@1")])
    assert list(figure.data[0].error_x.arrayminus) == pytest.approx([0.02])
    assert "delay@2 against delay@1" in figure.data[0].y[0]


@pytest.mark.parametrize("template", ["light", "dark"])
def test_both_colour_schemes_are_there(template):
    figure = figures.metric_over_windows([report("2013-02", auc(0.6))], template=template)
    assert figure.to_json()


def test_another_scheme_is_refused():
    with pytest.raises(InvalidValue, match="'blue'"):
        figures.metric_over_windows([], template="blue")
