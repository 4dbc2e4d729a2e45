from __future__ import annotations

import dataclasses
import shutil
import sys
from types import SimpleNamespace

import pytest
import torch
from transformers import BloomConfig, BloomForCausalLM

from cauce.corpus.batches import LONGEST, Width
from cauce.corpus.tokens import Tokens
from cauce.errors import UserError
from cauce.models import attention
from cauce.models.adapters import attach
from cauce.models.loading import assemble
from cauce.models.settings import ModelSettings
from cauce.training import acceleration
from cauce.training.acceleration import (
    Choice,
    Workload,
    accelerated,
    choose_attention,
    choose_compile,
    choose_precision,
    choose_width,
    keep_freed_memory,
)
from cauce.training.order import Plan
from cauce.training.settings import TrainingSettings
from models.foundation.foundation_cases import make_model
from models.tiny import DECODERS, logits, tiny_decoder, tiny_model

KINDS = [*DECODERS, "t5"]


def processor(monkeypatch, *, amx=False, avx512=False):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)


def on_gpu(kind="llama"):
    """What the rules read of a model, as if it were on a GPU."""
    loaded = tiny_model(kind)
    return SimpleNamespace(
        device=torch.device("cuda", 0),
        model=loaded.model,
        name=loaded.name,
        adapter="none",
        is_encoder_decoder=loaded.is_encoder_decoder,
    )


@pytest.mark.parametrize("wanted", ["fp32", "bf16", "fp16"])
def test_precision_is_as_asked(wanted):
    assert choose_precision(wanted, tiny_decoder("llama")) == (wanted, "as the recipe says")


@pytest.mark.parametrize(
    ("has", "expected"),
    [
        ({"amx": True, "avx512": True}, ("bf16", "the processor has AMX")),
        ({"avx512": True}, ("bf16", "the processor has AVX512-BF16")),
        ({}, ("fp32", "the processor has neither AMX nor AVX512-BF16")),
    ],
    ids=["AMX", "AVX512-BF16", "neither"],
)
def test_a_processor_computes_in_bf16_where_it_multiplies_it(has, expected, monkeypatch):
    processor(monkeypatch, **has)
    assert choose_precision("auto", tiny_decoder("llama")) == expected


@pytest.mark.parametrize(
    ("has_bf16", "expected"),
    [
        (True, ("bf16", "the GPU multiplies it in hardware")),
        (False, ("fp32", "the GPU has no bf16; fp16 must be asked for")),
    ],
)
def test_a_gpu_computes_in_bf16_where_it_needs_no_emulation(has_bf16, expected, monkeypatch):
    def is_supported(*, including_emulation):
        assert not including_emulation
        return has_bf16

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", is_supported)
    assert choose_precision("auto", on_gpu()) == expected


@pytest.mark.parametrize("loaded", [tiny_model("t5"), on_gpu("t5")], ids=["cpu", "gpu"])
def test_a_t5_in_fp16_is_refused(loaded):
    with pytest.raises(UserError, match=r"fp16 and 'tiny-t5' is a T5.*NaN.\n.*bf16 or fp32"):
        choose_precision("fp16", loaded)


def test_rows_of_16_bits_have_few_widths(monkeypatch):
    loaded = tiny_decoder("gpt2")
    assert choose_width(loaded, "fp32") == LONGEST
    assert choose_width(loaded, "bf16") == choose_width(loaded, "fp16") == Width(step=32)
    assert choose_width(tiny_model("t5"), "bf16") == Width(step=32)
    monkeypatch.setattr(acceleration, "position_limit", lambda _: 500)
    assert choose_width(loaded, "bf16") == LONGEST


def tiny_bloom():
    """Its attention takes a bias in a way of its own, and no other implementation."""
    config = BloomConfig(vocab_size=384, hidden_size=32, n_layer=1, n_head=4)
    tokenizer = tiny_decoder("llama").tokenizer
    return assemble(BloomForCausalLM(config), tokenizer, name="tiny-bloom")


@pytest.mark.parametrize("adapter", ["none", "lora"])
@pytest.mark.parametrize("kind", KINDS)
def test_products_are_chosen_where_they_are_faster(kind, adapter):
    loaded = attach(tiny_model(kind), ModelSettings(adapter=adapter), seed=0)
    for precision in ("bf16", "fp16", "fp32"):
        choice = choose_attention(loaded, precision, 1024)
        if kind == "t5":
            reason = "batched products are faster with position biases on a CPU"
            assert choice == (attention.NAME, reason)
        elif precision == "fp32":
            assert choice == ("sdpa", "in fp32 it is as fast")
        else:
            assert choice == (
                attention.NAME,
                f"batched products are faster with {precision} on a CPU",
            )


@pytest.mark.parametrize(
    ("loaded", "longest", "expected"),
    [
        (on_gpu(), 100, ("sdpa", "the kernels of the GPU are faster")),
        (tiny_bloom(), 100, ("eager", "the model's attention cannot be chosen")),
        (
            tiny_decoder("llama"),
            1025,
            ("sdpa", "rows of 1025 tokens would take too much memory otherwise"),
        ),
    ],
    ids=["gpu", "bloom", "long rows"],
)
def test_attention_stays_as_it_is_otherwise(loaded, longest, expected):
    assert choose_attention(loaded, "bf16", longest) == expected


BUSY = Workload(longest=512, places_per_update=10**6, updates=10**6)


@pytest.fixture(params=[True, False], ids=["g++", "no compiler"])
def has_compiler(request, monkeypatch):
    found = "/usr/bin/g++" if request.param else None
    monkeypatch.setattr(shutil, "which", lambda name: found)
    return request.param


