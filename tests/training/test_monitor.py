from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from cauce.models.adapters import attach
from cauce.models.settings import ModelSettings
from cauce.training.monitor import Monitor, find_blocks, find_non_finite
from models.foundation.foundation_cases import make_model
from models.tiny import DECODERS, tiny_model

BLOCKS = {
    "gpt2": ["transformer.h.0", "transformer.h.1"],
    "llama": ["model.layers.0", "model.layers.1"],
    "mistral": ["model.layers.0", "model.layers.1"],
    "biogpt": ["biogpt.layers.0", "biogpt.layers.1"],
    "t5": ["encoder.block.0", "encoder.block.1", "decoder.block.0", "decoder.block.1"],
}
INPUT_IDS = torch.tensor([[10, 11, 12, 13, 14], [20, 21, 22, 23, 24]])


def loss_of(loaded):
    return loaded.model(input_ids=INPUT_IDS, labels=INPUT_IDS).loss


def watched(loaded, passes=1):
    monitor = Monitor(loaded.model, every=1)
    with monitor.watch():
        loss = sum(loss_of(loaded) for _ in range(passes))
    loss.backward()
    return monitor.figures()


def names_of(figures, kind):
    return [name.removeprefix(f"{kind}/") for name in figures if name.startswith(f"{kind}/")]


def hook_count(model):
    return sum(len(part._forward_hooks) for part in model.modules())


@pytest.mark.parametrize("kind", [*DECODERS, "t5"])
@pytest.mark.parametrize("adapter", ["none", "lora"])
def test_blocks_are_found_without_knowing_the_architecture(kind, adapter):
    loaded = attach(tiny_model(kind), ModelSettings(adapter=adapter), seed=0)
    assert list(find_blocks(loaded.model)) == BLOCKS[kind]


def test_lists_inside_blocks_and_lone_matrices_are_no_blocks():
    def block():
        experts = nn.ModuleList(nn.Sequential(nn.Linear(2, 2)) for _ in range(2))
        return nn.ModuleDict({"experts": experts})

    model = nn.ModuleDict(
        {
            "layers": nn.ModuleList(block() for _ in range(2)),
            "layers_norm": nn.ModuleList([nn.Sequential(nn.LayerNorm(2))]),
            "projections": nn.ModuleList([nn.Linear(2, 2)]),
        }
    )
    assert list(find_blocks(model)) == ["layers.0", "layers.1", "layers_norm.0"]


@pytest.mark.parametrize("kind", ["gpt2", "llama", "biogpt"])
def test_activations_equal_the_model_s_hidden_states(kind):
    loaded = tiny_model(kind)
    figures = watched(loaded)
    states = loaded.model(input_ids=INPUT_IDS, output_hidden_states=True).hidden_states
    first = states[1].square().mean().sqrt().item()
    assert figures[f"activation_rms/{BLOCKS[kind][0]}"] == pytest.approx(first, rel=1e-5)


def test_activations_of_encoder_and_decoder():
    loaded = tiny_model("t5")
    figures = watched(loaded)
    output = loaded.model(input_ids=INPUT_IDS, labels=INPUT_IDS, output_hidden_states=True)
    for part in ("encoder", "decoder"):
        state = output[f"{part}_hidden_states"][1]
        expected = state.square().mean().sqrt().item()
        assert figures[f"activation_rms/{part}.block.0"] == pytest.approx(expected, rel=1e-5)


def test_activations_over_several_passes_are_one_mean():
    once, thrice = watched(tiny_model("llama")), watched(tiny_model("llama"), passes=3)
    for name in ("activation_rms/model.layers.0", "activation_rms/model.layers.1"):
        assert thrice[name] == pytest.approx(once[name], rel=1e-6)


