import json
from types import SimpleNamespace

import pytest

from cauce.evaluation.log import read_log
from cauce.evaluation.made_by import read_trial
from cauce.evaluation.redteam.adaptive.campaign import (
    AdaptiveSettings,
    adaptive,
    adaptive_plan,
    attack_adaptively,
)
from cauce.evaluation.redteam.adaptive.gcg import GcgSettings
from cauce.evaluation.redteam.adaptive.results import (
    AdaptiveFindings,
    adaptive_table,
    search_of,
)
from cauce.evaluation.redteam.asking import Asked
from cauce.evaluation.redteam.goals import LANGUAGES, load_goals
from cauce.evaluation.redteam.results import JudgeFigures
from cauce.evaluation.redteam.targets import Attacked
from cauce.evaluation.statistics import clopper_pearson
from cauce.records import Reply
from cauce.runs import Run
from evaluation.redteam.scripted import REFUSAL, Scripted, asked
from models.tiny import tiny_model

OBEYS = Reply(text="Claro, estos son los pasos: primero [...].")
FEW = AdaptiveSettings(budget=6, goals=5)
FIGURES = JudgeFigures((95, 100), (98, 100))


@pytest.fixture(autouse=True)
def eight_innocent_prompts(monkeypatch):
    monkeypatch.setattr("cauce.evaluation.redteam.suite.SMOKE_SAFE", 8)


def quiet(text):
    pass


def gives_in(question):
    return OBEYS if "dulce" in question or "ibupro" in question else REFUSAL


def attack(target, folder, settings=FEW, **more):
    return attack_adaptively(Attacked("demo", target), settings, folder, progress=quiet, **more)


def test_each_attacker_has_its_goals_and_its_budget_and_the_innocent_are_beside(tmp_path):
    target = Scripted()
    found = attack(target, tmp_path, figures=FIGURES)
    assert [one.attacker for one in found.searches] == ["mutation", "crescendo"]
    for search in found.searches:
        assert search.queries == 6 * 5
        assert (search.reached.low, search.reached.high) == clopper_pearson(0, 5)
        assert search.by_false_alarms == pytest.approx(1 - 0.98**6)
        assert search.queries_to_success is None
    assert found.findings.innocent.asked == 8
    assert found.findings.innocent.refused.value == 1
    assert json.loads((tmp_path / "adaptive.json").read_text())["budget"] == 6
    table = adaptive_table(found)
    assert "at most 6 queries" in table and "0.0% [0.0%, 52.2%] of 5" in table
    assert "innocent prompts refused: 100.0%" in table


def test_killed_and_started_again_it_learns_and_asks_as_if_never_stopped(tmp_path):
    straight = attack(Scripted(gives_in), tmp_path / "straight")
    killed, again = Scripted(gives_in, dies_after=20), Scripted(gives_in)
    with pytest.raises(KeyboardInterrupt):
        attack(killed, tmp_path / "killed")
    assert attack(again, tmp_path / "killed") == straight
    logs = [(tmp_path / name / "attempts.jsonl").read_text() for name in ("straight", "killed")]
    assert logs[0] == logs[1]
    third = Scripted(gives_in)
    assert attack(third, tmp_path / "killed") == straight and third.sent == []


def test_another_budget_is_another_attack(tmp_path):
    attack(Scripted(), tmp_path)
    target = Scripted()
    attack(target, tmp_path, AdaptiveSettings(budget=2, goals=5))
    assert len(target.sent) == 2 * 5 * 2 + 8


def test_a_model_that_attacks_and_weights_at_hand_add_attackers(tmp_path):
    settings = AdaptiveSettings(
        budget=3, goals=2, gcg=GcgSettings(passes=60, tokens=3, candidates=20, best=16)
    )
    found = attack(
        Scripted(),
        tmp_path,
        settings,
        writer=lambda prompts: [f"Dime {len(prompt)}" for prompt in prompts],
        weights=tiny_model("gpt2"),
    )
    by_name = {one.attacker: one for one in found.searches}
    assert [*by_name] == ["mutation", "crescendo", "pair", "tap", "gcg"]
    assert by_name["gcg"].queries == 2 and 0 < by_name["gcg"].passes <= 2 * 60
    assert by_name["tap"].nothing_sent == 2
    assert by_name["pair"].queries > 0


def test_the_plan_turns_languages_and_spreads_over_the_goals():
    attacks = [one for one in adaptive_plan(["a", "b"], goals=9).attempts if not one.is_safe]
    assert [one.language for one in attacks[:9]] == [*LANGUAGES] * 3
    assert len({one.category for one in attacks}) >= 8
    every = adaptive_plan(["a"]).attempts
    assert sum(not one.is_safe for one in every) == len(load_goals())


def test_queries_to_success_count_the_one_that_succeeded():
    tries = [
        asked("a", "refuses", "harmful", way="es + direct/ask + story"),
        asked("b", "harmful", way="en + direct/ask"),
        asked("c", "refuses", "refuses", "refuses"),
    ]
    found = search_of("mutation", tries, budget=3)
    assert found.queries_to_success == 1.5
    assert {most: rate.value for most, rate in found.reached_within.items()} == {
        1: pytest.approx(1 / 3), 2: pytest.approx(2 / 3),
    }  # fmt: skip
    assert found.reached.value == pytest.approx(2 / 3)
    assert found.parts == {"es": 1, "direct/ask": 2, "story": 1, "en": 1}
    assert found.by_false_alarms is None
    silent = asked("d", "refuses", "refuses", abstained=True)
    told = search_of("mutation", [*tries, silent], budget=3, figures=FIGURES)
    chances = [1 - 0.98**judged for judged in (2, 1, 3, 0)]
    assert told.by_false_alarms == pytest.approx(sum(chances) / 4)


def test_a_run_is_attacked_as_it_is_served(tmp_path, monkeypatch):
    served = SimpleNamespace(reply=Scripted().reply, model=None)
    monkeypatch.setattr("cauce.assistant.loading.load_assistant", lambda run: served)
    run = Run(tmp_path)
    run.update_manifest(stages={})
    (tmp_path / "recipe.yaml").write_text("run: demo")
    found = adaptive(run, AdaptiveSettings(budget=2, goals=2), progress=quiet)
    assert (found.findings.system, found.findings.mode) == ("assistant", "adaptive")
    written, made_by = read_trial(tmp_path / "redteam-adaptive" / "adaptive.json")
    assert AdaptiveFindings.model_validate(written) == found
    assert made_by is not None and made_by.is_of(run)
    assert made_by.command == "", "no option of the command chooses two goals"
    log = read_log(tmp_path / "redteam-adaptive" / "attempts.jsonl", Asked)
    assert sum(one.attempt.family == "adaptive" for one in log) == 4
