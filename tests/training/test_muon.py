"""Orthogonalised updates: against torch's own, the plain iteration in fp64 and singular values."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import Linear, Parameter
from transformers import Lfm2Config, Lfm2ForCausalLM, Lfm2MoeConfig, Lfm2MoeForCausalLM

from cauce.models.adapters import attach
from cauce.models.settings import ModelSettings
from cauce.training.muon import hidden_matrices, orthogonal, update_muon
from models.tiny import tiny_model
from training.engines import alone, engine_of
from training.examples import chats

SHAPES = [(8, 30), (30, 8), (24, 24), (20, 28), (5, 12, 40), (2, 3, 24, 16), (1, 9), (9, 1)]


def falling(*shape: int, decades: float, seed: int = 0) -> torch.Tensor:
    """A matrix whose singular values fall evenly over so many decades."""
    rank = min(shape[-2:])
    generator = torch.Generator().manual_seed(seed)
    draw = torch.randn(*shape, generator=generator, dtype=torch.float64)
    left, _, right = torch.linalg.svd(draw, full_matrices=False)
    values = torch.logspace(0, -decades, rank, dtype=torch.float64)
    return ((left * values) @ right).float()


def plain_iteration(matrices: torch.Tensor) -> torch.Tensor:
    """The polynomial on each singular value, in fp64."""
    left, values, right = torch.linalg.svd(matrices.double(), full_matrices=False)
    values = values / values.norm(dim=-1, keepdim=True)
    for _ in range(5):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    return (left * values.unsqueeze(-2)) @ right


@pytest.mark.parametrize("decades", [0.0, 1.5, 5.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_is_the_plain_iteration_on_every_matrix(shape, decades):
    matrices = falling(*shape, decades=decades)
    found, expected = orthogonal(matrices), plain_iteration(matrices)
    assert found.shape == matrices.shape and found.dtype == torch.float32
    assert (found - expected).norm() < 1e-4 * expected.norm()


def test_the_gram_form_of_a_large_flat_matrix_stays_near_the_plain_one():
    matrix = falling(96, 270, decades=6.0)
    expected = plain_iteration(matrix)
    assert (orthogonal(matrix) - expected).norm() < 5e-5 * expected.norm()


@pytest.mark.parametrize("shape", SHAPES[:4])
def test_singular_values_end_near_one_and_directions_stay(shape):
    matrix = falling(*shape, decades=1.0)
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    values = left.T @ orthogonal(matrix) @ right.T
    diagonal = values.diagonal()
    assert diagonal.min() > 0.68 and diagonal.max() < 1.21
    assert (values - diagonal.diag()).abs().max() < 1e-4


def test_nothing_is_made_of_nothing():
    assert torch.equal(orthogonal(torch.zeros(4, 9)), torch.zeros(4, 9))


@pytest.mark.parametrize("shape", [(12, 40), (40, 12), (16, 16)])
def test_updates_are_torch_s(shape):
    """Whose products are in bf16."""
    torch.manual_seed(0)
    ours, theirs = (Parameter(torch.ones(shape)) for _ in range(2))
    group = {"params": [ours], "lr": 0.02, "weight_decay": 0.1, "is_transposed": False}
    reference = torch.optim.Muon([theirs], lr=0.02, weight_decay=0.1, momentum=0.95)
    state = {ours: {}}
    for _ in range(4):
        ours.grad = torch.randn(shape)
        theirs.grad = ours.grad.clone()
        with torch.no_grad():
            update_muon(group, state)
        reference.step()
    moved = ours.detach() - 1
    assert (ours - theirs).norm() < 0.03 * moved.norm()
    buffer = reference.state[theirs]["momentum_buffer"]
    torch.testing.assert_close(state[ours]["momentum"], buffer)


def test_a_matrix_stored_in_out_moves_as_the_same_one_stored_out_in():
    torch.manual_seed(0)
    plain, stored = Parameter(torch.ones(24, 8)), Parameter(torch.ones(8, 24))
    plain.grad = torch.randn(24, 8)
    stored.grad = plain.grad.T.clone()
    with torch.no_grad():
        for weight in (plain, stored):
            group = {"params": [weight], "lr": 0.1, "weight_decay": 0.0}
            update_muon({**group, "is_transposed": weight is stored}, {weight: {}})
    torch.testing.assert_close(stored.T, plain)
    assert (1 - plain.detach()).norm() / 0.1 == pytest.approx(math.sqrt(3) * math.sqrt(8), rel=0.2)


def names_of(model) -> dict[str, bool]:
    hidden = hidden_matrices(model)
    return {
        name.removesuffix(".weight"): hidden[weight]
        for name, weight in model.named_parameters()
        if weight in hidden and weight.requires_grad
    }


def test_hidden_matrices_of_gpt2_are_its_conv1ds():
    names = names_of(tiny_model("gpt2").model)
    parts = ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
    expected = {f"transformer.h.{block}.{part}": True for block in (0, 1) for part in parts}
    assert names == expected


@pytest.mark.parametrize("kind", ["llama", "t5"])
def test_hidden_matrices_are_the_linear_layers_but_the_last(kind):
    model = tiny_model(kind).model
    layers = {name for name, part in model.named_modules() if isinstance(part, Linear)}
    assert set(names_of(model)) == layers - {"lm_head"}
    assert len(layers) > 10 and not any(names_of(model).values())


SMALL = {
    "vocab_size": 50,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "layer_types": ["conv", "full_attention"],
    "pad_token_id": 0,
}


def test_convolutions_of_lfm2_are_no_hidden_matrices():
    names = names_of(Lfm2ForCausalLM(Lfm2Config(**SMALL)))
    assert "model.layers.0.conv.in_proj" in names
    assert "model.layers.0.conv.conv" not in names
    assert not any("embed" in name or "norm" in name for name in names)
    assert len(names) == 2 + 4 + 2 * 3


def test_every_expert_of_a_stack_is_a_matrix_of_its_own():
    config = Lfm2MoeConfig(
        **SMALL, moe_intermediate_size=12, num_dense_layers=1, num_experts=4, num_experts_per_tok=2
    )
    model = Lfm2MoeForCausalLM(config)
    experts = model.model.layers[1].feed_forward.experts
    found = {name for name in names_of(model) if "1.feed_forward" in name}
    assert found == {
        "model.layers.1.feed_forward.experts.gate_up_proj",
        "model.layers.1.feed_forward.experts.down_proj",
    }
    stack = torch.randn_like(experts.down_proj)
    apart = torch.stack([orthogonal(matrix) for matrix in stack])
    torch.testing.assert_close(orthogonal(stack), apart)


def test_of_an_adapter_both_factors_are_hidden_matrices():
    loaded = attach(tiny_model("llama"), ModelSettings(adapter="lora", lora_rank=4), seed=0)
    trained = {name for name, it in loaded.model.named_parameters() if it.requires_grad}
    assert {f"{name}.weight" for name in names_of(loaded.model)} == trained


@pytest.mark.parametrize("adapter", ["none", "lora"])
@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_a_training_by_muon_learns(kind, adapter):
    settings = ModelSettings(adapter=adapter, lora_rank=4)
    loaded = attach(tiny_model(kind), settings, seed=0)
    batches = [alone(chats(loaded, 6))]
    with engine_of(loaded, optimizer="muon", lr=5e-3) as engine:
        losses = [engine.update(batches, 5e-3, (step, 12)).mean.loss for step in range(12)]
    assert losses[-1] < (0.85 if adapter == "none" else 1.0) * losses[0]
