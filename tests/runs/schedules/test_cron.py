"""Cron in a time zone, against instants worked out by hand and against a search through every minute."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_ext.cron import check_cron, fires, latest, local, next_fires
from mlops_ext.errors import InvalidValue

pytestmark = pytest.mark.fast
BERLIN, LORD_HOWE = "Europe/Berlin", "Australia/Lord_Howe"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=timezone.utc)  # type: ignore[misc, arg-type]


def shown(cron: str, tz: str, after: datetime, count: int) -> list[str]:
    return [local(each, tz) for each in next_fires(cron, tz, after, count)]


def test_an_hour_left_out_in_spring_fires_once_right_after_the_gap() -> None:
    assert shown("30 2 * * *", BERLIN, utc(2026, 3, 27, 12), 3) == [
        "2026-03-28T02:30:00+01:00",
        "2026-03-29T03:00:00+02:00",
        "2026-03-30T02:30:00+02:00",
    ]


def test_an_hour_repeated_in_autumn_fires_once_the_first_time() -> None:
    assert shown("30 2 * * *", BERLIN, utc(2026, 10, 24, 12), 2) == [
        "2026-10-25T02:30:00+02:00",
        "2026-10-26T02:30:00+01:00",
    ]


def test_looking_from_within_the_repeated_hour_gives_nothing_past() -> None:
    second_time_0210 = utc(2026, 10, 25, 1, 10)
    assert shown("30 2 * * *", BERLIN, second_time_0210, 1) == ["2026-10-26T02:30:00+01:00"]


def test_two_fixed_times_in_the_gap_fire_once() -> None:
    assert shown("10,50 2 * * *", BERLIN, utc(2026, 3, 28, 12), 2) == [
        "2026-03-29T03:00:00+02:00",
        "2026-03-30T02:10:00+02:00",
    ]


def test_a_change_of_half_an_hour_is_followed() -> None:
    # Lord Howe Island leaves out 02:00 to 02:30 on 4 October 2026.
    assert shown("15 2 * * *", LORD_HOWE, utc(2026, 10, 3, 0), 2) == [
        "2026-10-04T02:30:00+11:00",
        "2026-10-05T02:15:00+11:00",
    ]


@pytest.mark.parametrize(("day", "hours"), [(utc(2026, 3, 28, 23), 23), (utc(2026, 10, 24, 22), 25)])
def test_every_hour_is_every_hour_of_the_world(day: datetime, hours: int) -> None:
    found = next_fires("0 * * * *", BERLIN, day - timedelta(seconds=1), hours)
    assert found == tuple(day + timedelta(hours=number) for number in range(hours))
    assert local(found[-1], BERLIN)[11:13] == "23"


@given(
    st.sampled_from(["*/20 * * * *", "5 * * * 1-5", "* 3 * * *", "0 */6 * * *", "15 * 29 * *"]),
    st.sampled_from([BERLIN, "America/New_York", "Asia/Kolkata", "UTC"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 25)),
)
def test_a_wildcard_fires_in_each_minute_that_the_clock_shows(cron: str, tz: str, start: datetime) -> None:
    after = start.replace(tzinfo=timezone.utc, second=0, microsecond=0)
    until = after + timedelta(days=2)
    minute, hour, day, _, weekday = cron.split()
    found = [each for each in islice(fires(cron, tz, after), 4000) if each <= until]
    expected = []
    for number in range(1, 2 * 24 * 60 + 1):
        instant = after + timedelta(minutes=number)
        clock = instant.astimezone(ZoneInfo(tz))
        if all(
            [
                minute == "*" or (clock.minute % 20 == 0 if minute == "*/20" else clock.minute == int(minute)),
                hour == "*" or (clock.hour % 6 == 0 if hour == "*/6" else clock.hour == int(hour)),
                day == "*" or clock.day == int(day),
                weekday == "*" or clock.isoweekday() <= 5,
            ]
        ):
            expected.append(instant)
    assert found == expected


@given(
    st.sampled_from(["30 2 * * *", "15,45 1-3 * * *", "*/30 2 * * *", "0 4 1 * *"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)),
)
def test_where_one_begins_to_look_does_not_matter(cron: str, start: datetime) -> None:
    begin, end = utc(2025, 12, 31), utc(2027, 2, 2)
    whole = [each for each in islice(fires(cron, BERLIN, begin), 3000) if each <= end]
    after = start.replace(tzinfo=timezone.utc)
    part = [each for each in islice(fires(cron, BERLIN, after), 3000) if each <= end]
    assert part == [each for each in whole if each > after]


@given(st.integers(1, 5), st.timedeltas(timedelta(0), timedelta(days=900)))
def test_the_latest_are_the_last_of_all(count: int, span: timedelta) -> None:
    begin = utc(2025, 1, 1)
    every = [each for each in islice(fires("0 5 * * *", BERLIN, begin), 2000) if each <= begin + span]
    assert list(latest("0 5 * * *", BERLIN, begin, begin + span, count)) == every[-count:]


@pytest.mark.parametrize(
    ("cron", "tz", "says"),
    [
        ("61 * * * *", "UTC", "bad minute"),
        ("0 0 * *", "UTC", "4 fields"),
        ("0 0 0 * * *", "UTC", "6 fields"),
        ("0 0 30 2 *", "UTC", "day"),
        ("0 0 * * *", "Europe/Berln", "Europe/Berlin"),
        ("0 0 * * *", "../etc/passwd", "no time zone"),
    ],
)
def test_what_is_no_schedule_is_refused_with_its_fault(cron: str, tz: str, says: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        check_cron(cron, tz)
    assert says in str(caught.value)


def test_names_stand_for_expressions() -> None:
    assert shown("@weekly", "UTC", utc(2026, 1, 1), 1) == ["2026-01-04T00:00:00+00:00"]