@pytest.mark.parametrize("kind", [*DECODERS, "t5"])
@pytest.mark.parametrize("adapter", ["none", "lora"])
def test_gradient_norms_cover_every_trainable_weight_once(kind, adapter):
    loaded = attach(tiny_model(kind), ModelSettings(adapter=adapter), seed=0)
    figures = watched(loaded)
    norms = [value for name, value in figures.items() if name.startswith("gradient_norm/")]
    gradients = [weight.grad for weight in loaded.model.parameters() if weight.grad is not None]
    expected = torch.cat([gradient.flatten() for gradient in gradients]).norm().item()
    assert math.sqrt(sum(norm**2 for norm in norms)) == pytest.approx(expected, rel=1e-5)


def test_gradient_norms_are_of_their_layer():
    loaded = tiny_model("llama")
    figures = watched(loaded)
    layer = dict(loaded.model.named_modules())["model.layers.1"]
    expected = torch.cat([weight.grad.flatten() for weight in layer.parameters()]).norm().item()
    assert figures["gradient_norm/model.layers.1"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("kind", "outside"),
    [
        ("gpt2", ["transformer.wte", "transformer.wpe", "transformer.ln_f"]),
        ("llama", ["model.embed_tokens", "model.norm", "lm_head"]),
        ("t5", ["shared", "encoder.final_layer_norm", "decoder.final_layer_norm"]),
    ],
)
def test_embeddings_and_head_have_their_own_names(kind, outside):
    names = names_of(watched(tiny_model(kind)), "gradient_norm")
    assert sorted(names) == sorted([*BLOCKS[kind], *outside])


def test_frozen_layers_are_left_out():
    loaded = attach(tiny_model("llama"), ModelSettings(adapter="lora"), seed=0)
    assert names_of(watched(loaded), "gradient_norm") == BLOCKS["llama"]


def test_watching_changes_nothing_and_leaves_no_hook():
    plain, watched_model = tiny_model("gpt2"), tiny_model("gpt2")
    loss_of(plain).backward()
    before = hook_count(watched_model.model)
    watched(watched_model)
    assert hook_count(watched_model.model) == before
    pairs = zip(plain.model.parameters(), watched_model.model.parameters(), strict=True)
    assert all(torch.equal(one.grad, other.grad) for one, other in pairs)


def test_hooks_are_removed_when_the_forward_fails():
    loaded = tiny_model("gpt2")
    monitor = Monitor(loaded.model, every=1)
    with pytest.raises(IndexError), monitor.watch():
        loaded.model(input_ids=torch.tensor([[10**6]]))
    assert hook_count(loaded.model) == 0


# 2026-11: transformers 5.23 has another name for it, 5.20 has this one only.
@pytest.mark.filterwarnings("ignore:`gradient_checkpointing_enable`:FutureWarning")
def test_gradient_checkpointing_gives_the_same_figures():
    plain, checkpointed = tiny_model("llama"), tiny_model("llama")
    checkpointed.model.gradient_checkpointing_enable()
    checkpointed.model.train()
    assert watched(checkpointed) == pytest.approx(watched(plain), rel=1e-5)


def test_figures_show_what_is_not_finite_as_it_is():
    loaded = tiny_model("llama")
    layer = dict(loaded.model.named_modules())["model.layers.1"]
    with torch.no_grad():
        layer.mlp.down_proj.weight[0, 0] = math.nan
    figures = watched(loaded)
    assert math.isnan(figures["activation_rms/model.layers.1"])
    assert math.isfinite(figures["activation_rms/model.layers.0"])
    assert math.isnan(figures["gradient_norm/model.layers.0"])


@pytest.mark.parametrize(("every", "due"), [(0, []), (1, [1, 2, 3, 4]), (3, [3])])
def test_steps_that_are_due(every, due):
    monitor = Monitor(tiny_model("gpt2").model, every=every)
    assert [step for step in range(1, 5) if monitor.is_due(step)] == due


