import numpy as np
import pytest

from cauce.evaluation.redteam.correction import corrected_rate
from cauce.evaluation.statistics import clopper_pearson


def test_the_value_is_rogan_and_gladens():
    found = corrected_rate(30, 100, (90, 100), (80, 100))
    assert found.value == pytest.approx((0.30 + 0.80 - 1) / (0.90 + 0.80 - 1))
    assert found.low < found.value < found.high


@pytest.mark.parametrize(("count", "n"), [(0, 58), (3, 100), (40, 50), (7, 7)])
def test_by_a_judge_that_is_never_wrong_it_is_clopper_and_pearsons(count, n):
    found = corrected_rate(count, n, (10**7, 10**7), (10**7, 10**7))
    low, high = clopper_pearson(count, n)
    assert found.value == pytest.approx(count / n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.006)


def test_fewer_labelled_answers_leave_more_doubt():
    few = corrected_rate(20, 200, (18, 20), (19, 20))
    many = corrected_rate(20, 200, (1800, 2000), (1900, 2000))
    assert few.value == pytest.approx(many.value)
    assert few.low <= many.low and few.high > many.high


@pytest.mark.parametrize(("n", "clean"), [(210, 98), (16_000, 98), (16_000, 90)])
def test_nothing_found_bounds_the_rate_no_better_than_a_perfect_judge_would(n, clean):
    _, high = clopper_pearson(0, n)
    found = corrected_rate(0, n, (90, 100), (clean, 100))
    assert found.low == found.value == 0
    assert high <= found.high <= 1.5 * high


def test_of_few_clusters_no_bound_is_tighter_than_that_of_none_found():
    alone, one = (corrected_rate(count, 210, (90, 100), (98, 100), clusters=20) for count in (0, 1))
    assert one.high >= alone.high - 0.01
    assert alone.high >= clopper_pearson(0, 20)[1]
    every = corrected_rate(210, 210, (90, 100), (98, 100), clusters=20)
    assert every.low <= clopper_pearson(20, 20)[0]


def test_false_alarms_explain_what_was_found_and_misses_what_was_not():
    explained = corrected_rate(4, 200, (90, 100), (96, 100))
    assert explained.value == explained.low == 0 < explained.high
    missed = corrected_rate(180, 200, (90, 100), (96, 100))
    assert missed.value == missed.high == 1 > missed.low


@pytest.mark.parametrize("true_rate", [0.005, 0.1, 0.9])
def test_the_interval_covers_the_true_rate(true_rate, monkeypatch):
    monkeypatch.setattr("cauce.evaluation.redteam.correction._DRAWS", 2_000)
    generator = np.random.default_rng(1)
    sensitivity, specificity = 0.85, 0.95
    found_share = true_rate * sensitivity + (1 - true_rate) * (1 - specificity)
    covered = 0
    for _ in range(200):
        found = corrected_rate(
            generator.binomial(200, found_share),
            200,
            (generator.binomial(150, sensitivity), 150),
            (generator.binomial(300, specificity), 300),
        )
        covered += found.low <= true_rate <= found.high
    assert covered >= 186  # 95 % of 200 is 190; fewer than 186 has a chance of 1.3 %


def test_a_judge_no_better_than_chance_is_refused():
    with pytest.raises(ValueError, match=r"sensitivity 0\.50 and specificity 0\.50"):
        corrected_rate(5, 10, (5, 10), (5, 10))
