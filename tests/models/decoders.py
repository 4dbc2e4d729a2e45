"""Tiny decoders with every kind of cache, whose logits are spread out so that no tokens tie."""

from __future__ import annotations

from typing import Any

import torch
from transformers import Lfm2Config, Lfm2ForCausalLM, MistralConfig, MistralForCausalLM

from cauce.models.liquid.transplant.liquidize import liquidize
from cauce.models.loading import LoadedModel, assemble
from cauce.models.new import new_model
from cauce.models.settings import NewModelSettings
from models.tiny import TEXT, tiny_decoder, tiny_model

SPREAD_SEED = 11
"""Of draws after which no two likeliest tokens come within a thousandth of each other."""
CACHES = ("gpt2", "biogpt", "window", "lfm2", "liquid", "foundation", "growing", "chunks")
FOUNDATION: dict[str, dict[str, Any]] = {
    "foundation": {"mixers": ["convolution", "attention", "memory"], "window": 8},
    "growing": {"mixers": ["deformable", "attention"], "window": None},
    "chunks": {
        "mixers": ["convolution", "attention", "attention"],
        "window": 8,
        "compressed_layers": [1, 2],
    },
}


def decoder_with(cache: str) -> LoadedModel:
    """A decoder with that kind of cache, or the model that `tiny_model` makes."""
    torch.manual_seed(7)
    loaded = _made(cache)
    torch.manual_seed(SPREAD_SEED)
    with torch.no_grad():
        for weight in loaded.model.parameters():
            if weight.ndim == 2:
                weight.add_(0.2 * torch.randn_like(weight))
    return loaded


def _made(cache: str) -> LoadedModel:
    if cache in FOUNDATION:
        return _foundation(FOUNDATION[cache])
    if cache == "lfm2":
        return _of_transformers(Lfm2Config, Lfm2ForCausalLM, layer_types=["conv", "full_attention"])
    if cache == "window":
        return _of_transformers(MistralConfig, MistralForCausalLM, sliding_window=8)
    if cache == "liquid":
        loaded = tiny_decoder("llama")
        liquidize(loaded.bare, backbone_units=8)
        return loaded
    return tiny_model(cache)


def _of_transformers(config: Any, model: Any, **options: Any) -> LoadedModel:
    tokenizer = tiny_decoder("llama").tokenizer
    shape = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    return assemble(model(config(**shape, **options)), tokenizer, name=model.__name__)


def _foundation(config: dict[str, Any]) -> LoadedModel:
    shape = {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
    }
    settings = NewModelSettings(
        architecture="liquid_foundation", vocabulary=300, config={**shape, **config}
    )
    return new_model(settings, seed=0, texts=[" ".join(TEXT) * 9])
