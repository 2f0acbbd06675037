"""Predictions and labels that come as rows of JSON."""

from __future__ import annotations

import pandas as pd
import pytest

import mlops_ext as mlops
from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.monitoring.performance.batches import batches
from mlops_ext.monitoring.performance.rows import PostLabels, PostPredictions, post_labels, post_predictions
from mlops_ext.monitoring.performance.windows import joined_window
from mlops_ext.monitoring.types import ListBatches
from tests.models.support import actions, registered

pytestmark = pytest.mark.sqlite
AT = "2013-03-01T10:00:00Z"


@pytest.fixture
def ws(workspace):
    registered(workspace)
    return workspace


def row(number, **more):
    features = {"origin": "JFK", "temp": 3.5 + number}
    return {"id": number, "at": AT, "prediction": number % 2, "probability": number / 10, "features": features} | more


def post(ws, rows, window="w"):
    return ws.call(post_predictions, PostPredictions(model="delay@1", rows=rows, window=window))


def test_rows_are_joined_as_frames_are(ws):
    post(ws, [row(number) for number in range(4)])
    labels = [{"id": str(number), "at": AT, "label": number % 2} for number in range(3)]
    ws.call(post_labels, PostLabels(model="delay@1", rows=labels, window="w"))
    frame = pd.DataFrame([row(number) for number in range(4)])
    given = pd.json_normalize(frame["features"])
    mlops.log_predictions(
        "delay@1", given, frame["prediction"], frame["id"], at=frame["at"], probability=frame["probability"],
        window="frames", workspace=ws,
    )  # fmt: skip
    mlops.log_labels("delay@1", frame["id"][:3], frame["prediction"][:3], at=AT, window="frames", workspace=ws)
    (_, posted), (_, logged) = (joined_window(ws, "delay@1", window) for window in ("w", "frames"))
    assert posted.counts == logged.counts
    pd.testing.assert_frame_equal(posted.frame, logged.frame, check_dtype=False)


def test_the_same_rows_again_are_kept_once(ws):
    first = post(ws, [row(1), row(2)])
    seen = actions(ws)
    again = post(ws, [row(1), row(2)])
    assert (first.new, again.new, again.id) == (True, False, first.id)
    assert actions(ws) == seen, "a repeat is no event"
    assert len(ws.call(batches, ListBatches(model="delay")).items) == 1


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([row(1), row(2, probability=None)], "1 of 2 rows have no probability"),
        ([row(1), row(2, prediction="late")], "mixed types"),
    ],
)
def test_rows_that_do_not_fit_together_are_refused_whole(ws, rows, said):
    with pytest.raises(InvalidValue, match=said):
        post(ws, rows)
    assert ws.call(batches, ListBatches(model="delay")).items == ()


def test_an_unknown_version_is_named(ws):
    with pytest.raises(NotFound, match="no version 9 of model"):
        ws.call(post_predictions, PostPredictions(model="delay@9", rows=[row(1)]))
