from __future__ import annotations

import copy
import importlib
import json
import logging
import sys
from types import SimpleNamespace

import pytest
import torch

from cauce.errors import MissingExtra, RecipeError, UserError
from cauce.models import quantization
from cauce.models.adapters import attach
from cauce.models.loading import assemble
from cauce.models.quantization import loading_options, quantized_layers
from cauce.models.settings import ModelSettings
from cauce.models.tuned import load_base, load_tuned, save_tuned
from cauce.recipe import parse
from models.tiny import logits, tiny_decoder, tiny_model

CPU = torch.device("cpu")
KINDS = ["gpt2", "llama", "t5"]


@pytest.fixture
def bitsandbytes():
    return pytest.importorskip("bitsandbytes", reason="pip install 'cauce[quantize]'")


WIDE = {
    "gpt2": {"n_embd": 64},
    "llama": {"hidden_size": 64, "intermediate_size": 128, "head_dim": 16},
    "t5": {"d_model": 64, "d_kv": 16, "d_ff": 128},
}


def wide_model(kind):
    """A tiny model whose layers are as wide as a block of weights or two."""
    loaded = tiny_model(kind)
    config = copy.deepcopy(loaded.model.config)
    config.update(WIDE[kind])
    torch.manual_seed(0)
    return assemble(type(loaded.model)(config), loaded.tokenizer, name="wide")


@pytest.fixture
def settings(tmp_path):
    def of(kind):
        save_tuned(wide_model(kind), tmp_path / "base")
        return ModelSettings(
            base=str(tmp_path / "base"), adapter="lora", lora_rank=4, quantize="4bit"
        )

    return of


def perturb(loaded):
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in loaded.model.parameters():
            if weight.requires_grad:
                weight.add_(0.1 * torch.randn_like(weight))


def gradients(loaded):
    loaded.model.train()
    inputs = {"input_ids": torch.arange(4, 12)[None]}
    if loaded.is_encoder_decoder:
        inputs["decoder_input_ids"] = torch.arange(7, 12)[None]
    loaded.model(**inputs).logits.square().mean().backward()
    found = {
        name: weight.grad.clone()
        for name, weight in loaded.model.named_parameters()
        if weight.grad is not None
    }
    loaded.model.zero_grad()
    loaded.model.eval()
    return found


def test_four_bits_without_adapter_are_refused_with_both_ways_out():
    with pytest.raises(RecipeError, match=r"quantize is 4bit but adapter is none.*lora.*\n"):
        parse(ModelSettings, {"quantize": "4bit"}, "recipe.yaml")


def test_without_quantization_nothing_is_asked_of_the_loader():
    assert loading_options("none", CPU) == {}


def test_a_missing_package_is_named_with_the_line_that_installs_it(monkeypatch):
    monkeypatch.setattr("transformers.utils.import_utils.is_bitsandbytes_available", lambda: False)
    with pytest.raises(MissingExtra, match=r"model.quantize=4bit.*\n.*'cauce\[quantize\]'"):
        loading_options("4bit", CPU)


