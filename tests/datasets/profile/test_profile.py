"""What a version holds: counts, quantiles, signs of keys, times, targets and personal data; nothing odd stops it."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_ext.datasets.content.canonical import digest_table
from mlops_ext.datasets.content.hashes import value_hashes
from mlops_ext.datasets.edge import snapshot
from mlops_ext.datasets.profile import counting, sampling
from mlops_ext.datasets.profile.columns import kind_of
from mlops_ext.datasets.profile.counting import distinct
from mlops_ext.datasets.profile.edge import profile
from mlops_ext.datasets.profile.sampling import read_profile, sampled, write_profile
from mlops_ext.workspace import Workspace
from tests.datasets.content.test_canonical import array_of, columns


@pytest.fixture
def ws(tmp_path):
    return Workspace(tmp_path)


def profiled(table):
    return sampled(table, digest_table(table, "b3").columns)


def people(rows=300):
    place = np.arange(rows)
    return pa.table(
        {
            "customer_id": place,
            "Surname": [["Ann", "van Dyk", "Øre", "Smith-Jones"][each % 4].title() for each in place],
            "contact": [f"p{each}@example.org" for each in place],
            "mobile": [f"+49 170 {each:07d}" for each in place],
            "paid_with": ["4111 1111 1111 1111", "4111 1111 1111 1112"] * (rows // 2),
            "address": [f"10.0.{each % 200}.1" for each in place],
            "ssn": [f"{100 + each % 800}-12-3456" for each in place],
            "born": [f"19{each % 90 + 10}-03-04" for each in place],
            "churned": place % 7 == 0,
            "seen": pa.array([int(each) for each in place], pa.timestamp("s")),
            "note": ["a word", None] * (rows // 2),
        }
    )


@pytest.mark.fast
def test_personal_data_keys_times_and_targets_are_told():
    found = {each.name: each for each in profiled(people()).columns}
    signs = {name: {sign.pattern: sign.share for sign in each.personal} for name, each in found.items()}
    assert signs["contact"] == {"email": 1.0}
    assert signs["mobile"] == {"phone": 1.0}
    assert signs["Surname"] == {"name": 1.0}
    assert signs["paid_with"] == {"card": 0.5, "phone": 0.5} or signs["paid_with"] == {"card": 0.5}
    assert signs["address"] == {"ip": 1.0}
    assert signs["ssn"] == {"ssn": 1.0, "id": 1.0}
    assert signs["born"] == signs["note"] == {}
    roles = {name: each.roles for name, each in found.items() if each.roles}
    assert roles["customer_id"] == ("key",)
    assert roles["seen"] == ("key", "time")
    assert roles["born"] == ("time",)
    assert roles["churned"] == ("target",)
    assert (found["note"].missing, found["note"].top[0].value, found["note"].top[0].share) == (150, "a word", 1.0)


@pytest.mark.fast
@given(st.lists(st.floats(width=64) | st.none(), max_size=60))
def test_numbers_are_those_of_numpy(values):
    table = pa.table({"x": pa.array(values, pa.float64())})
    found = profiled(table).columns[0]
    held = np.array([np.nan if each is None else each for each in values], float)
    present = held[np.isfinite(held)]
    assert found.missing == np.isnan(held).sum()
    assert found.distinct == len({np.float64(each).tobytes() for each in values if each is not None})
    if found.kind == "number" and len(present):
        wanted = np.quantile(present, np.linspace(0, 1, 101), method="inverted_cdf")
        assert np.array_equal(found.quantiles, wanted)
        assert sum(found.counts) in (0, len(present))


@given(columns())
def test_no_type_stops_a_profile(held):
    kind, layout, values = held
    table = pa.table({"x": array_of(layout, values, kind)})
    found = profiled(table)
    assert found.columns[0].rows == len(table)
    assert read_profile(write_profile(found)) == found


@pytest.mark.parametrize(
    "array",
    [
        pa.nulls(3),
        pa.array([timedelta(1), None]),
        pa.array([[1, None], None]),
        pa.array([{"a": 1}, None]),
        pa.array([b"\xff", None]),
        pa.array([1, None], pa.decimal128(38, 3)),
        pa.array([2**63], pa.uint64()),
        pa.array([-(2**62)], pa.timestamp("s")),
        pa.array([1, None], pa.time64("ns")),
        pa.array([1.5, float("inf"), float("nan")], pa.float16()),
        pa.array(["x", None], pa.string_view()),
        pa.array(["x", None]).dictionary_encode(),
        pa.array([1e308, -1e308]),
    ],
    ids=lambda array: str(array.type),
)
def test_odd_types_are_described_without_a_problem(array):
    found = profiled(pa.table({"x": array})).columns[0]
    assert found.problem == ""
    assert found.missing >= array.null_count


@pytest.mark.fast
def test_a_sketch_keeps_its_error():
    values = pa.chunked_array([pa.array(np.arange(300_000) * 7), pa.array(np.arange(100_000))])
    number, error = distinct(values)
    truth = len(set(range(0, 2_100_000, 7)) | set(range(100_000)))
    assert 0 < error < 0.005
    assert abs(number - truth) < 4 * error * truth
    assert distinct(pa.chunked_array([pa.array(np.arange(counting.EXACT))])) == (counting.EXACT, 0.0)


def test_a_large_version_is_sampled_at_once_and_counted_when_asked(ws, monkeypatch):
    rows = 30_000
    random = np.random.default_rng(3)
    held = pd.DataFrame({"id": np.arange(rows), "x": random.normal(size=rows), "w": ["a", "b", None] * (rows // 3)})
    held.loc[:99, "x"] = np.nan
    snapshot(held, "t", workspace=ws)
    quick = profile("t", quick=True, workspace=ws)
    assert (quick.counted, quick.column("id").distinct) == (False, None)
    whole = profile("t", workspace=ws)
    x = whole.column("x")
    assert whole.counted
    assert (whole.column("id").distinct, whole.column("w").distinct, x.missing) == (rows, 2, 100)
    assert x.mean == pytest.approx(held["x"].mean())
    assert (x.quantiles[0], x.quantiles[100]) == (held["x"].min(), held["x"].max())
    rank = (held["x"].dropna() <= x.quantiles[50]).mean()
    assert abs(rank - 0.5) <= whole.rank_error
    monkeypatch.setattr(counting, "distinct", lambda _values: pytest.fail("counted again"))
    assert profile("t", workspace=ws) == whole


def test_a_column_that_stayed_is_not_described_again(ws, monkeypatch):
    held = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    snapshot(held, "t", workspace=ws)
    described = []
    real = sampling.profile_column
    monkeypatch.setattr(
        sampling, "profile_column", lambda column, *rest: (described.append(column.name), real(column, *rest))[1]
    )
    snapshot(held.assign(b=["x", "z"]), "t", workspace=ws)
    assert described == ["b"]
    assert profile("t", workspace=ws).column("a").distinct == 2


def test_hostile_names_and_values_stay_text(ws):
    attack = "<img src=x onerror=alert(1)>"
    snapshot(pd.DataFrame({attack: [attack, attack, "b"]}), "t", workspace=ws)
    page = profile("t", workspace=ws)._repr_mimebundle_()["text/html"]
    assert "<img" not in page
    assert "&lt;img" in page


@pytest.mark.sqlite
def test_the_command_draws_a_table_and_writes_json(workspace, capsys):
    from mlops_ext.cli.main import main

    snapshot(people(), "t")
    with suppress(SystemExit):
        main(["datasets", "profile", "t@1", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["ref"] == "t@1"
    with suppress(SystemExit):
        main(["datasets", "profile", "t"])
    shown = capsys.readouterr().out
    assert "email 100%" in shown
    assert "█" in shown


@pytest.mark.fast
def test_equal_values_have_equal_hashes_in_any_layout():
    texts = ["", "a", "abcdefgh", "abcdefghi", "a long text, longer than two words", None, "a\0"]
    plain, large = pa.array(texts), pa.array(texts, pa.large_string())
    sliced = pa.concat_arrays([plain.slice(3), plain])[len(texts) - 3 :]
    hashes = value_hashes(plain)
    assert len(set(hashes.tolist())) == len(texts)
    for other in (large, sliced, plain.dictionary_encode(), pa.array(texts, pa.string_view())):
        assert np.array_equal(value_hashes(other), hashes)
    assert kind_of(pa.string_view()) == "text"
