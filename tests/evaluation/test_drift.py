"""Drift is told where there is some, and seldom where there is none."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, ks_2samp

from cauce.evaluation.drift import (
    LEVEL,
    Drift,
    Known,
    Reference,
    find_drift,
    outcome_drift,
    reference_of,
)
from cauce.twin.series import Series, Variables

VARIABLES = Variables(readings=("creatinine", "heart_rate"), statics=("age",))
REPEATS, DRAWS = 80, 199


def person(generator, *, shift=0.0, measured=0.7, age=70.0):
    """Readings about an own level, so that those of one person resemble each other."""
    times = int(generator.integers(4, 9))
    values = generator.normal(shift, 1, 2) + 0.2 * generator.normal(size=(times, 2))
    values[generator.random((times, 2)) > measured] = np.nan
    statics = np.array([age + generator.normal(0, 8)])
    return Series("someone", np.arange(times, dtype=float), values, statics)


def people(count, generator, **other):
    return [person(generator, **other) for _ in range(count)]


def drift_of(report, variable, figure) -> Drift:
    return next(d for d in report.drifts if (d.variable, d.figure) == (variable, figure))


def rung(repeats=REPEATS, **other):
    """How often anything rings, of so many comparisons with people drawn like that."""
    rings = 0
    for repeat in range(repeats):
        generator = np.random.default_rng(repeat)
        reference = reference_of(people(60, generator), VARIABLES, seed=repeat)
        arrived = people(40, generator, **other)
        rings += find_drift(reference, arrived, draws=DRAWS, seed=repeat).is_alarm
    return rings


def test_without_drift_an_alarm_is_raised_in_at_most_one_comparison_of_twenty():
    assert rung() <= binom.ppf(0.999, REPEATS, LEVEL)


@pytest.mark.parametrize("planted", [{"shift": 1.2}, {"measured": 0.35}, {"age": 80.0}])
def test_a_planted_drift_is_found(planted):
    assert rung(20, **planted) >= 18


def test_the_alarm_names_what_has_drifted():
    generator = np.random.default_rng(3)
    reference = reference_of(people(200, generator), VARIABLES)
    report = find_drift(reference, people(100, generator, measured=0.3))
    assert {(one.variable, one.figure) for one in report.alarms} == {
        ("creatinine", "count"),
        ("heart_rate", "count"),
    }
    assert report.outcome is None


def test_readings_counted_one_by_one_would_cry_wolf():
    generator = np.random.default_rng(5)
    rings = 0
    for _ in range(100):
        before, now = (
            np.concatenate([one.values[:, 0] for one in people(40, generator)]) for _ in range(2)
        )
        rings += ks_2samp(before[~np.isnan(before)], now[~np.isnan(now)]).pvalue <= LEVEL
    assert rings > 25


def test_the_p_is_near_that_of_kolmogorov_and_smirnov():
    generator = np.random.default_rng(1)
    learned = people(400, generator)
    reference = reference_of(learned, VARIABLES)
    arrived = people(300, generator, shift=0.15)
    found = drift_of(find_drift(reference, arrived), "creatinine", "level")
    levels = [
        [np.nanmedian(one.values[:, 0]) for one in group if not np.isnan(one.values[:, 0]).all()]
        for group in (learned, arrived)
    ]
    assert found.distance == pytest.approx(ks_2samp(*levels).statistic, abs=0.06)


def test_a_p_by_permutation_is_that_of_all_permutations():
    spread = reference_of(people(10, np.random.default_rng(0)), Variables(readings=("a",)))
    counts = (3, 0, 2)
    reference = Reference(
        variables=Variables(readings=("a",)),
        spreads=(spread.spreads[0].model_copy(update={"edges": (0.0,), "counts": counts}),),
    )
    arrived = [
        Series("x", np.zeros(1), np.array([[value]]), np.zeros(0)) for value in (1.0, 1.0, 2.0, -1)
    ]
    found = find_drift(reference, arrived, draws=20_000).drifts[0]
    pooled, total, reached = (4, 5), 0.0, 0.0
    for below, above in product(range(5), range(5)):
        if below + above == 4:
            weight = math.comb(pooled[0], below) * math.comb(pooled[1], above)
            total += weight
            reached += weight * (abs((4 - below) / 5 - below / 4) >= abs(3 / 5 - 1 / 4) - 1e-12)
    assert found.p == pytest.approx(reached / total, abs=0.01)
    assert found.distance == pytest.approx(3 / 5 - 1 / 4)


def test_a_figure_that_all_share_drifts_in_both_directions():
    def steady(times):
        return Series("x", np.arange(float(times)), np.ones((times, 1)), np.zeros(0))

    one = Variables(readings=("heart_rate",))
    reference = reference_of([steady(48)] * 50, one)
    for times in (24, 60):
        report = find_drift(reference, [steady(times)] * 20)
        assert [(a.variable, a.figure) for a in report.alarms] == [("heart_rate", "count")]


def test_what_no_one_had_is_not_compared():
    nothing = Series("x", np.zeros(1), np.full((1, 2), np.nan), np.full(1, np.nan))
    reference = reference_of([nothing] * 10, VARIABLES)
    assert {one.figure for one in reference.spreads} == {"count"}
    assert not find_drift(reference, [nothing] * 5).is_alarm


def test_the_reference_holds_counts_of_the_people_who_set_no_edge():
    reference = reference_of(people(100, np.random.default_rng(2)), VARIABLES)
    assert all(sum(one.counts) <= 80 for one in reference.spreads)
    assert Reference.model_validate_json(reference.model_dump_json()) == reference


@given(st.integers(1, 60), st.floats(0.02, 0.98), st.data())
@settings(max_examples=40)
def test_equal_risks_give_the_binomial(people, risk, data):
    observed = data.draw(st.integers(0, people))
    happened = [index < observed for index in range(people)]
    found = outcome_drift(Known([risk] * people, happened))
    tails = binom.cdf(observed, people, risk), binom.sf(observed - 1, people, risk)
    assert found.p == pytest.approx(min(1, 2 * min(tails)), abs=1e-9)
    assert (found.low, found.high) == (
        binom.ppf(0.025, people, risk),
        binom.ppf(0.975, people, risk),
    )


def test_risks_that_are_wrong_ring_and_right_ones_seldom_do():
    generator = np.random.default_rng(4)
    risks = generator.beta(1, 5, 150)
    wrong = outcome_drift(Known(risks.tolist(), (generator.random(150) < 2 * risks).tolist()))
    assert wrong.is_alarm and wrong.observed > wrong.high
    rings = sum(
        outcome_drift(Known(risks.tolist(), (generator.random(150) < risks).tolist())).is_alarm
        for _ in range(100)
    )
    assert rings <= binom.ppf(0.999, 100, LEVEL)


def test_what_happened_is_corrected_together_with_the_variables():
    generator = np.random.default_rng(7)
    reference = reference_of(people(60, generator), VARIABLES)
    arrived = people(30, generator)
    report = find_drift(reference, arrived, Known([0.2] * 30, [True] * 11 + [False] * 19))
    assert report.outcome is not None
    assert report.outcome.p < report.outcome.p_holm
