"""What all records share: ids that sort, moments in UTC, and how they show themselves."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.lib.pretty import pretty
from pydantic import ValidationError

from mlops_ext.records import Digest, Page, Record, Timestamp, new_id, now, text_of

pytestmark = pytest.mark.fast


class Sample(Record):
    """A record with one field of each kind."""

    name: str = ""
    value: float = 0.0
    moment: Timestamp | None = None
    digest: Digest | None = None


def test_every_class_variable_says_its_type_which_python_310_needs():
    import mlops_ext.rooms  # noqa: F401

    found, bare = [Record], []
    while found:
        kind = found.pop()
        found += kind.__subclasses__()
        bare += [f"{kind.__name__}.{name}" for name, text in kind.__annotations__.items() if text == "ClassVar"]
    assert bare == []


def test_ids_are_those_of_uuid_version_7_and_sort_by_time():
    before = int(datetime.now(timezone.utc).timestamp() * 1000) - 1
    made = new_id()
    assert re.fullmatch(r"[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}", made)
    assert before <= int(made[:12], 16) <= before + 60_000
    assert len({new_id() for _ in range(10_000)}) == 10_000


def test_ids_of_one_millisecond_sort_by_time_too(monkeypatch):
    moments = iter([1_000_000_000, 1_000_000_300, 1_000_500_000, 1_000_999_999, 1_001_000_000])
    monkeypatch.setattr("time.time_ns", lambda: next(moments))
    made = [new_id() for _ in range(5)]
    assert made == sorted(made)


def test_now_is_utc():
    assert now().utcoffset() == timedelta(0)


def test_moments_are_taken_to_utc():
    east = timezone(timedelta(hours=5, minutes=30))
    assert Sample(moment=datetime(2013, 1, 1, 5, 30, tzinfo=east)).moment == datetime(2013, 1, 1, tzinfo=timezone.utc)
    assert Sample(moment=datetime(2013, 1, 1)).moment == datetime(2013, 1, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "digest", ["", "b3:12", "B3:" + "0" * 64, "md5:" + "0" * 64, "b3:" + "G" * 64, "b3:" + "0" * 65]
)
def test_what_is_no_digest_is_refused(digest):
    with pytest.raises(ValidationError, match="should match pattern"):
        Sample(digest=digest)


def test_records_are_frozen_and_know_their_fields():
    with pytest.raises(ValidationError):
        Sample(name="a").name = "b"
    with pytest.raises(ValidationError):
        Sample(nmae="a")


@given(st.floats())
def test_any_number_travels_as_json_and_comes_back(value):
    sent = Sample(value=value).model_dump_json()
    json.loads(sent, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    received = Sample.model_validate_json(sent).value
    assert received == value or (received != received and value != value)


@given(st.text())
def test_a_record_shows_any_text_without_letting_it_be_html(text):
    shown = (
        Sample(name=f"<script>{text}")._repr_html_() + Page[Sample](items=(Sample(name=f"<b>{text}"),))._repr_html_()
    )
    assert "<script" not in shown
    assert "<b>" not in shown


def test_a_record_is_one_line_where_ipython_shows_text():
    assert pretty(Sample(name="a", value=0.5)) == "Sample name=a, value=0.5"
    long = pretty([Sample(name="a" * 1000)])
    assert long.startswith("[Sample name=aaa")
    assert len(long) < 400


def test_an_empty_page_says_so():
    assert "nothing here yet" in Page[Sample](items=())._repr_html_()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""), ("", ""), ((), ""), ({}, ""), (0, "0"), (False, "False"), (0.1 + 0.2, "0.3"), (float("nan"), "nan"),
        (datetime(2013, 1, 2, 3, 4, 5), "2013-01-02 03:04:05"), ({"a": 1.0, "b": None}, "a=1, b="), (["x", 2], "x, 2"),
    ],
)  # fmt: skip
def test_values_are_written_for_people(value, shown):
    assert text_of(value) == shown
