"""Which rule moves which parameter, and at which rate."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import Parameter
from torch.optim import AdamW

from cauce.training.muon import hidden_matrices
from cauce.training.optimizer import make_optimizer, set_rates, trainable_parameters
from cauce.training.settings import TrainingSettings
from models.tiny import tiny_model
from training.engines import alone, engine_of
from training.examples import chats

ERROR = torch.tensor([3.0, -1.0, 0.0, -2.0])


class _LoadError(torch.autograd.Function):
    """Hands the hidden states on, and gives the bias a gradient that no loss has."""

    @staticmethod
    def forward(ctx, hidden, bias):
        return hidden.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient, 100 * ERROR


def balanced(kind: str):
    """A model one of whose layers has a router's bias."""
    loaded = tiny_model(kind)
    part = loaded.model.model.layers[0].mlp
    part.balance_bias = Parameter(torch.zeros(4))
    part.register_forward_hook(lambda part, _, said: _LoadError.apply(said, part.balance_bias))
    return loaded, part.balance_bias


def rules(model, **settings):
    """The groups, and which of them each parameter is in."""
    optimizer = make_optimizer(model, TrainingSettings.model_validate(settings))
    names = {weight: name for name, weight in model.named_parameters()}
    where = {names[it]: group for group in optimizer.param_groups for it in group["params"]}
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(where)
    assert where.keys() == trainable_parameters(model).keys()
    return optimizer, where


def test_without_muon_and_routers_it_is_torch_s_adamw():
    optimizer, where = rules(tiny_model("gpt2").model, optimizer="adamw")
    assert type(optimizer) is AdamW
    assert {group["rule"] for group in where.values()} == {"adamw"}


@pytest.mark.parametrize("kind", ["gpt2", "llama", "t5"])
def test_muon_moves_hidden_matrices_and_adamw_the_rest(kind):
    model = tiny_model(kind).model
    hidden = hidden_matrices(model)
    _, where = rules(model, optimizer="muon", weight_decay=0.3)
    for name, weight in model.named_parameters():
        group = where[name]
        assert group["rule"] == ("muon" if weight in hidden else "adamw")
        is_pulled = weight.ndim == 2 and "bias" not in name
        assert group["weight_decay"] == (0.3 if is_pulled else 0.0)
    outer = [name for name in where if "embed" in name or "wte" in name or "shared" in name]
    assert outer and all(where[name]["rule"] == "adamw" for name in outer)


def test_every_rule_keeps_its_share_of_its_own_peak():
    loaded, _ = balanced("llama")
    optimizer, _ = rules(loaded.model, optimizer="muon", lr=4e-3, muon_lr=0.02)
    assert {it["rule"]: it["lr"] for it in optimizer.param_groups} == {
        "adamw": 4e-3,
        "muon": 0.02,
        "balance": 1e-2,
    }
    set_rates(optimizer, 1e-3)
    rates = {it["rule"]: it["lr"] for it in optimizer.param_groups}
    assert rates == {"adamw": 1e-3, "muon": pytest.approx(0.005), "balance": 1e-2}


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_router_is_moved_by_the_sign_of_its_load_error_and_moves_nothing_else(
    optimizer, precision
):
    """Neither the gradient's norm nor the clipped update of any other weight knows of it."""
    options = {"optimizer": optimizer, "precision": precision, "clip_norm": 0.1, "lr": 1e-2}
    ends, norms = [], []
    for is_balanced in (True, False):
        loaded, bias = balanced("llama") if is_balanced else (tiny_model("llama"), None)
        batches = [alone(chats(loaded, 2)), alone(chats(loaded, 2))]
        with engine_of(loaded, monitor_every=1, **options) as engine:
            if precision == "fp16":
                engine.scaler = torch.amp.GradScaler("cpu", init_scale=256.0)
            updates = [engine.update(batches, 1e-3 * step, (step, 2)) for step in range(2)]
        norms.append([update.grad_norm for update in updates])
        ends.append([it for it in loaded.model.parameters() if it is not bias])
        parts = [it for name, it in updates[0].figures.items() if name.startswith("gradient")]
        assert math.hypot(*parts) == pytest.approx(updates[0].grad_norm, rel=1e-4)
        if bias is not None:
            torch.testing.assert_close(bias.detach(), -2e-2 * ERROR.sign())
    assert norms[0] == norms[1]
    assert all(map(torch.equal, *ends))