def test_a_device_that_cannot_is_refused_with_those_that_can(monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("no kernel for this device\nand a long trace")

    functional = SimpleNamespace(quantize_4bit=broken, dequantize_4bit=broken)
    monkeypatch.setattr("transformers.utils.import_utils.is_bitsandbytes_available", lambda: True)
    monkeypatch.setattr(quantization.importlib, "import_module", lambda _: functional)
    with pytest.raises(UserError) as refused:
        loading_options("4bit", CPU)
    told = str(refused.value).splitlines()
    assert len(told) == 2
    assert told[0].endswith("cannot compute on cpu here: no kernel for this device.")
    assert "Set model.quantize to none" in told[1] and "NVIDIA GPU" in told[1]


def test_importing_it_asks_no_hub_for_kernels(monkeypatch):
    kernels = SimpleNamespace()
    monkeypatch.setitem(sys.modules, "kernels", kernels)
    log = logging.getLogger("bitsandbytes.backends.cpu.ops")
    level = log.level
    with quantization._without_hub_kernels():
        with pytest.raises(ImportError):
            importlib.import_module("kernels")
        assert not log.isEnabledFor(logging.WARNING)
    assert sys.modules["kernels"] is kernels
    assert log.level == level


def test_a_model_in_full_precision_has_no_quantized_layers():
    assert quantized_layers(tiny_decoder("gpt2").model) == {}


@pytest.mark.parametrize("kind", KINDS)
def test_linear_layers_are_in_four_bits_and_the_rest_in_fp32(kind, settings, bitsandbytes):
    loaded = load_base(settings(kind))
    layers = quantized_layers(loaded.model)
    weights = {f"{name}.weight" for name in layers}
    assert len(layers) >= 8
    assert loaded.quantize == "4bit"
    for name, weight in loaded.model.named_parameters():
        assert weight.dtype == (torch.uint8 if name in weights else torch.float32), name
        assert not weight.requires_grad
    state = next(iter(layers.values())).weight.quant_state
    assert (state.quant_type, state.blocksize, state.nested) == ("nf4", 64, True)


@pytest.mark.parametrize("kind", KINDS)
def test_nf4_stays_within_its_rounding_of_the_weights(kind, settings, bitsandbytes):
    asked = settings(kind)
    whole = load_base(asked.model_copy(update={"quantize": "none"}))
    quantized = load_base(asked)
    before = {name: weight.clone() for name, weight in whole.model.named_parameters()}
    quantization.round_weights(whole.model, quantized.model)
    changed = set()
    for name, weight in whole.model.named_parameters():
        if not torch.equal(weight, before[name]):
            changed.add(name)
            # Half of the widest gap between two levels of NF4, and 1 % for the scale in 8 bits.
            blocks = before[name].T if kind == "gpt2" else before[name]
            largest = blocks.reshape(-1, 64).abs().amax(1, keepdim=True)
            off = (weight.T if kind == "gpt2" else weight) - blocks
            assert (off.reshape(-1, 64).abs() <= 0.162 * largest).all(), name
    assert changed == {f"{name}.weight" for name in quantized_layers(quantized.model)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_fresh_adapter_adds_exactly_zero(kind, settings, bitsandbytes):
    asked = settings(kind)
    tuned = attach(load_base(asked), asked, seed=0)
    assert torch.equal(logits(tuned), logits(load_base(asked)))
    names = [name for name, weight in tuned.model.named_parameters() if weight.requires_grad]
    assert names and all("lora_" in name for name in names)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_the_same_after_an_evaluation(kind, settings, bitsandbytes):
    loaded = attach(load_base(settings(kind)), settings(kind), seed=0)
    perturb(loaded)
    expected = gradients(loaded)
    with torch.inference_mode():
        logits(loaded)
    found = gradients(loaded)
    assert expected.keys() == found.keys()
    assert all("lora_" in name and value.any() for name, value in found.items())
    assert all(torch.equal(found[name], value) for name, value in expected.items())


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_the_rounded_model_in_fp32(
    kind, settings, bitsandbytes, monkeypatch
):
    monkeypatch.setattr(quantization, "_computing_dtype", lambda _: torch.float32)
    asked = settings(kind)
    quantized = attach(load_base(asked), asked, seed=0)
    plain = asked.model_copy(update={"quantize": "none"})
    whole = load_base(plain)
    quantization.round_weights(whole.model, load_base(asked).model)
    rounded = attach(whole, plain, seed=0)
    perturb(quantized)
    perturb(rounded)
    expected, found = gradients(rounded), gradients(quantized)
    assert expected.keys() == found.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, atol=1e-5, rtol=1e-3, msg=name)


@pytest.mark.parametrize("kind", KINDS)
def test_checkpointed_activations_change_no_gradient(kind, settings, bitsandbytes, monkeypatch):
    monkeypatch.setattr(quantization, "_computing_dtype", lambda _: torch.float32)
    loaded = attach(load_base(settings(kind)), settings(kind), seed=0)
    perturb(loaded)
    expected = gradients(loaded)
    model = loaded.model.get_base_model()
    model.activation_checkpointing_enable({"use_reentrant": False})
    found = gradients(loaded)
    assert expected.keys() == found.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, atol=1e-6, rtol=1e-4, msg=name)


@pytest.mark.parametrize("kind", KINDS)
def test_an_adapter_is_served_on_the_four_bits_it_was_trained_on(
    kind, settings, bitsandbytes, tmp_path
):
    tuned = attach(load_base(settings(kind)), settings(kind), seed=0)
    perturb(tuned)
    save_tuned(tuned, tmp_path / "tuned")
    assert json.loads((tmp_path / "tuned" / "cauce.json").read_bytes())["quantize"] == "4bit"
    again = load_tuned(tmp_path / "tuned")
    assert again.quantize == "4bit"
    assert torch.equal(logits(again), logits(tuned))


@pytest.mark.parametrize("kind", KINDS)
def test_going_on_from_it_starts_at_what_it_computes(
    kind, settings, bitsandbytes, tmp_path, monkeypatch
):
    monkeypatch.setattr(quantization, "_computing_dtype", lambda _: torch.float32)
    tuned = attach(load_base(settings(kind)), settings(kind), seed=0)
    perturb(tuned)
    save_tuned(tuned, tmp_path / "tuned")
    merged = load_base(ModelSettings(base=str(tmp_path / "tuned")))
    assert merged.quantize == "none" and merged.adapter == "none"
    assert all(weight.dtype == torch.float32 for weight in merged.model.parameters())
    assert all(weight.requires_grad for weight in merged.model.parameters())
    torch.testing.assert_close(logits(merged), logits(tuned), atol=1e-4, rtol=1e-4)
    save_tuned(merged, tmp_path / "merged")
    assert torch.equal(logits(load_tuned(tmp_path / "merged")), logits(merged))


def test_a_width_that_would_be_misread_is_refused(bitsandbytes, tmp_path):
    save_tuned(tiny_decoder("llama"), tmp_path / "base")
    asked = ModelSettings(base=str(tmp_path / "base"), adapter="lora", quantize="4bit")
    with pytest.raises(UserError, match=r"multiple of 64: .*q_proj is 32 wide.\nSet model.quant"):
        load_base(asked)


def test_an_adapter_is_not_merged_into_four_bits(settings, bitsandbytes, tmp_path):
    asked = settings("llama")
    save_tuned(attach(load_base(asked), asked, seed=0), tmp_path / "tuned")
    with pytest.raises(UserError, match=r"is an adapter of .*base.*\nSet model.quantize to none"):
        load_base(asked.model_copy(update={"base": str(tmp_path / "tuned")}))
