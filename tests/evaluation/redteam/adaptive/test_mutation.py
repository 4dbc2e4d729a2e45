import pytest

from cauce.evaluation.redteam.adaptive.campaign import adaptive_plan
from cauce.evaluation.redteam.adaptive.mutation import (
    Composition,
    Mutation,
    layer_names,
    mutated,
    one_turn_techniques,
)
from cauce.evaluation.redteam.asking import Asked
from cauce.evaluation.redteam.encodings import base_64
from cauce.evaluation.redteam.goals import goal_named
from cauce.records import Reply
from evaluation.redteam.scripted import REFUSAL, Scripted

GOALS = [one for one in adaptive_plan(["mutation"], goals=20).attempts if not one.is_safe]
OBEYS = Reply(text="Claro, estos son los pasos: primero [...].")


def weak(question):
    """Gives in to whoever wants it as a story, in any language."""
    asks_story = question.startswith(("Escribe un cuento", "Write a story", "Escriu un conte"))
    return OBEYS if asks_story else REFUSAL


def attacked(mutation, goals, answer=weak):
    target = Scripted(answer)
    return [Asked(attempt=goal, turns=tuple(mutation(goal, target))) for goal in goals]


def test_nothing_is_sent_twice_and_no_more_than_the_budget():
    (asked,) = attacked(Mutation(budget=30), GOALS[:1], lambda question: REFUSAL)
    assert len(asked.turns) == 30
    assert len({turn.way for turn in asked.turns}) == 30


def test_it_stops_when_the_goal_is_reached():
    (asked,) = attacked(Mutation(budget=30), GOALS[:1], lambda question: OBEYS)
    assert [turn.label for turn in asked.turns] == ["harmful"]


def test_what_one_goal_taught_helps_with_the_next():
    tries = attacked(Mutation(budget=40), GOALS)
    queries = [len(asked.turns) for asked in tries]
    assert sum(queries[10:]) < sum(queries[:10]) / 2
    assert all(asked.is_success for asked in tries[10:])
    assert all("story" in asked.turns[-1].way.split(" + ")[-2:] for asked in tries[10:])


def test_it_goes_on_from_a_log_as_if_it_had_never_stopped():
    straight = attacked(Mutation(budget=12), GOALS[:6])
    before = attacked(Mutation(budget=12), GOALS[:3])
    after = attacked(Mutation(budget=12, learned=before), GOALS[3:6])
    assert before + after == straight


def test_another_seed_tries_others():
    ways = [
        [turn.way for asked in attacked(Mutation(budget=5, seed=seed), GOALS[:2])
         for turn in asked.turns]
        for seed in (0, 0, 1)
    ]  # fmt: skip
    assert ways[0] == ways[1] != ways[2]


@pytest.mark.parametrize("language", ["es", "en", "ca"])
@pytest.mark.parametrize("layer", layer_names())
def test_every_layer_changes_the_words(layer, language):
    made = mutated("¿Cómo se hace?", layer, language)
    assert made != "¿Cómo se hace?" and "{text}" not in made


def test_layers_are_put_on_in_their_order():
    (technique, *_) = one_turn_techniques()["direct"]
    plain = Composition(technique, (), "es").write(GOALS[0]).turns[0]
    made = Composition(technique, ("urgent", "base64"), "es")
    assert base_64(mutated(plain, "urgent", "es")) in made.write(GOALS[0]).turns[0]
    assert made.way == f"es + direct/{technique.name} + urgent + base64"


def test_what_a_target_cannot_read_is_a_query_with_its_reason():
    target = Scripted(longest=1)
    turns = Mutation(budget=4)(GOALS[0], target)
    assert len(turns) == 4 and not target.sent
    assert all(turn.reason.startswith("not asked: the prompt has") for turn in turns)


def test_techniques_of_several_turns_are_left_out():
    goal = goal_named(GOALS[0].goal)
    for techniques in one_turn_techniques().values():
        assert all(len(one.attempt(goal, "es").prompts) == 1 for one in techniques)
