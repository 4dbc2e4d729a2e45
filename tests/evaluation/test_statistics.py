"""Intervals and tests: against scipy, and by simulation where only coverage can tell."""

import doctest
import itertools
import math

import numpy as np
import pytest
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
    estimate = statistics.rate_exact([0.0] * 58, [str(i) for i in range(58)])
    assert (estimate.low, f"{estimate.high:.1%}") == (0.0, "6.2%")
    assert f"{statistics.wilson(0, 58)[1]:.1%}" == "6.2%"


@pytest.mark.parametrize(
    ("clusters", "size", "high"), [(29, 2, "11.9%"), (70, 3, "5.1%"), (10, 10, "30.8%")]
)
def test_where_all_are_alike_the_clusters_are_what_counts(clusters, size, high):
    groups = [str(i % clusters) for i in range(clusters * size)]
    none, every = (statistics.rate_exact([value] * len(groups), groups) for value in (0.0, 1.0))
    assert (none.low, f"{none.high:.1%}", none.n) == (0.0, high, len(groups))
    assert (every.low, every.high) == near((1 - none.high, 1.0))


def test_one_cluster_is_worth_one_item():
    for values in ([0.0] * 9, [0.0, 1.0, 1.0] * 3):
        assert statistics.independent_items(values, ["a"] * 9) == 1


def test_more_that_happened_never_leaves_less_room():
    groups = [str(i % 70) for i in range(210)]
    highs = [
        statistics.rate_exact([1.0] * count + [0.0] * (210 - count), groups).high
        for count in range(12)
    ]
    assert highs == sorted(highs)
    assert highs[1] == highs[0] == near(statistics.clopper_pearson(0, 70)[1])


def test_coverage_of_what_is_rare_and_alike_within_clusters():
    generator = np.random.default_rng(3)
    groups = [str(c) for c in range(20) for _ in range(5)]
    covered = 0
    for _ in range(400):
        values = np.repeat(generator.random(20) < 0.08, 5).astype(float)
        estimate = statistics.rate_exact(values.tolist(), groups)
        covered += estimate.low <= 0.08 <= estimate.high
    assert covered / 400 >= 0.95


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


def test_figures_of_the_same_draws_are_those_of_each_alone():
    columns = np.random.default_rng(5).random((40, 3))
    groups = [str(i % 15) for i in range(40)]
    of = [lambda sums, i=i: sums[..., i] / sums[..., 2] for i in range(2)]
    together = statistics.statistic_bootstraps(columns, groups, of, draws=300)
    alone = [statistics.statistic_bootstrap(columns, groups, one, draws=300) for one in of]
    assert together == alone


def test_draws_count_every_group_as_a_multinomial_does():
    counts = np.concatenate(list(statistics._resampled_counts(7, 4000, np.random.default_rng(0))))
    assert (counts.shape, set(counts.sum(axis=1))) == ((4000, 7), {7.0})
    assert counts.mean(axis=0) == pytest.approx(np.ones(7), abs=0.06)
    assert counts.var(axis=0) == pytest.approx(np.full(7, 6 / 7), abs=0.08)
    assert np.cov(counts[:, 0], counts[:, 1])[0, 1] == pytest.approx(-1 / 7, abs=0.06)


def test_memory_is_bounded_by_blocks_of_draws(monkeypatch):
    monkeypatch.setattr(statistics, "_HELD_DRAWS", 50)
    blocks = [len(b) for b in statistics._resampled_counts(20, 5, np.random.default_rng(0))]
    assert blocks == [2, 2, 1]


def test_refuses_nothing_and_unequal_lengths():
    with pytest.raises(ValueError, match="at least 1"):
        statistics.mean_bootstrap([], [])
    with pytest.raises(ValueError, match="at least 1"):
        statistics.mean_t([])
    with pytest.raises(ValueError, match="2 values with 1 groups"):
        statistics.mean_bootstrap([1.0, 2.0], ["a"])


def test_coverage_of_clustered_rates():
    generator = np.random.default_rng(12)
    runs, covered = 600, 0
    for _ in range(runs):
        rates = generator.beta(4, 1, (24, 1))
        values = (generator.random((24, 5)) < rates).astype(float).ravel()
        estimate = statistics.rate_exact(values, [str(c) for c in range(24) for _ in range(5)])
        covered += estimate.low <= 0.8 <= estimate.high
    assert 0.93 <= covered / runs <= 0.98
