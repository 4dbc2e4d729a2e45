from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest

from cauce.errors import UserError
from cauce.evaluation.conformal import (
    FEWEST,
    Guarantee,
    Judged,
    conformal_quantile,
    guarantee_answers,
    guarantee_claims,
    guarantee_shown,
    highest_wrong,
    kept,
)

ALPHAS = (0.05, 0.1, 0.2, 0.5)
SPLITS = 200


def simulated(generator: np.random.Generator, n: int, *, ties: bool = False) -> list[Judged]:
    """Answers that are right as often as their score says."""
    scores = generator.uniform(size=n)
    if ties:
        scores = np.round(scores, 1)
    right = generator.uniform(size=n) < scores
    return [Judged(float(s), bool(r)) for s, r in zip(scores, right, strict=True)]


def risk_controlled(answers: Sequence[Judged], alpha: float) -> float:
    """The definition of conformal risk control for a loss of 0 or 1, threshold by threshold."""
    n = len(answers)
    thresholds = sorted({-math.inf, *(one.score for one in answers)})
    for threshold in thresholds:
        wrong = sum(one.score > threshold and not one.right for one in answers)
        if wrong + 1 <= alpha * (n + 1) + 1e-9:
            return threshold
    return math.inf


@pytest.mark.parametrize(("n", "alpha"), [*itertools.product((25, 39, 99), (0.05, 0.1, 0.2))])
def test_the_threshold_is_that_of_the_definition(n: int, alpha: float) -> None:
    for seed in range(5):
        answers = simulated(np.random.default_rng(seed), n, ties=bool(seed % 2))
        assert guarantee_answers(answers, alpha).threshold == risk_controlled(answers, alpha)


def test_the_quantile_leaves_the_rank_that_a_new_score_may_have() -> None:
    for n, alpha in itertools.product((9, 19, 25, 30), ALPHAS):
        found = conformal_quantile(list(range(1, n + 1)), alpha)
        exceeded = [rank for rank in range(1, n + 2) if rank > found]
        assert len(exceeded) / (n + 1) <= alpha
        assert math.isinf(found) or (len(exceeded) + 1) / (n + 1) > alpha - 1e-12


def test_a_new_answer_keeps_no_wrong_claim_as_often_as_promised() -> None:
    generator = np.random.default_rng(1)
    covered: list[float] = []
    for _ in range(SPLITS):
        claims = simulated(generator, 2 * (199 + 200))
        answers = [claims[place : place + 2] for place in range(0, len(claims), 2)]
        found = guarantee_claims(answers[:199], 0.2)
        new = [kept(own, found.threshold) for own in answers[199:]]
        covered.append(float(np.mean([all(claim.right for claim in own) for own in new])))
    assert abs(float(np.mean(covered)) - 0.8) < 0.01


@pytest.mark.parametrize("ties", [False, True])
def test_questions_are_answered_wrongly_as_seldom_as_promised(ties: bool) -> None:
    generator = np.random.default_rng(2)
    wrong: list[float] = []
    for _ in range(SPLITS):
        answers = simulated(generator, 99 + 300, ties=ties)
        found = guarantee_answers(answers[:99], 0.1)
        own = kept(answers[99:], found.threshold)
        wrong.append(sum(not one.right for one in own) / 300)
    mean = float(np.mean(wrong))
    assert mean < 0.1 + 0.005
    assert ties or mean > 0.1 - 0.01


def test_one_set_of_answers_stays_below_its_limit_as_often_as_told() -> None:
    generator, beyond = np.random.default_rng(6), 0
    for _ in range(600):
        found = guarantee_answers(simulated(generator, FEWEST), 0.1)
        # Right as often as the score says: the rate of errors above a threshold is known.
        beyond += (1 - max(found.threshold, 0.0)) ** 2 / 2 > found.one_set
    assert 0.02 < beyond / 600 < 0.08


def test_each_group_has_its_own_promise() -> None:
    generator = np.random.default_rng(3)
    sure_but_wrong: list[float] = []
    for _ in range(60):
        answers = simulated(generator, 300)
        groups = ["sure" if place % 3 else "hard" for place in range(300)]
        answers = [
            one._replace(right=one.right and bool(generator.uniform() < 0.6))
            if group == "hard"
            else one
            for one, group in zip(answers, groups, strict=True)
        ]
        found = guarantee_answers(answers[:150], 0.1, groups=groups[:150])
        assert found.threshold == max(found.by_group.values())
        hard = [
            one for one, group in zip(answers[150:], groups[150:], strict=True) if group == "hard"
        ]
        own = kept(hard, found.threshold)
        sure_but_wrong.append(sum(not one.right for one in own) / len(hard))
    assert np.mean(sure_but_wrong) < 0.11


def test_the_answers_shown_are_wrong_no_more_often_than_promised() -> None:
    generator = np.random.default_rng(4)
    broken = told = 0
    for _ in range(100):
        try:
            found = guarantee_shown(simulated(generator, 150), 0.35)
        except UserError:
            continue
        told += 1
        # Right as often as the score says: above a threshold, errors are half of what is left.
        broken += (1 - max(found.threshold, 0.0)) / 2 > 0.35
    assert told > 50
    assert broken <= 5


def test_what_is_always_right_may_all_be_shown() -> None:
    found = guarantee_answers([Judged(0.1, right=True)] * 30, 0.1)
    assert found.threshold == -math.inf
    assert found.shown == 1
    assert Guarantee.model_validate_json(found.model_dump_json()) == found
    assert highest_wrong([]) == -math.inf
    assert guarantee_shown([Judged(0.1, right=True)] * 60, 0.1).threshold == -math.inf


def test_the_promise_says_what_it_rests_on() -> None:
    found = guarantee_answers(simulated(np.random.default_rng(0), 40), 0.1)
    assert "at most 10.0% are answered wrongly, on average over sets of 40" in found.promise
    assert "exchangeable" in found.promise
    assert found.one_set > found.alpha


@pytest.mark.parametrize(
    ("n", "alpha", "said"),
    [
        (FEWEST - 1, 0.1, "24; at least 25 are needed"),
        (30, 0.01, "30; at least 99 are needed"),
        (30, 1.5, "alpha is 1.5"),
        (0, 0.1, "0; at least 25"),
    ],
)
def test_too_few_answers_are_refused(n: int, alpha: float, said: str) -> None:
    with pytest.raises(UserError, match=said):
        guarantee_answers([Judged(0.5, right=False)] * n, alpha)


def test_a_group_of_too_few_is_named() -> None:
    answers = [Judged(0.5, right=False)] * 40
    with pytest.raises(UserError, match="10 of Catalan; at least 25 are needed of each group"):
        guarantee_answers(answers, 0.1, groups=["Spanish"] * 30 + ["Catalan"] * 10)


def test_no_threshold_is_told_with_how_many_answers_would_do() -> None:
    answers = [Judged(0.5 + place / 100, right=place % 2 == 0) for place in range(30)]
    with pytest.raises(UserError, match="42 shown without an error are enough"):
        guarantee_shown(answers, 0.1)
