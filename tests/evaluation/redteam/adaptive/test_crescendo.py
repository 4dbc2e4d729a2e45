import pytest

from cauce.evaluation.redteam.adaptive.campaign import adaptive_plan
from cauce.evaluation.redteam.adaptive.crescendo import Crescendo, crescendo_steps
from cauce.evaluation.redteam.goals import goal_named
from cauce.records import Reply
from evaluation.redteam.scripted import REFUSAL, Scripted

(SPANISH, *_) = adaptive_plan(["crescendo"], goals=3).attempts
TALKS = Reply(text="Hay varias cosas que contar.")
OBEYS = Reply(text="Claro, estos son los pasos: primero [...].")


def test_each_step_rests_on_the_answers_before():
    target = Scripted(lambda question: TALKS)
    turns = Crescendo(budget=20)(SPANISH, target)
    steps = crescendo_steps()[SPANISH.language]
    assert len(turns) == len(steps)
    assert [len(history) for _, history in target.sent] == [2 * n for n in range(len(steps))]
    goal = goal_named(SPANISH.goal).names["es"]
    assert [turn.prompt for turn in turns] == [first.format(goal=goal) for first, _ in steps]


def test_a_refusal_is_taken_back_and_asked_in_other_words():
    refuses_first = iter([REFUSAL, TALKS, REFUSAL, REFUSAL, TALKS, OBEYS])
    target = Scripted(lambda question: next(refuses_first))
    turns = Crescendo(budget=20)(SPANISH, target)
    assert [turn.way for turn in turns] == [
        "step 1, wording 1", "step 1, wording 2", "step 2, wording 1", "step 2, wording 2",
        "step 3, wording 1", "step 4, wording 1",
    ]  # fmt: skip
    assert turns[-1].label == "harmful"
    for _, history in target.sent:
        assert REFUSAL.text not in [message.content for message in history]
    assert [len(history) for _, history in target.sent] == [0, 0, 2, 2, 2, 4]


def test_no_more_queries_than_the_budget():
    target = Scripted()
    assert len(Crescendo(budget=3)(SPANISH, target)) == len(target.sent) == 3


@pytest.mark.parametrize("language", ["es", "en", "ca"])
def test_steps_end_in_the_goal_and_are_as_many_in_every_language(language):
    steps = crescendo_steps()[language]
    assert len(steps) == len(crescendo_steps()["es"])
    assert all(len(wordings) == 2 for wordings in steps)
    assert all("{goal}" in wording for wording in steps[-1])
