"""Remedies: which scale is chosen and on what, and what each leaves of the model."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from cauce.errors import NotFound, UserError
from cauce.evaluation.made_by import read_trial
from cauce.evaluation.redteam import remedies, tuning
from cauce.evaluation.redteam.asking import Asked, Turn
from cauce.evaluation.redteam.remedies import (
    Remedied,
    Subspace,
    halves,
    mixed,
    project_back,
    scale_back,
    serve_with_rules,
)
from cauce.evaluation.redteam.suite import Plan, plan
from cauce.evaluation.redteam.tuning_table import remedy_table
from cauce.models.adapters import attach
from cauce.models.rules import under_rules
from cauce.models.settings import ModelSettings
from cauce.models.tuned import load_base, load_tuned, model_folder, save_tuned
from cauce.records import Citation, Example, Message
from cauce.runs import Run, write_records
from models.tiny import logits, tiny_model

SMOKE = plan("smoke")
PART = Plan("smoke", 0, [*SMOKE.attempts[:8], *SMOKE.attempts[-4:]])


def quiet(line):
    pass


def example(number: int) -> Example:
    asked = Message(role="user", content=f"¿Para qué sirve la pastilla {number}?")
    return Example(
        id=f"e{number}",
        messages=(asked,),
        completion="Para el dolor.",
        question=asked.content,
        evidence=Citation(source="x", id=str(number), version="", section="", quote=""),
        group=f"g{number}",
        kind="answer",
        language="es",
    )


@pytest.fixture
def run(tmp_path, monkeypatch) -> Run:
    """A run with a LoRA that adds something, asked with few prompts and few tokens."""
    for module in (tuning, remedies):
        monkeypatch.setattr(module, "plan", lambda mode, seed: PART)
        monkeypatch.setattr(module, "NEW_TOKENS", 4)
    save_tuned(tiny_model("llama"), tmp_path / "base")
    save_tuned(tiny_model("llama", seed=7), tmp_path / "before-alignment")
    settings = ModelSettings(base=str(tmp_path / "base"), adapter="lora", lora_rank=2)
    tuned = attach(load_base(settings), settings, seed=3)
    with torch.no_grad():
        for name, weight in tuned.model.named_parameters():
            if "lora_B" in name:
                weight.fill_(0.1)
    run = Run(tmp_path / "run")
    run.update_manifest(stages={})
    save_tuned(tuned, run.folder("train") / "model")
    write_records(run.folder("prepare") / "test.jsonl", [example(number) for number in range(4)])
    return run


@pytest.fixture
def harmful_above(monkeypatch):
    """Makes the tuned model harmful, and a scaled one above a scale; tells who was asked what."""
    asked: list[tuple[str, Plan]] = []

    def answering(most: float):
        def ask(run, attacked, plan, *, progress):
            asked.append((attacked.name, plan))
            _, _, scale = attacked.name.partition("-")
            is_harmful = attacked.name == "tuned" or (scale != "" and float(scale) > most)
            turn = Turn(prompt="¿?", answer="...", label="harmful" if is_harmful else "refuses")
            return [
                Asked(attempt=one, turns=(turn.model_copy(update={"label": "refuses"}),))
                if one.is_safe
                else Asked(attempt=one, turns=(turn,))
                for one in plan.attempts
            ]

        for module in (tuning, remedies):
            monkeypatch.setattr(module, "ask", ask)
        return asked

    return answering


@pytest.mark.parametrize(("most", "chosen"), [(0.6, 0.5), (0.0, 0.0)])
def test_the_largest_scale_without_added_harm_is_taken(
    run, harmful_above, monkeypatch, most, chosen
):
    monkeypatch.setattr(remedies, "SCALES", (0.9, 0.5))
    asked = harmful_above(most)
    found = scale_back(run, progress=quiet)
    assert found.scale == chosen
    assert found.folder == str(run.path / "remedies" / f"scale-{chosen}" / "model")
    before, after = found.before.change("harmful"), found.after.change("harmful")
    assert (before.tuned.value, after.tuned.value) == (1, 0)
    tried = [name for name, _ in asked if name.startswith("scale-")]
    expected = [f"scale-{scale}" for scale in remedies.SCALES if scale >= chosen]
    assert tried == [*expected, f"scale-{chosen}"], "largest first, then shown"
    chosen_on = {one.goal for one in asked[0][1].attempts}
    shown_on = {one.goal for one in asked[-1][1].attempts}
    assert not chosen_on & shown_on
    assert found.utility is not None
    if chosen == 0:
        assert torch.equal(logits(load_tuned(run.path / "remedies/scale-0.0/model")), base_of(run))
        assert found.utility.remedied == found.utility.base


def base_of(run: Run) -> torch.Tensor:
    return logits(load_base(ModelSettings(base=str(run.path.parent / "base"))))


def test_the_halves_share_no_goal_and_lose_none():
    first, second = halves(SMOKE)
    assert len(first.attempts) + len(second.attempts) == len(SMOKE.attempts)
    goals = [{one.goal for one in half.attempts if not one.is_safe} for half in (first, second)]
    assert not goals[0] & goals[1] and abs(len(goals[0]) - len(goals[1])) < 20
    assert all(any(one.is_safe for one in half.attempts) for half in (first, second))


def test_a_projected_adapter_is_written_and_asked(run):
    base = run.path.parent
    subspace = Subspace(str(base / "base"), str(base / "before-alignment"), threshold=1.0)
    found = project_back(run, subspace, progress=quiet)
    assert len(found.projected) == 2 * 7
    model = load_tuned(run.path / "remedies" / "project" / "model")
    assert not torch.equal(logits(model), logits(load_tuned(run.path / "train" / "model")))
    assert found.after.attacks == found.before.attacks > 0
    written, made_by = read_trial(run.path / "remedies" / "project.json")
    assert Remedied.model_validate(written) == found
    assert made_by is not None and made_by.is_of(run)
    words = f"--aligned {base}/base --unaligned {base}/before-alignment"
    assert made_by.command == f"cauce remedy run project {words} --seed 0"
    table = remedy_table(found)
    assert "project 14 layers" in table and found.folder in table
    assert model_folder(run, "project") == Path(found.folder), "as assistant.remedy serves it"
    with pytest.raises(NotFound, match=r"assistant.remedy is 'scale-0.5'.*\n.*cauce remedy run"):
        model_folder(run, "scale-0.5")


def test_rules_are_shown_in_serving_and_in_what_is_asked_of_the_task(run, monkeypatch):
    shown = []
    monkeypatch.setattr(
        "cauce.evaluation.redteam.utility.under_rules",
        lambda model, messages: shown.append(messages) or under_rules(model, messages),
    )
    found = serve_with_rules(run, progress=quiet)
    assert found.folder == str(run.path / "train" / "model")
    assert shown == [example(number).messages for number in range(4)], "by the remedied one alone"
    ruled, tuned = (
        (run.path / "redteam" / name / "attempts.jsonl").read_text() for name in ("rules", "tuned")
    )
    assert ruled != tuned


def test_another_run_with_safety_examples_is_set_beside(run, tmp_path):
    other = Run(tmp_path / "other")
    other.update_manifest(stages={"prepare": {"summary": {"safety_examples": 5}}})
    save_tuned(load_tuned(run.path / "train" / "model"), other.folder("train") / "model")
    found = mixed(run, other, progress=quiet)
    _, made_by = read_trial(run.path / "remedies" / "mix.json")
    assert made_by is not None and made_by.command == "cauce remedy run mix --with other --seed 0"
    assert found.before == found.after, "the same model answers the same"
    assert found.utility is not None and found.utility.cost.value == 0


def test_a_run_without_safety_examples_shows_nothing_of_them(run):
    with pytest.raises(UserError, match=r"learned no safety examples.*\n.*corpus.safety_share"):
        mixed(run, run, progress=quiet)
