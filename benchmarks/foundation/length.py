"""What length costs: attention over long rows, and a token after a long context."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import Tensor
from transformers import LlamaForCausalLM, PreTrainedModel
from transformers.models.llama import LlamaConfig

from benchmarks import report
from benchmarks.foundation.race import PEERS
from benchmarks.liquid.measure import Pass, least_cpu_s
from cauce.models.foundation import LiquidFoundationConfig, LiquidFoundationForCausalLM
from cauce.models.foundation.attention import WindowAttention
from cauce.models.foundation.places import places_of

LENGTHS = (1024, 2048, 4096, 8192)
GROWTH_BAR = 8.8

CONTEXTS = (256, 4096)
DECODED, ROUNDS = 64, 5


def attention() -> None:
    """Forward and backward of one layer over 1k to 8k tokens, with a window and without."""
    growth = {}
    for name, window in (("window of 128", 128), ("full attention", None)):
        passes = {f"{name}, {length} tokens": _pass(window, length) for length in LENGTHS}
        spent = least_cpu_s(passes, rounds=3)
        for place, seconds in spent.items():
            report(f"{place}: CPU ms", 1e3 * seconds, None)
        times = list(spent.values())
        growth[name] = times[-1] / times[0]
    report("window: time at 8k over that at 1k", growth["window of 128"], GROWTH_BAR)
    report("full attention: time at 8k over that at 1k", growth["full attention"], None)


def decoding() -> None:
    """Tokens a CPU second after 256 and 4,096 tokens, beside transformers' Llama."""
    peer = LlamaConfig(vocab_size=4096, tie_word_embeddings=True, **PEERS["llama"][1])
    peer.max_position_embeddings = 8192
    models: dict[str, PreTrainedModel] = {
        "ours": LiquidFoundationForCausalLM(LiquidFoundationConfig()),
        "Llama": LlamaForCausalLM(peer),
    }
    rates: dict[tuple[str, int], float] = dict.fromkeys(
        ((name, context) for name in models for context in CONTEXTS), 0.0
    )
    for _ in range(ROUNDS):
        for name, context in rates:
            rate = _tokens_per_cpu_s(models[name].eval(), context)
            rates[name, context] = max(rates[name, context], rate)
    for (name, context), rate in rates.items():
        report(f"{name} after {context} tokens: tokens a CPU second", rate, None, "higher")
    short, long = (rates["ours", context] for context in CONTEXTS)
    report("ours at 4k over ours at 256", long / short, 0.9, "higher")
    report("ours at 4k over Llama at 4k", long / rates["Llama", 4096], 1.5, "higher")


def _pass(window: int | None, length: int) -> Pass:
    config = LiquidFoundationConfig(window=window, token_values=False)
    config._attn_implementation = "sdpa"
    layer = WindowAttention(config)
    hidden = torch.randn(1, length, config.hidden_size, requires_grad=True)

    def run() -> None:
        layer.zero_grad(set_to_none=True)
        layer(hidden, places_of(1, length, hidden.device)).sum().backward()

    return run


@torch.inference_mode()
def _tokens_per_cpu_s(model: Any, context: int) -> float:
    """After a context of random tokens, greedily."""
    output = model(torch.randint(3, 4096, (1, context)), use_cache=True)
    token = _likeliest(output.logits)
    start = 0.0
    for number in range(DECODED + 4):
        if number == 4:
            start = time.process_time()
        output = model(token, past_key_values=output.past_key_values, use_cache=True)
        token = _likeliest(output.logits)
    return DECODED / (time.process_time() - start)


def _likeliest(logits: Tensor) -> Tensor:
    return logits[:, -1:].argmax(-1)
