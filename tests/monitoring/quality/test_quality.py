"""What is wrong with data is found, what is usual is left alone, and every answer is what pandas counts."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mlops_ext as mlops
from mlops_ext.cli.main import main
from mlops_ext.errors import InvalidValue
from mlops_ext.monitoring.quality.edge import quality
from mlops_ext.monitoring.service import show
from mlops_ext.monitoring.types import ShowReport
from tests.monitoring.monitors.support import event_count

NOW = datetime(2013, 2, 10, tzinfo=timezone.utc)


def table(rows=2000, seed=1, **changes):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "id": np.arange(rows),
            "x": rng.normal(size=rows),
            "m": np.where(rng.random(rows) < 0.1, np.nan, 1.0 + rng.random(rows)),
            "c": rng.choice(["a", "b", "c"], rows),
            "at": pd.date_range("2013-01-01", periods=rows, freq="20min"),
        }
    )
    return frame.assign(**changes)


def failed(report):
    return {(each.check, each.column) for each in report.checks if not each.passed}


def one(report, check, column=""):
    (found,) = (each for each in report.checks if (each.check, each.column) == (check, column))
    return found


@pytest.mark.fast
def test_data_that_is_as_usual_passes():
    usual = table()
    for seed in range(2, 8):
        report = quality(table(seed=seed).assign(id=range(2000)), reference=usual, keys=["id"], at="at", now=NOW)
        assert failed(report) == set()
        assert report.passed


@pytest.mark.fast
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda f: f.assign(m=f["m"].where(f.index >= 600)), {("missing", "m")}),
        (lambda f: f.assign(x=f["x"] * 20), {("range", "x")}),
        (lambda f: f.assign(x=f["x"].where(f.index > 3, np.inf)), {("infinite", "x")}),
        (lambda f: f.assign(x=1.0), {("constant", "x")}),
        (lambda f: f.assign(c="a"), {("constant", "c")}),
        (lambda f: f.assign(c=f["c"].where(f.index > 100, "new")), {("new_labels", "c")}),
        (lambda f: f.assign(x=f["x"].astype(str)), {("type", "x")}),
        (lambda f: f.drop(columns="c"), {("gone", "c")}),
        (lambda f: f.assign(more=1), set()),
        (lambda f: f[:700], {("volume", "")}),
        (lambda f: pd.concat([f[:1900], f[:100]]), {("duplicates", "")}),
    ],
)
def test_what_goes_wrong_is_named_and_nothing_else(change, expected):
    assert failed(quality(change(table(seed=3)), reference=table())) == expected


@pytest.mark.fast
@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["a", "b", None]), st.sampled_from([0.5, None])), min_size=1)
)
def test_duplicates_are_those_of_pandas(rows):
    frame = pd.DataFrame(rows, columns=["i", "c", "x"]).astype({"x": float})
    report = quality(frame, keys=["i", "c"])
    assert one(report, "duplicates").value == pytest.approx(frame.duplicated().mean())
    keys = one(report, "duplicate_keys", "i, c")
    assert keys.value == pytest.approx(frame.duplicated(["i", "c"]).mean())
    assert keys.passed == (not frame.duplicated(["i", "c"]).any())


@pytest.mark.fast
def test_shares_are_those_that_pandas_counts():
    usual, now = table(), table(seed=4)
    report = quality(now, reference=usual)
    assert one(report, "missing", "m").value == pytest.approx(now["m"].isna().mean())
    outside = ~now["x"].between(usual["x"].min(), usual["x"].max())
    assert one(report, "range", "x").value == pytest.approx(outside.mean())
    assert one(report, "volume").value == 1.0


@pytest.mark.fast
def test_a_small_rise_or_a_small_sample_raises_nothing():
    usual = table(20_000)
    slight = table(20_000, seed=2)
    slight.loc[:60, "m"] = np.nan
    assert ("missing", "m") not in failed(quality(slight, reference=usual))
    few = table(12, seed=2)
    few.loc[:2, "m"] = np.nan
    assert ("missing", "m") not in failed(quality(few, reference=usual))


@pytest.mark.fast
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_age_is_counted_from_the_newest_row(zone):
    frame = pd.DataFrame({"at": pd.to_datetime(["2013-02-01 12:00", None, "2013-02-08 00:00"]).tz_localize(zone)})
    age = (
        NOW - frame["at"].max().tz_localize(zone or "UTC").to_pydatetime() if zone is None else NOW - frame["at"].max()
    )
    found = one(quality(frame, at="at", max_age="1d", now=NOW), "freshness", "at")
    assert (found.value, found.passed) == (pytest.approx(age.total_seconds()), False)
    assert one(quality(frame, at="at", max_age=timedelta(days=3), now=NOW), "freshness", "at").passed
    assert one(quality(frame, at="at", now=NOW), "freshness", "at").bound is None


@pytest.mark.fast
def test_odd_tables_are_looked_at_to_the_end():
    assert failed(quality({"x": []}, reference={"x": [1.0]})) == {("volume", "")}
    assert not quality({"x": []}).passed
    odd = {"n": [None, None], "l": [[1], [2]], "t": [datetime(2013, 1, 1), None], "b": [True, None]}
    assert quality(odd, reference=odd).passed
    assert quality({"x": [1.0, 1.0]}, reference={"x": [None, None]}).passed


@pytest.mark.fast
def test_what_cannot_be_looked_at_is_said():
    for call, message in (
        (lambda: quality(table(), at="x"), "holds no times"),
        (lambda: quality(table(), keys="id"), "keys is the text 'id'"),
        (lambda: quality(table(), keys=["idd"]), "no column 'idd' in the data"),
        (lambda: quality(table(), volume=0.5), "volume is 0.5"),
        (lambda: quality(3), "not a frame"),
    ):
        with pytest.raises(InvalidValue, match=message):
            call()


@pytest.mark.sqlite
def test_a_version_is_held_to_the_expectations_of_its_dataset_and_kept(workspace):
    mlops.snapshot(table(), "flights", workspace=workspace)
    mlops.expect("flights", {"columns": {"x": {"checks": {"ge": -1}}}}, workspace=workspace)
    mlops.snapshot(table(seed=2), "flights", workspace=workspace)
    before = event_count(workspace)
    report = quality("flights", reference="flights@1", workspace=workspace)
    assert event_count(workspace) == before, "looking changes nothing"
    assert failed(report) == {("expectation", "x")}
    assert one(report, "expectation", "x").value == pytest.approx((table(seed=2)["x"] < -1).mean())
    own = quality("flights", expectations={"columns": {"x": {"checks": {"le": 99}}}}, workspace=workspace)
    assert one(own, "expectation").message == "2 rules are met"
    assert failed(quality(table(), expectations={"min_rows": 5000})) == {("expectation", "")}
    saved = quality("flights", reference="flights@1", save=True, workspace=workspace)
    stored = workspace.call(show, ShowReport(report=saved.report))
    assert (stored.kind, stored.status, stored.reference) == ("quality", "failed", "dataset:flights@1")
    assert len(stored.details["checks"]) == len(saved.checks)


@pytest.mark.sqlite
def test_values_of_a_hidden_column_are_not_said(workspace):
    mlops.snapshot(table(), "flights", workspace=workspace)
    mlops.classify("flights", {"c": "pii", "x": "pii"}, workspace=workspace)
    mlops.snapshot(table(seed=2).assign(c="secret", x=777.0), "flights", workspace=workspace)
    report = quality("flights", reference="flights@1", workspace=workspace)
    assert {("new_labels", "c"), ("range", "x")} <= failed(report)
    said = report.model_dump_json() + report._repr_html_()
    assert "secret" not in said
    assert "777" not in said


@pytest.mark.sqlite
def test_the_command_ends_with_6_when_something_failed(workspace, capsys):
    table().to_csv("usual.csv", index=False)
    table(seed=2).drop(columns="c").to_parquet("now.parquet")
    for arguments, code in ((["--fail"], 6), ([], 0)):
        with pytest.raises(SystemExit) as ended:
            main(["quality", "now.parquet", "--reference", "usual.csv", "--key", "id", *arguments])
        assert ended.value.code == code
    assert "only in the reference" in capsys.readouterr().out
