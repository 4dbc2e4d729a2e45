"""What must be exact: no output moves when later tokens do, and generation is what the model says.

Axes: b rows, t tokens, v vocabulary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from benchmarks import report
from cauce.models.foundation import (
    FoundationCache,
    LiquidFoundationConfig,
    LiquidFoundationForCausalLM,
)

if TYPE_CHECKING:
    from jaxtyping import Int

VOCABULARY, TOKENS = 512, 300

SMALL: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "intermediate_size": 96,
    "window": 32,
    "initializer_range": 0.1,
    "output_initializer_range": 0.1,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": 2,
}

PARTS: dict[str, dict[str, Any]] = {
    "convolution": {"mixers": ["convolution"] * 3},
    "window": {"mixers": ["attention"] * 2},
    "full attention": {"mixers": ["attention"] * 2, "window": None},
    "differential attention": {"mixers": ["attention"] * 2, "differential": True},
    "deformable convolution": {"mixers": ["deformable"] * 2},
    "RG-LRU": {"mixers": ["memory"] * 2, "memory": "lru"},
    "LSTM": {"mixers": ["memory"] * 2, "memory": "lstm"},
    "CfC": {"mixers": ["memory"] * 2, "memory": "cfc"},
    "experts": {"expert_layers": [1, 3]},
    "experts by confidence": {"expert_layers": [1, 3], "expert_confidence": 0.4},
    "liquid embedding": {"embedding_kernel": 4},
    "compression": {"compressed_layers": [1, 4]},
    "all of them": {
        "mixers": ["convolution", "deformable", "attention", "memory", "attention"],
        "expert_layers": [2, 4],
        "embedding_kernel": 4,
        "compressed_layers": [1, 4],
        "differential": True,
    },
}


def exactness() -> None:
    """Changes by later tokens (0), generation with a cache (the same tokens), packing (1e-5)."""
    for name, options in PARTS.items():
        torch.manual_seed(0)
        model = LiquidFoundationForCausalLM(LiquidFoundationConfig(**{**SMALL, **options}))
        report(f"{name}: largest change when later tokens change", _change(model), 0.0)
        report(f"{name}: tokens that differ with a cache", _differing_tokens(model), 0.0)
        report(f"{name}: packed against alone", _packed_difference(model), 1e-5)


def _ids(rows: int, tokens: int, *, seed: int) -> Int[Tensor, "b t"]:
    return torch.randint(3, VOCABULARY, (rows, tokens), generator=torch.manual_seed(seed))


@torch.no_grad()
def _change(model: LiquidFoundationForCausalLM) -> float:
    """Over training and evaluation, at places spread over the row."""
    worst = 0.0
    ids = _ids(2, TOKENS, seed=1)
    for is_training in (True, False):
        model.train(is_training)
        before = model(ids, use_cache=False).logits
        for place in range(1, TOKENS, 23):
            changed = torch.cat((ids[:, :place], _ids(2, TOKENS - place, seed=place + 9)), 1)
            after = model(changed, use_cache=False).logits
            worst = max(worst, (after[:, :place] - before[:, :place]).abs().max().item())
    return worst


@torch.no_grad()
def _differing_tokens(model: LiquidFoundationForCausalLM) -> int:
    """Of greedy and beam search over rows of two lengths, padded on the left."""
    model.eval()
    prompts = _ids(2, 40, seed=2)
    prompts[0, :15] = 2
    mask = (prompts != 2).long()
    differing = 0
    for beams in (1, 3):
        options: dict[str, Any] = {"num_beams": beams, "max_new_tokens": 40, "do_sample": False}
        cached, plain = (
            model.generate(prompts, attention_mask=mask, use_cache=use_cache, **options)
            for use_cache in (True, False)
        )
        same = cached.shape == plain.shape
        differing += int((cached != plain).sum()) if same else cached.numel()
    return differing


@torch.no_grad()
def _packed_difference(model: LiquidFoundationForCausalLM) -> float:
    """As a share of the largest logit, and the last step token by token with it."""
    model.eval()
    documents = [_ids(1, count, seed=count) for count in (70, 3, 41)]
    positions = torch.cat([torch.arange(ids.shape[1]) for ids in documents])[None]
    packed = model(torch.cat(documents, 1), position_ids=positions, use_cache=False).logits
    alone = torch.cat([model(ids, use_cache=False).logits for ids in documents], 1)
    cache = FoundationCache()
    steps = [
        model(documents[0][:, place : place + 1], past_key_values=cache).logits
        for place in range(documents[0].shape[1])
    ]
    by_steps = (torch.cat(steps, 1) - alone[:, : len(steps)]).abs().max()
    return float(torch.maximum((packed - alone).abs().max(), by_steps) / alone.abs().max())
