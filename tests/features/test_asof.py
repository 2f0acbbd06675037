"""The point-in-time join against an oracle that walks over the rows one by one."""

from __future__ import annotations

import math
import random
from datetime import datetime, timedelta, timezone

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_ext.errors import InvalidValue
from mlops_ext.features.asof import View, join_as_of
from tests.features.oracle import best, instant
from tests.support.examples import fewer

START = datetime(2013, 1, 1, tzinfo=timezone.utc)
SECOND = 10**9
ZONES = [None, "UTC", "America/New_York", "+05:30"]
UNITS = ["s", "ms", "us", "ns"]

steps = st.one_of(st.none(), st.integers(0, 12))
values = st.one_of(st.none(), st.just(math.nan), st.sampled_from([-1.5, 0.0, 2.0]))
keys = st.tuples(st.one_of(st.none(), st.sampled_from(["JFK", "LGA"])), st.one_of(st.none(), st.integers(1, 2)))


@st.composite
def cases(draw):
    rows = draw(
        st.lists(st.tuples(keys, steps, steps, st.tuples(values, st.one_of(st.none(), st.integers(0, 2)))), max_size=14)
    )
    asked = draw(st.lists(st.tuples(keys, steps), max_size=8))
    ttl = draw(st.one_of(st.none(), st.integers(0, 5)))
    offset = draw(st.integers(-3, 3))
    layout = [(draw(st.sampled_from(UNITS)), draw(st.sampled_from(ZONES))) for _ in range(3)]
    return rows, asked, ttl, offset, draw(st.booleans()), layout


def times(steps_, layout):
    unit, zone = layout
    moments = [None if step is None else START + timedelta(seconds=step) for step in steps_]
    numbers = [
        None if each is None else instant(each) // {"s": SECOND, "ms": 10**6, "us": 1000, "ns": 1}[unit]
        for each in moments
    ]
    return pa.array(numbers, pa.int64()).cast(pa.timestamp(unit, zone))


def view_of(rows, ttl, uses_created, layout):
    table = pa.table(
        {
            "origin": pa.array([row[0][0] for row in rows], pa.string()),
            "gate": pa.array([row[0][1] for row in rows], pa.int16()),
            "time": times([row[1] for row in rows], layout[0]),
            "created": times([row[2] for row in rows], layout[1]),
            "temp": pa.array([row[3][0] for row in rows], pa.float64(), from_pandas=False),
            "level": pa.array([row[3][1] for row in rows], pa.int8()),
        }
    )
    created = "created" if uses_created else ""
    return View(table, ("origin", "gate"), "time", ("temp", "level"), created, None if ttl is None else ttl * SECOND)


def entities_of(asked, layout):
    return pa.table(
        {
            "origin": pa.array([each[0][0] for each in asked], pa.large_string()).dictionary_encode(),
            "gate": pa.array([each[0][1] for each in asked], pa.int64()),
            "at": times([each[1] for each in asked], layout[2]),
        }
    )


def same(left, right):
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left):
        return math.isnan(right)
    return left == right and type(left) is type(right)


@given(cases())
def test_every_row_gets_what_the_rules_say(case):
    rows, asked, ttl, offset, uses_created, layout = case
    view = view_of(rows, ttl, uses_created, layout)
    found = join_as_of(entities_of(asked, layout), view, at="at", offset=offset * SECOND).to_pylist()
    plain = [(row[0], *(None if step is None else step * SECOND for step in row[1:3]), row[3]) for row in rows]
    assert len(found) == len(asked)
    for got, (key, step) in zip(found, asked, strict=True):
        moment = None if step is None else (step + offset) * SECOND
        place = best(key, moment, plain, None if ttl is None else ttl * SECOND, uses_created)
        expected = (None, None) if place is None else rows[place][3]
        assert same(got["temp"], expected[0]), (key, step, got, expected)
        assert same(got["level"], expected[1]), (key, step, got, expected)


@fewer(2)
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_the_feature_rows_plays_no_part(case, rng: random.Random):
    rows, asked, ttl, _, uses_created, layout = case
    shuffled = list(rows)
    rng.shuffle(shuffled)
    entities = entities_of(asked, layout)
    one = join_as_of(entities, view_of(rows, ttl, uses_created, layout), at="at")
    other = join_as_of(entities, view_of(shuffled, ttl, uses_created, layout), at="at")
    assert str(one.to_pylist()) == str(other.to_pylist())


def simple(event, moment, *, ttl=None, created=None, unit="ns"):
    held = {"k": [1], "t": pa.array([event], pa.timestamp(unit)), "x": [7]}
    if created is not None:
        held["c"] = pa.array([created], pa.timestamp(unit))
    view = View(pa.table(held), ("k",), "t", ("x",), "c" if created is not None else "", ttl)
    return join_as_of(pa.table({"k": [1], "at": pa.array([moment], pa.timestamp(unit))}), view, at="at")["x"][0].as_py()


@pytest.mark.parametrize(
    ("event", "moment", "ttl", "found"),
    [(100, 100, 5, 7), (95, 100, 5, 7), (94, 100, 5, None), (101, 100, 5, None), (95, 100, 0, None), (100, 100, 0, 7)],
)
def test_the_ttl_includes_both_ends_to_the_nanosecond(event, moment, ttl, found):
    assert simple(event, moment, ttl=ttl) == found


def test_a_row_not_yet_known_is_not_seen():
    assert simple(10, 100, created=101) is None
    assert simple(10, 100, created=100) == 7


def test_times_beyond_64_bits_of_nanoseconds_are_compared_exactly():
    year_9000 = 221_845_392_000
    assert simple(year_9000, year_9000 + 1, ttl=SECOND, unit="s") == 7
    assert simple(year_9000, year_9000 + 2, ttl=SECOND, unit="s") is None


def test_a_floating_point_key_is_refused_by_name():
    table = pa.table({"k": [1.0], "t": pa.array([1], pa.timestamp("s")), "x": [1]})
    with pytest.raises(InvalidValue, match="'k'"):
        join_as_of(table.rename_columns(["k", "at", "y"]), View(table, ("k",), "t", ("x",)), at="at")


def test_keys_of_two_kinds_are_refused():
    view = View(pa.table({"k": [1], "t": pa.array([1], pa.timestamp("s")), "x": [1]}), ("k",), "t", ("x",))
    with pytest.raises(InvalidValue, match="int64 in the view"):
        join_as_of(pa.table({"k": ["1"], "at": pa.array([1], pa.timestamp("s"))}), view, at="at")


def test_a_time_that_is_text_is_refused():
    view = View(pa.table({"k": [1], "t": ["2013"], "x": [1]}), ("k",), "t", ("x",))
    with pytest.raises(InvalidValue, match="not a time"):
        join_as_of(pa.table({"k": [1], "at": pa.array([1], pa.timestamp("s"))}), view, at="at")


def test_features_keep_their_types():
    held = pa.table(
        {
            "k": [1],
            "t": pa.array([1], pa.timestamp("s")),
            "list": [[1, 2]],
            "category": pa.array(["a"]).dictionary_encode(),
            "zone": pa.array([1], pa.timestamp("us", "America/New_York")),
        }
    )
    features = ("list", "category", "zone")
    asked = pa.table({"k": [1, 2], "at": pa.array([1, 1], pa.timestamp("s"))})
    found = join_as_of(asked, View(held, ("k",), "t", features), at="at")
    assert found.schema.types == [held.schema.field(name).type for name in features]
    assert found["list"].to_pylist() == [[1, 2], None]
