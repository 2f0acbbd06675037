"""A stored reference answers as the reference itself, and keeps its types."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mlops_ext.errors import InvalidValue
from mlops_ext.monitoring.drift.compare import Treatment, compare_frames
from mlops_ext.monitoring.drift.edge import drift
from mlops_ext.monitoring.drift.profile import write_profile
from tests.monitoring.test_sources import frame, values


@pytest.mark.parametrize("rows", [1, 30, 20_000])
def test_a_stored_reference_gives_the_statistics_of_the_reference(tmp_path, rows):
    before, after = frame(rows + 4, 0), frame(900, 1)
    before["t"] = after["t"] = pd.Timestamp("2013-01-01")
    before["none"] = after["none"] = None
    path = write_profile(before, tmp_path / "ref.reference")
    found, expected = compare_frames(path, after), compare_frames(before, after)
    assert values(found) == pytest.approx(values(expected), nan_ok=True)
    assert found.left_out == expected.left_out
    assert found.verdict == expected.verdict
    assert [each.name for each in tmp_path.iterdir()] == ["ref.reference"]


def test_a_column_stays_what_the_reference_made_of_it(tmp_path):
    path = write_profile({"k": [1, 2, 3] * 20}, tmp_path / "k.reference", categorical=["k"])
    assert compare_frames(path, {"k": [1, 2, 3, None] * 20}).kinds == {"k": "categorical"}
    assert compare_frames(path, {"k": ["1", "2", "3"] * 20}).verdict.columns == ("k",)
    with pytest.raises(InvalidValue, match="stored as categories"):
        compare_frames(path, {"k": [1, 2, 3]}, Treatment(numeric=["k"]))


def test_what_a_stored_reference_cannot_do_is_said(tmp_path):
    path = write_profile({"x": np.arange(50.0), "c": ["a", "b"] * 25}, tmp_path / "x.reference")
    assert not drift(str(path), {"x": np.arange(50.0)}).drifted
    for call, message in (
        (lambda: compare_frames(path, {"x": [1.0], "c": ["a"]}, Treatment(slices=["c"])), "no rows to slice"),
        (lambda: write_profile({"x": [1.0]}, tmp_path / "x.bin"), "End it in .reference"),
    ):
        with pytest.raises(InvalidValue, match=message):
            call()
    path.write_bytes(b"no profile")
    with pytest.raises(InvalidValue, match="is no stored reference"):
        compare_frames(path, {"x": [1.0]})


def test_two_stored_windows_compare_as_their_rows_do(tmp_path):
    rng = np.random.default_rng(3)
    sides = [{"x": rng.normal(size=400) + shift, "c": rng.choice(["a", "b"], 400)} for shift in (0.0, 1.0)]
    paths = [write_profile(side, tmp_path / f"{at}.reference") for at, side in enumerate(sides)]
    assert compare_frames(*paths).rows == compare_frames(*sides).rows
