"""Which windows deserve an alert."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest

from mlops_ext.errors import NotFound
from mlops_ext.monitoring.alerts.bands import band_of, impact_alert, loss_alert, window_alert
from mlops_ext.monitoring.types import MetricEstimate, Report
from mlops_ext.records import now

LIGHT = [
    "service",
    "types",
    "tables",
    "alerts.bands",
    "alerts.service",
    "drift.edge",
    "drift.verdict",
    "monitors.edge",
    "monitors.declared",
    "performance.edge",
    "performance.predicting",
    "quality.edge",
]


def report(value, low, high, *, name="auc", kind="measured", window="2013-02", status="measured"):
    metric = MetricEstimate(name=name, value=value, low=low, high=high, kind=kind)
    return Report(
        id="r1", kind="performance", model="delay@1", window=window, status=status, metrics=(metric,),
        created_at=now(), created_by="me",
    )  # fmt: skip


REFERENCE = report(0.70, 0.67, 0.73, window="validation")


def test_a_loss_counts_only_when_the_whole_interval_leaves_the_band():
    assert loss_alert(report(0.60, 0.57, 0.63), REFERENCE) is not None
    assert loss_alert(report(0.65, 0.62, 0.68), REFERENCE) is None
    assert loss_alert(report(0.80, 0.78, 0.82), REFERENCE) is None


def test_a_metric_that_should_be_low_is_watched_from_above():
    reference = report(0.18, 0.17, 0.19, name="brier")
    assert loss_alert(report(0.22, 0.20, 0.24, name="brier"), reference, metric="brier") is not None
    assert loss_alert(report(0.22, 0.18, 0.24, name="brier"), reference, metric="brier") is None
    assert loss_alert(report(0.12, 0.11, 0.13, name="brier"), reference, metric="brier") is None


def test_the_sentence_carries_the_numbers():
    alert = loss_alert(report(0.611, 0.580, 0.640), REFERENCE, tolerance=0.01, details={"month": 2})
    assert alert.message == (
        "auc of delay@1 on 2013-02 is measured at 0.611 [0.580, 0.640], below 0.660 "
        "(measured 0.700 [0.670, 0.730] on validation less 0.01)"
    )
    assert (alert.kind, alert.monitor, alert.report, alert.details) == (
        "performance_loss",
        "auc-loss",
        "r1",
        {"month": 2},
    )


def test_a_model_can_be_held_to_its_own_estimate():
    claimed = report(0.722, 0.720, 0.724, kind="estimated")
    assert band_of(claimed, tolerance=0.05).limit == pytest.approx(0.672)
    assert loss_alert(report(0.611, 0.58, 0.64), claimed, tolerance=0.05) is not None
    assert loss_alert(report(0.658, 0.63, 0.69), claimed, tolerance=0.05) is None


def test_an_estimated_impact_is_raised_before_labels_and_is_outranked_by_them():
    told, shown = report(0.60, 0.59, 0.61, kind="estimated"), report(0.69, 0.66, 0.72)
    assert window_alert(REFERENCE, estimate=told).kind == "estimated_impact"
    assert impact_alert(told, REFERENCE).monitor == "auc-estimate"
    assert window_alert(REFERENCE, estimate=told, performance=shown) is None
    assert window_alert(REFERENCE) is None


def test_without_an_interval_the_value_decides():
    assert loss_alert(report(0.60, math.nan, math.nan), REFERENCE) is not None
    assert loss_alert(report(0.69, math.nan, math.nan), REFERENCE) is None
    assert loss_alert(report(math.nan, math.nan, math.nan), REFERENCE) is None


def test_a_metric_that_was_not_measured_is_named():
    with pytest.raises(NotFound, match="brier"):
        loss_alert(REFERENCE, REFERENCE, metric="brier")


def test_the_light_modules_load_no_numeric_library():
    """In one process: what the first loads, the others have too, so the first that is not light is named."""
    code = (
        "import importlib, sys\n"
        "for module in sys.argv[1:]:\n"
        "    importlib.import_module('mlops_ext.monitoring.' + module)\n"
        "    heavy = [name for name in ('numpy', 'pandas', 'pyarrow', 'scipy', 'plotly') if name in sys.modules]\n"
        "    assert not heavy, (module, heavy)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *LIGHT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
