"""Figures asked for at the same time, as a page asks a server for them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

import plotly.graph_objects as go
import pytest

from mlops_ext.monitoring.dashboard import drawing
from mlops_ext.monitoring.dashboard.drawing import draw
from mlops_ext.monitoring.dashboard.types import DrawFigure
from mlops_ext.monitoring.types import Report

pytestmark = pytest.mark.fast


def test_two_threads_never_draw_at_once(monkeypatch):
    both = threading.Barrier(2)

    def meet(name, found, request):
        try:
            both.wait(0.3)
        except threading.BrokenBarrierError:
            return go.Figure(), "alone"
        return go.Figure(), "met another"

    monkeypatch.setitem(drawing._DRAWERS, "drift", meet)
    report = Report(
        id="r",
        kind="drift",
        window="2013-02",
        status="no_drift",
        created_at=datetime.now(timezone.utc),
        created_by="anna",
    )
    with ThreadPoolExecutor(2) as threads:
        asked = [
            threads.submit(draw, "delay", {"drift": [report]}, DrawFigure(model="delay", figure="drift"))
            for _ in range(2)
        ]
    assert [each.result()[1] for each in asked] == ["alone", "alone"]
