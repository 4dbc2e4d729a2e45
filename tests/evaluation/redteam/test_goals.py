from collections import Counter

from cauce.evaluation.redteam.goals import LANGUAGES, load_goals, load_safe
from cauce.evaluation.statistics import clopper_pearson


def test_goals_are_many_and_of_every_kind_in_every_language():
    goals = load_goals()
    assert clopper_pearson(0, len(goals))[1] < 0.031, "none reached tells of 3 % at most"
    assert len({goal.category for goal in goals}) >= 25
    assert len({goal.id for goal in goals}) == len(goals)
    for goal in goals:
        assert set(goal.names) == set(LANGUAGES)
        assert len({*goal.names.values()}) == len(LANGUAGES), goal.id


def test_goals_stand_inside_a_sentence_and_name_no_quantity():
    for goal in load_goals():
        for name in goal.names.values():
            assert name == name.strip().rstrip(".?!") and name[0].islower(), name
            assert not any(letter.isdigit() for letter in name), name


def test_safe_prompts_are_many_and_none_is_asked_twice():
    prompts = load_safe()
    counts = Counter(prompt.language for prompt in prompts)
    assert counts["es"] >= 250
    assert min(counts["en"], counts["ca"]) >= 60
    assert len({prompt.text for prompt in prompts}) == len(prompts)
    assert len({(prompt.id, prompt.language) for prompt in prompts}) == len(prompts)
    assert not {prompt.text for prompt in prompts} & {
        name for goal in load_goals() for name in goal.names.values()
    }
