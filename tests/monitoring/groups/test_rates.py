"""Rates of groups and their disparity, against Fairlearn."""

from __future__ import annotations

import math

import fairlearn.metrics
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_ext.monitoring.groups.rates import MEASURES, disparities, group_sums, rates_of
from tests.support.examples import fewer

pytestmark = pytest.mark.fast


def measured(label, said, group, block=None):
    names, code = np.unique(np.asarray(group), return_inverse=True)
    block = np.zeros(len(code), dtype=np.int64) if block is None else block
    sums = group_sums(label, said, code.astype(np.int64), block)
    ones = np.ones((1, sums.rows.shape[1]))
    return names, {name: values[:, 0] for name, values in rates_of(sums, ones).items()}


@fewer(3)
@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(40, 400),
    groups=st.integers(2, 5),
)
def test_rates_and_disparities_are_those_of_fairlearn(seed, rows, groups):
    rng = np.random.default_rng(seed)
    group = rng.integers(0, groups, rows)
    label, said = rng.integers(0, 2, rows), rng.integers(0, 2, rows)
    # every group holds each combination, so that no rate is undefined
    fixed = [(g, y, p) for g in range(groups) for y in (0, 1) for p in (0, 1)]
    group = np.concatenate([group, [g for g, _, _ in fixed]])
    label = np.concatenate([label, [y for _, y, _ in fixed]])
    said = np.concatenate([said, [p for _, _, p in fixed]])
    frame = fairlearn.metrics.MetricFrame(
        metrics={
            "selection_rate": fairlearn.metrics.selection_rate,
            "true_positive_rate": fairlearn.metrics.true_positive_rate,
            "false_positive_rate": fairlearn.metrics.false_positive_rate,
        },
        y_true=label,
        y_pred=said,
        sensitive_features=group,
    )
    _, rates = measured(label, said, group, block=rng.integers(0, 7, len(group)))
    for name in frame.by_group:
        assert rates[name] == pytest.approx(frame.by_group[name].to_numpy(), abs=1e-12)
    found = disparities({name: values[:, None] for name, values in rates.items()})
    for name in MEASURES:
        expected = getattr(fairlearn.metrics, name)(label, said, sensitive_features=group)
        assert found[name][0] == pytest.approx(expected, abs=1e-12), name


def test_every_weighting_of_the_days_counts_their_rows_so_often():
    rng = np.random.default_rng(3)
    label, said, group, day = (rng.integers(0, high, 600) for high in (2, 2, 3, 5))
    sums = group_sums(label, said, group, day)
    weights = np.array([[2.0, 0, 1, 3, 0]])
    again = np.concatenate([np.flatnonzero(day == each) for each in (0, 0, 2, 3, 3, 3)])
    _, wanted = measured(label[again], said[again], group[again])
    for name, values in rates_of(sums, weights).items():
        assert values[:, 0] == pytest.approx(wanted[name], abs=1e-12), name


def test_a_rate_that_is_undefined_makes_the_disparity_undefined():
    _, rates = measured([1, 1, 0, 1], [1, 0, 1, 1], ["a", "a", "b", "b"])
    found = disparities({name: values[:, None] for name, values in rates.items()})
    assert math.isnan(found["equalized_odds_difference"][0])
    assert found["demographic_parity_difference"][0] == 0.5


def test_groups_of_which_nobody_is_selected_are_treated_alike():
    _, rates = measured([1, 0], [0, 0], ["a", "b"])
    found = disparities({name: values[:, None] for name, values in rates.items()})
    assert (found["demographic_parity_ratio"][0], found["demographic_parity_difference"][0]) == (1.0, 0.0)
