"""A series before the prompt: as vectors of a liquid network, in every kind of model."""

from __future__ import annotations

import pytest
import torch

from cauce.corpus.tokens import Tokens
from cauce.errors import DataRefused, UserError
from cauce.models.adapters import attach
from cauce.models.generation import generate, stream
from cauce.models.loading import LoadedModel
from cauce.models.new import new_model
from cauce.models.prediction import predict
from cauce.models.prefix import (
    Scales,
    SeriesPrefix,
    add_prefix,
    prefix_of,
    scales_of,
    scales_of_examples,
    series_ids,
    show,
    showing,
    tokens_of_example,
)
from cauce.models.quiet import quiet_libraries
from cauce.models.settings import ModelSettings, NewModelSettings
from cauce.models.tuned import load_base, load_tuned, save_tuned
from cauce.records import Citation, Example, Measurements, Message
from cauce.training.checks import probe
from cauce.training.objective import batch_of
from models.tiny import logits, tiny_model

FIRST = Measurements.of_text("glucose 0:98 6:112 30:200\ntemperature 3:38.1 40:36.5")
SECOND = Measurements.of_text("glucose 0:198 4:80")
KINDS = ("gpt2", "llama", "biogpt", "t5", "liquid_foundation")
ASKED = (Message(role="user", content="¿Para qué?"),)
LONGER = (Message(role="user", content="What is metformin used for, and how is it stored?"),)


def model_of(kind: str) -> LoadedModel:
    if kind != "liquid_foundation":
        return tiny_model(kind)
    settings = NewModelSettings(
        architecture=kind,
        vocabulary=300,
        config={
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "mixers": ["convolution", "attention"],
            "window": 16,
        },
    )
    return new_model(settings, seed=0, texts=["¿Para qué sirve? Para el dolor. " * 9])


def with_prefix(kind: str = "llama", *, adapter: str = "none") -> LoadedModel:
    loaded = add_prefix(model_of(kind), scales_of([FIRST, SECOND]), vectors=4, seed=1)
    return attach(loaded, ModelSettings(adapter=adapter, lora_rank=2), seed=0)


def saying(loaded: LoadedModel, series: Measurements) -> torch.Tensor:
    return probe(loaded, Tokens([*show(loaded, series), 10, 11, 12], [14, 15, 2]))


