from __future__ import annotations

import contextlib

import pytest
import torch
from transformers import T5Config, T5ForConditionalGeneration
from transformers.activations import ACT2FN, GELUTanh, NewGELUActivation

from cauce.models.activations import faster_activations
from cauce.models.adapters import attach
from cauce.models.settings import ModelSettings
from models.tiny import logits, tiny_decoder

KINDS = [NewGELUActivation, GELUTanh, lambda: GELUTanh(use_gelu_tanh_python=True)]
TOLERANCES = {torch.float32: 3e-6, torch.float64: 1e-12}
"""In fp32 transformers' own gradient is 1.1e-6 from the true one, at inputs near 5."""


def value_and_slope(function, x):
    x = x.clone().requires_grad_()
    y = function(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    return y.detach(), slope


def points(dtype):
    return torch.cat([torch.linspace(-12, 12, 999), torch.tensor([0.0, -60.0, 60.0])]).to(dtype)


@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
@pytest.mark.parametrize("kind", KINDS, ids=["new", "tanh", "tanh-composed"])
def test_value_and_gradient_are_those_of_transformers(kind, dtype):
    layer = kind()
    expected = value_and_slope(layer, points(dtype))
    with faster_activations(layer):
        found = value_and_slope(layer, points(dtype))
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == dtype
        torch.testing.assert_close(one, other, atol=TOLERANCES[dtype], rtol=TOLERANCES[dtype])


@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
def test_the_form_for_compilation_is_the_same_function(dtype, monkeypatch):
    layer = NewGELUActivation()
    expected = value_and_slope(layer, points(dtype))
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    with faster_activations(layer):
        found = value_and_slope(layer, points(dtype))
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == dtype
        torch.testing.assert_close(one, other, atol=TOLERANCES[dtype], rtol=TOLERANCES[dtype])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_traced_by_the_compiler_it_has_no_tanh_and_the_same_values(dtype):
    graphs = []

    def keep(graph, _):
        graphs.append(graph.code)
        return graph.forward

    layer = NewGELUActivation()
    x = points(dtype)
    expected = value_and_slope(layer, x.double())
    with faster_activations(layer):
        found = value_and_slope(torch.compile(layer, backend=keep, fullgraph=True), x)
    assert "sigmoid" in graphs[0] and "tanh" not in graphs[0]
    tolerance = TOLERANCES.get(dtype, 2**-7)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other.to(dtype), atol=tolerance, rtol=tolerance)


def test_bf16_comes_nearer_to_the_truth_than_the_composition():
    layer = NewGELUActivation()
    x = points(torch.bfloat16)
    truth = layer(x.double())
    composed = (layer(x).double() - truth).abs().mean()
    with faster_activations(layer):
        fast = (layer(x).double() - truth).abs().mean()
    assert fast < composed


def test_the_classes_are_restored_after_an_exception_too():
    model = tiny_decoder("gpt2").model
    before = [type(part) for part in model.modules()]
    names = list(dict(model.named_modules()))
    weights = list(model.state_dict())
    with contextlib.suppress(KeyError), faster_activations(model):
        inside = [type(part) for part in model.modules()]
        assert list(dict(model.named_modules())) == names
        assert list(model.state_dict()) == weights
        with faster_activations(model):
            assert [type(part) for part in model.modules()] == inside
        assert [type(part) for part in model.modules()] == inside
        raise KeyError
    assert inside != before
    assert all(issubclass(new, old) for new, old in zip(inside, before, strict=True))
    assert [type(part) for part in model.modules()] == before


def test_a_model_under_an_adapter_keeps_its_logits():
    loaded = attach(tiny_decoder("gpt2"), ModelSettings(adapter="lora", lora_rank=2), seed=0)
    expected = logits(loaded)
    with faster_activations(loaded.model):
        changed = sum("Faster" in type(part).__name__ for part in loaded.model.modules())
        torch.testing.assert_close(logits(loaded), expected)
    assert changed == 2
    assert torch.equal(logits(loaded), expected)


def test_flan_t5_s_gated_activation_is_one_of_them():
    config = T5Config(
        vocab_size=8, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2,
        feed_forward_proj="gated-gelu",
    )  # fmt: skip
    model = T5ForConditionalGeneration(config)
    with faster_activations(model):
        assert sum("Faster" in type(part).__name__ for part in model.modules()) == 2


def test_other_activations_are_left_alone():
    layer = torch.nn.ModuleList(ACT2FN[name] for name in ("gelu", "gelu_fast", "silu", "relu"))
    before = [type(part) for part in layer.modules()]
    with faster_activations(layer):
        assert [type(part) for part in layer.modules()] == before
