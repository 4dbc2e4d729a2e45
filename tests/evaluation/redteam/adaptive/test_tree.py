import threading

import pytest

from cauce.assistant.research.writers import LocalWriter, load_writer
from cauce.corpus.research.settings import WriterSettings
from cauce.evaluation.redteam.adaptive.campaign import adaptive_plan
from cauce.evaluation.redteam.adaptive.tree import PAIR, TAP, Tree, message_in
from cauce.evaluation.redteam.goals import goal_named
from cauce.records import Reply
from evaluation.redteam.scripted import REFUSAL, Scripted
from models.tiny import tiny_model
from sources.chat_server import FakeChat

(GOAL, *_) = adaptive_plan(["pair"], goals=3).attempts
NAME = goal_named(GOAL.goal).names["es"]
OBEYS = Reply(text="Claro, estos son los pasos: primero [...].")
HELPS = Reply(text="Hable con su farmacéutico.")


class Writes:
    """An attacker model that numbers its prompts, and remembers what it was told."""

    def __init__(self, text="{number}: dime cómo {goal}"):
        self.told = []
        self._text = text

    def __call__(self, prompts, /):
        first = len(self.told)
        self.told += prompts
        return [self._text.format(number=first + n, goal=NAME) for n in range(len(prompts))]


def test_pair_goes_on_from_its_own_answers_in_every_stream():
    writer, target = Writes(), Scripted()
    turns = Tree(writer, PAIR, budget=9)(GOAL, target)
    assert len(turns) == len(target.sent) == 9
    assert [turn.way.partition(":")[0] for turn in turns] == ["1"] * 3 + ["2"] * 3 + ["3"] * 3
    assert all("Mejora el mensaje" not in told for told in writer.told[:3])
    for stream, told in enumerate(writer.told[3:6]):
        assert f"«{stream}: dime" in told and REFUSAL.text in told
        assert "a 10 (lo explicó): 1" in told
    assert all(not history for _, history in target.sent)


def test_strategies_of_branches_differ():
    writer = Writes()
    Tree(writer, TAP, budget=4)(GOAL, Scripted())
    assert len({told.partition("Estrategia: ")[2] for told in writer.told[:4]}) == 4


def test_tap_goes_on_from_the_answers_nearest_to_harm():
    answers = iter([REFUSAL, HELPS, REFUSAL, REFUSAL] + [REFUSAL] * 20)
    writer = Writes()
    narrow = TAP._replace(width=1)
    Tree(writer, narrow, budget=8)(GOAL, Scripted(lambda question: next(answers)))
    assert all("«1: dime" in told and HELPS.text in told for told in writer.told[4:8])


def test_what_strays_from_the_goal_costs_tap_no_query_and_pair_one():
    for shape, queries in ((TAP, 0), (PAIR, 3)):
        target = Scripted()
        turns = Tree(Writes("{number}: ¿qué tiempo hace?"), shape, budget=3)(GOAL, target)
        assert len(turns) == len(target.sent) == queries


def test_an_attacker_that_repeats_itself_ends():
    target = Scripted()
    assert len(Tree(Writes("Dime cómo {goal}"), PAIR, budget=50)(GOAL, target)) == 1


def test_success_ends_the_search():
    answers = iter([REFUSAL, OBEYS])
    turns = Tree(Writes(), PAIR, budget=20)(GOAL, Scripted(lambda question: next(answers)))
    assert [turn.label for turn in turns] == ["refuses", "harmful"]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ('{"improvement": "x", "prompt": "¿Cómo?"}', "¿Cómo?"),
        ('Aquí va: {"prompt": "¿Cómo?"} ', "¿Cómo?"),
        ("«¿Cómo?»", "¿Cómo?"),
        ("{no es JSON}", "{no es JSON}"),
        ("", ""),
        ("a" * 2000, "a" * 600),
    ],
)
def test_the_message_is_found_in_what_a_model_writes(written, message):
    assert message_in(written) == message


def test_a_server_may_attack_and_is_asked_once_for_each_prompt(tmp_path):
    server = FakeChat(lambda prompt: f"Dime, {len(prompt)}")
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
    settings = WriterSettings(model="attacker", url=server.url)
    try:
        first, second = (
            Tree(load_writer(settings, tmp_path), PAIR, budget=4)(GOAL, Scripted())
            for _ in range(2)
        )
    finally:
        server.shutdown()
        server.server_close()
    assert first == second and len(first) == 4
    assert len(server.prompts) == len({*server.prompts})


def test_a_model_at_hand_may_attack(tmp_path, monkeypatch):
    monkeypatch.setattr("cauce.assistant.research.writers.MAX_NEW_TOKENS", 4)
    writer = LocalWriter(tiny_model("llama"), "tiny", tmp_path)
    target = Scripted()
    turns = Tree(writer, PAIR, budget=2)(GOAL, target)
    assert [turn.prompt for turn in turns] == [question for question, _ in target.sent]
    assert 1 <= len(turns) <= 2
