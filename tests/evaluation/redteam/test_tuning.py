"""Base and tuned on the same prompts: rates, tests, the alarm, and what can be shown at all."""

from __future__ import annotations

import json

import pytest

from cauce.errors import NotFound
from cauce.evaluation.made_by import state_of_model
from cauce.evaluation.redteam import tuning
from cauce.evaluation.redteam.asking import Asked
from cauce.evaluation.redteam.suite import Plan, plan
from cauce.evaluation.redteam.tuning import TuningEffect, compare_tuning, tuning_effect
from cauce.evaluation.redteam.tuning_table import tuning_table
from cauce.evaluation.statistics import clopper_pearson
from cauce.models.tuned import save_tuned
from cauce.report.trust.measures import measures
from cauce.report.trust.trials import evidence_of_tuned_harm
from cauce.runs import Run
from evaluation.redteam.scripted import asked
from models.tiny import tiny_model

SMOKE = plan("smoke")
PART = Plan("smoke", 0, [*SMOKE.attempts[:6], *SMOKE.attempts[-4:]])


def tries(harmful: int, others: int, *, goals: int, innocent: str = "safe_completion"):
    """So many harmful answers and then refusals, goal after goal; and ten innocent prompts."""
    labels = ["harmful"] * harmful + ["refuses"] * others
    attacks = [asked(f"g{place % goals}", label, place=place) for place, label in enumerate(labels)]
    return attacks + [asked(f"s{place}", innocent, family="safe") for place in range(10)]


def effect(base: list[Asked], tuned: list[Asked]) -> TuningEffect:
    return tuning_effect(base, tuned, "demo", Plan("smoke", 0, [one.attempt for one in base]))


def test_rates_and_tests_are_those_of_the_paired_answers():
    found = effect(tries(2, 98, goals=50), tries(14, 86, goals=50, innocent="refuses"))
    harm, over = found.change("harmful"), found.change("over_refusal")
    assert (harm.base.value, harm.tuned.value) == (0.02, 0.14)
    assert harm.difference.value == pytest.approx(0.12)
    assert harm.difference.low is not None and 0 < harm.difference.low < 0.12
    assert (harm.only_base, harm.only_tuned) == (0, 12)
    assert harm.mcnemar_p == pytest.approx(2 * 0.5**12)
    assert harm.p < 0.01
    assert found.change("refused").difference.value == pytest.approx(-0.12)
    assert (over.base.value, over.tuned.value) == (0, 1)
    assert (found.attacks, found.innocent, found.goals, found.not_asked) == (100, 10, 50, 0)
    assert found.is_alarm


@pytest.mark.parametrize(
    ("base", "tuned", "goals", "alarms"),
    [
        (0, 12, 50, True),
        (12, 0, 50, False),
        (0, 2, 50, False),
        (0, 4, 50, False),
        (0, 12, 1, False),
        (12, 12, 50, False),
    ],
    ids=["more", "less", "two points", "by chance", "one goal", "same"],
)
def test_only_harm_that_chance_does_not_explain_alarms(base, tuned, goals, alarms):
    found = effect(tries(base, 100 - base, goals=goals), tries(tuned, 100 - tuned, goals=goals))
    assert found.is_alarm is alarms
    assert ("ALARM" in tuning_table(found)) is alarms


def test_where_nothing_changed_the_bounds_are_exact_and_the_prompts_said_to_be_too_few():
    found = effect(tries(0, 60, goals=60), tries(0, 60, goals=60))
    harm = found.change("harmful")
    assert harm.difference.high == -harm.difference.low == clopper_pearson(0, 60)[1]
    assert (harm.p, harm.mcnemar_p) == (1, 1)
    assert harm.detectable > 0.02 and not found.could_show
    assert f"a rise of {100 * harm.detectable:.1f} points at the least" in tuning_table(found)
    many = effect(tries(0, 3000, goals=1000), tries(0, 3000, goals=1000))
    assert many.could_show and "at the least" not in tuning_table(many)


def test_what_either_could_not_read_is_in_no_figure():
    base, tuned = tries(0, 20, goals=10), tries(20, 0, goals=10)
    tuned[3] = Asked(attempt=tuned[3].attempt, not_asked="too long")
    found = effect(base, tuned)
    assert (found.attacks, found.not_asked, found.change("harmful").tuned.n) == (19, 1, 19)
    assert "1 not read by both" in tuning_table(found)


def tuned_run(folder) -> Run:
    """A run whose model is another than the one it started from."""
    save_tuned(tiny_model("llama"), folder / "base")
    run = Run(folder / "run")
    run.update_manifest(stages={})
    (run.path / "recipe.yaml").write_text("run: demo")
    save_tuned(tiny_model("llama", seed=7), run.folder("train") / "model")
    card = run.path / "train" / "model" / "cauce.json"
    card.write_text(json.dumps({**json.loads(card.read_bytes()), "base": str(folder / "base")}))
    return run


def test_a_run_is_compared_with_its_base_and_the_report_reads_it(tmp_path, monkeypatch):
    monkeypatch.setattr(tuning, "plan", lambda mode, seed: PART)
    monkeypatch.setattr(tuning, "NEW_TOKENS", 4)
    run, told = tuned_run(tmp_path), []
    found = compare_tuning(run, progress=told.append)
    assert (found.attacks + found.innocent + found.not_asked) == len(PART.attempts)
    answers = [
        (run.path / "redteam" / name / "attempts.jsonl").read_text() for name in ("base", "tuned")
    ]
    assert answers[0] != answers[1]
    written = json.loads((run.path / "redteam" / "comparison.json").read_bytes())
    assert TuningEffect.model_validate(written["effect"]) == found
    made_by = written["made_by"]
    assert made_by["data_sha256"]
    assert made_by["command"] == "cauce redteam run --base --mode smoke --seed 0"
    assert made_by["state"] == state_of_model(run)
    rows = {(row.name, row.part): row for row in evidence_of_tuned_harm(run)}
    harm = rows["harm_added_by_tuning", "smoke"]
    assert harm.value == found.change("harmful").difference.value
    assert (harm.seed, harm.date) == (0, made_by["date"])
    assert "too few prompts" in harm.note
    assert rows["harm_of_model", "base"].n == found.attacks
    assert {name for name, _ in rows} <= set(measures()), "all have a title in words"
    told.clear()
    assert compare_tuning(run, progress=told.append) == found
    assert told == [f"red team: {len(PART.attempts)} of {len(PART.attempts)} asked before"] * 2


def test_a_run_without_a_model_is_refused(tmp_path):
    with pytest.raises(NotFound, match=r"no trained model.\n.*cauce run"):
        compare_tuning(Run(tmp_path), progress=lambda line: None)
