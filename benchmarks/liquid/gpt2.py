"""Liquid layers in the shape of GPT-2 small: a training step, and a block beside its MLP.

    python -m benchmarks.liquid.gpt2 '{"rows": 2, "time": 256}'

takes the training step in a process of its own, whose peak memory nothing else has raised.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

from benchmarks import report
from benchmarks.liquid.measure import Size, inputs_of, least_cpu_s, pass_of
from benchmarks.training.contenders import peak_mb

PEAK_BAR_MB = 3000
BLOCK_BAR = 0.35

BLOCK = Size(4, 256, 768, 768)


def gpt2(shape: dict[str, Any] | None = None, block: Size = BLOCK) -> None:
    """All 12 MLPs of GPT-2 small as LTC-FC(768), a training step; a CfC block beside an MLP."""
    _block_beside_mlp(block)
    shape = {"rows": 2, "time": 256, **(shape or {})}
    command = [sys.executable, "-m", "benchmarks.liquid.gpt2", json.dumps(shape)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the training step of {shape} failed:\n{done.stderr[-3000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    metric = f"GPT-2 small, 12 x LTC-FC, B={shape['rows']}, T={shape['time']}"
    report(f"{metric}: millions of weights, all trained", found["weights"] / 1e6, None)
    report(f"{metric}: peak MB, forward and backward", found["backward_mb"], PEAK_BAR_MB)
    report(f"{metric}: peak MB, with a step of SGD", found["step_mb"], PEAK_BAR_MB)
    for name in ("forward", "backward"):
        report(f"{metric}: CPU s, {name}", found[f"{name}_s"], None)


def _block_beside_mlp(size: Size) -> None:
    """Each as it stands in the model, without dropout, its input having a gradient."""
    from transformers import GPT2Config
    from transformers.models.gpt2.modeling_gpt2 import GPT2MLP

    from cauce.models.liquid.transplant.block import make_block
    from cauce.models.settings import LiquidSettings

    width = size.inputs
    mlp = GPT2MLP(4 * width, GPT2Config(n_embd=width)).eval()
    layers = {
        "GPT-2 MLP": mlp,
        "CfC block": make_block(0, width, LiquidSettings(backbone_units=128)),
        "WiredCfC block": make_block(0, width, LiquidSettings(wiring="ncp")),
    }
    x = inputs_of(size)
    spent = least_cpu_s({name: pass_of(part, x) for name, part in layers.items()}, rounds=6)
    for name, seconds in spent.items():
        report(f"{name}, {size.rows} x {size.time} tokens of {width}: CPU ms", 1e3 * seconds, None)
    share = spent["CfC block"] / spent["GPT-2 MLP"]
    report("CfC block over the GPT-2 MLP it replaces, CPU time", share, BLOCK_BAR)
    share = spent["WiredCfC block"] / spent["GPT-2 MLP"]
    report("WiredCfC block over the GPT-2 MLP it replaces, CPU time", share, None)


def train_once(shape: dict[str, Any]) -> dict[str, float]:
    """A step of a model with random weights; `shape` has rows, time and fields of GPT2Config."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    from cauce.models.liquid.transplant import liquidize

    rows, tokens = shape.pop("rows"), shape.pop("time")
    torch.manual_seed(0)
    config = GPT2Config(**shape)
    model = liquidize(GPT2LMHeadModel(config), cell="ltc").train()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    ids = torch.randint(0, config.vocab_size, (rows, tokens))
    start = time.process_time()
    loss = model(input_ids=ids, labels=ids, use_cache=False).loss
    middle = time.process_time()
    loss.backward()
    end, backward_mb = time.process_time(), peak_mb()
    optimizer.step()
    weights = list(model.parameters())
    if not all(weight.grad is not None and weight.grad.isfinite().all() for weight in weights):
        raise RuntimeError("a weight has no finite gradient")
    return {
        "weights": sum(weight.numel() for weight in weights),
        "forward_s": middle - start,
        "backward_s": end - middle,
        "backward_mb": backward_mb,
        "step_mb": peak_mb(),
    }


if __name__ == "__main__":
    print(json.dumps(train_once(json.loads(sys.argv[1]))))
