"""Slices that fare worst, and slices that moved a metric, against plain arithmetic and planted ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_ext.monitoring.groups.attribution import Loss, moved_between
from mlops_ext.monitoring.groups.slicing import MOST_LABELS, slice_columns
from mlops_ext.monitoring.groups.worst import LEAST_ROWS, find_worst
from mlops_ext.monitoring.performance.measure import Bootstrap

pytestmark = pytest.mark.fast


def flights(rows, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "origin": rng.choice(["EWR", "JFK", "LGA"], rows),
            "carrier": rng.choice(["AA", "UA", "B6", "DL"], rows),
            "temp": np.where(rng.random(rows) < 0.05, np.nan, rng.normal(10, 8, rows)),
        }
    )
    return frame, rng.integers(0, 28, rows), rng


def test_numbers_are_cut_at_their_quartiles_and_what_is_missing_is_a_slice():
    frame = pd.DataFrame({"x": [*range(100), None], "one": ["a"] * 101, "flag": [True, False] * 50 + [True]})
    found = {each.column: each for each in slice_columns([frame], list(frame))}
    assert set(found) == {"x", "flag"}, "a single slice tells nothing"
    assert found["x"].names == ("x≤24.75", "24.75<x≤49.5", "49.5<x≤74.25", "x>74.25", "x missing")
    assert np.bincount(found["x"].codes[0]).tolist() == [25, 25, 25, 25, 1]
    assert set(found["flag"].names) == {"flag=True", "flag=False"}


def test_many_labels_become_the_most_frequent_ones_and_the_rest_in_all_frames_alike():
    many = [f"l{number}" for number in range(40) for _ in range(40 - number)]
    found = slice_columns([pd.DataFrame({"x": many}), pd.DataFrame({"x": ["l0", "new", None]})], ["x"])[0]
    assert (len(found.names), found.names[-2:]) == (MOST_LABELS + 2, ("x other", "x missing"))
    assert [found.names[code] for code in found.codes[1]] == ["x=l0", "x other", "x missing"]


def test_a_planted_pair_is_found_first_and_its_numbers_are_plain_means():
    frame, day, rng = flights(20_000)
    bad = (frame["origin"] == "JFK") & (frame["carrier"] == "B6")
    loss = rng.random(20_000) * 0.4 + 0.5 * bad.to_numpy()
    found, searched = find_worst(slice_columns([frame], list(frame)), loss, day, most=5, alpha=0.05)
    assert found[0].name == "origin=JFK and carrier=B6"
    assert searched > 30
    assert found[0].rows == bad.sum()
    assert found[0].loss == pytest.approx(loss[bad].mean())
    assert found[0].excess == pytest.approx(loss[bad].mean() - loss[~bad].mean())
    assert abs(found[0].excess - 0.5) < 4 * found[0].error


def test_the_error_is_the_cluster_robust_one_of_a_regression():
    frame, day, rng = flights(5000)
    inside = (frame["origin"] == "EWR").to_numpy(dtype=float)
    loss = rng.random(5000) + 0.3 * inside + 0.2 * (day % 3 == 0)
    found, _ = find_worst(slice_columns([frame], ["origin"]), loss, day, most=1, alpha=1.0)
    design = np.column_stack([np.ones(5000), inside])
    bread = np.linalg.inv(design.T @ design)
    slope = bread @ design.T @ loss
    scores = design * (loss - design @ slope)[:, None]
    by_day = np.array([scores[day == each].sum(axis=0) for each in range(28)])
    sandwich = bread @ (by_day.T @ by_day) @ bread * 28 / 27
    assert found[0].name == "origin=EWR"
    assert found[0].excess == pytest.approx(slope[1])
    assert found[0].error == pytest.approx(np.sqrt(sandwich[1, 1]))


def test_without_a_worse_slice_hardly_any_is_told_of():
    told = 0
    for seed in range(40):
        frame, day, rng = flights(3000, seed)
        found, _ = find_worst(slice_columns([frame], list(frame)), rng.random(3000), day, most=5, alpha=0.05)
        told += bool(found)
    assert told <= 7, "of 40 with a 5 % chance each; more than 7 has a chance of 0.3 %"


def test_small_slices_and_few_days_are_not_judged():
    frame = pd.DataFrame({"x": ["a"] * (LEAST_ROWS - 1) + ["b"] * (LEAST_ROWS - 1)})
    sliced = slice_columns([frame], ["x"])
    assert find_worst(sliced, np.ones(len(frame)), np.arange(len(frame)) % 9, most=5, alpha=0.05) == ([], 0)
    assert find_worst(sliced, np.ones(len(frame)), np.zeros(len(frame), dtype=int), most=5, alpha=0.05) == ([], 0)


@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(30, 300), lost=st.booleans())
def test_the_slices_of_every_column_sum_to_the_change(seed, rows, lost):
    sides = []
    for number in (0, 1):
        frame, day, rng = flights(rows + number, seed % 1000 + number)
        if lost and number:
            frame["origin"] = "EWR"
        sides.append(Loss(frame, rng.random(len(frame)), np.unique(day, return_inverse=True)[1]))
    moved, change = moved_between(sides[0], sides[1], ["origin", "carrier", "temp"], Bootstrap(5))
    assert change.value == pytest.approx(sides[1].loss.mean() - sides[0].loss.mean(), abs=1e-12)
    for column in {each.column for each in moved}:
        parts = [each for each in moved if each.column == column]
        assert sum(each.contribution.value for each in parts) == pytest.approx(change.value, abs=1e-9)
        assert sum(each.shares[1] for each in parts) == pytest.approx(1)


def test_a_slice_that_is_predicted_worse_is_told_from_one_that_grew():
    frame, day, rng = flights(8000)
    after, later, _ = flights(8000, seed=1)
    worse = rng.random(8000) * 0.2
    base = rng.random(8000) * 0.2
    fared = moved_between(
        Loss(frame, base, day), Loss(after, worse + 0.4 * (after["carrier"] == "UA"), later), ["carrier"], Bootstrap(50)
    )[0][0]
    assert fared.slice == "carrier=UA"
    assert fared.within == pytest.approx(0.1, abs=0.02)
    assert abs(fared.composition) < 0.01
    assert fared.contribution.low > 0.05
    grown = after.assign(carrier=np.where(rng.random(8000) < 0.5, "UA", after["carrier"]))
    hard = [base + 0.4 * (frame["carrier"] == "UA"), worse + 0.4 * (grown["carrier"] == "UA")]
    more = moved_between(Loss(frame, hard[0], day), Loss(grown, hard[1], later), ["carrier"], Bootstrap(50))[0]
    ua = next(each for each in more if each.slice == "carrier=UA")
    assert (abs(ua.within) < 0.02, ua.composition > 0.08) == (True, True)
