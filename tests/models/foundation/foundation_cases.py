"""Small Liquid Foundation models, one for each part that can be switched on."""

from __future__ import annotations

from typing import Any

import torch

from cauce.models.foundation import (
    LiquidFoundationConfig,
    LiquidFoundationForCausalLM,
    LiquidFoundationForConditionalGeneration,
)

VOCABULARY = 97

PARTS: dict[str, dict[str, Any]] = {
    "default": {},
    "plain": {"token_values": False, "shortcuts": False, "tie_word_embeddings": True},
    "full attention": {"window": None, "mixers": ["attention", "attention"]},
    "differential": {"differential": True},
    "deformable": {"mixers": ["deformable", "attention"]},
    "lru": {"mixers": ["memory", "attention"], "memory": "lru"},
    "lstm": {"mixers": ["memory", "attention"], "memory": "lstm"},
    "cfc": {"mixers": ["memory", "attention"], "memory": "cfc"},
    "experts": {"expert_layers": [1], "num_experts": 4, "feed_forward": "relu2"},
    "confident experts": {
        "expert_layers": [0, 2],
        "expert_confidence": 0.4,
        "router_z_weight": 1e-3,
    },
    "liquid embedding": {"embedding_kernel": 3},
    "compressed": {"compressed_layers": [1, 2], "reconstruction_weight": 0.1},
    "all at once": {
        "mixers": ["convolution", "deformable", "attention", "memory", "attention"],
        "embedding_kernel": 2,
        "compressed_layers": [1, 4],
        "expert_layers": [2, 4],
        "differential": True,
    },
}


def make_config(part: str = "default", **options: Any) -> LiquidFoundationConfig:
    """A configuration of a few thousand weights with that part."""
    chosen: dict[str, Any] = {
        "vocab_size": VOCABULARY,
        "hidden_size": 32,
        "intermediate_size": 48,
        "mixers": ["convolution", "attention", "convolution"],
        "window": 6,
        "initializer_range": 0.2,
        "output_initializer_range": 0.2,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "pad_token_id": 2,
    }
    return LiquidFoundationConfig(**{**chosen, **PARTS[part], **options})


def make_model(part: str = "default", **options: Any) -> LiquidFoundationForCausalLM:
    """An untrained model with that part; two of them are equal."""
    torch.manual_seed(0)
    return LiquidFoundationForCausalLM(make_config(part, **options)).eval()


def make_encoder_decoder(**options: Any) -> LiquidFoundationForConditionalGeneration:
    """An untrained encoder-decoder; two of them are equal."""
    torch.manual_seed(0)
    config = make_config(
        encoder_mixers=["convolution", "attention"], decoder_start_token_id=2, **options
    )
    return LiquidFoundationForConditionalGeneration(config).eval()
