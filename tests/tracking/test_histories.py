"""Whole histories of metrics: logged at once from a notebook, and read back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.tracking.edge import active_run, end_run, log_metrics, metric_history
from mlops_ext.workspace import Workspace


@pytest.mark.sqlite
def test_a_history_is_logged_at_once_and_read_whole(workspace: Workspace) -> None:
    falling = [1 / (place + 1) for place in range(2500)]
    log_metrics({"loss": falling, "auc": 0.7}, step=-3, workspace=workspace)
    log_metrics({"array": np.array([1.0, 2.0]), "series": pd.Series([3.0, 4.0]), "none": []}, workspace=workspace)
    run = active_run(workspace=workspace)
    assert run is not None
    history = metric_history(run, "loss", workspace=workspace)
    assert [(each.step, each.value) for each in history] == [(place - 3, each) for place, each in enumerate(falling)]
    assert run.metrics == {"loss": falling[-1], "auc": 0.7, "array": 2.0, "series": 4.0}
    assert list(metric_history(run.id, "series", workspace=workspace).df["value"]) == [3.0, 4.0]
    with pytest.raises(InvalidValue, match="'late' is no number: 'x'"):
        log_metrics({"late": [1.0, "x"]}, workspace=workspace)
    with pytest.raises(NotFound, match="no metric named 'late'"):
        metric_history(run, "late", workspace=workspace)
    end_run(workspace=workspace)
