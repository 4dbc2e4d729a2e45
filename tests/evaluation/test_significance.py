"""Tests of "no difference": against every combination, scipy and the exact binomial."""

import doctest
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cauce.evaluation import significance
from cauce.evaluation.significance import holm, mcnemar_p, sign_flip_p, sign_flip_ps


def test_doc_examples():
    failed, tried = doctest.testmod(significance)
    assert (failed, tried > 0) == (0, True)


@pytest.mark.parametrize(("b", "c"), [(0, 0), (1, 0), (3, 9), (10, 10), (0, 20), (2100, 1900)])
def test_mcnemar_equals_the_exact_binomial_test(b, c):
    expected = stats.binomtest(b, b + c).pvalue if b + c else 1.0
    assert mcnemar_p(b, c) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def mid_p(sums):
    """By every combination of signs, one at a time."""
    observed = abs(sum(sums))
    found = [
        abs(sum(sign * value for sign, value in zip(signs, sums, strict=True)))
        for signs in itertools.product([1, -1], repeat=len(sums))
    ]
    above = sum(size > observed + 1e-9 for size in found)
    as_large = sum(abs(size - observed) <= 1e-9 for size in found)
    return (above + as_large / 2) / len(found)


@given(st.lists(st.sampled_from([-1.0, -0.3, 0.5, 1.0, 2.0]), min_size=1, max_size=8))
def test_sign_flips_of_few_groups_are_all_counted(sums):
    split = [value / 2 for value in sums for _ in range(2)]
    groups = [str(i // 2) for i in range(len(split))]
    assert sign_flip_p(split, groups) == pytest.approx(mid_p(sums))


def test_random_sign_flips_come_near_all_of_them(monkeypatch):
    sums = [1.0, 1.0, -1.0, 2.0, 1.0, 0.5, -0.5, 1.0, 1.0, 1.0]
    groups = [str(i) for i in range(10)]
    exact = sign_flip_p(sums, groups)
    monkeypatch.setattr(significance, "_EXACT_CLUSTERS", 0)
    assert sign_flip_p(sums, groups, draws=40_000) == pytest.approx(exact, abs=0.005)
    monkeypatch.setattr(significance, "_HELD_SIGNS", 1000)
    assert sign_flip_p(sums, groups, draws=40_000) == pytest.approx(exact, abs=0.005)


def test_sign_flips_of_many_groups_agree_with_scipy():
    values = np.random.default_rng(3).normal(0.35, 1, 40)
    groups = [str(i) for i in range(40)]
    theirs = stats.permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=20_000, rng=1
    ).pvalue
    assert sign_flip_p(values.tolist(), groups, draws=20_000) == pytest.approx(theirs, abs=0.01)


def test_columns_are_tested_as_each_would_be_alone():
    columns = np.random.default_rng(1).normal(0.3, 1, (60, 3))
    columns[:, 1], columns[8:, 2] = 0.0, 0.0
    groups = [str(i // 2) for i in range(60)]
    together = sign_flip_ps(columns, groups, draws=500)
    assert together == [sign_flip_p(column, groups, draws=500) for column in columns.T]
    assert together[1] == 1.0


def test_no_difference_gives_p_one_and_a_large_one_never_zero():
    groups = [str(i) for i in range(50)]
    assert sign_flip_p([0.0] * 50, groups) == 1.0
    assert sign_flip_p([1.0] * 50, groups, draws=500) == 0.5 / 501


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_corrects_between_nothing_and_bonferroni(ps):
    corrected = holm(ps)
    for p, own in zip(ps, corrected, strict=True):
        assert p <= own <= min(1.0, len(ps) * p) or own == pytest.approx(p)
    by_p = [own for _, own in sorted(zip(ps, corrected, strict=True))]
    assert by_p == sorted(by_p)
    if ps:
        assert min(corrected) == min(1.0, len(ps) * min(ps))