def test_compiling_can_be_asked_for_and_forbidden(has_compiler):
    loaded = tiny_decoder("gpt2")
    assert choose_compile(False, loaded, BUSY) == ("no", "the recipe says so")
    if has_compiler:
        assert choose_compile(True, loaded, Workload()) == ("yes", "the recipe says so")
        return
    assert choose_compile("auto", loaded, BUSY) == ("no", "there is no C++ compiler")
    with pytest.raises(UserError, match=r"compile is true, but there is no C\+\+.*\n.*apt-get"):
        choose_compile(True, loaded, BUSY)


def test_a_gpu_needs_no_compiler_of_c(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert choose_compile(True, on_gpu(), BUSY).value == "yes"


@pytest.mark.parametrize("wanted", [True, "auto"])
def test_a_model_that_is_spread_over_processes_is_not_compiled(wanted):
    work = BUSY._replace(processes=2)
    expected = ("no", "the model is spread over processes")
    assert choose_compile(wanted, tiny_decoder("gpt2"), work) == expected


def test_a_model_with_kernels_of_its_own_is_not_compiled_where_they_run(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/g++")
    gpt2 = tiny_decoder("gpt2")
    loaded = dataclasses.replace(gpt2, model=make_model())
    assert choose_compile("auto", loaded, BUSY, "fp32") == (
        "no", "the model has kernels of its own, which are faster"
    )  # fmt: skip
    assert choose_compile("auto", loaded, BUSY, "bf16").value == "yes"


def test_many_shapes_are_not_compiled_unless_asked_for(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/g++")
    loaded = tiny_decoder("gpt2")
    assert choose_compile("auto", loaded, BUSY._replace(shapes=4)).value == "yes"
    value, reason = choose_compile("auto", loaded, BUSY._replace(shapes=5))
    assert (value, reason) == (
        "no", "batches have 5 shapes; training.pack_tokens makes them one"
    )  # fmt: skip
    assert choose_compile(True, loaded, BUSY._replace(shapes=5)).value == "yes"


@pytest.mark.parametrize("shapes", [1, 3])
def test_compiling_must_save_twice_what_it_costs(shapes, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/g++")
    loaded = tiny_decoder("gpt2")
    weights = sum(weight.numel() for weight in loaded.model.parameters())
    saved_each = acceleration.COMPILE_GAIN * 6 * weights * 10**6 / acceleration.FLOPS["cpu"]
    enough = round(2 * acceleration.COMPILE_CPU_S * 2 * shapes / saved_each)
    work = Workload(shapes=shapes, places_per_update=10**6)
    few = choose_compile("auto", loaded, work._replace(updates=enough - 2))
    many = choose_compile("auto", loaded, work._replace(updates=enough + 2))
    assert (few.value, many.value) == ("no", "yes")
    saved = saved_each * (enough - 2)
    assert few.reason == (
        f"about {saved:.0f} s saved by {enough - 2} updates, {5 * shapes} s to translate"
    )


def test_the_same_training_chooses_the_same_whatever_happened_before():
    """A resumed training must; nothing is measured."""

    def choices():
        loaded = tiny_decoder("gpt2")
        return [
            choose_precision("auto", loaded),
            choose_attention(loaded, "bf16", 300),
            choose_compile("auto", loaded, BUSY),
        ]

    first = choices()
    torch.manual_seed(99)
    with torch.no_grad():
        logits(tiny_decoder("gpt2"))
    assert choices() == first


@pytest.mark.parametrize("adapter", ["none", "lora"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_attention_is_that_chosen_within_and_as_before_after(kind, adapter):
    loaded = attach(tiny_model(kind), ModelSettings(adapter=adapter), seed=0)
    expected = logits(loaded)

    def implementations():
        parts = [part for part in loaded.model.modules() if hasattr(part, "config")]
        return {part.config._attn_implementation for part in parts}

    with pytest.raises(KeyError), accelerated(loaded, Choice(attention.NAME, "")):
        assert implementations() == {attention.NAME}
        torch.testing.assert_close(logits(loaded), expected, rtol=1e-4, atol=1e-5)
        raise KeyError
    assert implementations() == {"sdpa"}
    assert torch.equal(logits(loaded), expected)


def test_an_attention_that_stays_is_not_set_anew(monkeypatch):
    loaded = tiny_decoder("gpt2")
    monkeypatch.setattr(loaded.model, "set_attn_implementation", None)
    with accelerated(loaded, Choice("sdpa", "")):
        assert loaded.model.config._attn_implementation == "sdpa"


def plan_of(lengths, **settings):
    items = [Tokens([5] * (length - 2), [6, 2]) for length in lengths]
    checked = TrainingSettings.model_validate(settings)
    return Plan.of(items, checked, seed=0, is_encoder_decoder=False)


def test_the_work_is_read_from_the_plan():
    plan = plan_of([10, 30, 33, 64, 70, 200], batch_size=2, accumulation=3, epochs=4)
    work = Workload.of(plan, 2)
    assert work == Workload(longest=200, shapes=4, places_per_update=407, updates=4, processes=2)


def test_packed_rows_have_one_shape():
    work = Workload.of(plan_of([10, 30, 33, 64], batch_size=1, pack_tokens=128, steps=9), 1)
    assert work == Workload(longest=128, shapes=1, places_per_update=128, updates=9)


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_memory_is_kept_where_the_system_can(platform, monkeypatch):
    monkeypatch.setattr(sys, "platform", platform)
    keep_freed_memory()


def test_an_encoder_decoder_is_not_compiled_on_a_cpu_by_itself():
    chosen = choose_compile("auto", tiny_model("t5"), BUSY)
    assert chosen == ("no", "on a CPU it makes encoder-decoders slower")
