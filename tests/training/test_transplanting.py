from __future__ import annotations

import json

import pytest
import torch

from cauce.corpus.tokens import Tokens
from cauce.models.settings import LiquidSettings, ModelSettings
from cauce.models.tuned import load_base, load_tuned
from cauce.training.objectives import Distil
from cauce.training.settings import TrainingSettings
from cauce.training.transplanting import Transplanting, cost, losses, train_transplanted
from models.tiny import tiny_decoder

TRAIN = [Tokens([5 + n, 6, 7], [9 + n, 10, 2]) for n in range(12)]
VALIDATION = [Tokens([40 + n, 6, 7], [44 + n, 10, 2]) for n in range(4)]


def run_of(base, **options):
    told = []
    settings = {"distil_steps": 6, "backbone_units": 8, **options}
    return Transplanting(
        original=load_base(ModelSettings(base=str(base))),
        model=ModelSettings(base=str(base), liquid=LiquidSettings(**settings)),
        training=TrainingSettings(
            steps=4, batch_size=4, lr=5e-3, evaluate_every=2, precision="fp32"
        ),
        train=TRAIN,
        validation=VALIDATION,
        seed=0,
        progress=told.append,
        resume_command="cauce run x.yaml",
    ), told


@pytest.fixture
def base(tmp_path):
    loaded = tiny_decoder("llama")
    loaded.model.save_pretrained(tmp_path / "base")
    loaded.tokenizer.save_pretrained(tmp_path / "base")
    return tmp_path / "base"


def test_a_transplant_is_trained_beside_a_control_of_as_many_weights(base, tmp_path):
    run, told = run_of(base)
    summary = train_transplanted(run, tmp_path / "train")
    rows = json.loads((tmp_path / "train" / "transplant.json").read_text())
    assert set(rows) == {"original", "liquid", "control"}
    liquid, control = rows["liquid"], rows["control"]
    assert abs(liquid["parameters"] - control["parameters"]) <= 2 * (2 * 32 + 1)
    assert rows["original"]["added_parameters"] == 0
    assert liquid["loss_swapped"] != liquid["loss_distilled"]
    assert liquid["loss"] == pytest.approx(summary["best_validation_loss"], rel=1e-5)
    assert len(liquid["losses"]) == len(control["losses"]) == len(VALIDATION)
    for name, folder in (("liquid", "train"), ("control", "train/control")):
        again = load_tuned(tmp_path / folder / "model")
        each = [nats / tokens for nats, tokens in losses(again, VALIDATION)]
        assert each == pytest.approx(rows[name]["losses"], rel=1e-5)
    assert any("learn from" in line for line in told)


def test_only_new_layers_change_while_they_learn_from_the_original(base, tmp_path):
    run, _ = run_of(base)
    train_transplanted(run, tmp_path / "train")
    distilled = load_tuned(tmp_path / "train" / "distil" / "model")
    original = dict(tiny_decoder("llama").model.named_parameters())
    weights = dict(distilled.model.named_parameters())
    kept = [name for name in weights if name in original]
    assert len(kept) > 10
    assert all(torch.equal(weights[name], original[name]) for name in kept)


def test_run_again_it_ends_with_the_same_bits(base, tmp_path):
    """Finished parts are taken up from their checkpoints, as after a kill."""
    run, _ = run_of(base)
    train_transplanted(run, tmp_path / "train")
    weights = load_tuned(tmp_path / "train" / "model").model.state_dict()
    again, told = run_of(base)
    train_transplanted(again, tmp_path / "train")
    repeated = load_tuned(tmp_path / "train" / "model").model.state_dict()
    assert all(torch.equal(repeated[name], weight) for name, weight in weights.items())
    assert sum("going on after step" in line for line in told) == 4


def test_the_training_itself_may_learn_from_another_model(base, tmp_path):
    run, _ = run_of(base)
    objective = Distil(teacher=str(base), hidden_share=0)
    run = run._replace(training=run.training.model_copy(update={"objective": objective}))
    assert train_transplanted(run, tmp_path / "train")["steps"] == 4


def test_what_preserves_or_stays_has_nothing_to_learn_first(base, tmp_path):
    for options in ({"init": "preserve", "backbone_units": 128}, {"keep_mlp": True}):
        run, told = run_of(base, **options)
        folder = tmp_path / str(len(options))
        train_transplanted(run, folder)
        liquid = json.loads((folder / "transplant.json").read_text())["liquid"]
        assert liquid["loss_distilled"] == liquid["loss_swapped"]
        assert not any(line.startswith("liquid: new layers") for line in told)


def test_cost_counts_what_is_kept_and_leaves_the_weights_alone():
    loaded = tiny_decoder("gpt2")
    before = {name: weight.clone() for name, weight in loaded.model.named_parameters()}
    one, four = cost(loaded, TRAIN[:1]), cost(loaded, TRAIN[:4])
    assert one["parameters"] == sum(weight.numel() for weight in before.values())
    assert four["kept_kb_per_token"] == pytest.approx(one["kept_kb_per_token"], rel=0.3)
    for name, weight in loaded.model.named_parameters():
        assert torch.equal(weight, before[name])
        assert weight.grad is None
