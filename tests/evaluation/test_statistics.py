"""Intervals and tests: against scipy, and by simulation where only coverage can tell."""

import doctest
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cauce.evaluation import statistics
from cauce.evaluation.special import beta_cdf, beta_quantile, t_quantile

LEVELS = [0.001, 0.025, 0.05, 0.3, 0.5, 0.9, 0.975, 0.9995]


def near(value):
    return pytest.approx(value, rel=1e-9, abs=1e-9)


def test_doc_examples():
    failed, tried = doctest.testmod(statistics)
    assert (failed, tried > 0) == (0, True)


@pytest.mark.parametrize("df", [1, 1.5, 2, 3, 10, 57, 200, 1000, 20_000])
@pytest.mark.parametrize("p", LEVELS)
def test_t_quantile_equals_scipy(p, df):
    assert t_quantile(p, df) == near(stats.t.ppf(p, df))


@pytest.mark.parametrize(("a", "b"), list(itertools.product([0.5, 1, 2.3, 58, 1000], repeat=2)))
def test_beta_equals_scipy(a, b):
    for p in LEVELS:
        x = beta_quantile(p, a, b)
        assert x == near(stats.beta.ppf(p, a, b))
        assert beta_cdf(x, a, b) == near(stats.beta.cdf(x, a, b))
    assert (beta_cdf(0, a, b), beta_cdf(1, a, b)) == (0, 1)


def test_the_t_interval_equals_scipy():
    values = [0.1, 0.4, 0.35, 0.8, 0.15]
    low, high = stats.t.interval(0.95, 4, np.mean(values), stats.sem(values))
    estimate = statistics.mean_t(values)
    assert (estimate.value, estimate.low, estimate.high) == near((np.mean(values), low, high))
    assert statistics.mean_t([0.5]).low is None


def test_the_paired_t_interval_is_that_of_the_differences():
    a, b = [1.0, 2.0, 4.0], [2.0, 2.5, 4.5]
    interval = stats.ttest_rel(b, a).confidence_interval()
    estimate = statistics.paired_t(a, b)
    assert (estimate.low, estimate.high) == near((interval.low, interval.high))


@pytest.mark.parametrize(("hits", "n"), [(0, 58), (1, 58), (29, 58), (58, 58), (3, 7), (990, 1000)])
def test_rates_equal_scipy(hits, n):
    result = stats.binomtest(hits, n)
    for ours, method in ((statistics.wilson, "wilson"), (statistics.clopper_pearson, "exact")):
        interval = result.proportion_ci(method=method)
        assert ours(hits, n) == near((interval.low, interval.high))


