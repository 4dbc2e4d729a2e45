"""Intervals hold the truth in 95 % of simulated comparisons, tests cry wolf in 5 %."""

import numpy as np
import pytest

from cauce.evaluation.significance import sign_flip_ps
from cauce.evaluation.statistics import mean_t, statistic_bootstraps

RUNS, DRAWS = 4000, 1000
TOGETHER = 400
"""Simulated comparisons that share their draws."""


def scores(generator, sizes):
    """Differences with mean 0 whose clusters explain half of their variance."""
    centres = generator.normal(0, 1, (len(sizes), TOGETHER))
    return np.repeat(centres, sizes, axis=0) + generator.normal(0, 1, (sum(sizes), TOGETHER))


def rates(generator, sizes):
    """Differences of 0/1 items, three in ten of which change, as often up as down."""
    gains = np.repeat(generator.beta(1, 1, (len(sizes), TOGETHER)), sizes, axis=0)
    signs = np.where(generator.random(gains.shape) < gains, 1.0, -1.0)
    return np.where(generator.random(gains.shape) < 0.3, signs, 0.0)


@pytest.mark.parametrize(("draw", "sizes"), [(scores, [5] * 24), (rates, [1, 3, 5, 7] * 10)])
def test_coverage_and_false_alarms_with_clusters(draw, sizes):
    generator = np.random.default_rng(11)
    groups = [str(group) for group, size in enumerate(sizes) for _ in range(size)]
    means = [lambda sums, i=i: sums[..., i] / sums[..., -1] for i in range(TOGETHER)]
    held = alarms = 0
    for seed in range(RUNS // TOGETHER):
        differences = draw(generator, sizes)
        columns = np.hstack([differences, np.ones((len(differences), 1))])
        for found in statistic_bootstraps(columns, groups, means, draws=DRAWS, seed=seed):
            held += found.low <= 0 <= found.high
        alarms += sum(p <= 0.05 for p in sign_flip_ps(differences, groups, draws=DRAWS, seed=seed))
    assert 0.93 <= held / RUNS <= 0.97
    assert 0.04 <= alarms / RUNS <= 0.06


def test_items_taken_as_independent_are_too_sure():
    differences = scores(np.random.default_rng(11), [5] * 24)
    found = [mean_t(column) for column in differences.T]
    assert np.mean([one.low <= 0 <= one.high for one in found]) < 0.85
