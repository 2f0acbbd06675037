"""Frames and monitors that the tests share."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
from sqlalchemy import func, select, update

import mlops_ext as mlops
from mlops_ext.monitoring.monitors.tables import monitor_windows
from mlops_ext.store.schema import events

__all__ = ["event_count", "frame", "let_end", "stream"]


def frame(rows: int, seed: int, shift: float = 0.0) -> pd.DataFrame:
    """Numbers, whole numbers, labels and missing values; the shift moves the first column."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "x": rng.normal(size=rows) + shift,
            "k": rng.poisson(3, rows),
            "c": rng.choice(["a", "b", "c"], rows, p=[0.6, 0.3, 0.1]),
            "m": np.where(rng.random(rows) < 0.1, np.nan, rng.exponential(size=rows)),
        }
    )


def stream(workspace, name="live", **settings):
    """A monitor of a stream against 2,000 rows of `flights`."""
    mlops.snapshot(frame(2000, 1), "flights", workspace=workspace)
    return mlops.monitor(name, reference="flights@1", workspace=workspace, **settings)


def event_count(ws) -> int:
    with ws.catalog.read() as connection:
        return int(connection.execute(select(func.count()).select_from(events)).scalar_one())


def let_end(ws, monitor="live") -> None:
    """Let the windows of a stream be over."""
    columns = monitor_windows.c
    here = (columns.monitor == monitor) & (columns.state == "open")
    ws.catalog.measure(lambda change: change.execute(
        update(monitor_windows).where(here).values(closes_at=change.now - timedelta(seconds=1))
    ))  # fmt: skip