def test_zero_of_58_has_an_upper_limit_of_six_point_two_percent():
    groups = [str(i // 2) for i in range(58)]
    estimate = statistics.rate_exact([0.0] * 58, groups)
    assert (estimate.low, f"{estimate.high:.1%}") == (0.0, "6.2%")
    assert f"{statistics.wilson(0, 58)[1]:.1%}" == "6.2%"


def test_clusters_of_copies_count_once():
    rates = [0.0, 1.0, 1.0, 1.0] * 5
    alone = statistics.rate_exact(rates, [str(i) for i in range(20)])
    copied = statistics.rate_exact(rates * 6, [str(i) for i in range(20)] * 6)
    assert copied.high - copied.low == pytest.approx(alone.high - alone.low, abs=0.03)


def test_rates_of_extreme_clusters_have_an_interval():
    alike = statistics.rate_exact([0.0, 1.0] * 6, [str(i // 2) for i in range(12)])
    assert (alike.low, alike.high) == near(statistics.clopper_pearson(6, 12))
    split = statistics.rate_exact([0.0] * 6 + [1.0] * 6, ["a"] * 6 + ["b"] * 6)
    assert (split.low, split.high) == pytest.approx((0, 1), abs=1e-3)


@pytest.mark.parametrize(("b", "c"), [(0, 0), (1, 0), (3, 9), (10, 10), (0, 20)])
def test_mcnemar_equals_the_exact_binomial_test(b, c):
    expected = stats.binomtest(b, b + c).pvalue if b + c else 1.0
    assert statistics.mcnemar_p(b, c) == near(expected)


def test_sign_flips_of_few_groups_are_all_counted():
    differences, groups = [1.0, 2.0, 0.5, 1.5, -0.2], ["a", "b", "c", "c", "d"]
    sums = [1.0, 2.0, 2.0, -0.2]
    combinations = list(itertools.product([1, -1], repeat=4))
    as_large = sum(
        abs(sum(s * v for s, v in zip(signs, sums, strict=True))) >= 4.8 - 1e-9
        for signs in combinations
    )
    assert statistics.sign_flip_p(differences, groups) == as_large / 16


def test_sign_flips_of_many_groups_agree_with_scipy():
    values = np.random.default_rng(3).normal(0.35, 1, 40)
    groups = [str(i) for i in range(40)]
    ours = statistics.sign_flip_p(values.tolist(), groups, draws=20_000)
    theirs = stats.permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=20_000, rng=1
    ).pvalue
    assert ours == pytest.approx(theirs, abs=0.01)


def test_no_difference_gives_p_one_and_a_large_one_never_zero():
    groups = [str(i) for i in range(50)]
    assert statistics.sign_flip_p([0.0] * 50, groups) == 1.0
    assert statistics.sign_flip_p([1.0] * 50, groups, draws=500) == 1 / 501


def test_the_bootstrap_is_seeded_and_does_not_depend_on_the_order_of_items():
    values = np.random.default_rng(0).random(60).tolist()
    groups = [str(i % 20) for i in range(60)]
    once = statistics.mean_bootstrap(values, groups, seed=4)
    again = statistics.mean_bootstrap(values[::-1], groups[::-1], seed=4)
    assert (once.low, once.high) == pytest.approx((again.low, again.high))
    assert once != statistics.mean_bootstrap(values, groups, seed=5)


def test_one_group_gives_a_value_without_interval():
    estimate = statistics.mean_bootstrap([0.2, 0.4], ["a", "a"])
    assert (estimate.value, estimate.low, estimate.high) == (pytest.approx(0.3), None, None)


def test_a_ratio_of_sums_weighs_every_token_the_same():
    columns = [[2.0, 1.0], [1.0, 9.0], [3.0, 5.0]]
    estimate = statistics.statistic_bootstrap(
        columns, ["a", "b", "c"], lambda sums: np.exp(sums[..., 0] / sums[..., 1])
    )
    assert estimate.value == pytest.approx(math.exp(6 / 15))
    assert estimate.low < estimate.value < estimate.high


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=30))
def test_the_detectable_difference_shrinks_with_more_groups(values):
    groups = [str(i) for i in range(len(values))]
    once = statistics.detectable_difference(values, groups)
    four = statistics.detectable_difference(
        values * 4, [f"{g}.{k}" for k in range(4) for g in groups]
    )
    assert four <= once


def test_refuses_nothing_and_unequal_lengths():
    with pytest.raises(ValueError, match="at least 1"):
        statistics.mean_bootstrap([], [])
    with pytest.raises(ValueError, match="at least 1"):
        statistics.mean_t([])
    with pytest.raises(ValueError, match="2 values with 1 groups"):
        statistics.sign_flip_p([1.0, 2.0], ["a"])


def clustered(generator, clusters, size):
    """Values whose clusters explain half of their variance, with mean 0, and their groups."""
    centres = generator.normal(0, 1, (clusters, 1))
    values = centres + generator.normal(0, 1, (clusters, size))
    return values.ravel(), [str(c) for c in range(clusters) for _ in range(size)]


def test_coverage_and_false_alarms_with_clusters():
    generator = np.random.default_rng(11)
    runs, covered, covered_naively, alarms = 800, 0, 0, 0
    for run in range(runs):
        values, groups = clustered(generator, 24, 5)
        estimate = statistics.mean_bootstrap(values, groups, draws=400, seed=run)
        naive = statistics.mean_t(values)
        covered += estimate.low <= 0 <= estimate.high
        covered_naively += naive.low <= 0 <= naive.high
        alarms += statistics.sign_flip_p(values, groups, draws=400, seed=run) <= 0.05
    assert 0.93 <= covered / runs <= 0.97
    assert 0.03 <= alarms / runs <= 0.07
    assert covered_naively / runs < 0.85


def test_coverage_of_clustered_rates():
    generator = np.random.default_rng(12)
    runs, covered = 600, 0
    for _ in range(runs):
        rates = generator.beta(4, 1, (24, 1))
        values = (generator.random((24, 5)) < rates).astype(float).ravel()
        estimate = statistics.rate_exact(values, [str(c) for c in range(24) for _ in range(5)])
        covered += estimate.low <= 0.8 <= estimate.high
    assert 0.93 <= covered / runs <= 0.98
