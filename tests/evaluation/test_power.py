"""What can be seen: promised before the run, kept by the tests that are used."""

import doctest
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cauce.evaluation import power
from cauce.evaluation.power import (
    detectable_difference,
    detectable_rate_difference,
    power_sentence,
)
from cauce.evaluation.significance import sign_flip_ps


def test_doc_examples():
    failed, tried = doctest.testmod(power)
    assert (failed, tried > 0) == (0, True)


def test_independent_items_need_what_the_textbook_says():
    found = detectable_rate_difference([1] * 4000, discordance=0.3)
    assert found == pytest.approx((1.960 + 0.842) * math.sqrt((0.3 - found**2) / 4000), rel=2e-3)


@given(st.lists(st.integers(1, 30), min_size=2, max_size=60), st.floats(0.01, 0.9))
def test_more_correlation_and_fewer_groups_show_less(sizes, correlation):
    free = detectable_rate_difference(sizes, correlation=0.0)
    tied = detectable_rate_difference(sizes, correlation=correlation)
    assert 0 < free <= tied < 1
    assert detectable_rate_difference(sizes * 2, correlation=correlation) < tied


def test_one_group_can_show_nothing():
    assert detectable_rate_difference([50]) is None
    assert power_sentence([50]) == "50 items of 1 groups: one group can show no difference"


def test_the_promised_difference_is_seen_in_four_of_five_runs():
    sizes = [2, 4, 6] * 20
    difference = detectable_rate_difference(sizes, discordance=0.3, correlation=0.0)
    generator = np.random.default_rng(2)
    gained = (1 + difference / 0.3) / 2
    drawn = generator.random((sum(sizes), 1500))
    outcomes = np.where(drawn < 0.3 * gained, 1.0, np.where(drawn < 0.3, -1.0, 0.0))
    groups = [str(group) for group, size in enumerate(sizes) for _ in range(size)]
    seen = np.mean([p <= 0.05 for p in sign_flip_ps(outcomes, groups, draws=1000)])
    assert seen == pytest.approx(0.8, abs=0.04)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=30))
def test_the_detectable_difference_shrinks_with_more_groups(values):
    groups = [str(i) for i in range(len(values))]
    once = detectable_difference(values, groups)
    four = detectable_difference(values * 4, [f"{g}.{k}" for k in range(4) for g in groups])
    assert four <= once
