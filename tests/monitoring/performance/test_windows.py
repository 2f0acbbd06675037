"""Days are days in UTC, whatever the zone of the times that were logged."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mlops_ext.monitoring.performance.predictions import (
    join_labels,
    label_table,
    prediction_table,
    read_batch,
    scored_of,
    write_batch,
)


def frames(tmp_path, at):
    rows = len(at)
    path = tmp_path / "batch.parquet"
    path.write_bytes(write_batch(prediction_table(np.arange(rows), [0] * rows, [0.5] * rows, at, None), "w"))
    return read_batch(path, ("id", "at", "prediction", "probability"))


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", None])
def test_rows_are_grouped_by_their_day_in_utc(tmp_path, zone):
    at = pd.Series(
        pd.to_datetime(["1969-12-31T23:59:59", "1970-01-01T00:00:00", "2013-03-10T23:30:00", "2013-03-11T00:30:00"])
    )
    if zone is not None:
        at = at.dt.tz_localize("UTC").dt.tz_convert(zone)
    assert scored_of(frames(tmp_path, at), np.zeros(4), 0.5).day.tolist() == [0, 1, 2, 3]


def test_the_same_rows_make_the_same_bytes_and_another_window_others():
    table = label_table(["a", "b"], [0, 1], "2013-01-01")
    assert write_batch(table, "w") == write_batch(label_table(["a", "b"], [0, 1], "2013-01-01"), "w")
    assert write_batch(table, "w") != write_batch(table, "v")


def test_of_two_labels_at_one_time_the_one_logged_last_counts(tmp_path):
    predictions = frames(tmp_path, pd.Series(pd.to_datetime(["2013-01-01"] * 2)))
    moment = pd.Timestamp("2013-02-01", tz="UTC")
    first, second = (pd.DataFrame({"id": ["0"], "at": [moment], "label": [label]}) for label in (0.0, 1.0))
    joined = join_labels([predictions], [first, second])
    assert joined.labelled()["label"].tolist() == [1.0]
    assert joined.counts["repeated_labels"] == 1
    assert joined.coverage == 0.5
