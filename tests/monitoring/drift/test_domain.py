"""A classifier sees what no column shows alone, names the columns, and raises no more false alarms than it promises."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from mlops_ext.errors import InvalidValue
from mlops_ext.monitoring.drift.domain import _judged
from mlops_ext.monitoring.drift.edge import drift
from mlops_ext.monitoring.drift.profile import write_profile

WORDS = ["late", "on", "time", "gate", "crew", "rain", "wind", "snow"]


def table(rows=400, seed=0, tied=False):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    y = x * 0.95 + rng.normal(size=rows) * 0.31 if tied else rng.normal(size=rows)
    return pd.DataFrame({"x": x, "y": y, "z": rng.normal(size=rows), "c": rng.choice(["a", "b"], rows)})


def domain_drift(reference, current, **options):
    return drift(reference, current, together=True, **options).together


def test_what_no_column_shows_alone_is_seen_and_named():
    sides = table(600), table(600, seed=1, tied=True)
    assert not drift(*sides).drifted
    report = drift(*sides, together=True)
    found = report.together
    assert (report.drifted, report.columns, found.drifted) == (True, (), True)
    assert found.low < found.auc < found.high
    assert found.low > 0.7
    assert {found.columns[0].column, found.columns[1].column} == {"x", "y"}
    assert found.columns[1].importance > 5 * abs(found.columns[2].importance)
    assert "most by" in str(report)
    assert report.to_dict()["details"]["together"]["auc"] == found.auc
    assert (report.comparison.verdict.alpha, found.alpha) == (0.05, 0.025)


@pytest.mark.fast
def test_area_and_error_are_those_of_every_pair():
    rng = np.random.default_rng(0)
    score, truth = rng.integers(0, 9, 60) / 9, rng.integers(0, 2, 60)
    found = _judged(score, truth)
    pairs = np.sign(score[truth == 1][:, None] - score[truth == 0][None]) / 2 + 0.5
    ours, theirs = pairs.mean(axis=1), pairs.mean(axis=0)
    assert found.area == pytest.approx(roc_auc_score(truth, score), abs=1e-12)
    assert found.variance == pytest.approx(np.var(ours, ddof=1) / len(ours) + np.var(theirs, ddof=1) / len(theirs))


@pytest.mark.deep
def test_without_drift_the_promise_holds():
    p_values = [domain_drift(table(150, seed=2 * at), table(150, seed=2 * at + 1)).p_value for at in range(25)]
    assert sum(p <= 0.05 for p in p_values) <= 4  # of 25 at 5 %: more than 4 once in 100 times
    assert np.mean(p_values) > 0.4


def test_a_change_of_words_and_of_vectors_is_seen():
    rng = np.random.default_rng(3)

    def side(words, shift):
        note = [" ".join(rng.choice(words, 6)) for _ in range(150)]
        return pd.DataFrame({"note": note, "vector": list(rng.normal(size=(150, 4)) + np.array([0, shift, 0, 0]))})

    found = domain_drift(side(WORDS[:5], 0), side(WORDS[3:], 0), text=["note"])
    assert (found.drifted, found.columns[0].column, found.columns[0].kind) == (True, "note", "text")
    moved = domain_drift(side(WORDS, 0), side(WORDS, 1.5))
    assert (moved.drifted, moved.columns[0].column, moved.columns[0].kind) == (True, "vector", "vector")
    assert moved.left_out == {"note": "its labels hardly repeat; name it in `text` to compare its words"}


def test_missing_values_and_labels_count():
    before, after = table(600), table(600, seed=1)
    after.loc[:200, "z"], after["c"] = np.nan, "a"
    found = domain_drift(before, after)
    assert {each.column for each in found.columns[:2]} == {"z", "c"}


def test_embeddings_alone_are_compared_by_their_components():
    rng = np.random.default_rng(4)
    sides = [{"v": list(rng.normal(size=(200, 3)) * scale)} for scale in (1.0, 3.0)]
    sides[1]["v"][7] = None
    report = drift(*sides, together=True)
    assert (report.status, report.columns, report.together.columns[0].kind) == ("drift", (), "vector")
    assert drift(sides[0], {"v": list(rng.normal(size=(200, 3)))}, together=True).status == "no_drift"


@pytest.mark.fast
def test_what_cannot_be_told_apart_is_said(tmp_path):
    stored = write_profile(table(), tmp_path / "x.reference")
    for call, message in (
        (lambda: domain_drift(stored, table()), "is stored without its rows"),
        (lambda: domain_drift(table(10), table(10)), "too few for a classifier"),
        (lambda: domain_drift(table(), table(), columns=["q"]), "no column 'q' in either frame"),
        (lambda: domain_drift(table(), table(), text="x"), "text is the text 'x'"),
        (lambda: domain_drift(table(), table(), text=["q"]), "no column 'q' on both sides"),
        (lambda: domain_drift({"v": [[1.0], [1.0, 2.0]] * 20}, {"v": [[1.0]] * 40}), "vectors of 2 lengths"),
        (
            lambda: domain_drift({"t": pd.date_range("2013", periods=30)}, {"t": pd.date_range("2014", periods=30)}),
            "can take no column",
        ),
    ):
        with pytest.raises(InvalidValue, match=message):
            call()
