import json
from types import SimpleNamespace

import pytest

from cauce.errors import DataRefused
from cauce.evaluation.log import read_log
from cauce.evaluation.made_by import read_trial
from cauce.evaluation.redteam.asking import Asked, judged, turn_of
from cauce.evaluation.redteam.campaign import attack, redteam
from cauce.evaluation.redteam.results import Findings
from cauce.evaluation.redteam.suite import Plan, plan
from cauce.evaluation.redteam.targets import Attacked, BatchTarget, ModelTarget
from cauce.records import Message, Reply
from cauce.runs import Run
from evaluation.redteam.scripted import REFUSAL, Scripted
from models.tiny import tiny_model

SMOKE = plan("smoke")
PART = Plan("smoke", 0, [*SMOKE.attempts[:10], *SMOKE.attempts[-10:]])
LARGER = Plan("full", 0, [*SMOKE.attempts[:25], *SMOKE.attempts[-25:]])
OBEYS = Reply(text="Claro, estos son los pasos: primero [...].")


def quiet(text):
    pass


@pytest.fixture
def judge_by_first_word(monkeypatch):
    def judge(prompt, answer):
        return SimpleNamespace(label="harmful" if answer.startswith("Claro") else "refuses")

    monkeypatch.setattr("cauce.safety.judge.judging.judge", judge)


@pytest.mark.usefixtures("judge_by_first_word")
def test_log_and_findings_are_written_and_a_second_run_asks_nothing(tmp_path):
    found = attack(Attacked("demo", Scripted()), PART, tmp_path, progress=quiet)
    assert found.attacks.success.value == 0 and found.innocent.refused.value == 1
    assert json.loads((tmp_path / "scores.json").read_bytes()) == found.model_dump(mode="json")
    lines = (tmp_path / "attempts.jsonl").read_text().splitlines()
    assert len(lines) == len(PART.attempts)
    assert all('"label":"refuses"' in line for line in lines)
    again = Scripted()
    assert attack(Attacked("demo", again), PART, tmp_path, progress=quiet) == found
    assert again.sent == []


@pytest.mark.usefixtures("judge_by_first_word")
def test_a_larger_plan_goes_on_from_a_smaller_and_keeps_it(tmp_path):
    target = Scripted()
    attack(Attacked("demo", target), PART, tmp_path, progress=quiet)
    attack(Attacked("demo", target), LARGER, tmp_path, progress=quiet)
    queries = sum(len(one.prompts) for one in LARGER.attempts)
    assert len(target.sent) == queries
    attack(Attacked("demo", target), PART, tmp_path, progress=quiet)
    assert len(target.sent) == queries
    assert len((tmp_path / "attempts.jsonl").read_text().splitlines()) == len(LARGER.attempts)


@pytest.mark.parametrize("other", [("demo", "after"), ("tuned", "before")])
@pytest.mark.usefixtures("judge_by_first_word")
def test_answers_of_another_target_are_not_mixed_in(tmp_path, other):
    attack(Attacked("demo", Scripted(), "before"), PART, tmp_path, progress=quiet)
    obeying = Scripted(lambda question: OBEYS)
    name, state = other
    found = attack(Attacked(name, obeying, state), PART, tmp_path, progress=quiet)
    assert len(obeying.sent) >= len(PART.attempts)
    assert found.attacks.success.value == 1
    assert found.innocent.harmful.value == 1


@pytest.mark.usefixtures("judge_by_first_word")
def test_what_is_attacked_may_depend_on_the_answers(tmp_path):
    def twice(attempt, target):
        first = turn_of("¿?", target.reply("¿?"))
        return [first, turn_of(first.answer, target.reply(first.answer))]

    found = attack(Attacked("demo", Scripted()), PART, tmp_path, play=twice, progress=quiet)
    assert found.attacks.queries == 2 * 10
    assert REFUSAL.text in (tmp_path / "attempts.jsonl").read_text()


@pytest.mark.usefixtures("judge_by_first_word")
def test_a_run_is_attacked_as_it_is_served_and_anew_when_its_recipe_changes(tmp_path, monkeypatch):
    served = Scripted()
    monkeypatch.setattr("cauce.assistant.loading.load_assistant", lambda run: served)
    monkeypatch.setattr("cauce.evaluation.redteam.campaign.plan", lambda mode, seed: PART)
    run = Run(tmp_path)
    run.update_manifest(stages={})
    (tmp_path / "recipe.yaml").write_text("run: demo")
    found = redteam(run, "smoke", progress=quiet)
    assert (found.system, found.mode, found.attacks.asked) == ("assistant", "smoke", 10)
    written, made_by = read_trial(tmp_path / "redteam" / "scores.json")
    assert Findings.model_validate(written) == found
    assert made_by is not None and made_by.is_of(run)
    assert made_by.command == f"cauce redteam {tmp_path.name} --mode smoke --seed 0"
    queries = len(served.sent)
    redteam(run, "smoke", progress=quiet)
    assert len(served.sent) == queries
    (tmp_path / "recipe.yaml").write_text("run: demo\nseed: 1")
    assert not made_by.is_of(run)
    redteam(run, "smoke", progress=quiet)
    assert len(served.sent) == 2 * queries
    assert len(read_log(tmp_path / "redteam" / "attempts.jsonl", Asked)) == 20


def test_the_judge_of_the_package_tells_a_refusal_from_obeying():
    goal = next(one for one in PART.attempts if not one.is_safe)
    turns = tuple(turn_of(goal.request, reply) for reply in (REFUSAL, OBEYS))
    (found,) = judged([Asked(attempt=goal, turns=turns)])
    assert [turn.label for turn in found.turns] == ["refuses", "harmful"]


def test_a_model_alone_is_asked_with_its_conversation_and_refuses_what_does_not_fit():
    target = ModelTarget(tiny_model("gpt2"), max_new_tokens=4)
    history = (Message(role="user", content="Hola"), Message(role="assistant", content="Dime"))
    alone, after = target.reply("¿Qué tal?"), target.reply("¿Qué tal?", history)
    assert alone.generated and isinstance(alone.text, str)
    assert target.reply("¿Qué tal?", history) == after
    with pytest.raises(DataRefused, match="tokens"):
        target.reply("palabra " * 2000)


def test_a_model_asked_together_says_what_it_says_alone_and_names_what_does_not_fit():
    target = ModelTarget(tiny_model("gpt2"), max_new_tokens=4, rules="Sé amable.")
    history = (Message(role="user", content="Hola"), Message(role="assistant", content="Dime"))
    asked = ["¿Qué tal?", "palabra " * 2000, "How are you?"]
    conversations = [(*history, Message(role="user", content=one)) for one in asked]
    first, refused, last = target.reply_to_all(conversations)
    assert isinstance(refused, DataRefused)
    assert [first, last] == [target.reply(one, history) for one in (asked[0], asked[2])]
    assert isinstance(target, BatchTarget)
    without = ModelTarget(tiny_model("gpt2"), max_new_tokens=4)
    assert without.reply("¿Qué tal?") == without.reply_to_all([conversations[0][-1:]])[0]
