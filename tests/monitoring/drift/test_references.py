"""A reference of several windows, or of one season, answers as the frame of those rows does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mlops_ext as mlops
from mlops_ext.errors import InvalidValue
from mlops_ext.monitoring.drift.edge import drift


def year(rows=3000, seed=0, start="2012-01-01", days=700):
    rng = np.random.default_rng(seed)
    at = pd.Timestamp(start) + pd.to_timedelta(np.sort(rng.uniform(0, days, rows)), unit="D")
    season = np.sin(2 * np.pi * at.day_of_year / 365.25) + 2 * (at.day_of_week == 6)
    return pd.DataFrame({"at": at, "x": season + rng.normal(size=rows), "c": rng.choice(["a", "b"], rows)})


@pytest.mark.fast
def test_several_windows_are_one_reference(tmp_path):
    parts = [year(400, seed) for seed in range(3)]
    parts[1]["c"] = parts[1]["c"].astype("category")
    parts[2]["extra"] = 1
    parts[2].to_parquet(tmp_path / "third.parquet")
    current = year(500, 9)
    found = drift([parts[0], parts[1], tmp_path / "third.parquet"], current)
    whole = drift(pd.concat([part.assign(c=part["c"].astype(str)) for part in parts])[["at", "x", "c"]], current)
    assert found.comparison.rows == whole.comparison.rows
    path = mlops.store_reference(parts[:2], tmp_path / "two.reference")
    assert drift(path, current, columns=["x"]).df["ks"][0] == drift(parts[:2], current, columns=["x"]).df["ks"][0]


@pytest.mark.fast
@pytest.mark.parametrize("zone", [None, "America/New_York"])
def test_the_same_season_is_the_rows_of_those_months_or_weekdays(zone):
    before, after = year(8000), year(600, 1, "2013-07-01", 31)
    for side in (before, after):
        side["at"] = side["at"].dt.tz_localize(zone, nonexistent="shift_forward", ambiguous=True)
    chosen = before[(before["at"].dt.year == 2012) & (before["at"].dt.month == 7)]
    assert drift(before, after).drifted, "a summer is no year"
    found = drift(before, after, season="month", at="at")
    assert found.comparison.sizes[0] == len(chosen)
    assert found.comparison.rows == drift(chosen, after).comparison.rows
    assert not found.drifted
    sundays = after[after["at"].dt.day_of_week == 6]
    chosen = before[(before["at"].dt.day_of_week == 6) & (before["at"] < sundays["at"].min())]
    found = drift(before, sundays, season="weekday", at="at")
    assert found.comparison.sizes[0] == len(chosen)
    assert found.comparison.rows == drift(chosen, sundays).comparison.rows


@pytest.mark.fast
def test_what_is_of_no_season_is_said():
    before, after = year(100), year(50, 1, "2020-01-01", 20)
    stored_late = before.assign(c=1)
    for call, message in (
        (lambda: drift(before, after, season="month", at="at"), "no row of the reference is of 2019-01"),
        (lambda: drift(before, after, season="month"), "season is 'month' and at is ''"),
        (lambda: drift(before, after, season="year", at="at"), "no season 'year'"),
        (lambda: drift(before, after, season="month", at="x"), "holds no times"),
        (lambda: drift(before, after, season="month", at="q"), "no column 'q' in the reference"),
        (lambda: drift([], after), "a reference of no windows"),
        (lambda: drift([before, stored_late], after), "column 'c' is categorical and numeric"),
    ):
        with pytest.raises(InvalidValue, match=message):
            call()
