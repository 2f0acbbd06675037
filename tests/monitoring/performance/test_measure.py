"""Metrics and their intervals against scikit-learn on the window and on resampled rows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, brier_score_loss, f1_score, log_loss, roc_auc_score

from mlops_ext.errors import InvalidValue
from mlops_ext.monitoring.performance.blocks import ECE_BINS, blocks_of, day_weights, evaluate
from mlops_ext.monitoring.performance.comparison import compare_scored, outcome
from mlops_ext.monitoring.performance.estimate import expected, fit_isotonic, uncalibrated
from mlops_ext.monitoring.performance.measure import Bootstrap, Scored, measure
from mlops_ext.monitoring.types import MetricEstimate


def window(rows=600, days=9, seed=0, digits=2):
    rng = np.random.default_rng(seed)
    score = np.round(rng.random(rows), digits)
    label = (rng.random(rows) < score**1.5).astype(float)
    return Scored(rng.permutation(np.arange(rows) % days), label, score, score >= 0.4)


def plain_ece(label, score):
    total = 0.0
    for b in range(ECE_BINS):
        low, high = b / ECE_BINS, (b + 1) / ECE_BINS
        inside = (score > low) & (score <= high) | ((score == 0) & (b == 0))
        total += abs((label[inside] - score[inside]).sum())
    return total / len(label)


def sklearn_metrics(label, score, predicted):
    return {
        "auc": roc_auc_score(label, score),
        "brier": brier_score_loss(label, score),
        "log_loss": log_loss(label, score),
        "ece": plain_ece(label, score),
        "f1": f1_score(label, predicted),
        "accuracy": accuracy_score(label, predicted),
    }


def values_of(found):
    return {each.name: each.value for each in found.metrics}


@pytest.mark.parametrize("digits", [1, 2, 12])
def test_metrics_of_a_window_are_those_of_sklearn(digits):
    scored = window(digits=digits, seed=digits)
    assert values_of(measure(scored)) == pytest.approx(
        sklearn_metrics(scored.label, scored.score, scored.predicted), rel=1e-9
    )


def test_metrics_of_a_real_model_are_those_of_sklearn():
    data, target = load_breast_cancer(return_X_y=True)
    score = LogisticRegression(max_iter=5000).fit(data[:200, :4], target[:200]).predict_proba(data[200:, :4])[:, 1]
    label = target[200:].astype(float)
    scored = Scored(np.arange(len(label)) % 12, label, score, score >= 0.5)
    assert values_of(measure(scored)) == pytest.approx(sklearn_metrics(label, score, score >= 0.5), rel=1e-9)


def test_each_draw_equals_the_metrics_of_the_resampled_rows():
    scored = window(rows=300, days=7, digits=1)
    weights = day_weights(7, draws=25, seed=5)
    found = evaluate(scored.blocks(), weights)
    picked = np.random.default_rng(5).integers(0, 7, size=(25, 7))
    for draw in range(25):
        rows = np.concatenate([np.flatnonzero(scored.day == day) for day in picked[draw]])
        brute = sklearn_metrics(scored.label[rows], scored.score[rows], scored.predicted[rows])
        assert {name: each[draw] for name, each in found.items()} == pytest.approx(brute, rel=1e-9)


def test_the_interval_is_the_percentile_of_a_brute_force_bootstrap():
    scored = window(rows=400, days=11, seed=3)
    found = {each.name: each for each in measure(scored, Bootstrap(draws=40, seed=8)).metrics}
    picked = np.random.default_rng(8).integers(0, 11, size=(40, 11))
    brute = []
    for days in picked:
        rows = np.concatenate([np.flatnonzero(scored.day == day) for day in days])
        brute.append(roc_auc_score(scored.label[rows], scored.score[rows]))
    assert (found["auc"].low, found["auc"].high) == pytest.approx(tuple(np.quantile(brute, [0.025, 0.975])), rel=1e-9)


@given(st.integers(2, 60), st.integers(1, 8), st.integers(0, 10**6))
def test_ranked_pairs_are_counted_pair_by_pair(rows, days, seed):
    rng = np.random.default_rng(seed)
    day, score = rng.integers(0, days, rows), np.round(rng.random(rows), 1)
    label = (rng.random(rows) < 0.5).astype(float)
    found = blocks_of(day, label, score).ranked
    brute = np.zeros_like(found)
    for i in np.flatnonzero(label):
        for j in np.flatnonzero(1 - label):
            brute[day[i], day[j]] += 2 * (score[i] > score[j]) + (score[i] == score[j])
    assert found.tolist() == brute.tolist()


def test_the_same_seed_gives_the_same_interval_and_another_another():
    scored = window()
    assert measure(scored).metrics == measure(scored).metrics
    assert measure(scored).metrics != measure(scored, Bootstrap(seed=1)).metrics
    assert measure(scored).details["bootstrap"]["seed"] == 2013


def test_intervals_hold_their_values_even_for_a_calibrated_model():
    rng = np.random.default_rng(1)
    score = rng.random(20_000)
    scored = Scored(np.arange(20_000) % 28, (rng.random(20_000) < score).astype(float), score, score >= 0.5)
    for each in measure(scored).metrics:
        assert each.low <= each.value <= each.high


def test_day_effects_widen_the_interval():
    rng = np.random.default_rng(2)
    day = np.repeat(np.arange(30), 200)
    score = rng.uniform(0.1, 0.3, 6000)
    steady = (rng.random(6000) < 0.3).astype(float)
    stormy = (rng.random(6000) < np.where(day % 10 == 0, 0.9, 0.1)).astype(float)
    widths = []
    for label in (steady, stormy):
        brier = next(each for each in measure(Scored(day, label, score)).metrics if each.name == "brier")
        widths.append(brier.high - brier.low)
    assert widths[1] > 2 * widths[0]


def test_one_day_gives_values_without_an_interval():
    found = measure(Scored(np.zeros(4, int), np.array([0.0, 1, 0, 1]), np.array([0.1, 0.8, 0.4, 0.3])))
    assert values_of(found)["auc"] == 0.75
    assert all(math.isnan(each.low) and math.isnan(each.high) for each in found.metrics)


def test_one_label_only_gives_no_auc_and_counts_undefined_draws():
    score = np.linspace(0.1, 0.9, 10)
    found = measure(Scored(np.arange(10) % 5, np.zeros(10), score))
    assert math.isnan(values_of(found)["auc"])
    assert found.details["bootstrap"]["undefined_draws"]["auc"] == 200
    assert values_of(found)["brier"] == pytest.approx(np.mean(score**2))


def test_a_comparison_resamples_both_models_by_the_same_days():
    rng = np.random.default_rng(4)
    champion = window(rows=500, days=10, seed=4)
    better = np.clip(champion.score + 0.3 * (champion.label - 0.5) + rng.normal(0, 0.05, 500), 0, 1)
    challenger = Scored(champion.day, champion.label, better, better >= 0.4)
    found = {each.name: each for each in compare_scored(champion, challenger, Bootstrap(30, 6)).metrics}
    gains = []
    for days in np.random.default_rng(6).integers(0, 10, size=(30, 10)):
        rows = np.concatenate([np.flatnonzero(champion.day == day) for day in days])
        label = champion.label[rows]
        gains.append(roc_auc_score(label, better[rows]) - roc_auc_score(label, champion.score[rows]))
    assert found["auc"].low == pytest.approx(np.quantile(gains, 0.025), rel=1e-9)
    assert found["auc"].kind == "difference"
    assert outcome(found["auc"]) == "better" == outcome(found["brier"])


def test_a_model_against_itself_gains_nothing():
    scored = window()
    found = compare_scored(scored, scored)
    assert all(each.value == each.low == each.high == 0 for each in found.metrics)
    assert {outcome(each) for each in found.metrics} == {"no_clear_gain"}


def test_different_rows_are_not_compared():
    with pytest.raises(InvalidValue, match="different rows"):
        compare_scored(window(seed=1), window(seed=2))


@pytest.mark.parametrize(
    ("name", "low", "high", "said"),
    [
        ("auc", 0.01, 0.02, "better"),
        ("auc", -0.02, -0.01, "worse"),
        ("brier", -0.02, -0.01, "better"),
        ("auc", -0.01, 0.01, "no_clear_gain"),
    ],
)
def test_an_outcome_is_clear_only_when_the_interval_leaves_zero_out(name, low, high, said):
    assert outcome(MetricEstimate(name=name, value=(low + high) / 2, low=low, high=high, kind="difference")) == said


def test_expected_metrics_are_the_weighted_ones_of_sklearn():
    scored = window(rows=300, days=6)
    p = fit_isotonic(scored.label, scored.score)(scored.score)
    found = values_of(expected(scored.day, scored.score, fit_isotonic(scored.label, scored.score), 0.4))
    twice = np.concatenate([scored.score, scored.score])
    label, weight = np.repeat([1, 0], 300), np.concatenate([p, 1 - p])
    assert found["auc"] == pytest.approx(roc_auc_score(label, twice, sample_weight=weight), rel=1e-9)
    assert found["brier"] == pytest.approx(brier_score_loss(label, twice, sample_weight=weight), rel=1e-9)
    assert found["f1"] == pytest.approx(f1_score(label, twice >= 0.4, sample_weight=weight), rel=1e-9)
    assert "ece" not in found


def test_the_isotonic_calibration_is_that_of_sklearn():
    scored = window(rows=500, digits=12)
    grid = np.linspace(-0.2, 1.2, 97)
    oracle = IsotonicRegression(out_of_bounds="clip").fit(scored.score, scored.label)
    assert fit_isotonic(scored.label, scored.score)(grid) == pytest.approx(oracle.predict(grid), abs=1e-9)


def test_the_estimate_of_a_calibrated_model_is_near_what_labels_show():
    rng = np.random.default_rng(7)
    score, day = rng.beta(2, 5, 40_000), np.arange(40_000) % 20
    label = (rng.random(40_000) < score).astype(float)
    told = values_of(expected(day, score, uncalibrated(), 0.5))
    shown = values_of(measure(Scored(day, label, score, score >= 0.5)))
    assert told["auc"] == pytest.approx(shown["auc"], abs=0.01)
    assert told["brier"] == pytest.approx(shown["brier"], abs=0.005)


def test_calibrating_on_nothing_is_refused():
    with pytest.raises(InvalidValue, match="no labelled rows"):
        fit_isotonic(np.empty(0), np.empty(0))
