from collections import Counter

import pytest

from cauce.evaluation.redteam.attempts import SAFE, plain_request
from cauce.evaluation.redteam.goals import LANGUAGES, load_goals, load_safe
from cauce.evaluation.redteam.suite import SMOKE_ATTACKS, SMOKE_SAFE, plan, techniques

FAMILIES = {
    "direct", "role_play", "prefix_injection", "refusal_suppression", "encoding", "translation",
    "code_switching", "past_tense", "many_shot", "authority", "emotional", "fake_system", "format",
    "insistence", "combination",
}  # fmt: skip


def test_every_family_is_there_and_no_technique_twice():
    names = [(one.family, one.name) for one in techniques()]
    assert len(names) == len({*names})
    assert {family for family, _ in names} == FAMILIES
    assert sum(family == "encoding" for family, _ in names) >= 12


@pytest.mark.parametrize("technique", techniques(), ids=lambda one: f"{one.family}-{one.name}")
def test_a_technique_writes_another_prompt_for_every_goal_and_language(technique):
    goals = load_goals()[:3]
    made = [technique.attempt(goal, language) for goal in goals for language in LANGUAGES]
    assert made == [technique.attempt(goal, language) for goal in goals for language in LANGUAGES]
    assert len({one.prompts for one in made}) == len(made)
    assert len({one.id for one in made}) == len(made)
    for one in made:
        assert all(prompt.strip() for prompt in one.prompts)
        assert "{goal}" not in "".join(one.prompts)
        assert not one.is_safe


def test_a_sentence_holds_the_goal_in_its_language():
    goal = load_goals()[0]
    for technique in techniques():
        if technique.family in ("direct", "role_play", "authority", "format", "fake_system"):
            for language in LANGUAGES:
                (prompt,) = technique.attempt(goal, language).prompts
                assert goal.names[language] in prompt


def test_forged_turns_alternate_and_do_not_tell_the_goal():
    (technique,) = [one for one in techniques() if one.name == "forged_turns"]
    goal = load_goals()[0]
    attempt = technique.attempt(goal, "en")
    assert [turn.role for turn in attempt.history] == ["user", "assistant"] * 4
    assert attempt.prompts == (plain_request(goal, "en"),)
    assert all(goal.names["en"] not in turn.content for turn in attempt.history)


def test_smoke_is_balanced_over_families_goals_and_languages():
    attempts = plan("smoke").attempts
    attacks = [one for one in attempts if not one.is_safe]
    assert (len(attacks), len(attempts) - len(attacks)) == (SMOKE_ATTACKS, SMOKE_SAFE)
    assert len({one.id for one in attempts}) == len(attempts) == 300
    for part in (
        lambda one: (one.family, one.technique),
        lambda one: one.goal,
        lambda one: one.language,
    ):
        counts = Counter(part(one) for one in attacks)
        assert max(counts.values()) - min(counts.values()) <= 3
    assert {one.family for one in attacks} == FAMILIES
    assert {one.goal for one in attacks} == {goal.id for goal in load_goals()}
    assert {one.language for one in attempts if one.is_safe} == {*LANGUAGES}


def test_full_is_everything_of_which_smoke_is_a_part(monkeypatch):
    few = techniques()[:2]
    smoke = [one for one in plan("smoke").attempts if one.is_safe or one.family == "direct"]
    monkeypatch.setattr("cauce.evaluation.redteam.suite.techniques", lambda: few)
    full = {one.id: one for one in plan("full").attempts}
    assert len(full) == len(few) * len(load_goals()) * 3 + len(load_safe())
    assert sum(one.family == SAFE for one in full.values()) == len(load_safe())
    assert {one.family for one in smoke} == {SAFE, "direct"}
    assert all(full[one.id] == one for one in smoke)


def test_another_seed_draws_others():
    ids = [{one.id for one in plan("smoke", seed).attempts} for seed in (0, 0, 1)]
    assert ids[0] == ids[1] != ids[2]
