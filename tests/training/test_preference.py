"""Objectives that learn from what was liked: against trl, by their properties, in the loop."""

from __future__ import annotations

import math

import pytest
import torch
from benchmarks.serving.preferences import dpo_sides, grpo_sides, kto_sides

from cauce.corpus.batches import LONGEST, Size, Width
from cauce.corpus.judged import Pair, Rated
from cauce.corpus.tokens import IGNORED
from cauce.errors import TrainingRefused
from cauce.models.head import set_aside
from cauce.models.prediction import predict
from cauce.training import loop
from cauce.training.judging import judged_tokens, refuse_unjudged
from cauce.training.losses import summed_loss
from cauce.training.objectives import Dpo, Grpo, Kto, Sft
from cauce.training.preference import dpo_losses, kto_losses
from cauce.training.reference import referred
from cauce.training.settings import TrainingSettings
from models.tiny import tiny_model
from training.engines import PLAIN, distance, engine_of, gradient_of
from training.judged import CHECKS, example, fails_at, log, tiny, trained


# 2026-11: trl 1.16 and what it imports warn of deprecations that are not ours to mend.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("sides", [dpo_sides, kto_sides, grpo_sides])
def test_loss_and_gradient_are_those_of_trl(sides):
    pytest.importorskip("trl")
    found = list(sides(tiny_model("gpt2"), 7))
    assert all(it.difference < 1e-6 for it in found)
    assert all(float(it.ours[1].abs().max()) > 1e-4 for it in found)


def pairs_of(loaded, folder, count=6):
    items = judged_tokens(loaded, [example(n) for n in range(100, 100 + count)], Dpo())
    return referred(loaded, items, TrainingSettings(**PLAIN), folder)


def log_probability(loaded, item):
    """Of the completion, in a plain loop over its tokens."""
    with torch.no_grad():
        batch = summed_loss(loaded, Sft(), "fp32").batch([[item]], LONGEST)
        said = predict(loaded.model, batch)[0].log_softmax(-1)
    places = [place for place, token in enumerate(batch.targets[0].tolist()) if token != IGNORED]
    return sum(float(said[place, batch.targets[0, place]]) for place in places)


@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_the_reference_is_what_the_model_said_before(kind, tmp_path):
    loaded = tiny(kind)
    for item in pairs_of(loaded, tmp_path, 3):
        expected = [log_probability(loaded, document) for document in item.documents]
        assert item.judged.reference == pytest.approx(expected, abs=1e-4)


def test_the_reference_is_kept_and_under_an_adapter_is_the_base(tmp_path):
    bare, loaded = tiny("llama"), tiny("llama", "lora")
    with torch.no_grad():
        for name, weight in loaded.model.named_parameters():
            if "lora_B" in name:
                weight.normal_()
    items = judged_tokens(loaded, [example(1), example(2)], Dpo())
    settings = TrainingSettings(**PLAIN)
    found = referred(loaded, items, settings, tmp_path)
    for item in found:
        expected = [log_probability(bare, document) for document in item.documents]
        assert item.judged.reference == pytest.approx(expected, abs=1e-4)
    written = (tmp_path / "reference.json").read_bytes()
    assert referred(loaded, items, settings, tmp_path) == found
    assert (tmp_path / "reference.json").read_bytes() == written
    assert referred(loaded, found, settings, tmp_path / "none") == found
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("kind", ["gpt2", "llama", "t5"])
def test_at_the_start_the_loss_is_log_2(kind, tmp_path):
    loaded = tiny(kind)
    with engine_of(loaded, objective=Dpo()) as engine:
        items = pairs_of(loaded, tmp_path)
        loss, count = engine.validate([[[item] for item in items]])
        assert (loss, count) == (pytest.approx(math.log(2), abs=1e-6), 6)
        assert 0 <= engine.told["validation_accuracy"] <= 1


def test_identical_answers_have_no_gradient(tmp_path):
    loaded = tiny("llama")
    items = [
        it._replace(judged=Pair(it.completion, (-3.0, -3.0))) for it in pairs_of(loaded, tmp_path)
    ]
    with engine_of(loaded, objective=Dpo()) as engine:
        mean, gradient = gradient_of(engine, [[[item] for item in items]])
    assert mean.loss == pytest.approx(math.log(2))
    assert float(gradient.abs().max()) < 1e-6


def test_smoothing_is_unbiased_when_pairs_are_noted_the_wrong_way_round():
    chosen, rejected = torch.randn(2, 5, generator=torch.Generator().manual_seed(0))
    smoothed = Dpo(label_smoothing=0.3)
    right, wrong = (
        dpo_losses(*pair, smoothed) for pair in ((chosen, rejected), (rejected, chosen))
    )
    assert torch.allclose(0.7 * right + 0.3 * wrong, dpo_losses(chosen, rejected, Dpo()), atol=1e-6)


def test_kto_in_a_plain_loop():
    ratios, wanted = torch.tensor([0.5, -1.0, 2.0]), torch.tensor([True, False, False])
    objective = Kto(beta=0.5, wanted_weight=2.0, unwanted_weight=0.5)
    expected = [
        2.0 * (1 - 1 / (1 + math.exp(-0.5 * (0.5 - 0.3)))),
        0.5 * (1 - 1 / (1 + math.exp(-0.5 * (0.3 + 1.0)))),
        0.5 * (1 - 1 / (1 + math.exp(-0.5 * (0.3 - 2.0)))),
    ]
    assert kto_losses(ratios, wanted, 0.3, objective).tolist() == pytest.approx(expected)


