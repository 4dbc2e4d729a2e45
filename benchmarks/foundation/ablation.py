"""Each part on and off: the same number of weights, the same CPU time, three seeds."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any, NamedTuple

import torch
from scipy.stats import t as student

from benchmarks import report
from benchmarks.foundation.race import Run, ours, race
from benchmarks.training.measure import say
from cauce.models.foundation import LiquidFoundationConfig, LiquidFoundationForCausalLM

VARIANTS: dict[str, dict[str, Any]] = {
    "SwiGLU": {"feed_forward": "swiglu"},
    "tied embeddings": {"tie_word_embeddings": True},
    "no values of tokens": {"token_values": False},
    "no shortcuts": {"shortcuts": False},
    "embedding scale 1": {"embedding_scale": 1.0},
    "parts begin as other matrices": {"output_initializer_range": 0.02},
    "no norm of queries and keys": {"qk_norm": False},
    "full attention": {"window": None},
    "attention alone, no values of tokens": {"mixers": ["attention"] * 5, "token_values": False},
    "convolution alone": {"mixers": ["convolution"] * 5},
    "kernel 5": {"conv_kernel": 5},
    "differential attention": {"differential": True},
    "deformable convolution": {
        "mixers": ["deformable", "deformable", "attention", "deformable", "attention"]
    },
    "memory: RG-LRU": {"mixers": ["memory", "memory", "attention", "memory", "attention"]},
    "memory: RG-LRU in the middle": {
        "mixers": ["convolution", "convolution", "attention", "memory", "attention"]
    },
    "memory: LSTM": {
        "mixers": ["convolution", "convolution", "attention", "memory", "attention"],
        "memory": "lstm",
    },
    "memory: CfC": {
        "mixers": ["convolution", "convolution", "attention", "memory", "attention"],
        "memory": "cfc",
    },
    "experts, 8 of which 2": {"expert_layers": [1, 3]},
    "experts by confidence": {"expert_layers": [1, 3], "expert_confidence": 0.4},
    "liquid embedding": {"embedding_kernel": 3},
    "compression": {"compressed_layers": [1, 4], "compression_ratio": 1.5},
    "compression and reconstruction": {
        "compressed_layers": [1, 4],
        "compression_ratio": 1.5,
        "reconstruction_weight": 0.03,
    },
}
"""What is changed from the default."""

FOCAL = "focal loss, gamma 1"

SEEDS = (0, 1, 2)
PROBE_STEPS = 12
PROBE_SEED = 9
WEIGHTS_STEP = 8
"""Hidden widths are multiples of it."""


CPU_S = 180.0
"""What the updates of every variant may take, with the optimizer that is best for all."""

OPTIMIZER: dict[str, Any] = {"optimizer": "muon", "lr": 4e-3, "muon_lr": 0.02}


class Difference(NamedTuple):
    """A variant's loss less the default's, over seeds."""

    mean: float
    low: float
    high: float


def ablation(work: Path, *, at_once: int) -> None:
    """Validation loss of each variant less that of the default, in nats; below 0 is better."""
    variants = {"default": {}, **VARIANTS, FOCAL: {}}
    configs = {name: of_equal_weights(config) for name, config in variants.items()}
    default_s, shares = _times(configs, work)
    steps = {name: round(CPU_S / (default_s * share)) for name, share in shares.items()}
    runs = [_run(n, configs[n], steps[n], seed=s) for n in variants for s in SEEDS]
    results = race(runs, work, at_once=at_once)
    losses: dict[str, list[float]] = {name: [] for name in variants}
    for run, result in zip(runs, results, strict=True):
        losses[run.contender].append(result.loss)
    for name, found in losses.items():
        say(f"{name}: {steps[name]} steps, {found}")
        paired = difference(found, losses["default"])
        metric = f"{name}: {steps[name]} steps, nats against the default"
        report(f"{metric}, from {paired.low:+.3f} to {paired.high:+.3f}", paired.mean, None)


def _times(configs: dict[str, dict[str, Any]], work: Path) -> tuple[float, dict[str, float]]:
    """CPU seconds of the default's update, and every variant's as a share of it.

    Each is tried right after the default: a machine that is busy for a while slows both.
    """
    default_s, shares = list[float](), {}
    for number, (name, config) in enumerate(configs.items()):
        seed = PROBE_SEED + number
        tried = {"default": configs["default"], name: config}
        found = race([_run(n, c, PROBE_STEPS, seed=seed) for n, c in tried.items()], work)
        default_s.append(found[0].cpu_s / PROBE_STEPS)
        shares[name] = found[-1].cpu_s / found[0].cpu_s
    return statistics.median(default_s), shares


def difference(found: list[float], base: list[float]) -> Difference:
    """The mean of the paired differences, with its 95 % interval by Student's t."""
    each = [mine - its for mine, its in zip(found, base, strict=True)]
    mean = statistics.fmean(each)
    error = statistics.stdev(each) / len(each) ** 0.5 * student.ppf(0.975, len(each) - 1)
    return Difference(mean, mean - error, mean + error)


def of_equal_weights(config: dict[str, Any]) -> dict[str, Any]:
    """The config with the hidden width at which it has the weights of the default, or 1 % fewer.

    A step of the width is 0.4 % of them, with experts in two blocks 0.9 %.
    """
    wanted = _weights({})
    width = 0
    while _weights({**config, "intermediate_size": width + WEIGHTS_STEP}) <= wanted:
        width += WEIGHTS_STEP
    return {**config, "intermediate_size": width}


def _weights(config: dict[str, Any]) -> int:
    with torch.device("meta"):
        model = LiquidFoundationForCausalLM(LiquidFoundationConfig(**config))
    return sum(weight.numel() for weight in model.parameters())


def _run(name: str, config: dict[str, Any], steps: int, *, seed: int) -> Run:
    gamma = 1.0 if name == FOCAL else 0.0
    return ours(name, config, focal_gamma=gamma, steps=steps, seed=seed, **OPTIMIZER)
