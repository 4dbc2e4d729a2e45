"""Risk, coverage and calibration: against plain loops, and by property."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cauce.evaluation import statistics
from cauce.evaluation.calibration import (
    BINS,
    COVERAGE,
    _ranked,
    brier_score,
    calibration_error,
    risk_coverage,
)

Answers = list[tuple[float, bool]]
"""How sure an item was, and whether it was wrong."""
answers = st.lists(
    st.tuples(st.sampled_from([0.1, 0.2, 0.5, 0.55, 0.9]), st.booleans()), min_size=1, max_size=30
)
few = settings(max_examples=25)


def parts(items: Answers) -> tuple[list[float], list[bool], list[str]]:
    """Confidences, what was wrong, and groups of three items."""
    return [c for c, _ in items], [w for _, w in items], [str(n // 3) for n in range(len(items))]


def risk_of(items: Answers, least: float) -> float:
    """Error rate of those that are at least so sure."""
    answered = [wrong for confidence, wrong in items if confidence >= least]
    return sum(answered) / len(answered)


@few
@given(answers)
def test_the_curve_is_that_of_every_threshold(items: Answers) -> None:
    found = risk_coverage(*parts(items), draws=10)
    expected = [
        (sum(c >= least for c, _ in items) / len(items), risk_of(items, least))
        for least in sorted({c for c, _ in items}, reverse=True)
    ]
    assert np.array(found.points) == pytest.approx(np.array(expected))
    assert found.area.value == pytest.approx(np.mean([risk_of(items, c) for c, _ in items]))


@few
@given(answers)
def test_the_risk_told_is_that_of_the_least_coverage_that_is_enough(items: Answers) -> None:
    found = risk_coverage(*parts(items), draws=10)
    coverage, risk = next(p for p in found.points if p[0] >= COVERAGE - 1e-9)
    assert found.at_coverage.value == pytest.approx(risk)
    assert sum(c >= found.threshold for c, _ in items) == pytest.approx(coverage * len(items))
    assert found.at_coverage.n == round(coverage * len(items))


@few
@given(answers, st.randoms(use_true_random=False))
def test_the_order_of_the_items_changes_nothing(items: Answers, luck: Random) -> None:
    shuffled = list(items)
    luck.shuffle(shuffled)
    one, other = (risk_coverage(*parts(each), draws=10) for each in (items, shuffled))
    assert one.points == other.points
    assert one.area.value == pytest.approx(other.area.value)


@few
@given(answers, st.data())
def test_a_weight_is_as_many_copies(items: Answers, data: st.DataObject) -> None:
    counts = data.draw(st.lists(st.integers(0, 3), min_size=len(items), max_size=len(items)))
    copies = [item for item, count in zip(items, counts, strict=True) for _ in range(count)]
    if not copies:
        return
    confidences, wrong = np.array([c for c, _ in items]), np.array([float(w) for _, w in items])
    weighted = _ranked(confidences, wrong).area(np.array([counts, counts], float))
    assert weighted == pytest.approx([risk_coverage(*parts(copies), draws=10).area.value] * 2)


def test_one_that_knows_beats_one_that_guesses() -> None:
    wrong = [False] * 80 + [True] * 20
    groups = [str(n % 25) for n in range(100)]
    knows = risk_coverage([1 - n / 100 for n in range(100)], wrong, groups, draws=200)
    guesses = risk_coverage([0.5] * 100, wrong, groups, draws=200)
    assert (knows.at_coverage.value, knows.at_coverage.low) == (0.0, 0.0)
    assert knows.at_coverage.high == pytest.approx(statistics.clopper_pearson(0, 25)[1])
    assert guesses.points == ((1.0, 0.2),)
    assert guesses.area.value == pytest.approx(0.2)
    assert knows.area.high is not None and guesses.area.low is not None
    assert knows.area.high < guesses.area.low


def test_an_area_of_nothing_wrong_claims_no_bounds() -> None:
    found = risk_coverage([0.9, 0.5, 0.1], [False] * 3, ["a", "b", "c"], draws=10)
    assert (found.area.value, found.area.low, found.area.high) == (0.0, None, None)
    assert found.at_coverage.high is not None and found.at_coverage.high > 0.5


def test_the_interval_of_the_area_covers_the_truth() -> None:
    """Chance of error is 1 - confidence: the area of a very large draw lies in nearly all."""
    luck = np.random.default_rng(0)
    sure = luck.random(100_000)
    truth = risk_coverage(
        sure.tolist(), (luck.random(len(sure)) > sure).tolist(), ["a"] * len(sure), draws=1
    ).area.value
    held = 0
    for _ in range(40):
        sure = luck.random(120)
        wrong = (luck.random(120) > sure).tolist()
        area = risk_coverage(sure.tolist(), wrong, [str(n) for n in range(120)], draws=100).area
        assert area.low is not None and area.high is not None
        held += area.low <= truth <= area.high
    assert held >= 34


@few
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40))
def test_calibration_error_equals_plain_loops(said: list[tuple[float, bool]]) -> None:
    total = 0.0
    for number in range(BINS):
        low, high = number / BINS, (number + 1) / BINS
        inside = [(p, y) for p, y in said if low < p <= high or (number == p == 0)]
        if inside:
            gap = sum(p for p, _ in inside) - sum(y for _, y in inside)
            total += abs(gap) / len(said)
    found = calibration_error([p for p, _ in said], [y for _, y in said])
    assert found == pytest.approx(total, abs=1e-9)


def test_probabilities_that_are_frequencies_have_no_calibration_error() -> None:
    said = [0.25] * 40 + [0.75] * 40
    happened = [True] * 10 + [False] * 30 + [True] * 30 + [False] * 10
    assert calibration_error(said, happened) == 0.0
    assert calibration_error(said, [not it for it in happened]) == pytest.approx(0.5)


def test_the_brier_score_equals_a_plain_loop() -> None:
    luck = np.random.default_rng(1)
    said, happened = luck.random(200), luck.random(200) < 0.4
    found = brier_score(said.tolist(), happened.tolist(), [str(n // 4) for n in range(200)])
    total = 0.0
    for probability, outcome in zip(said, happened, strict=True):
        total += (1 - probability) ** 2 if outcome else probability**2
    assert found.value == pytest.approx(total / 200)
    assert found.low is not None and found.high is not None
    assert found.low < found.value < found.high


def test_what_has_no_item_or_one_without_an_outcome_is_refused() -> None:
    with pytest.raises(ValueError, match="0 confidences, 0 outcomes"):
        risk_coverage([], [], [])
    with pytest.raises(ValueError, match="2 confidences, 1 outcomes"):
        risk_coverage([0.1, 0.2], [True], ["a", "b"])
    with pytest.raises(ValueError, match="0 probabilities, 0 outcomes"):
        calibration_error([], [])


def test_weights_give_the_interval_that_sums_give() -> None:
    """A mean is both: the same draws, the same bounds."""
    luck = np.random.default_rng(2)
    values, groups = luck.random(60), [str(n // 5) for n in range(60)]
    by_weights = statistics.weighted_bootstrap(
        groups, lambda weights: weights @ values / weights.sum(axis=-1), draws=300, seed=3
    )
    by_sums = statistics.mean_bootstrap(values.tolist(), groups, draws=300, seed=3)
    assert by_weights.model_dump() == pytest.approx(by_sums.model_dump())
    assert statistics.weighted_bootstrap(["a"] * 60, lambda weights: weights[..., 0]).low is None
