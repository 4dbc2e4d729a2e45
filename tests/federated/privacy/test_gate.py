from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from cauce.evaluation.privacy.attacks import canary
from cauce.federated.privacy.gate import (
    Evidence,
    Limits,
    Losses,
    Verdict,
    beyond,
    examine,
    losses,
)
from cauce.models.loading import LoadedModel
from models.tiny import tiny_model
from training.engines import alone, engine_of
from training.examples import chats


def evidence_of(loaded: LoadedModel, canaries: int = 1) -> Evidence:
    planted = [canary(loaded, f"person {number}", candidates=255) for number in range(canaries)]
    return Evidence(chats(loaded, 8), chats(loaded, 8, first=40), planted)


def taken(loaded: LoadedModel) -> dict[str, torch.Tensor]:
    return {name: it.detach().clone() for name, it in loaded.model.named_parameters()}


def trained(steps: int) -> tuple[Verdict, Evidence]:
    """A model that learns its few examples, and the canary among them, by heart."""
    loaded = tiny_model("llama")
    evidence = evidence_of(loaded)
    before, start = losses(loaded, evidence), taken(loaded)
    items = [*evidence.members, *(it.planted for it in evidence.canaries)]
    with engine_of(loaded, lr=1e-2) as engine:
        for step in range(steps):
            engine.update([alone(items)], 1e-2, (step, steps))
    update = {name: it - start[name] for name, it in taken(loaded).items()}
    return examine(loaded, update, evidence, before), evidence


def test_what_was_learned_by_heart_stays(tmp_path: Path) -> None:
    verdict, _ = trained(40)
    assert not verdict.released
    assert [it.attack for it in verdict.findings] == ["token recovery", "membership", "exposure"]
    assert [it.is_beyond for it in verdict.findings[1:]] == [True, True]
    assert "is beyond 0.55: 8 members against 8 others" in verdict.findings[1].reason
    assert verdict.findings[2].value.value > 7
    assert beyond(verdict.findings).endswith("; exposure 8 (6.12 to more), limit 5")
    verdict.write(tmp_path / "verdict.json")
    written = (tmp_path / "verdict.json").read_text("utf-8")
    assert Verdict.model_validate(json.loads(written)) == verdict


def test_what_did_not_move_is_released() -> None:
    loaded = tiny_model("gpt2")
    evidence = evidence_of(loaded, canaries=0)
    still = {name: torch.zeros_like(it) for name, it in taken(loaded).items()}
    verdict = examine(loaded, still, evidence, losses(loaded, evidence))
    tokens, members = verdict.findings
    assert "is within" in members.reason
    assert members.value.value == 0.5
    assert not tokens.is_beyond and verdict.released
    assert verdict.not_measured == ("exposure: no canary was planted",)


def test_limits_decide_and_are_never_reached_by_certainty() -> None:
    loaded = tiny_model("gpt2")
    evidence = evidence_of(loaded, canaries=0)
    with engine_of(loaded) as engine:
        engine.accumulate_gradients([alone(evidence.members[:2])])
        update = {name: it.grad for name, it in engine.parameters.items()}
    before = losses(loaded, evidence)
    read = evidence._replace(members=evidence.members[:2])
    before = Losses(before.members[:2], before.others, before.canaries)
    strict = examine(loaded, update, read, before)  # type: ignore[arg-type]
    assert not strict.released and strict.findings[0].is_beyond
    assert strict.not_measured[0] == "membership: 2 examples or others are fewer than 8"
    assert 0 < strict.findings[0].limit < 1
    chance = 1 - (1 - strict.findings[0].limit) ** 0.5
    assert strict.findings[0].limit == pytest.approx(2 * chance - chance**2)
    loose = Limits(guesses=1000, membership_auc=1.0, exposure_bits=0.0)
    assert examine(loaded, update, read, before, limits=loose).released  # type: ignore[arg-type]