class Overflowing(nn.Module):
    """Gives infinities for finite inputs."""

    def forward(self, states):
        return states * torch.inf


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        ("gpt2", "transformer.h.1.mlp.act"),
        ("llama", "model.layers.0.mlp.act_fn"),
        ("t5", "encoder.block.1.layer.1.DenseReluDense.act"),
        ("t5", "decoder.block.0.layer.2.DenseReluDense.act"),
    ],
)
@pytest.mark.parametrize("adapter", ["none", "lora"])
def test_the_layer_that_overflows_is_named(kind, place, adapter):
    loaded = tiny_model(kind)
    loaded.model.set_submodule(place, Overflowing())
    loaded = attach(loaded, ModelSettings(adapter=adapter), seed=0)
    said = find_non_finite(loaded.model, lambda: loss_of(loaded))
    assert said.startswith(f"the output of {place} (Overflowing) has ")
    assert hook_count(loaded.model) == 0


def test_a_layer_is_named_for_what_happens_between_its_parts():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, states):
            return self.second(self.first(states).log() - 1e9)

    model = nn.Sequential(nn.Linear(2, 2), Block())
    said = find_non_finite(model, lambda: model(-torch.ones(3, 2)))
    assert said.startswith("the output of 1 (Block) has 6 non-finite values of 6; its inputs")


def test_minus_infinity_in_a_mask_is_no_fault():
    class Attention(nn.Module):
        def forward(self, scores, mask):
            return (scores + mask).log()

    model = nn.ModuleDict({"attention": Attention(), "weight": nn.Linear(1, 1)})
    mask = torch.tensor([0.0, -math.inf])
    said = find_non_finite(model, lambda: model["attention"](torch.ones(2), mask=mask))
    assert said.startswith("the output of attention (Attention) has 1 non-finite values of 2")


def test_a_weight_that_is_no_number_is_named():
    loaded = attach(tiny_model("llama"), ModelSettings(adapter="lora"), seed=0)
    weights = dict(loaded.model.named_parameters())
    place = "model.layers.1.mlp.up_proj.lora_B.default.weight"
    with torch.no_grad():
        weights[f"base_model.model.{place}"][3] = math.inf
    said = find_non_finite(loaded.model, lambda: loss_of(loaded))
    assert said == f"before any computation, not finite: the parameter {place}"
    assert weights[f"base_model.model.{place}"][3].isinf().all()


def test_gradients_that_are_no_numbers_are_counted():
    loaded = tiny_model("llama")
    loss_of(loaded).backward()
    weights = dict(loaded.model.named_parameters())
    for place in ("model.layers.0.mlp.up_proj.weight", "model.norm.weight"):
        weights[place].grad.fill_(math.nan)
    said = find_non_finite(loaded.model, lambda: loss_of(loaded))
    assert said == (
        "the forward pass is finite, but not the gradient of 2 parameters, "
        "from model.layers.0.mlp.up_proj.weight to model.norm.weight"
    )


def test_a_loss_that_overflows_by_itself_is_told_from_the_layers():
    loaded = tiny_model("gpt2")
    said = find_non_finite(loaded.model, lambda: loss_of(loaded) / 0)
    assert "every layer is finite" in said and "the loss, is not" in said


def test_where_nothing_is_wrong_that_is_said_and_random_states_stay():
    loaded = tiny_model("gpt2", dropout=0.5)
    loaded.model.train()
    state = torch.get_rng_state()
    said = find_non_finite(loaded.model, lambda: loss_of(loaded))
    assert said.startswith("parameters, forward pass and each gradient are finite")
    assert torch.equal(torch.get_rng_state(), state)


def test_hooks_go_when_the_rerun_fails():
    loaded = tiny_model("gpt2")
    with pytest.raises(ZeroDivisionError):
        find_non_finite(loaded.model, lambda: 1 / 0)
    assert hook_count(loaded.model) == 0


def test_what_experts_and_compression_did_is_among_the_figures() -> None:
    model = make_model("all at once").train()
    monitor = Monitor(model, every=1)
    with monitor.watch():
        model(torch.arange(3, 23)[None], use_cache=False)
    figures = monitor.figures()
    assert 0 <= figures["model.stack.layers.2.feed_forward/least_used"] <= 1 / 8
    assert figures["model.stack.compression/tokens_per_chunk"] >= 1
