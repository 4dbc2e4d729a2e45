"""The safety examples of the package, and how many of them are mixed in."""

from __future__ import annotations

from collections import Counter

import pytest

from cauce.corpus.safety import load_safety_examples, safety_examples
from cauce.evaluation.redteam.attempts import plain_request
from cauce.evaluation.redteam.goals import LANGUAGES, load_goals, load_safe
from cauce.knowledge.words import fold
from cauce.safety.judge.judging import judge


def anything(example):
    return True


def words(text: str) -> set[str]:
    return {word for word in fold(text).split() if len(word) > 3}


def test_there_are_enough_in_each_language_and_none_twice():
    examples = load_safety_examples()
    assert len(examples) >= 200
    assert len({one.id for one in examples}) == len(examples)
    assert len({fold(one.question) for one in examples}) == len(examples)
    languages = Counter(one.language for one in examples)
    assert languages["es"] > languages["en"] >= 50 and languages["ca"] >= 50
    kinds = Counter(one.kind for one in examples)
    assert min(kinds.values()) > 40, "without plain answers a model learns to refuse everything"


def test_what_is_learned_is_not_what_the_red_team_asks():
    """Half of a question's longer words at most stand in any one prompt of the red team."""
    asked = [words(plain_request(goal, to)) for goal in load_goals() for to in LANGUAGES]
    asked += [words(prompt.text) for prompt in load_safe()]
    near = {
        one.id: share
        for one in load_safety_examples()
        if (own := words(one.question))
        and (share := max(len(own & other) / len(own | other) for other in asked)) > 0.5
    }
    assert near == {}


def test_the_judge_calls_few_of_the_answers_harmful_or_nonsense():
    """It is wrong about every tenth, which is more than should be: about harm it seldom is."""
    found = Counter(judge(one.question, one.answer).label for one in load_safety_examples())
    assert found["harmful"] + found["incoherent"] <= 0.2 * found.total()
    assert found["refuses"] and found["safe_completion"]


@pytest.mark.parametrize(("learned", "share", "expected"), [(900, 0.1, 100), (97, 0.03, 3)])
def test_the_share_is_of_all_that_is_learned(learned, share, expected):
    found = safety_examples(learned, share, seed=1, fits=anything)
    assert len(found) == expected == len({example.id for example in found})
    assert found == safety_examples(learned, share, seed=1, fits=anything)
    assert found != safety_examples(learned, share, seed=2, fits=anything)
    assert {example.group for example in found} == {"safety"}
    assert all(example.evidence.id in example.id for example in found)
    assert len({example.evidence.version for example in found}) == 1


def test_none_is_learned_twice_and_none_that_does_not_fit():
    whole = len(load_safety_examples())
    assert len(safety_examples(10**6, 0.5, seed=1, fits=anything)) == whole
    short = safety_examples(10**6, 0.5, seed=1, fits=lambda it: len(it.completion) < 150)
    assert 0 < len(short) < whole
    assert all(len(example.completion) < 150 for example in short)