def example_of(series: str) -> Example:
    return Example(
        id="a/1/es",
        messages=(Message(role="user", content=f"{series}\n¿Para qué?"),),
        completion="dolor",
        question="¿Para qué?",
        evidence=Citation(source="a", id="1", version="1", section="question", quote="q"),
        group="p",
        kind="answer",
        language="es",
        series=series,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_series_the_model_is_the_base_bit_for_bit(kind):
    assert torch.equal(logits(with_prefix(kind)), logits(model_of(kind)))


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_depends_on_the_series_and_not_on_its_neighbours(kind):
    """In one batch with another series, another length and none, it is what it is alone."""
    loaded = with_prefix(kind)
    assert not torch.allclose(saying(loaded, FIRST), saying(loaded, SECOND), atol=1e-4)
    prompts, series = [ASKED, LONGER, ASKED], [FIRST, SECOND, None]
    options = {"max_new_tokens": 6, "batch_size": 3}
    together = generate(loaded, prompts, series=series, **options)
    alone = [
        generate(loaded, [prompt], series=[one], **options)[0]
        for prompt, one in zip(prompts, series, strict=True)
    ]
    assert together == alone


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_with_a_cache_is_the_one_without(kind):
    loaded = with_prefix(kind)
    with showing(loaded, [SECOND]) as [prefix]:
        start = [*prefix, 10, 11, 12]
        mask = torch.ones(1, len(start), dtype=torch.long)
        ids = torch.tensor([start])
        options = {"max_new_tokens": 5, "min_new_tokens": 5, "do_sample": False}
        cached, computed = (
            loaded.model.generate(
                input_ids=ids, attention_mask=mask, use_cache=use, **options
            ).tolist()
            for use in (True, False)
        )
    assert cached == computed


def test_a_stream_is_what_generate_gives():
    loaded = with_prefix()
    [whole] = generate(loaded, [ASKED], max_new_tokens=6, batch_size=1, series=[FIRST])
    assert "".join(stream(loaded, ASKED, max_new_tokens=6, series=FIRST)) == whole.text


def test_a_person_is_forgotten_when_the_answer_is_written():
    loaded = with_prefix()
    generate(loaded, [ASKED, ASKED], max_new_tokens=2, batch_size=2, series=[FIRST, SECOND])
    assert series_ids(loaded) == 0
    kept = show(loaded, SECOND)
    assert show(loaded, SECOND) == kept
    with showing(loaded, [SECOND, None, FIRST]) as [first, none, third]:
        assert (none, series_ids(loaded)) == ([], 12)
        assert not {*first, *third} & {*kept}
    assert series_ids(loaded) == 4


def test_vectors_are_as_long_as_those_of_tokens():
    loaded = with_prefix("biogpt")
    table = loaded.bare.get_input_embeddings()
    vectors = table(torch.tensor([show(loaded, FIRST)]))
    usual = table(torch.arange(table.num_embeddings)).square().mean().sqrt()
    sizes = vectors.square().mean(-1).sqrt().flatten().tolist()
    assert sizes == pytest.approx([usual.item()] * 4, rel=1e-2)


def test_padding_and_a_shift_of_the_clock_change_no_vector():
    """Hours count from any moment, and a series is what it is beside a longer one."""
    prefix = SeriesPrefix(
        Scales(("a", "b"), (1.0, 2.0), (2.0, 1.0), span=3.0, times=2.0), vectors=3, width=8
    )
    values = torch.tensor([[[1.0, torch.nan], [torch.nan, 4.0], [3.0, 2.0]]])
    hours = torch.tensor([[0.0, 2.0, 30.0]])
    alone = prefix(values, hours, torch.zeros(1, 3, dtype=torch.bool))
    assert torch.allclose(
        prefix(values, hours + 100, torch.zeros(1, 3, dtype=torch.bool)), alone, atol=1e-5
    )
    longer = torch.cat([values, torch.full((1, 2, 2), 7.0)], 1)
    later = torch.cat([hours, torch.zeros(1, 2)], 1)
    padding = torch.tensor([[False, False, False, True, True]])
    assert torch.allclose(prefix(longer, later, padding), alone, atol=1e-5)
    moved = prefix(values, torch.tensor([[0.0, 20.0, 30.0]]), torch.zeros(1, 3, dtype=torch.bool))
    assert not torch.allclose(moved, alone, atol=1e-3)


@pytest.mark.parametrize(("kind", "adapter"), [("gpt2", "none"), ("t5", "lora")])
def test_the_gradient_reaches_the_prefix_and_not_the_frozen_base(kind, adapter):
    loaded = with_prefix(kind, adapter=adapter)
    items = [Tokens([*show(loaded, one), 10, 11], [14, 2]) for one in (FIRST, SECOND)]
    predict(loaded.model, batch_of(loaded, [[it] for it in items])).square().sum().backward()
    reached = {n for n, w in loaded.model.named_parameters() if w.grad is not None}
    own = {name for name in reached if ".series." in name}
    assert all(weight.grad is not None for weight in prefix_of(loaded).parameters())
    assert all("lora_" in name for name in reached - own)
    assert bool(reached - own) == (adapter == "lora")
    assert not any("lora_" in name for name in own)


@pytest.mark.parametrize(("kind", "adapter"), [("llama", "none"), ("t5", "lora"), ("gpt2", "lora")])
def test_what_was_saved_says_the_same(kind, adapter, tmp_path):
    base = model_of(kind)
    with quiet_libraries():
        base.model.save_pretrained(tmp_path / "base")
    base.tokenizer.save_pretrained(tmp_path / "base")
    base = load_base(ModelSettings(base=str(tmp_path / "base")))
    loaded = add_prefix(base, scales_of([FIRST, SECOND]), vectors=4, seed=1)
    loaded = attach(loaded, ModelSettings(adapter=adapter, lora_rank=2), seed=0)
    with torch.no_grad():
        for weight in loaded.model.parameters():
            if weight.requires_grad:
                weight.add_(0.05)
    save_tuned(loaded, tmp_path / "tuned")
    again = load_tuned(tmp_path / "tuned")
    assert torch.equal(saying(again, FIRST), saying(loaded, FIRST))
    assert not (tmp_path / "tuned" / "model.safetensors").exists()
    with pytest.raises(UserError, match=r"as a base it would be without.*\nSet model.base to"):
        load_base(ModelSettings(base=str(tmp_path / "tuned")))


def test_an_example_is_read_as_text_or_as_vectors():
    example, base, loaded = example_of(SECOND.text), tiny_model("llama"), with_prefix()
    as_text = tokens_of_example(base, example, "dolor")
    as_vectors = tokens_of_example(loaded, example, "dolor")
    assert "glucose 0:198" in base.tokenizer.decode(as_text.prompt)
    assert as_vectors.prompt[:4] == show(loaded, SECOND)
    assert "glucose" not in loaded.tokenizer.decode(as_vectors.prompt[4:])
    assert as_vectors.completion == as_text.completion


def test_what_cannot_be_read_is_refused():
    loaded = with_prefix()
    with pytest.raises(DataRefused, match=r"holds weight, and the model reads glucose"):
        show(loaded, Measurements.of_text("weight 0:70"))
    with pytest.raises(DataRefused, match=r"'glucose high' is not written as .*\nWrite a line"):
        tokens_of_example(loaded, example_of("glucose high"), "dolor")
    with pytest.raises(UserError, match=r"was not trained to read a series"):
        show(tiny_model("llama"), FIRST)
    with pytest.raises(UserError, match=r"reads a series already, as 4 vectors"):
        add_prefix(loaded, scales_of([FIRST]), vectors=2, seed=0)
    with pytest.raises(DataRefused, match=r"1 of 2 training examples have no series"):
        scales_of_examples([example_of(FIRST.text), example_of("")])
    with pytest.raises(DataRefused, match=r"of 0 series none holds a number"):
        scales_of([])


def test_scales_are_those_of_the_numbers():
    scales = scales_of([Measurements.of_text("b 0:1 2:3"), Measurements.of_text("a 0:5\nb 6:2")])
    assert scales.variables == ("a", "b")
    assert scales.mean == (5.0, 2.0)
    assert scales.deviation == (1.0, pytest.approx((2 / 3) ** 0.5))
    assert (scales.span, scales.times) == (4.0, 2.0)
