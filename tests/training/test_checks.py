from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from cauce.corpus.tokens import Tokens
from cauce.errors import LeakageFound, TrainingRefused
from cauce.models.adapters import attach
from cauce.models.settings import ModelSettings
from cauce.training import checks
from cauce.training.checks import probe, refuse_unchanged, refuse_untrainable
from cauce.training.settings import TrainingSettings
from models.tiny import tiny_decoder, tiny_model
from training.examples import chats

SETTINGS = TrainingSettings(batch_size=2)


@pytest.mark.parametrize("kind", ["gpt2", "biogpt", "t5"])
@pytest.mark.parametrize("adapter", ["none", "lora"])
def test_an_ordinary_training_passes_and_leaves_no_gradient(kind, adapter):
    loaded = attach(tiny_model(kind), ModelSettings(adapter=adapter), seed=0)
    items = chats(loaded, 4)
    refuse_untrainable(loaded, items[:3], items[3:], SETTINGS)
    assert all(weight.grad is None for weight in loaded.model.parameters())


def test_no_training_example():
    with pytest.raises(TrainingRefused, match="no training example"):
        refuse_untrainable(tiny_decoder("gpt2"), [], [], SETTINGS)


def test_patience_without_validation():
    loaded = tiny_decoder("gpt2")
    patient = TrainingSettings(patience=3)
    with pytest.raises(TrainingRefused, match=r"patience is 3 .*\n.*patience=0"):
        refuse_untrainable(loaded, chats(loaded, 2), [], patient)


@pytest.mark.parametrize("split", ["training", "validation"])
def test_zero_supervised_tokens(split):
    loaded = tiny_decoder("gpt2")
    good, bad = chats(loaded, 2), [*chats(loaded, 2), Tokens([5, 6], [])]
    train, validation = (bad, good) if split == "training" else (good, bad)
    with pytest.raises(
        TrainingRefused, match=f"1 of 3 {split} .* zero supervised tokens.*number 2"
    ):
        refuse_untrainable(loaded, train, validation, SETTINGS)


def test_an_example_longer_than_the_model_reads():
    loaded = tiny_decoder("gpt2")
    items = [*chats(loaded, 2), Tokens([5] * 512, [2])]
    with pytest.raises(
        TrainingRefused, match=r"number 2 has 513 tokens; it reads 512.\n.*max_tokens"
    ):
        refuse_untrainable(loaded, items, [], SETTINGS)


@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_an_unsupervised_end_token(kind):
    loaded = tiny_model(kind)
    items = [Tokens(item.prompt, item.completion[:-1]) for item in chats(loaded, 2)]
    with pytest.raises(TrainingRefused, match=r"2 of 2 training .* end token.*\n.*tokenize"):
        refuse_untrainable(loaded, items, [], SETTINGS)


def test_a_collator_that_masks_the_end_token_as_padding(monkeypatch):
    collate = checks.collate

    def masks_padding(rows, **options):
        batch = collate(rows, **options)
        return replace(batch, targets=batch.targets.masked_fill(batch.targets == pad_id, -100))

    loaded = tiny_decoder("gpt2")
    pad_id = loaded.pad_id
    monkeypatch.setattr(checks, "collate", masks_padding)
    with pytest.raises(TrainingRefused, match="end token, would not be supervised"):
        refuse_untrainable(loaded, chats(loaded, 2), [], SETTINGS)


@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_a_tokenizer_larger_than_the_embedding(kind):
    loaded = tiny_model(kind)
    loaded.tokenizer.add_tokens(["ibuprofeno"])
    with pytest.raises(
        TrainingRefused,
        match=r"goes up to token 384, 'ibuprofeno'.*for 384 tokens\.\n.*resize_token_embeddings",
    ):
        refuse_untrainable(loaded, chats(tiny_model(kind), 2), [], SETTINGS)


@pytest.mark.parametrize("split", ["training", "validation"])
@pytest.mark.parametrize("token", [384, -1])
def test_a_token_outside_the_embedding(split, token):
    loaded = tiny_decoder("gpt2")
    items = chats(loaded, 3)
    good, bad = items[:2], [Tokens([token, *items[2].prompt], items[2].completion)]
    train, validation = (bad, good) if split == "training" else (good, bad)
    with pytest.raises(
        TrainingRefused, match=rf"{split} example 0 holds token {token};.* 0 to 383.*\n.*prepare"
    ):
        refuse_untrainable(loaded, train, validation, SETTINGS)


def test_a_validation_example_that_is_trained(tmp_path):
    from cauce.training.loop import train

    loaded = tiny_decoder("gpt2")
    items = chats(loaded, 5)
    with pytest.raises(
        LeakageFound, match=r"1 of 2 validation .*exact copy of training example 3, which ends '"
    ):
        train(loaded, items[:4], items[3:], SETTINGS, tmp_path, seed=0, progress=print)
    assert not list(tmp_path.iterdir())


def test_a_document_without_a_prompt_passes():
    """Nothing precedes its first token, which is therefore no target."""
    loaded = tiny_decoder("gpt2")
    items = [Tokens([], item.prompt + item.completion) for item in chats(loaded, 2)]
    refuse_untrainable(loaded, items, [], SETTINGS)


def test_a_frozen_model():
    loaded = tiny_decoder("gpt2")
    for weight in loaded.model.parameters():
        weight.requires_grad_(False)
    with pytest.raises(TrainingRefused, match=r"no trainable parameter.*\n.*attach"):
        refuse_untrainable(loaded, chats(loaded, 2), [], SETTINGS)


def test_an_adapter_that_is_not_wired_into_the_model():
    loaded = attach(tiny_decoder("llama"), ModelSettings(adapter="lora"), seed=0)
    loaded.model.disable_adapter_layers()
    for name, weight in loaded.model.named_parameters():
        weight.requires_grad_("lora_" in name)
    loaded.model.get_input_embeddings().weight.requires_grad_(False)
    loaded.model.base_model.model.model.embed_tokens.register_forward_hook(
        lambda layer, inputs, output: output.requires_grad_(True)
    )
    with pytest.raises(
        TrainingRefused, match=r"gets a gradient.*changes nothing.*\n.*lora_targets"
    ):
        refuse_untrainable(loaded, chats(loaded, 2), [], SETTINGS)


def test_a_training_without_effect():
    loaded = tiny_decoder("gpt2")
    [item] = chats(loaded, 1)
    before = probe(loaded, item)
    with pytest.raises(TrainingRefused, match="bit for bit"):
        refuse_unchanged(before, probe(loaded, item))
    with torch.no_grad():
        next(iter(loaded.model.parameters())).add_(0.01)
    refuse_unchanged(before, probe(loaded, item))