def rated_of(loaded, folder):
    """Answers of which the model has moved towards those from elsewhere, by 0, 3, 6... nats."""
    items = judged_tokens(loaded, [example(n) for n in range(100, 104)], Kto())
    known = referred(loaded, items, TrainingSettings(**PLAIN), folder)
    return [
        it._replace(judged=it.judged._replace(reference=(first, second - 3.0 * place)))
        for place, it in enumerate(known)
        for first, second in [it.judged.reference]
    ]


@pytest.mark.parametrize("kind", ["gpt2", "t5"])
@pytest.mark.parametrize("objective", [Dpo(), Kto()])
def test_several_batches_are_as_one_and_packed_rows_as_single_ones(kind, objective, tmp_path):
    loaded = tiny(kind)
    items = pairs_of(loaded, tmp_path, 4) if objective.kind == "dpo" else rated_of(loaded, tmp_path)
    with engine_of(loaded, objective=objective) as engine:
        whole, expected = gradient_of(engine, [[[item] for item in items]])
        parts, found = gradient_of(engine, [[[item]] for item in items])
        if objective.kind == "kto":
            assert engine.summed_loss.divergence > 1
    assert whole.tokens == parts.tokens == len(items)
    assert parts.loss == pytest.approx(whole.loss, abs=1e-6)
    assert distance(found, expected) < 1e-5
    with engine_of(loaded, objective=objective, width=Width(fixed=(Size(600, 600),))) as engine:
        packed, found = gradient_of(engine, [[items[:2], items[2:]]])
    assert packed.loss == pytest.approx(whole.loss, abs=1e-5)
    assert distance(found, expected) < 1e-4


def test_of_the_head_only_supervised_tokens_are_computed(tmp_path):
    loaded = tiny("gpt2")
    module = summed_loss(loaded, Dpo(), "fp32")
    items = pairs_of(loaded, tmp_path, 2)
    batch = module.batch([[item] for item in items], LONGEST)
    plain = summed_loss(loaded, Dpo(), "fp32")
    plain.head = None
    with torch.no_grad(), set_aside(module.head):
        aside = module(batch).item()
    with torch.no_grad():
        assert plain(batch).item() == pytest.approx(aside, abs=1e-6)
    assert module.head is not None


@pytest.mark.parametrize(
    ("kind", "adapter", "objective", "changes"),
    [
        ("liquid", "lora", Dpo(), {"pack_tokens": 200}),
        ("t5", "none", Dpo(), {}),
        ("t5", "lora", Kto(), {"pack_tokens": 120}),
    ],
)
def test_preferred_answers_become_likelier_than_the_others(
    kind, adapter, objective, changes, tmp_path
):
    summary = trained(tiny(kind, adapter), objective, tmp_path, **changes)
    assert summary["best_validation_loss"] < summary["first_validation_loss"] - 0.05
    if objective.kind == "dpo":
        assert log(tmp_path)[-1]["validation_accuracy"] == 1.0


def test_a_resumed_training_ends_with_the_same_bits(tmp_path, monkeypatch):
    objective = Kto()
    trained(tiny("gpt2", dropout=0.1), objective, tmp_path / "straight", accumulation=2)
    with monkeypatch.context() as broken:
        broken.setattr(loop, "learning_rate", fails_at(3))
        with pytest.raises(RuntimeError, match="killed"):
            trained(tiny("gpt2", dropout=0.1), objective, tmp_path / "killed", accumulation=2)
    summary = trained(tiny("gpt2", dropout=0.1), objective, tmp_path / "killed", accumulation=2)
    assert summary["resumed_from"] == 3
    assert log(tmp_path / "killed") == log(tmp_path / "straight")
    straight, killed = (tmp_path / it / "model/model.safetensors" for it in ("straight", "killed"))
    assert killed.read_bytes() == straight.read_bytes()


def test_kto_makes_two_of_a_pair_and_takes_the_answer_to_another_prompt():
    loaded = tiny("gpt2")
    first, second = example(1), example(2, rejected="", is_wanted=False)
    items = judged_tokens(loaded, [first, second], Kto())
    assert [it.judged.is_wanted for it in items] == [True, False, False]
    assert items[0].prompt == items[1].prompt != items[2].prompt
    assert items[1].judged.elsewhere == items[2].completion
    assert items[2].judged.elsewhere == items[1].completion
    assert all(isinstance(it.judged, Rated) for it in items)


def test_what_cannot_be_learned_from_is_refused():
    loaded = tiny("gpt2")
    with pytest.raises(TrainingRefused, match="1 of 2 answers, the first is '2', have no rejected"):
        judged_tokens(loaded, [example(1), example(2, rejected="")], Dpo())
    with pytest.raises(TrainingRefused, match="all of 2 answers are to one prompt"):
        judged_tokens(loaded, [example(1)], Kto())
    plain = judged_tokens(loaded, [example(1)], Sft())
    for objective in (Dpo(), Kto(), Grpo.model_validate(CHECKS)):
        with pytest.raises(TrainingRefused, match=f"{objective.kind}, and 1 of 1 examples"):
            refuse_unjudged(plain, objective)
    refuse_unjudged(plain, Sft())
