from __future__ import annotations

import pytest
import torch

from cauce.errors import RecipeError
from cauce.models.adapters import attach
from cauce.models.settings import ModelSettings
from cauce.models.tuned import load_base, load_tuned, save_tuned
from models.tiny import logits, tiny_decoder, tiny_model

LORA = ModelSettings(adapter="lora", lora_rank=4, lora_alpha=8)


def perturb(loaded):
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in loaded.model.parameters():
            if weight.requires_grad:
                weight.add_(0.1 * torch.randn_like(weight))


@pytest.mark.parametrize("kind", ["gpt2", "llama", "mistral", "biogpt", "t5"])
def test_adapter_saved_and_loaded_gives_the_same_logits(kind, tmp_path):
    save_tuned(tiny_model(kind), tmp_path / "base")
    settings = LORA.model_copy(update={"base": str(tmp_path / "base")})
    tuned = attach(load_base(settings), settings, seed=3)
    fresh = logits(tuned)
    perturb(tuned)
    save_tuned(tuned, tmp_path / "model")
    again = load_tuned(tmp_path / "model")
    assert torch.equal(logits(again), logits(tuned))
    assert not torch.equal(logits(again), fresh)
    assert not (tmp_path / "model" / "model.safetensors").exists()


@pytest.mark.parametrize("kind", ["gpt2", "llama", "t5"])
def test_fresh_adapter_adds_exactly_zero_and_freezes_the_base(kind):
    before = logits(tiny_model(kind))
    tuned = attach(tiny_model(kind), LORA, seed=3)
    assert torch.equal(logits(tuned), before)
    names = [name for name, weight in tuned.model.named_parameters() if weight.requires_grad]
    assert names and all("lora_" in name for name in names)


def test_all_linear_covers_every_conv1d_of_gpt2_and_not_its_head():
    tuned = attach(tiny_decoder("gpt2"), LORA, seed=3)
    adapted = {
        name.split(".lora_A")[0] for name, _ in tuned.model.named_parameters() if "lora_A" in name
    }
    assert {name.rsplit(".", 1)[-1] for name in adapted} == {"c_attn", "c_proj", "c_fc"}
    assert len(adapted) == 2 * 4


def test_the_seed_decides_the_adapter_and_leaves_the_generator_alone():
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    one, two, other = (attach(tiny_decoder("llama"), LORA, seed=seed) for seed in (3, 3, 4))
    torch.manual_seed(7)
    attach_to = tiny_decoder("llama")
    torch.manual_seed(7)
    attach(attach_to, LORA, seed=3)
    assert torch.equal(torch.rand(1), expected)
    first, second, third = (
        next(weight for name, weight in loaded.model.named_parameters() if "lora_A" in name)
        for loaded in (one, two, other)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, third)


def test_a_target_that_the_model_lacks_is_refused_with_those_it_has():
    settings = LORA.model_copy(update={"lora_targets": ("q_proj", "query")})
    with pytest.raises(RecipeError, match=r"'query'.*\n.*q_proj"):
        attach(tiny_decoder("llama"), settings, seed=0)


def test_named_targets_alone_are_adapted():
    settings = LORA.model_copy(update={"lora_targets": ("q_proj",)})
    tuned = attach(tiny_decoder("llama"), settings, seed=0)
    assert all(
        ".q_proj." in name
        for name, weight in tuned.model.named_parameters()
        if weight.requires_grad
    )


def test_without_adapter_the_model_stays_itself():
    loaded = tiny_decoder("llama")
    assert attach(loaded, ModelSettings(), seed=0) is loaded
