"""Differences of paired shares: their values, and intervals that cover."""

import random

import pytest

from cauce.evaluation.robustness.gaps import largest_gap, largest_loss, paired_loss
from cauce.evaluation.statistics import clopper_pearson


def test_what_is_lost_and_gained_is_counted():
    before = [True, True, True, False]
    after = [False, False, True, True]
    loss = paired_loss(before, after, list("abcd"))
    assert loss.value == pytest.approx(0.25)
    assert loss.low < 0 < loss.high


def test_no_change_is_no_certainty():
    loss = paired_loss([True] * 58, [True] * 58, [str(n) for n in range(58)])
    assert loss.value == 0
    assert loss.high == pytest.approx(clopper_pearson(0, 58, 0.975)[1])
    assert loss.low == -loss.high


def test_the_interval_covers_the_true_loss():
    chance = random.Random(3)
    covered = 0
    for _ in range(60):
        pairs = [
            (True, chance.random() > 0.2)
            if chance.random() < 0.7
            else (False, chance.random() < 0.1)
            for _ in range(40)
        ]
        before, after = zip(*pairs, strict=True)
        loss = paired_loss(before, after, [str(n) for n in range(40)])
        covered += loss.low <= 0.7 * 0.2 - 0.3 * 0.1 <= loss.high
    assert covered >= 57


def test_the_largest_of_several_is_named_and_wider_than_alone():
    groups = [str(n) for n in range(30)]
    right = [True] * 30
    after = {"light": right, "heavy": [n >= 6 for n in range(30)], "other": right}
    largest, worst = largest_loss(right, after, groups)
    assert worst == "heavy"
    assert largest.value == pytest.approx(0.2)
    alone = paired_loss(right, after["heavy"], groups)
    assert largest.low < alone.low
    assert largest.high > alone.high


def test_the_largest_gap_tells_who_has_more():
    groups = [str(n) for n in range(40)]
    right = {"Spain": [True] * 40, "Chile": [n >= 20 for n in range(40)], "Peru": [True] * 40}
    gap = largest_gap(right, groups)
    assert gap.pair == ("Spain", "Chile")
    assert gap.estimate.value == pytest.approx(0.5)
    assert 0 < gap.estimate.low < 0.5 < gap.estimate.high


def test_a_gap_is_never_negative():
    same = [True] * 10
    gap = largest_gap({"woman": same, "man": same}, [str(n) for n in range(10)])
    assert gap.estimate.value == gap.estimate.low == 0
    assert gap.estimate.high > 0.2
