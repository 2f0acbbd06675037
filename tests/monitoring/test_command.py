"""`mlops drift`: files in, rows and verdict out, and an exit code for CI."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from mlops_ext.cli.main import main


@pytest.fixture
def sides(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    columns = {"x": rng.normal(size=500), "k": rng.integers(0, 4, 500), "c": rng.choice(list("ab"), 500)}
    pd.DataFrame(columns).to_csv("ref.csv", index=False)
    pd.DataFrame(columns | {"x": columns["x"] + 3}).to_parquet("cur.parquet")
    return tmp_path


@pytest.fixture
def run(sides, capsys):
    def call(*words):
        with pytest.raises(SystemExit) as ended:
            main(["drift", "ref.csv", *words])
        return ended.value.code, capsys.readouterr()

    return call


def test_rows_and_verdict_are_written_as_json(run, sides):
    code, _ = run("cur.parquet", "--out", "o.json", "--html", "o.html", "--categorical", "k", "--numeric", "")
    assert code == 0
    found = json.loads((sides / "o.json").read_text())
    assert set(found) == {"rows", "verdict"}
    assert (found["verdict"]["status"], found["verdict"]["columns"]) == ("drift", ["x"])
    assert set(found["verdict"]) == {"status", "columns", "alpha", "method"}
    assert {tuple(row) for row in found["rows"]} == {("column", "statistic", "value", "p_value", "parameters")}
    assert "chi2" in {row["statistic"] for row in found["rows"] if row["column"] == "k"}
    assert (sides / "o.html").read_text().startswith("<!doctype html>")
    assert not list(sides.glob(".mlops"))


def test_lists_are_given_again_or_with_commas_and_override_types(run):
    for words in (["--categorical", "k,x"], ["--categorical", "k", "--categorical", " x "]):
        rows = json.loads(run("cur.parquet", "--json", *words)[1].out)["rows"]
        assert {row["column"] for row in rows if row["statistic"] == "chi2"} == {"k", "x", "c"}


def test_drift_fails_only_when_asked_to(run):
    assert run("cur.parquet")[0] == 0
    assert run("cur.parquet", "--fail-on-drift")[0] == 6
    assert run("ref.csv", "--fail-on-drift")[0] == 0
    assert run("cur.parquet", "--columns", "c,k", "--fail-on-drift")[0] == 0


def test_a_classifier_of_all_columns_is_asked_for(run, sides):
    assert run("cur.parquet", "--together", "--out", "o.json", "--html", "o.html")[0] == 0
    found = json.loads((sides / "o.json").read_text())["together"]
    assert (found["drifted"], found["columns"][0]["column"]) == (True, "x")
    assert "Fall of the AUC when shuffled" in (sides / "o.html").read_text()


def test_further_windows_and_the_same_season_are_the_reference(run, sides):
    times = pd.date_range("2012-07-01", periods=500, freq="h")
    for name, later in (("old.parquet", 0), ("new.parquet", 365)):
        frame = pd.read_csv("ref.csv").assign(at=times + pd.Timedelta(days=later))
        frame.to_parquet(name)
    found = json.loads(run("new.parquet", "--also", "old.parquet", "--json")[1].out)
    assert found["details"]["rows"] == {"reference": 1000, "current": 500}
    code, said = run("new.parquet", "--also", "old.parquet", "--season", "month", "--at", "at")
    assert (code, "no column 'at' in the reference" in said.err) == (2, True)


def test_a_reference_is_stored_and_keeps_its_types(sides, capsys):
    for words, code in (
        (["store-reference", "ref.csv", "r.reference", "--categorical", "k", "--json"], 0),
        (["drift", "r.reference", "cur.parquet", "--fail-on-drift"], 6),
        (["store-reference", "ref.csv", "r.bin"], 2),
    ):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == code
    assert (sides / "r.reference").stat().st_size > 0
    assert "End it in .reference" in capsys.readouterr().err


def test_a_wrong_name_is_a_usage_error(run):
    code, said = run("cur.parquet", "--numeric", "y")
    assert code == 2
    assert "no column 'y'" in said.err
